"""Which places of a world its robots must be able to drive between, by the rules of its task, and whether they can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ewm_ros.planning.route_planner import MARGIN
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.worlds.reachability import NOWHERE, Areas, areas_of
from ewm_ros.simulation.worlds.world_format import Point, Regions, World


class Connections:
    """The ways between the starts, goals and stations of a world.

    In the task `reach` robot i must come from its start to its goal; in `allocate` and `deliver` everybody must come
    everywhere. For the latter each robot has a home: the area that it starts in, and that holds all goals or stations.

    Args:
        types: of all robots that may take part, so that nothing depends on how many do.
    """

    def __init__(self, world: World, types: Sequence[RobotType]) -> None:
        self._world = world
        self._types = types
        self._areas: list[Areas] = [areas_of(world, robot.radius) for robot in types]
        self._goal_labels: dict[int, set[int]] = {}
        self._starts, self._goals = world.robots.starts, world.robots.goals
        self._homes = [] if world.task == "reach" else [self._home(i) for i in range(len(types))]

    def start_fits(self, index: int, place: Point) -> bool:
        """Whether a robot that starts here comes to where it has to go."""
        here = self._areas[index].leaving(place)
        wanted = self._goal_areas(index) if self._world.task == "reach" else {self._homes[index]}
        return here != NOWHERE and here in wanted

    def goal_fits(self, index: int, start: Point, place: Point) -> bool:
        """Whether whoever may have to come to this goal can; in the task `reach` the robot of this index."""
        if self._world.task == "reach":
            areas = self._areas[index]
            return int(areas.at([place])[0]) == areas.leaving(start) != NOWHERE
        homes = zip(self._areas, self._homes, strict=True)
        return all(int(areas.at([place])[0]) == home != NOWHERE for areas, home in homes)

    def flaws(self) -> Iterator[str]:
        """What cannot be reached, as `key.path: reason`; places that are fixed are named one by one."""
        yield from self._robots_cut_off() if self._world.task == "reach" else self._places_cut_off()

    def _robots_cut_off(self) -> Iterator[str]:
        """In the task `reach`."""
        for i, areas in enumerate(self._areas):
            if (self._start_areas(i) & self._goal_areas(i)) - {NOWHERE}:
                continue
            if self._goals is None or isinstance(self._goals, Regions):
                yield self._no_region(i)
            else:
                yield self._no_way(i, f"robots.goals.{i}", self._goals[i], areas)

    def _places_cut_off(self) -> Iterator[str]:
        """In the tasks `allocate` and `deliver`."""
        places = list(self._fixed_places())
        for i, areas in enumerate(self._areas):
            home = self._homes[i]
            if home not in self._start_areas(i) - {NOWHERE} and not (places and isinstance(self._starts, Regions)):
                yield f"{self._start_key(i)}: nothing can be reached from there {self._by(i)}"
            elif isinstance(self._goals, Regions) and home not in self._goal_areas(i):
                yield self._no_region(i)
            else:
                reached = self._start_areas(i) & {home} - {NOWHERE}
                for (key, place), label in zip(places, areas.at([place for _, place in places]).tolist(), strict=True):
                    if label not in reached:
                        yield self._no_way(i, key, place, areas)

    def _no_way(self, index: int, key: str, place: Point, areas: Areas) -> str:
        why = f"cannot be reached from {self._start_key(index)}"
        if areas.at([place])[0] == NOWHERE:
            why = "is too close to a wall to be driven to"
        return f"{key}: ({place[0]:g}, {place[1]:g}) {why} {self._by(index)}"

    def _no_region(self, index: int) -> str:
        reason = f"no place of the regions can be reached from {self._start_key(index)}"
        return f"robots.goals: {reason} {self._by(index)}"

    def _start_key(self, index: int) -> str:
        return "robots.starts" if isinstance(self._starts, Regions) else f"robots.starts.{index}"

    def _by(self, index: int) -> str:
        robot = self._types[index]
        return f"by robot {index}, a {robot.name}, which needs gaps of {2.0 * (robot.radius + MARGIN):.2f} m"

    def _home(self, index: int) -> int:
        areas = self._areas[index]
        if not isinstance(self._starts, Regions):
            return areas.leaving(self._starts[index][:2])
        fixed = next(self._fixed_places(), None)
        if fixed is not None:
            return int(areas.at([fixed[1]])[0])
        # Starts and goals are both drawn: from the area that has the most room for both, and for the widest robot.
        widest = self._areas[max(range(len(self._types)), key=lambda i: self._types[i].radius)]
        starts, goals = widest.within(self._starts.regions), widest.within(_regions(self._goals))
        shared = max(starts.keys() & goals.keys(), key=lambda a: (min(starts[a], goals[a]), -a), default=NOWHERE)
        return int(areas.labels[widest.labels == shared][0]) if shared != NOWHERE else NOWHERE

    def _fixed_places(self) -> Iterator[tuple[str, Point]]:
        """Goals and stations with their keys."""
        if self._goals is not None and not isinstance(self._goals, Regions):
            for i in range(len(self._types)):
                yield f"robots.goals.{i}", self._goals[i]
        if self._world.stations is not None:
            for key, points in (("pick", self._world.stations.pick), ("drop", self._world.stations.drop)):
                for i, place in enumerate(points):
                    yield f"stations.{key}.{i}", place

    def _start_areas(self, index: int) -> set[int]:
        areas = self._areas[index]
        if isinstance(self._starts, Regions):
            return set(areas.within(self._starts.regions))
        return {areas.leaving(self._starts[index][:2])}

    def _goal_areas(self, index: int) -> set[int]:
        if index not in self._goal_labels:
            areas, goals = self._areas[index], self._goals
            if goals is None or isinstance(goals, Regions):
                self._goal_labels[index] = set(areas.within(_regions(goals)))
            else:
                self._goal_labels[index] = {int(areas.at([goals[index]])[0])}
        return self._goal_labels[index]


def _regions(goals: object) -> tuple[tuple[Point, Point], ...]:
    return goals.regions if isinstance(goals, Regions) else ()
