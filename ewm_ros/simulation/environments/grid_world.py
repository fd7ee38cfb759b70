"""The grid world of C. Hill, F. Mant and S. Thangavel, "Communicating Plans, Not Percepts" (arXiv 2508.02912).

Agents with a partial view have to end on different goals, with or without a channel for messages. The paper gives the
sizes, the view and the rewards (+1.0, -0.10, -0.01); these rules it does not give, and they are assumed here:

- an action is one of stay, north, east, south, west; all agents move at once, a move off the grid is a stay, agents do
  not block each other;
- starts and goals are drawn evenly, all on cells of their own;
- the episode ends when all agents are on goals and no two on the same; agents that meet on a goal pay and play on;
- an episode is cut off after size x size steps;
- an agent sees the square of cells up to `vision` steps away, diagonals too, and knows its place and the time;
- a message is said along with a move and heard by all others with the next observation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.utils import EzPickle
from numpy.typing import NDArray
from pettingzoo import AECEnv

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.simulation.environments.grid_pictures import Cells, grid_picture, grid_text
from ewm_ros.simulation.environments.zoo import Array32, Results, ZooEnv, sequential

MOVES = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))  # cells x, y: stay, north, east, south, west
SUCCESS = 1.0
SHARED_GOAL = -0.10
STEP_COST = -0.01
TRIES = 1000  # draws of the goals

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class GridRules:
    """The sizes of one grid world.

    Attributes:
        size: cells along each side.
        agents: and as many goals.
        vision: cells that an agent sees in each direction.
        message: symbols of each component of a message; () for none, (2,) for one bit.
        steps: after which an episode is cut off.
        goals_apart: the least distance between two goals, in cells along x or y, whichever is larger.
    """

    size: int
    agents: int
    vision: int
    message: tuple[int, ...]
    steps: int
    goals_apart: int

    def __post_init__(self) -> None:
        least = {"size": 2, "agents": 2, "vision": 1, "steps": 1, "goals_apart": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise InputError(f"{name} of a grid world must be {smallest} or more, not {getattr(self, name)}")
        if 2 * self.agents > self.size**2:
            raise InputError(f"a grid of {self.size} x {self.size} has no room for {self.agents} agents and goals")
        if any(symbols < 2 for symbols in self.message):
            raise InputError(f"each component of a message needs 2 symbols or more, not {self.message}")

    @property
    def window(self) -> tuple[int, int, int]:
        """Shape of what an agent sees: channels (off the grid, goal, share of the others), rows from south, columns."""
        side = 2 * self.vision + 1
        return (3, side, side)

    @property
    def heard(self) -> int:
        """Numbers that an agent hears: one-hot symbols of each other agent."""
        return (self.agents - 1) * sum(self.message)

    def window_of(self, observation: Array32) -> Array32:
        """The window in an observation."""
        return observation[: math.prod(self.window)].reshape(self.window)

    def place_in(self, observation: Array32) -> Cell:
        """The agent's own cell in an observation."""
        x, y = observation[math.prod(self.window) :][:2] * (self.size - 1)
        return round(float(x)), round(float(y))


class GridWorld(ZooEnv, EzPickle):
    """See the top of this file for the rules, and docs/environments.md for the tables.

    Observation: float32 in [0, 1]: the window (GridRules.window, flattened), the own place x, y (/ (size - 1)), the
    share of the time that is left, and what each other agent said in the last step, one-hot, in the order of indices
    from the next higher one round to the next lower; zeros before anybody has spoken.

    Action: a move (an index of MOVES); with messages a move and the symbol of each component.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "ewm_grid_v0",
        "render_modes": ["human", "rgb_array", "ansi"],
        "render_fps": 5,
        "is_parallelizable": True,
    }

    def __init__(self, rules: GridRules, seed: int = 0, render_mode: str | None = None) -> None:
        EzPickle.__init__(self, rules, seed, render_mode)
        ZooEnv.__init__(self, [f"agent_{i}" for i in range(rules.agents)], seed, render_mode)
        self.rules = rules
        space = (math.prod(rules.window) + 3 + rules.heard,)
        for agent in self.possible_agents:
            self._observation_spaces[agent] = Box(0.0, 1.0, space, np.float32)
            self._action_spaces[agent] = (
                MultiDiscrete([len(MOVES), *rules.message]) if rules.message else Discrete(len(MOVES))
            )
        self.state_space = Box(0.0, 1.0, (4 * rules.agents + 1 + rules.agents * sum(rules.message),), np.float32)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array32], dict[str, dict[str, Any]]]:
        """Start an episode; `options` has no meaning here.

        Args:
            seed: decides starts and goals; without it the n-th episode's seed follows from the environment's.

        Raises:
            InputError: no goals so far apart were found.
        """
        self._begin_episode(seed)
        rules, rng = self.rules, stream(self.episode_seed, 0, "grid")
        self._goals = self._draw_goals(rng)
        free = np.setdiff1d(np.arange(rules.size**2), self._goals @ [1, rules.size])
        starts = rng.choice(free, rules.agents, replace=False)
        self._places = np.column_stack([starts % rules.size, starts // rules.size])
        self._said = np.zeros((rules.agents, sum(rules.message)), dtype=np.float32)
        self._step = 0
        # A border as wide as the view, so that windows at the edge need no special care.
        side, v = rules.size + 2 * rules.vision, rules.vision
        self._layers = np.zeros((2, side, side), dtype=np.float32)
        self._layers[0] = 1.0
        self._layers[0, v:-v, v:-v] = 0.0
        self._layers[1, self._goals[:, 1] + v, self._goals[:, 0] + v] = 1.0
        self._show()
        return self._observe(), self._infos()

    def _draw_goals(self, rng: np.random.Generator) -> Cells:
        rules = self.rules
        for _ in range(TRIES):
            drawn = rng.choice(rules.size**2, rules.agents, replace=False)
            goals = np.column_stack([drawn % rules.size, drawn // rules.size])
            gaps = np.abs(goals[:, None] - goals).max(axis=2) + rules.size * np.eye(rules.agents, dtype=np.int64)
            if gaps.min() >= rules.goals_apart:
                return goals
        sizes = f"a grid of {rules.size} x {rules.size}"
        raise InputError(f"{sizes}: {TRIES} draws found no {rules.agents} goals {rules.goals_apart} cells apart")

    def step(self, actions: Mapping[str, Any]) -> Results:
        """All agents move, and say something, at once.

        Raises:
            InputError: no episode, not one action for each agent, or an action outside its space.
        """
        self._check_turn(actions)
        for k, agent in enumerate(self.agents):
            move, *symbols = self._checked(agent, actions[agent])
            self._places[k] = np.clip(self._places[k] + MOVES[move], 0, self.rules.size - 1)
            self._said[k] = _one_hot(symbols, self.rules.message)
        self._step += 1
        rewards = {}
        success, shared = self._judge()
        for agent, sharing in zip(self.agents, shared, strict=True):
            rewards[agent] = STEP_COST + SUCCESS * success + SHARED_GOAL * sharing
        late = not success and self._step >= self.rules.steps
        observations, infos = self._observe(), self._infos()
        terminations, truncations = dict.fromkeys(self.agents, success), dict.fromkeys(self.agents, late)
        if success or late:
            self.agents = []
        self._show()
        return observations, rewards, terminations, truncations, infos

    def _checked(self, agent: str, action: Any) -> list[int]:
        """A move and the symbols of a message."""
        values = np.asarray(action)
        if not self._action_spaces[agent].contains(values.astype(np.int64) if values.dtype.kind in "iu" else values):
            raise InputError(f"the action of {agent} is not in {self._action_spaces[agent]}: {action}")
        return [int(value) for value in np.atleast_1d(values)]

    def _at_goals(self) -> NDArray[np.bool_]:
        """(agents, goals): who is where."""
        return np.asarray((self._places[:, None] == self._goals).all(axis=2))

    def _judge(self) -> tuple[bool, list[bool]]:
        """Whether all are on goals of their own, and who is on a goal with somebody else."""
        at = self._at_goals()
        crowds = at.sum(axis=0)
        shared: list[bool] = np.asarray(at[:, crowds > 1].any(axis=1)).tolist()
        return bool((crowds == 1).all()), shared

    def _observe(self) -> dict[str, Array32]:
        rules, v = self.rules, self.rules.vision
        crowd = np.zeros_like(self._layers[0])
        np.add.at(crowd, (self._places[:, 1] + v, self._places[:, 0] + v), 1.0)
        rest = np.array([1.0 - self._step / rules.steps], dtype=np.float32)
        observations = {}
        for k, agent in enumerate(self.agents):
            x, y = self._places[k]
            window = np.empty(rules.window, dtype=np.float32)
            window[:2] = self._layers[:, y : y + 2 * v + 1, x : x + 2 * v + 1]
            window[2] = crowd[y : y + 2 * v + 1, x : x + 2 * v + 1]
            window[2, v, v] -= 1.0
            window[2] /= rules.agents - 1
            place = (self._places[k] / (rules.size - 1)).astype(np.float32)
            heard = np.roll(self._said, -k - 1, axis=0)[:-1].ravel()
            observations[agent] = np.concatenate([window.ravel(), place, rest, heard])
        return observations

    def state(self) -> Array32:
        """Float32 in [0, 1]: x, y of each agent, x, y of each goal (/ (size - 1)), time left, what each agent said.

        Raises:
            InputError: before the first reset.
        """
        if not self._episodes:
            raise InputError("there is no episode: call reset() first")
        rest = [1.0 - self._step / self.rules.steps]
        cells = np.concatenate([self._places.ravel(), self._goals.ravel()]) / (self.rules.size - 1)
        return np.concatenate([cells, rest, self._said.ravel()]).astype(np.float32)

    def _infos(self) -> dict[str, dict[str, Any]]:
        success, _ = self._judge()
        at_goal = np.asarray(self._at_goals().any(axis=1))
        return {
            agent: {"success": success, "at_goal": bool(at), "steps": self._step, "seed": self.episode_seed}
            for agent, at in zip(self.agents, at_goal, strict=True)
        }

    def _text(self) -> str:
        return grid_text(self.rules.size, self._places, self._goals)

    def _picture(self) -> NDArray[np.uint8]:
        return grid_picture(self.rules.size, self._places, self._goals)


def _one_hot(symbols: Sequence[int], sizes: Sequence[int]) -> Array32:
    """All components of a message, one behind the other."""
    parts = [np.eye(size, dtype=np.float32)[symbol] for symbol, size in zip(symbols, sizes, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def grid_env(
    size: int = 10,
    agents: int = 2,
    vision: int = 2,
    message: Sequence[int] = (),
    steps: int | None = None,
    goals_apart: int = 1,
    seed: int = 0,
    render_mode: str | None = None,
) -> GridWorld:
    """The grid world as a PettingZoo ParallelEnv.

    Args:
        size: cells along each side; the paper has 6, 10 and 15.
        agents: and as many goals; the paper has 2.
        vision: cells seen in each direction; the paper has 2.
        message: symbols of each component of a message, e.g. (2,) for one bit or (8, 8) for two components of eight.
        steps: after which an episode is cut off; size x size by default.
        goals_apart: least distance between goals; 2 * vision + 1 so that nobody ever sees two at once.
        seed: of the first episode.
        render_mode: "human", "rgb_array", "ansi" or None.

    Raises:
        InputError: a number that is too small, too many agents, or an unknown render mode.
    """
    rules = GridRules(size, agents, vision, tuple(message), size**2 if steps is None else steps, goals_apart)
    return GridWorld(rules, seed, render_mode)


def grid_aec_env(**options: Any) -> AECEnv:
    """The same agent by agent (AEC); options as of `grid_env`."""
    return sequential(grid_env(**options))
