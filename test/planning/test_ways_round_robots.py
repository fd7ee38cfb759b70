"""Ways around robots that stand, and places aside of the others' routes, in drawn rooms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_rooms import clearance, cluttered_room, flooded, room
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.clearance_map import ClearanceMap
from ewm_ros.planning.crowded_map import CrowdedMap
from ewm_ros.planning.roadmap import Roadmap
from ewm_ros.planning.route_planner import RoutePlanner

RADIUS = 0.3
APART = 0.7  # m between the centres of two robots
DOORWAY = room(10, 6, (4.9, 0, 5.1, 2.55), (4.9, 3.45, 5.1, 6))
TWO_DOORS = room(10, 8, (4.9, 0, 5.1, 1.5), (4.9, 2.6, 5.1, 5.4), (4.9, 6.5, 5.1, 8))
CORRIDOR = room(14, 4, (0, 0, 14, 1.5), (0, 2.5, 14, 4))
# A niche as deep and as wide as a robot, with what the map's cells take.
NICHE = room(14, 4, (0, 0, 14, 1.5), (0, 2.5, 8, 4), (8.8, 2.5, 14, 4), (8, 3.3, 8.8, 4))


def nearest(way: Polyline, x: float, y: float) -> float:
    """m, from a point to a way, exactly."""
    return way.project(x, y)[1]


def keeps_out(way: Polyline, obstacles: FloatArray) -> bool:
    return all(nearest(way, x, y) >= distance - 1e-6 for x, y, distance in obstacles.tolist())


def test_a_robot_in_the_way_is_driven_round() -> None:
    way = RoutePlanner(room(10, 6), RADIUS).plan_around((1, 3), (9, 3), [(5, 3, APART)])
    assert tuple(way.points[0]) == (1, 3) and tuple(way.points[-1]) == (9, 3)
    assert APART - 1e-6 <= nearest(way, 5, 3) < APART + 0.1
    assert way.length < 8.4


def test_what_stands_beside_the_way_changes_nothing() -> None:
    planner = RoutePlanner(DOORWAY, RADIUS)
    way = planner.plan_around((1, 1), (9, 5), [(1, 5, APART), (9, 1, APART)])
    assert way.points.tolist() == planner.plan((1, 1), (9, 5)).points.tolist()


def test_a_blocked_door_is_avoided_by_the_other_one() -> None:
    way = RoutePlanner(TWO_DOORS, RADIUS).plan_around((1, 2.5), (9, 2.5), [(5, 2.05, APART)])
    assert nearest(way, 5.0, 5.95) < 0.5
    assert clearance(TWO_DOORS, way) >= RADIUS


@pytest.mark.parametrize(
    ("grid", "goal", "obstacle"),
    [(DOORWAY, (9, 5), (5, 3, APART)), (DOORWAY, (9, 5), (5.6, 3, APART)), (CORRIDOR, (13, 2), (7, 1.9, APART))],
    ids=["in the door", "behind the door", "in a corridor"],
)
def test_where_a_robot_blocks_the_only_way_there_is_none(grid, goal, obstacle) -> None:
    start = (1.0, 2.0)
    with pytest.raises(InputError, match=r"no way from \(1\.00, 2\.00\) to goal .* around what stands there"):
        RoutePlanner(grid, RADIUS).plan_around(start, goal, [obstacle])


def test_a_goal_where_something_stands_is_refused() -> None:
    with pytest.raises(InputError, match=r"goal \(9\.00, 5\.00\) is taken"):
        RoutePlanner(DOORWAY, RADIUS).plan_around((1, 1), (9, 5), [(8.5, 5, APART)])


def test_robots_nose_to_nose_part_without_coming_nearer() -> None:
    start, other = (6.0, 2.0), (6.62, 2.0)
    planner = RoutePlanner(CORRIDOR, RADIUS)
    back = planner.plan_around(start, (2, 2), [(*other, APART)])
    assert tuple(back.points[0]) == start
    assert nearest(back, *other) == pytest.approx(0.62, abs=1e-6)
    with pytest.raises(InputError, match="no way"):
        planner.plan_around(start, (12, 2), [(*other, APART)])


@st.composite
def crowds(draw: st.DrawFn) -> tuple[OccupancyGrid, FloatArray, int]:
    grid = cluttered_room(draw(st.integers(0, 500)), 6.0, 5.0)
    discs = [
        (draw(st.floats(0, 6)), draw(st.floats(0, 5)), draw(st.floats(0.3, 1.2)))
        for _ in range(draw(st.integers(1, 6)))
    ]
    return grid, np.array(discs), draw(st.integers(0, 1000))


@given(crowds())
@settings(max_examples=40, deadline=None)
def test_a_way_keeps_out_of_every_disc_and_clear_of_walls_or_there_is_none(crowd) -> None:
    grid, discs, seed = crowd
    planner, free = RoutePlanner(grid, RADIUS), ClearanceMap(grid, RADIUS + 0.05)
    floor = CrowdedMap(free, discs)
    cells = np.argwhere(np.isfinite(floor.cost))
    if len(cells) < 2:
        return
    (a, b), columns = np.random.default_rng(seed).choice(cells, 2, replace=False).tolist(), floor.cost.shape[1]
    start, goal = (free.centre(row * columns + column) for row, column in (a, b))
    # A way over free cells exists if and only if one is found, but that lines may pass between two discs or a disc and
    # a wall where the cells do not.
    connected = tuple(b) in flooded(np.isfinite(floor.cost), tuple(a))
    try:
        way = planner.plan_around(start, goal, discs)
    except InputError as error:
        assert not connected
        assert "no way" in str(error)
    else:
        assert tuple(way.points[0]) == start and tuple(way.points[-1]) == goal
        assert keeps_out(way, discs)
        assert clearance(grid, way) >= RADIUS
        assert planner.drivable(way)


@given(crowds())
@settings(max_examples=40, deadline=None)
def test_the_changed_roadmap_connects_what_a_new_one_connects(crowd) -> None:
    grid, discs, seed = crowd
    free = ClearanceMap(grid, RADIUS + 0.05)
    floor = CrowdedMap(free, discs)
    changed = Roadmap(free).around(floor)
    cells = np.flatnonzero(np.isfinite(floor.cost))
    if not len(cells):
        return
    rng = np.random.default_rng(seed)
    width, a = floor.cost.shape[1], int(rng.choice(cells))
    reached = flooded(np.isfinite(floor.cost), divmod(a, width))
    for b in rng.choice(cells, 5).tolist():
        way = changed.find(floor.centre(a), floor.centre(b))
        assert bool(way) == (divmod(b, width) in reached)
        if way:
            assert floor.keeps_out(np.array(way))


@given(crowds())
@settings(max_examples=40, deadline=None)
def test_a_start_inside_a_disc_is_left_without_coming_nearer(crowd) -> None:
    grid, discs, seed = crowd
    planner, free = RoutePlanner(grid, RADIUS), ClearanceMap(grid, RADIUS + 0.05)
    cells = np.flatnonzero(np.isfinite(free.cost))
    if not len(cells):
        return
    (a, b), angle = np.random.default_rng(seed).choice(cells, 2).tolist(), float(seed)
    start, goal = free.centre(a), free.centre(b)
    obstacle = np.array([[start[0] + 0.62 * math.cos(angle), start[1] + 0.62 * math.sin(angle), APART]])
    try:
        way = planner.plan_around(start, goal, np.concatenate([discs, obstacle]))
    except InputError:
        return
    for x, y, distance in np.concatenate([discs, obstacle]).tolist():
        assert nearest(way, x, y) >= min(distance, math.dist(start, (x, y))) - 1e-6


def aside(grid: OccupancyGrid, start: tuple[float, float], *routes: Polyline, **options) -> list[Polyline]:
    ways = RoutePlanner(grid, RADIUS).places_aside(start, [(route, APART) for route in routes], **options)
    for way in ways:
        assert tuple(way.points[0]) == start
        x, y = way.points[-1].tolist()
        assert all(nearest(route, x, y) >= APART for route in routes)
        assert clearance(grid, way) >= RADIUS
    assert [way.length for way in ways] == sorted(way.length for way in ways)
    ends = [way.points[-1] for way in ways]
    assert all(math.dist(a, b) >= 1.0 for i, a in enumerate(ends) for b in ends[:i])
    return ways


@given(crowds(), st.floats(0.4, 1.5))
@settings(max_examples=40, deadline=None)
def test_a_place_is_found_if_and_only_if_some_cell_that_can_be_reached_is_out_of_the_way(crowd, distance) -> None:
    grid, discs, seed = crowd
    planner, floor = RoutePlanner(grid, RADIUS), CrowdedMap(ClearanceMap(grid, RADIUS + 0.05), discs)
    cells = np.flatnonzero(np.isfinite(floor.cost))
    if not len(cells):
        return
    rng, width = np.random.default_rng(seed), floor.cost.shape[1]
    route = Polyline(rng.uniform((0.0, 0.0), (6.0, 5.0), (4, 2)))
    begin = int(rng.choice(cells))
    start = floor.centre(begin)
    ways = planner.places_aside(start, [(route, distance)], discs, farthest=100.0)
    for way in ways:
        assert keeps_out(way, discs)
        assert nearest(route, *way.points[-1].tolist()) >= distance
    reached = flooded(np.isfinite(floor.cost), divmod(begin, width))
    away = [nearest(route, *floor.centre(row * width + column)) for row, column in sorted(reached)[::7]]
    # A hair more is asked for of cells than of places.
    if max(away) > distance + 0.02:
        assert ways
    if ways:
        assert max(nearest(route, *floor.centre(row * width + column)) for row, column in reached) >= distance


def test_in_the_open_one_step_aside_is_enough() -> None:
    ways = aside(room(10, 6), (5.0, 3.0), Polyline([(1, 3), (9, 3)]))
    assert len(ways) == 3
    assert ways[0].length < APART + 0.2


def test_who_is_not_in_the_way_may_stay() -> None:
    stays, *others = aside(room(10, 6), (5.0, 5.0), Polyline([(1, 3), (9, 3)]))
    assert stays.length == 0.0
    assert others and others[0].length >= 1.0


def test_a_niche_in_a_corridor_is_found_from_both_sides() -> None:
    through = Polyline([(1, 1.9), (13, 1.9)])
    for x in (6.0, 11.0):
        way, *more = aside(NICHE, (x, 1.9), through)
        assert not more
        assert 8.0 < way.points[-1, 0] < 8.8 and way.points[-1, 1] > 2.5
        assert way.length < abs(x - 8.4) + 1.2


def test_a_niche_behind_another_robot_is_out_of_reach() -> None:
    through = Polyline([(1, 1.9), (13, 1.9)])
    assert aside(NICHE, (6.0, 1.9), through, obstacles=[(7.0, 1.9, APART)]) == []
    assert len(aside(NICHE, (6.0, 1.9), through, obstacles=[(5.0, 1.9, APART)])) == 1


def test_a_niche_that_is_taken_is_none() -> None:
    through = Polyline([(1, 1.9), (13, 1.9)])
    assert aside(NICHE, (6.0, 1.9), through, obstacles=[(8.4, 2.8, APART)]) == []


def test_a_corridor_without_a_niche_has_no_place_aside() -> None:
    assert aside(CORRIDOR, (6.0, 2.0), Polyline([(1, 2), (13, 2)])) == []


def test_out_of_a_corridor_one_backs_along_the_others_way() -> None:
    rooms = room(16, 6, (4, 0, 12, 2.5), (4, 3.5, 12, 6))
    other = RoutePlanner(rooms, RADIUS).plan((14, 5), (1, 3))
    way = aside(rooms, (8.0, 3.0), other, obstacles=[(8.62, 3.0, APART)])[0]
    assert way.points[-1, 0] < 4.0
    assert way.length < 6.0


def test_no_place_is_farther_than_told() -> None:
    through = Polyline([(1, 1.9), (13, 1.9)])
    assert aside(NICHE, (2.0, 1.9), through, farthest=5.0) == []
    (way,) = aside(NICHE, (2.0, 1.9), through, farthest=8.0)
    assert way.length <= 8.0


def test_a_room_is_better_than_the_middle_of_a_corridor_that_is_a_little_nearer() -> None:
    # The other one leaves the corridor by a door in its middle: behind it the corridor is free, but narrow.
    plan = room(16, 6, (5.5, 0, 12, 2.5), (5.5, 3.5, 7.5, 6), (8.5, 3.5, 12, 6))
    other = RoutePlanner(plan, RADIUS).plan((8, 5), (14, 3))
    (way,) = aside(plan, (7.6, 3.0), other, most=1)
    assert way.points[-1, 0] < 5.5
    assert way.length < 4.0


def test_places_keep_the_distance_from_what_stands_even_if_the_start_does_not() -> None:
    obstacle = (5.0, 4.5, 1.5)
    ways = aside(room(10, 6), (5.0, 3.2), Polyline([(1, 1), (9, 1)]), obstacles=[obstacle])
    assert ways
    for way in ways:
        assert math.dist(way.points[-1], obstacle[:2]) >= 1.5 - 1e-6
        assert nearest(way, *obstacle[:2]) >= 1.3 - 1e-6


def test_a_planned_route_is_drivable_and_one_for_a_smaller_robot_is_not() -> None:
    small = RoutePlanner(DOORWAY, 0.15).plan((4, 1), (6, 1))
    assert RoutePlanner(DOORWAY, 0.15).drivable(small)
    assert not RoutePlanner(DOORWAY, RADIUS).drivable(small)
    assert RoutePlanner(DOORWAY, RADIUS).drivable(RoutePlanner(DOORWAY, RADIUS).plan((4, 1), (6, 1)))


@pytest.mark.parametrize(
    "points",
    [[(1, 1), (9, 5)], [(5, 1)], [(1, 1), (1, -3)], [(1, 1), (0.1, 1)], [(-1, -1), (1, 1)], [(0.3, 1), (4.7, 1)]],
    ids=["through a wall", "in a wall", "off the map", "too close to a wall", "from off the map", "from wall to wall"],
)
def test_a_path_through_walls_is_not_drivable(points) -> None:
    assert not RoutePlanner(DOORWAY, RADIUS).drivable(Polyline(points))


def test_a_path_away_from_a_close_wall_is_drivable() -> None:
    planner = RoutePlanner(DOORWAY, RADIUS)
    assert planner.drivable(planner.plan((0.3, 1.0), (9, 5)))
    assert planner.drivable(Polyline([(0.3, 1.0)]))


@pytest.mark.parametrize("seed", range(5))
def test_every_planned_route_is_drivable(seed) -> None:
    grid = cluttered_room(400 + seed)
    planner, free = RoutePlanner(grid, RADIUS), ClearanceMap(grid, RADIUS + 0.05)
    cells = np.flatnonzero(np.isfinite(free.cost))
    for a, b in np.random.default_rng(seed).choice(cells, (20, 2)).tolist():
        try:
            way = planner.plan(free.centre(a), free.centre(b))
        except InputError:
            continue
        assert planner.drivable(way)
