"""The worlds of the package: well-formed, so that sound coordination can solve them, and each what its name promises.

In a well-formed world nobody who stands at a goal, a station or a start is in anybody else's way: M. Čáp, J. Vokřínek,
A. Kleiner, "Complete Decentralized Method for On-Line Multi-Robot Trajectory Planning in Well-formed Infrastructures"
(ICAPS 2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest

from ewm_ros.cli.app import main
from ewm_ros.evaluation.campaigns import run_workers, runs
from ewm_ros.geometry import Polyline
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.resources import available
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.tasks import REACHED
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.shapes import DistanceField
from ewm_ros.simulation.worlds.world_checks import robot_types
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.simulation.worlds.world_format import World

NAMES = (
    "allocation",
    "bottleneck",
    "circle",
    "corridor",
    "crowd",
    "doorway",
    "intersection",
    "ward",
    "warehouse",
)
REACH = tuple(name for name in NAMES if name not in ("allocation", "warehouse"))
QUEUES = ("bottleneck", "intersection")  # worlds in which robots start one behind the other in a lane
CLEAR = 0.25  # m between a body that stands and one that drives past: the planners' deviations, and room to spare
APART = 0.4  # m between bodies that stand
Point = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """A robot's way from a place to another; bodies are `radius` (m) wide."""

    start: Point
    goal: Point
    radius: float
    path: Polyline

    def is_clear_of(self, place: Point, radius: float, room: float = CLEAR) -> bool:
        """Whether somebody may stand at a place while this way is driven."""
        return self.path.project(*place)[1] >= self.radius + radius + room


@lru_cache
def planner(name: str, radius: float) -> RoutePlanner:
    return RoutePlanner(occupancy_grid(load_world(name)), radius)


def starts_of(world: World) -> list[Point]:
    assert isinstance(world.robots.starts, tuple)
    return [(x, y) for x, y, _ in world.robots.starts]


def goals_of(world: World) -> list[Point]:
    assert isinstance(world.robots.goals, tuple)
    return list(world.robots.goals)


def way(name: str, robot: RobotType, start: Point, goal: Point) -> Way:
    return Way(start, goal, robot.radius, planner(name, robot.radius).plan(start, goal))


@lru_cache
def ways_of(name: str) -> tuple[Way, ...]:
    """Everybody's way in a `reach` world."""
    world = load_world(name)
    return tuple(way(name, *robot) for robot in zip(robot_types(world), starts_of(world), goals_of(world), strict=True))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_all_means_these_nine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available("worlds", ".yaml") == list(NAMES)
    asked: list[runs.RunSpec] = []

    def note(specs: list[runs.RunSpec], *_: object) -> Iterator[runs.RunResult]:
        asked.extend(specs)
        yield from ()

    monkeypatch.setattr(run_workers, "run_all", note)
    assert main(["run", "--worlds", "all", "--robots", "3,10", "--seeds", "0", "--policy", "none", "--json"]) == 0
    assert [(spec.world, spec.robots) for spec in asked] == [(name, count) for name in NAMES for count in (3, 10)]


def test_each_takes_3_to_10_robots(name: str) -> None:
    world = load_world(name)
    assert world.name == name
    assert world.description
    assert (world.robots.count.min, world.robots.count.default, world.robots.count.max) == (3, 6, 10)


def test_bodies_that_stand_and_walls_keep_apart(name: str) -> None:
    world = load_world(name)
    radii = [robot.radius for robot in robot_types(world)]
    spots = list(zip(starts_of(world), radii, strict=True))
    if world.stations is not None:
        spots += [(station, max(radii)) for station in (*world.stations.pick, *world.stations.drop)]
    else:
        spots += zip(goals_of(world), radii, strict=True)
    for (p, r), (q, s) in combinations(spots, 2):
        assert math.dist(p, q) >= r + s + 0.3, f"{p} and {q}"
    to_walls = DistanceField(world).distances(np.array([p for p, _ in spots])).min(axis=1)
    assert (to_walls >= np.array([r for _, r in spots]) + 0.15 - 1e-9).all()


@pytest.mark.parametrize("name", REACH)
def test_goals_are_out_of_everybody_elses_way(name: str) -> None:
    ways = ways_of(name)
    for i, mine in enumerate(ways):
        for j, other in enumerate(ways):
            # In one lane, who drives ahead may pass the goal of who comes behind: it is past before that one arrives.
            ahead = mine.path.project(*other.start)[1] < 0.1
            if i != j and not ahead:
                assert other.is_clear_of(mine.goal, mine.radius), f"goal of robot {i} is in the way of robot {j}"


@pytest.mark.parametrize("name", [name for name in REACH if name not in QUEUES])
def test_waiting_robots_are_in_nobodys_way_either(name: str) -> None:
    ways = ways_of(name)
    for i, mine in enumerate(ways):
        for j, other in enumerate(ways):
            assert i == j or other.is_clear_of(mine.start, mine.radius), f"start of {i} is in the way of robot {j}"


@pytest.mark.parametrize("count", [3, 6, 10])
@pytest.mark.parametrize("name", REACH)
def test_any_number_of_robots_can_drive_one_after_the_other(name: str, count: int) -> None:
    ways = ways_of(name)[:count]
    places = [way.start for way in ways]
    left = set(range(count))

    def can_go(i: int) -> bool:
        others = [k for k in range(count) if k != i]
        return all(ways[i].is_clear_of(places[k], ways[k].radius) for k in others) and all(
            ways[k].is_clear_of(ways[i].goal, ways[i].radius) for k in left - {i}
        )

    while left:
        robot = next((i for i in sorted(left) if can_go(i)), None)
        assert robot is not None, f"robots {sorted(left)} block each other"
        left.remove(robot)
        places[robot] = ways[robot].goal


def test_nobody_walks_over_a_place_where_a_robot_stands(name: str) -> None:
    world = load_world(name)
    radii = [robot.radius for robot in robot_types(world)]
    for person in world.people:
        path = Polyline(person.path)
        for places in (starts_of(world), goals_of(world)):
            for place, radius in zip(places, radii, strict=True):
                assert path.project(*place)[1] >= radius + person.radius + CLEAR


def test_at_the_crossing_everybody_keeps_to_the_right_lane() -> None:
    for way in ways_of("intersection"):
        heading = way.path.heading_at(0.0)
        right = (math.sin(heading), -math.cos(heading))
        for point in way.path.points:
            assert point @ right == pytest.approx(0.45)


def free_width(grid: OccupancyGrid, x: float) -> float:
    """m of free floor north and south of the point (x, 0)."""
    column = grid.occupied[:, grid.cell(x, 0.0)[1]]
    return float((~column).sum()) * grid.resolution


def test_the_door_and_the_corridor_do_not_fit_two_robots_but_the_bays_let_one_pass() -> None:
    door, corridor = occupancy_grid(load_world("doorway")), occupancy_grid(load_world("corridor"))
    assert free_width(door, 0.0) < 1.2
    assert free_width(corridor, 0.0) == pytest.approx(1.0)
    for x, y in ((-2.0, 1.3), (2.0, -1.3)):
        assert not corridor.occupied[corridor.cell(x, y)]


def test_on_the_circle_goals_lie_opposite_and_any_number_of_robots_is_spread() -> None:
    world = load_world("circle")
    starts = np.array(starts_of(world))
    assert not world.walls and not world.pillars
    assert np.hypot(*starts.T) == pytest.approx(np.full(10, 6.0), abs=0.01)
    assert np.array(goals_of(world)) == pytest.approx(-starts)
    for count in range(3, 11):
        angles = np.sort(np.arctan2(starts[:count, 1], starts[:count, 0]))
        gaps = np.diff(angles, append=angles[0] + 2.0 * math.pi)
        assert gaps.max() < 2.0 * math.pi / count + math.radians(45.0)


def test_the_bottleneck_fits_one_large_robot_and_takes_robots_of_three_sizes() -> None:
    world = load_world("bottleneck")
    robots = robot_types(world)
    assert {robot.name for robot in robots} == {"husky", "tinybot", "turtlebot4"}
    assert {robot.name for robot in robots[:3]} == {"husky", "tinybot"}
    sizes = sorted({robot.radius for robot in robots})
    lane = free_width(occupancy_grid(world), 1.6)
    assert 2.0 * sizes[-1] < lane < 2.0 * (sizes[-1] + sizes[0]) + CLEAR
    for way in ways_of("bottleneck"):
        assert way.path.project(1.6, 0.0)[1] < lane / 2.0  # no way round it


def test_in_the_crowd_people_cross_everybodys_way() -> None:
    world = load_world("crowd")
    assert 6 <= len(world.people) <= 10
    for way in ways_of("crowd"):
        (x0, y0), (x1, y1) = way.start, way.goal
        assert abs(x1 - x0) > abs(y1 - y0)  # people walk along y
        met = 0
        for person in world.people:
            (x, low), (_, high) = sorted(person.path, key=lambda corner: corner[1])
            assert person.path[0][0] == person.path[1][0]
            met += low < y0 + (x - x0) / (x1 - x0) * (y1 - y0) < high
        assert met >= 3


def test_on_the_ward_everybody_has_a_role_and_there_are_rules_and_people() -> None:
    world = load_world("ward")
    assert sorted(role.robot for role in world.roles) == list(range(10))
    assert "blood samples" in [role.model_dump().get("carries") for role in world.roles]
    assert "cleaning" in [role.model_dump().get("does") for role in world.roles]
    assert world.rules and world.people
    assert {robot.name for robot in robot_types(world)} == {"tinybot", "turtlebot4"}


def test_goals_to_allocate_are_apart_out_of_sight_and_out_of_the_way() -> None:
    world = load_world("allocation")
    goals, starts = goals_of(world), starts_of(world)
    assert world.task == "allocate" and world.view == 3.0
    assert min(math.dist(p, q) for p, q in combinations(goals, 2)) >= 1.5
    assert min(math.dist(p, q) for p in goals for q in starts) > world.view + 0.1
    robot = robot_types(world)[0]
    for start in starts:
        for goal in goals:
            mine = way("allocation", robot, start, goal)
            assert all(mine.is_clear_of(other, robot.radius) for other in goals if other != goal)


def warehouse_legs() -> Iterator[tuple[Point, Point]]:
    world = load_world("warehouse")
    assert world.stations is not None
    for pick in world.stations.pick:
        yield from ((start, pick) for start in starts_of(world))
        for drop in world.stations.drop:
            yield pick, drop
            yield drop, pick


def test_in_the_warehouse_nobody_at_a_station_is_in_anybodys_way() -> None:
    world = load_world("warehouse")
    assert world.task == "deliver" and world.stations is not None and world.robots.goals is None
    assert min(len(world.stations.pick), len(world.stations.drop)) >= 10
    robot, stations = robot_types(world)[0], (*world.stations.pick, *world.stations.drop)
    for start, goal in warehouse_legs():
        mine = way("warehouse", robot, start, goal)
        for place in (*stations, *starts_of(world)):
            # A robot gets its next order as soon as it is near its station, and may be turned round there.
            if place not in (start, goal):
                assert mine.is_clear_of(place, robot.radius, CLEAR + REACHED), f"{place} from {start} to {goal}"


@pytest.mark.parametrize("aisle", [-6.8, -3.4, 0.0, 3.4, 6.8])
def test_the_warehouse_has_aisles_one_robot_wide_and_always_another_way_round(aisle: float) -> None:
    world = load_world("warehouse")
    assert world.stations is not None
    grid = occupancy_grid(world)
    mouth = -7.2
    (low, column), (high, _) = grid.cell(mouth, aisle - 0.7), grid.cell(mouth, aisle + 0.7)
    free = ~grid.occupied[low:high, column]
    assert free.sum() * grid.resolution == pytest.approx(1.0)
    blocked = grid.occupied.copy()
    blocked[low:high, column] = True
    robot = robot_types(world)[0]
    round_about = RoutePlanner(OccupancyGrid(grid.resolution, grid.origin, blocked), robot.radius)
    for pick in world.stations.pick:
        assert round_about.plan(world.stations.drop[0], pick).length > 0.0  # raises if there is no way
