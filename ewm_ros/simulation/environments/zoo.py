"""What both PettingZoo environments share: the seeds of their episodes, their spaces, and how they are shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Space
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import parallel_to_aec
from pettingzoo.utils.wrappers import AssertOutOfBoundsWrapper, ClipOutOfBoundsWrapper, OrderEnforcingWrapper

from ewm_ros.errors import InputError
from ewm_ros.randomness import LARGEST_SEED, stream
from ewm_ros.simulation.environments.window import Window
from ewm_ros.simulation.worlds.procedural import FIRST_SEED

Array32 = NDArray[np.float32]
Results = tuple[
    dict[str, Array32], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
]  # observations, rewards, terminations, truncations, infos

SEEDS = 2**32  # seeds drawn for later episodes are below


class ZooEnv(ParallelEnv):  # type: ignore[misc]
    """A parallel environment whose agents all end their episode together.

    Args:
        agents: all names.
        seed: of the first episode, see `reset`.
        render_mode: one of metadata["render_modes"], or None.

    Raises:
        InputError: unknown render mode.

    Attributes:
        episode_seed: decides everything random in the present episode.
    """

    metadata: ClassVar[dict[str, Any]]
    state_space: Box

    def __init__(self, agents: Sequence[str], seed: int, render_mode: str | None) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise InputError(f"unknown render_mode {render_mode!r}: there are {', '.join(modes)}")
        self.possible_agents = list(agents)
        self.agents: list[str] = []
        self.render_mode = render_mode
        self.episode_seed = seed
        self._seed = seed
        self._episodes = 0
        self._observation_spaces: dict[str, Space[Any]] = {}
        self._action_spaces: dict[str, Space[Any]] = {}
        self._window: Window | None = None

    def observation_space(self, agent: str) -> Space[Any]:
        """The same object every time."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """The same object every time."""
        return self._action_spaces[agent]

    def _begin_episode(self, seed: int | None) -> None:
        """Settle the seed: the one given; or the environment's own, and for later episodes seeds drawn from it."""
        if seed is not None:
            if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= LARGEST_SEED:
                raise InputError(f"a seed must be an integer from 0 to {LARGEST_SEED}, not {seed!r}")
            self._seed, self._episodes = int(seed), 0
        self.episode_seed = self._seed
        if self._episodes:
            drawn = stream(self._seed, self._episodes, "episode").integers(FIRST_SEED, SEEDS)
            self.episode_seed = int(drawn)
        self._episodes += 1
        self.agents = list(self.possible_agents)

    def _check_turn(self, actions: Mapping[str, object]) -> None:
        """Refuse a step outside of an episode, and actions that are not one for each agent."""
        if not self.agents:
            raise InputError("there is no episode to step in: call reset() first")
        if set(actions) != set(self.agents):
            missing = [agent for agent in self.agents if agent not in actions]
            unknown = [str(agent) for agent in actions if agent not in self.agents]
            what = f"none for {', '.join(missing)}" if missing else f"there is no agent {', '.join(unknown)}"
            raise InputError(f"step() takes one action for each agent: {what}")

    @abstractmethod
    def _picture(self) -> NDArray[np.uint8]:
        """(H, W, 3): what is to be seen now."""

    def _text(self) -> str:
        """What is to be seen now, in letters; for environments that have the render mode `ansi`."""
        raise NotImplementedError

    def render(self) -> NDArray[np.uint8] | str | None:
        """A picture (`rgb_array`), a text (`ansi`), or None after showing a window (`human`) or without a render mode.

        Raises:
            InputError: before the first reset, or there is no display for a window.
        """
        if self.render_mode is None:
            return None
        if not self._episodes:
            raise InputError("there is nothing to render yet: call reset() first")
        if self.render_mode == "ansi":
            return self._text()
        picture = self._picture()
        if self.render_mode == "rgb_array":
            return picture
        if self._window is None:
            self._window = Window(str(self))
        self._window.show(picture)
        return None

    def _show(self) -> None:
        """Keep a window up to date without being asked, as Gymnasium has it."""
        if self.render_mode == "human":
            self.render()

    def close(self) -> None:
        """Give everything back; may be called again, and `reset` starts anew."""
        self.agents = []
        if self._window is not None:
            self._window.close()
            self._window = None


def sequential(parallel: ZooEnv) -> AECEnv:
    """The agent-by-agent form of an environment, by PettingZoo's own wrappers."""
    aec = parallel_to_aec(parallel)
    boxes = all(isinstance(parallel.action_space(agent), Box) for agent in parallel.possible_agents)
    return OrderEnforcingWrapper((ClipOutOfBoundsWrapper if boxes else AssertOutOfBoundsWrapper)(aec))
