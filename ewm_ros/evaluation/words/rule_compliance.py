"""Whether robots let each other pass in the order that a site's rules demand, read off their trajectories alone.

The judge knows nothing of routes, orders or priorities of the system that it judges. It takes where each robot was, and
where it is when it is alone in the same world with the same seed:

- Two robots *contest* a place when their lone trajectories come closer than MARGIN to each other at the same moment:
  one of them has to let the other pass. The place is half way between the two at the first such moment; only the first
  counts, for after it at least one of them is late, and what their lone trajectories say no longer holds.
- The robot that really *passed first* is the one whose centre was last within its radius and REACH of the place
  earlier: who waits for the other one may well do so at its edge. One that never came there nor to its goal is still to
  come, and hence second.
- The contest is a *passage* that counts if the site's rules say who of the two passes before the other. It complies if
  that one passed first.

Left out, since nobody let anybody pass there or nobody had a choice:

- `only_one_order`: one of the two cannot pass first. To be let pass a robot needs, on its way after the place, a spot
  that is out of the other's whole way, and the other one needs such a spot on its way before the place. One of the two
  is not there if a robot stands in the other's way from the beginning, or has its goal there.
- `elsewhere`: one of them got to its goal without coming to the place, or neither came.
- `side_by_side`: they left it within TOGETHER of each other, which is too soon for bodies that follow one another.
- `held_up`: the one that passed second could not have passed first, because it had to let others pass. It is given the
  earliest time law on its lone trajectory that stays clear of where the others really were: for the one that should
  have come first those of its own and earlier tiers, for the other one those of its own and later tiers. If that is
  more than HELD_UP late at the place, and later than the first one came, the contest never arose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.world_format import World
from ewm_ros.trajectory import STEP
from ewm_ros.yaml_files import first_error

MARGIN = 0.2  # m between bodies
REACH = 0.3  # m
TOGETHER = 1.0  # s
HELD_UP = 3.0  # s

Reason = Literal["only_one_order", "elsewhere", "side_by_side", "held_up"]
Ranks = Mapping[int, int]  # the tier of a robot by its index, 0 passes first; robots without one are in none

_ORDER = TypeAdapter(list[list[Annotated[int, Field(strict=True, ge=0)]]])


def expected_ranks(world: World) -> Ranks:
    """The tiers that the file of a world names under `expected.order`; none if there is no such key.

    Raises:
        InputError: it is not a list of lists of robots, names one twice or one that there is not, or the robots of this
            world have no goals of their own.
    """
    if "order" not in world.expected:
        return {}
    key = f"world {world.name!r}: expected.order"
    try:
        tiers = _ORDER.validate_python(world.expected["order"])
    except ValidationError as error:
        raise InputError(f"{key}: {first_error(error)}; write tiers of robots like [[0, 3], [1, 2]]") from error
    if world.task != "reach":
        raise InputError(f"{key}: only in the task reach is it known where robots would drive alone")
    robots = Counter(robot for tier in tiers for robot in tier)
    for robot, times in robots.items():
        if times > 1:
            raise InputError(f"{key}: robot {robot} is there {times} times")
        if robot >= world.robots.count.max:
            raise InputError(f"{key}: there is no robot {robot}, at most {world.robots.count.max} take part")
    return {robot: rank for rank, tier in enumerate(tiers) for robot in tier}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Where robots were; one row a step, the first one at the start.

    Attributes:
        alone: of each robot (K, 2) m until it has arrived, when it is alone.
        real: (T, N, 2) m, of all together.
        arrived: of each robot, whether it was at its goal in the end, with all together.
        radii: m.
    """

    alone: Sequence[FloatArray]
    real: FloatArray
    arrived: Sequence[bool]
    radii: Sequence[float]

    def gap(self, i: int, j: int) -> float:
        """How far apart the centres of two robots are when these touch (m)."""
        return self.radii[i] + self.radii[j]


@dataclass(frozen=True, slots=True)
class Contest:
    """Two robots that would be at one place at the same time if both drove as they do alone.

    Attributes:
        step: the first moment.
        place: x, y (m).
    """

    robots: tuple[int, int]
    step: int
    place: FloatArray


@dataclass(frozen=True, slots=True)
class RulePassages:
    """The verdict on a run.

    Attributes:
        passages: contests that count.
        compliant: how many of them complied.
        left_out: contests of robots of different tiers that do not count, by the reason.
    """

    passages: int
    compliant: int
    left_out: Mapping[str, int]


def judge(traffic: Traffic, ranks: Ranks) -> RulePassages:
    """Judge all contests of robots of different tiers."""
    left_out: Counter[str] = Counter()
    verdicts = []
    for contest in contests(traffic, ranks):
        verdict = complies(contest, traffic, ranks)
        if isinstance(verdict, bool):
            verdicts.append(verdict)
        else:
            left_out[verdict] += 1
    return RulePassages(len(verdicts), sum(verdicts), dict(left_out))


def contests(traffic: Traffic, ranks: Ranks) -> Iterator[Contest]:
    """Where two robots of different tiers would meet; the one that should pass first comes first in `robots`."""
    taking_part = [i for i in sorted(ranks, key=lambda i: (ranks[i], i)) if i < len(traffic.alone)]
    for i, j in combinations(taking_part, 2):
        if ranks[i] == ranks[j]:
            continue
        steps = max(len(traffic.alone[i]), len(traffic.alone[j]))
        mine, yours = _until(traffic.alone[i], steps), _until(traffic.alone[j], steps)
        close = np.hypot(*(mine - yours).T) < traffic.gap(i, j) + MARGIN
        if close.any():
            step = int(close.argmax())
            yield Contest((i, j), step, (mine[step] + yours[step]) / 2.0)


def complies(contest: Contest, traffic: Traffic, ranks: Ranks) -> bool | Reason:
    """Whether the one that should pass first did, or why nothing can be said."""
    due, other = contest.robots
    if not (_can_be_let_pass(due, other, contest, traffic) and _can_be_let_pass(other, due, contest, traffic)):
        return "only_one_order"
    there = {i: _there(contest.place, i, traffic) for i in contest.robots}
    away = [i for i, steps in there.items() if not len(steps)]
    if len(away) == 2 or any(traffic.arrived[i] for i in away):
        return "elsewhere"
    left = {i: steps[-1] if len(steps) else math.inf for i, steps in there.items()}
    first, second = sorted(left, key=lambda i: left[i])
    if left[second] - left[first] < round(TOGETHER / STEP):
        return "side_by_side"
    deadline = max(int(there[first][0]), contest.step + round(HELD_UP / STEP))
    others = _has_to_let_pass(second, second == due, traffic, ranks)
    if not _could_be_there(second, contest.step, deadline, traffic, others):
        return "held_up"
    return first == due


def _until(track: FloatArray, steps: int) -> FloatArray:
    """(steps, 2) m: who has arrived stays where it is."""
    return np.concatenate([track, np.repeat(track[-1:], steps - len(track), axis=0)])


def _can_be_let_pass(first: int, second: int, contest: Contest, traffic: Traffic) -> bool:
    """Whether one has somewhere to go on to, and the other somewhere to wait, out of each other's whole ways."""
    ways = traffic.alone[first], traffic.alone[second]
    apart = _distances(*ways) >= traffic.gap(first, second)
    beyond = apart[min(contest.step, len(ways[0]) - 1) :].all(axis=1)
    before = apart[:, : min(contest.step, len(ways[1]) - 1) + 1].all(axis=0)
    return bool(beyond.any() and before.any())


def _there(place: FloatArray, robot: int, traffic: Traffic) -> NDArray[np.intp]:
    """The steps at which a robot was at a place."""
    return np.flatnonzero(np.hypot(*(traffic.real[:, robot] - place).T) < traffic.radii[robot] + REACH)


def _has_to_let_pass(robot: int, due: bool, traffic: Traffic, ranks: Ranks) -> list[int]:
    """The others of whom a robot must stay clear even if it makes the most of its turn, or pushes in out of turn."""
    own = ranks[robot]
    others = {i: ranks.get(i, own) for i in range(len(traffic.alone)) if i != robot}
    return [i for i, rank in others.items() if (rank <= own if due else rank >= own)]


def _could_be_there(robot: int, goal: int, deadline: int, traffic: Traffic, others: Sequence[int]) -> bool:
    """Whether a robot can be as far on its lone trajectory in time, at its lone pace, and clear of where others were.

    Args:
        goal: step of its lone trajectory.
        deadline: step of what really happened.
    """
    way = traffic.alone[robot][: goal + 1]
    real = traffic.real[: deadline + 1]
    free: NDArray[np.bool_] = np.ones((len(real), len(way)), dtype=np.bool_)
    for other in others:
        free &= _distances(real[:, other], way) >= traffic.gap(robot, other)
    at: NDArray[np.bool_] = np.zeros(len(way), dtype=np.bool_)  # steps of its way at which it can be by now
    at[0] = True
    for now in free:
        at &= now
        if at[-1]:
            return True
        at[1:] |= at[:-1].copy()
    return False


def _distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """(len(a), len(b)) m: between all points of two tracks."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
