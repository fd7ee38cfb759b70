"""What agents of the grid world reach without any communication: they sweep it, and skip goals that others are on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.simulation.environments.grid_world import MOVES, Cell, GridRules, GridWorld
from ewm_ros.simulation.environments.zoo import Array32

Z95 = 1.959964  # standard deviations on each side of the mean that hold 95 %


class Sweeper:
    """One agent: to the nearest goal that it has seen free, else on along lanes that show it the whole grid.

    Nothing but its own observations goes in. Agents that meet on a goal each leave it with probability one half.
    """

    def __init__(self, rules: GridRules, rng: np.random.Generator) -> None:
        self._rules = rules
        self._rng = rng
        self._free: dict[Cell, bool] = {}  # goals, and whether nobody was there when last seen
        self._way: list[Cell] = []

    def act(self, observation: Array32) -> int:
        """An index of MOVES."""
        here = self._rules.place_in(observation)
        self._look(here, self._rules.window_of(observation))
        if here in self._free and (self._free[here] or self._rng.random() < 0.5):
            return 0
        goals = [goal for goal, free in self._free.items() if free]
        return _towards(here, min(goals, key=lambda goal: _steps(here, goal)) if goals else self._next(here))

    def _look(self, here: Cell, window: Array32) -> None:
        v = self._rules.vision
        for row, column in np.argwhere(window[1] > 0.0).tolist():
            self._free[(here[0] + column - v, here[1] + row - v)] = window[2, row, column] == 0.0

    def _next(self, here: Cell) -> Cell:
        """The next turning point of the sweep."""
        if self._way and self._way[0] == here:
            self._way.pop(0)
        if not self._way:
            self._way = _lanes(self._rules, here)
        return self._way[0]


def _lanes(rules: GridRules, here: Cell) -> list[Cell]:
    """Turning points of a sweep by lanes from west to east and back, from the corner that is nearest."""
    v, last = rules.vision, rules.size - 1
    low, high = min(v, last // 2), max(last - v, last // 2)
    rows = sorted({*range(low, high, 2 * v + 1), high})
    ways = []
    for lanes in (rows, rows[::-1]):
        for ends in ((low, high), (high, low)):
            ways.append([(x, y) for k, y in enumerate(lanes) for x in (ends if k % 2 == 0 else ends[::-1])])
    way = min(ways, key=lambda way: _steps(here, way[0]))
    return [cell for cell in way if cell != here] or [(low, low)]


def _steps(a: Cell, b: Cell) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(here: Cell, target: Cell) -> int:
    """The move that brings one nearer, along x first."""
    dx, dy = target[0] - here[0], target[1] - here[1]
    return MOVES.index((int(np.sign(dx)), 0) if dx else (0, int(np.sign(dy))))


@dataclass(frozen=True, slots=True)
class SweepScore:
    """How often sweeping agents ended on different goals."""

    episodes: int
    successes: int
    mean_steps: float  # of the episodes that succeeded; nan without any
    steps_99: float  # within which 99 % of them did

    @property
    def success(self) -> float:
        """Share of the episodes."""
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share, after E. B. Wilson, JASA 22 (1927)."""
        n, p, z2 = self.episodes, self.success, Z95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(middle - half, 0.0), min(middle + half, 1.0)


def sweep_score(env: GridWorld, episodes: int = 1000) -> SweepScore:
    """Let sweeping agents play this many episodes, the first with the environment's own seed.

    Raises:
        InputError: no episodes.
    """
    if episodes < 1:
        raise InputError(f"a score needs 1 episode or more, not {episodes}")
    steps = []
    for _ in range(episodes):
        observations, infos = env.reset()
        rngs = (stream(env.episode_seed, k, "sweep") for k in range(env.rules.agents))
        sweepers = {agent: Sweeper(env.rules, rng) for agent, rng in zip(env.possible_agents, rngs, strict=True)}
        while env.agents:
            actions = {agent: sweepers[agent].act(observations[agent]) for agent in env.agents}
            observations, _, _, _, infos = env.step(actions)
        if infos[env.possible_agents[0]]["success"]:
            steps.append(infos[env.possible_agents[0]]["steps"])
    mean, most = (float(np.mean(steps)), float(np.percentile(steps, 99))) if steps else (math.nan, math.nan)
    return SweepScore(episodes, len(steps), mean, most)
