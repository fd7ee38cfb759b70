"""Who passes each shared region first, and whether robots that keep to that can never wait for each other in a circle.

The check is that of an action dependency graph (Hoenig, Kiesel, Tinka, Durham, Ayanian, "Persistent and Robust
Execution of MAPF Schedules in Warehouses", IEEE RA-L 2019): every robot comes to its regions in the order of its route,
and enters one only after those before it have left. If these demands are free of cycles, everybody gets through,
however late anybody is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from ewm_ros.messages import Conflict, ConflictKind

Event = tuple[str, float]  # a robot, and m of progress


@dataclass(frozen=True, slots=True, eq=False)
class Precedence:
    """The robot that passes first, by region; regions that are not in it are open to whoever comes first.

    Attributes:
        preferred: pairs of robots of which somebody wants the first to pass before the second: grants are taken back
            for that where they can be.
    """

    first: Mapping[Conflict, str] = field(default_factory=dict)
    preferred: frozenset[tuple[str, str]] = frozenset()

    def prefers(self, robot: str, other: str) -> bool:
        """Whether it is for the first of two that grants of the second are taken back."""
        return (robot, other) in self.preferred

    def yields(self, robot: str, region: Conflict) -> bool:
        """Whether a robot has to let the other one of a region pass first."""
        return self.first.get(region, robot) != robot

    def settles(self, regions: Iterable[Conflict]) -> bool:
        """Whether it says of all of these who passes first."""
        return all(region in self.first for region in regions)


NOBODY_FIRST = Precedence()


def who_is_first(region: Conflict, time_at: Callable[[str, float], float]) -> str:
    """The robot that a schedule has pass first.

    Args:
        time_at: s from now at which a robot comes to a progress (m); negative for where it has been.
    """
    # Who follows is behind from where the routes join; crossing and oncoming robots are apart in the middle.
    share = 0.0 if region.kind is ConflictKind.FOLLOWING else 0.5
    places = [enter + share * (leave - enter) for enter, leave in zip(region.enter, region.leave, strict=True)]
    times = [time_at(robot, place) for robot, place in zip(region.robots, places, strict=True)]
    return region.robots[0] if times[0] <= times[1] else region.robots[1]


def is_executable(first: Mapping[Conflict, str]) -> bool:
    """Whether nobody ever waits for himself, through others, if all keep to it."""
    after: dict[Event, set[Event]] = {}
    stations: dict[str, set[float]] = {}
    for region, name in first.items():
        leader = region.robots.index(name)
        follower = 1 - leader
        ends = (region.enter, region.leave)
        if region.kind is ConflictKind.FOLLOWING:
            pairs = [(end[leader], end[follower]) for end in ends]
        else:
            pairs = [(region.leave[leader], region.enter[follower])]
        for done, begun in pairs:
            after.setdefault((region.robots[follower], begun), set()).add((name, done))
            stations.setdefault(name, set()).add(done)
            stations.setdefault(region.robots[follower], set()).add(begun)
    for robot, places in stations.items():
        in_order = sorted(places)
        for earlier, later in pairwise(in_order):
            after.setdefault((robot, later), set()).add((robot, earlier))
    try:
        TopologicalSorter(after).prepare()
    except CycleError:
        return False
    return True
