"""Ways through drawn maps: free of walls, not longer than need be, drivable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_rooms import cheapest_cells, clearance, cluttered_room, flooded, room
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.clearance_map import MOST_COST, ClearanceMap, distance_to_occupied
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.robot.path_follower import PathFollower

RADIUS = 0.3


DOORWAY = room(10, 6, (4.9, 0, 5.1, 2.55), (4.9, 3.45, 5.1, 6))
CROSSING = room(12, 12, (0, 0, 5.1, 5.1), (6.9, 0, 12, 5.1), (0, 6.9, 5.1, 12), (6.9, 6.9, 12, 12))


def test_a_free_straight_line_is_the_way() -> None:
    path = RoutePlanner(room(10, 6), RADIUS).plan((1.0, 1.0), (9.0, 5.0))
    assert path.points.tolist() == [[1.0, 1.0], [9.0, 5.0]]


@pytest.mark.parametrize(
    ("start", "goal"), [((1, 1), (9, 5)), ((1, 5), (9, 1)), ((4, 1), (6, 1)), ((4.4, 5.5), (5.6, 0.5))]
)
def test_leads_through_a_door_of_90_cm(start, goal) -> None:
    path = RoutePlanner(DOORWAY, RADIUS).plan(start, goal)
    assert tuple(path.points[0]) == start and tuple(path.points[-1]) == goal
    assert clearance(DOORWAY, path) >= RADIUS
    by_door = math.dist(start, (5.0, 3.0)) + math.dist((5.0, 3.0), goal)
    assert path.length <= by_door + 1.1


def test_does_not_lead_through_a_door_that_is_too_narrow() -> None:
    narrow = room(10, 6, (4.9, 0, 5.1, 2.7), (4.9, 3.3, 5.1, 6))
    with pytest.raises(InputError, match=r"no way from \(1\.00, 1\.00\) to goal \(9\.00, 5\.00\)"):
        RoutePlanner(narrow, RADIUS).plan((1, 1), (9, 5))


def test_a_turn_at_a_crossing_is_a_wide_arc_that_needs_no_stop(tinybot, plant, follow) -> None:
    path = RoutePlanner(CROSSING, RADIUS).plan((6, 1), (11, 6))
    turns = np.abs(np.diff(np.unwrap(np.arctan2(*np.diff(path.points, axis=0).T[::-1]))))
    assert turns.max() < math.radians(15)
    assert clearance(CROSSING, path) >= RADIUS
    follower = PathFollower(path, tinybot)
    run = follow(follower, plant(tinybot, Pose2D(6.0, 1.0, math.pi / 2)), 30.0)
    under_way = (run.progress > 0.5) & (run.progress < path.length - 0.5)
    assert run.v[under_way].min() > 0.3
    assert run.cross_track(follower) < 0.05


def test_keeps_away_from_walls_where_that_costs_little() -> None:
    wall = room(12, 8, (5, 0, 7, 4))
    path = RoutePlanner(wall, RADIUS).plan((1, 1), (11, 1))
    assert clearance(wall, path) > RADIUS + 0.06


def test_a_robot_close_to_a_wall_leaves_it_first() -> None:
    path = RoutePlanner(DOORWAY, RADIUS).plan((0.3, 1.0), (9, 5))
    assert tuple(path.points[0]) == (0.3, 1.0)
    assert tuple(path.points[-1]) == (9.0, 5.0)
    assert clearance(DOORWAY, Polyline(path.points[1:])) >= RADIUS


def test_leaves_a_wall_on_its_own_side_of_it() -> None:
    thin = room(6, 6, (3, 0, 3.05, 4))
    path = RoutePlanner(thin, RADIUS).plan((2.9, 1.0), (5, 1))
    assert path.points[1][0] < 2.9
    assert path.points[:, 1].max() > 4.0


@pytest.mark.parametrize(
    ("start", "goal", "message"),
    [
        ((1, 1), (5, 1), r"goal \(5\.00, 1\.00\) is inside a wall"),
        ((1, 1), (9.8, 1), r"goal \(9\.80, 1\.00\) is too close to a wall"),
        ((1, 1), (99, 1), r"goal \(99\.00, 1\.00\) is inside a wall or off the map"),
        ((1, 1), (math.nan, 1), r"goal \(nan, 1\.00\)"),
        ((5, 1), (9, 5), r"start \(5\.00, 1\.00\) is inside a wall"),
        ((1, -7), (9, 5), r"start \(1\.00, -7\.00\) is inside a wall or off the map"),
    ],
)
def test_impossible_places_are_refused_by_name(start, goal, message) -> None:
    with pytest.raises(InputError, match=message):
        RoutePlanner(DOORWAY, RADIUS).plan(start, goal)


def test_start_and_goal_may_be_the_same_place() -> None:
    assert RoutePlanner(DOORWAY, RADIUS).plan((1, 1), (1, 1)).length == 0.0


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (RoutePlanner(CROSSING, RADIUS).plan((6, 1), (1, 6)) for _ in range(2))
    assert first.points.tolist() == second.points.tolist()


@st.composite
def cluttered_rooms(draw: st.DrawFn) -> OccupancyGrid:
    boxes = []
    for _ in range(draw(st.integers(1, 7))):
        x, y = draw(st.floats(0, 7)), draw(st.floats(0, 5))
        boxes.append((x, y, x + draw(st.floats(0.1, 2.5)), y + draw(st.floats(0.1, 2.5))))
    return room(8, 6, *boxes, resolution=draw(st.sampled_from([0.05, 0.1])))


@given(grid=cluttered_rooms(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_the_footprint_is_clear_of_walls_all_along(grid, seed) -> None:
    free = np.argwhere(distance_to_occupied(grid.occupied, grid.resolution, 1.0) > 0.5)
    assume(len(free) > 1)
    start, goal = (grid.centre(*cell) for cell in np.random.default_rng(seed).choice(free, 2, replace=False).tolist())
    try:
        path = RoutePlanner(grid, RADIUS).plan(start, goal)
    except InputError as error:
        assert "no way" in str(error)
    else:
        assert tuple(path.points[0]) == start and tuple(path.points[-1]) == goal
        assert clearance(grid, path) >= RADIUS


def weighted_length(free: ClearanceMap, points: np.ndarray) -> float:
    """m of a way, dearer near walls; a sample of it may lie a hair inside a blocked cell."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    return float(np.minimum(free.line_costs(points[:-1], points[1:]), MOST_COST * lengths).sum())


def as_seen_by_the_robot(grid: OccupancyGrid) -> tuple[ClearanceMap, np.ndarray]:
    """The map that the planner works on, and its (N, 2) free cells."""
    free = ClearanceMap(grid, RADIUS + 0.05)
    return free, np.argwhere(np.isfinite(free.cost))


@pytest.mark.parametrize("seed", range(10))
def test_a_way_is_found_if_and_only_if_the_free_cells_are_connected(seed) -> None:
    grid = cluttered_room(seed)
    free, cells = as_seen_by_the_robot(grid)
    planner = RoutePlanner(grid, RADIUS)
    start, *goals = np.random.default_rng(seed).permutation(cells)[:12].tolist()
    reached = flooded(np.isfinite(free.cost), tuple(start))
    columns = free.cost.shape[1]
    centre = [free.centre(row * columns + column) for row, column in (start, *goals)]
    for cell, goal in zip(goals, centre[1:], strict=True):
        if tuple(cell) in reached:
            path = planner.plan(centre[0], goal)
            assert tuple(path.points[0]) == centre[0] and tuple(path.points[-1]) == goal
            assert clearance(grid, path) >= RADIUS
        else:
            with pytest.raises(InputError, match="no way"):
                planner.plan(centre[0], goal)


def test_ways_cost_no_more_than_the_best_ones_over_the_cells() -> None:
    ratios = []
    for seed in range(20):
        grid = cluttered_room(100 + seed, 6.0, 5.0)
        free, cells = as_seen_by_the_robot(grid)
        rng, planner, columns = np.random.default_rng(seed), RoutePlanner(grid, RADIUS), free.cost.shape[1]
        for _ in range(3):
            start, goal = (tuple(cell) for cell in rng.choice(cells, 2, replace=False).tolist())
            if goal not in flooded(np.isfinite(free.cost), start):
                continue
            best = [free.centre(row * columns + column) for row, column in cheapest_cells(free.cost, start, goal)]
            # A free straight line is taken even where it leads along a wall: robots in lanes keep to them.
            if free.free_line(best[0], best[-1]):
                continue
            found = planner.plan(best[0], best[-1]).points
            ratios.append(weighted_length(free, found) / weighted_length(free, np.array(best)))
    assert len(ratios) > 15
    # The cells' ways have only 8 directions; a way that goes around the wrong side of something would cost far more.
    assert np.mean(ratios) <= 1.0
    assert max(ratios) <= 1.1


def test_two_doors_are_two_ways_and_the_nearer_one_comes_first() -> None:
    walls = room(10, 8, (4.9, 0, 5.1, 1.5), (4.9, 2.6, 5.1, 5.4), (4.9, 6.5, 5.1, 8))
    routes = RoutePlanner(walls, RADIUS).alternatives((1, 2.5), (9, 2.5))
    by_near, by_far = routes
    assert by_near.project(5.0, 2.05)[1] < 0.5 < by_near.project(5.0, 5.95)[1]
    assert by_far.project(5.0, 5.95)[1] < 0.5 < by_far.project(5.0, 2.05)[1]
    assert by_near.points.tolist() == RoutePlanner(walls, RADIUS).plan((1, 2.5), (9, 2.5)).points.tolist()
    for route in routes:
        assert tuple(route.points[0]) == (1, 2.5) and tuple(route.points[-1]) == (9, 2.5)
        assert clearance(walls, route) >= RADIUS


def test_no_more_alternatives_than_asked_for() -> None:
    walls = room(10, 8, (4.9, 0, 5.1, 1.5), (4.9, 2.6, 5.1, 5.4), (4.9, 6.5, 5.1, 8))
    assert len(RoutePlanner(walls, RADIUS).alternatives((1, 2.5), (9, 2.5), most=1)) == 1


@pytest.mark.parametrize(
    "grid",
    [room(10, 8), DOORWAY, room(12, 8, (5, 0, 7, 4)), room(30, 8, (14, 0, 15, 6.5)), room(10, 8, (4.9, 3.9, 5, 4))],
    ids=["empty room", "one door", "around a corner", "a far way around", "a post"],
)
def test_where_there_is_nothing_to_go_around_one_way_is_all(grid) -> None:
    assert len(RoutePlanner(grid, RADIUS).alternatives((1.0, 1.5), (9.0, 1.5))) == 1


def test_a_way_around_that_is_far_too_long_is_no_alternative() -> None:
    walls = room(30, 8, (2, 3.9, 28, 4.1))
    assert len(RoutePlanner(walls, RADIUS).alternatives((3, 3), (3, 5))) == 1


@pytest.mark.parametrize("seed", range(6))
def test_alternatives_are_short_enough_clear_of_walls_and_clearly_apart(seed) -> None:
    grid = cluttered_room(200 + seed, 14.0, 10.0)
    planner = RoutePlanner(grid, RADIUS)
    free, cells = as_seen_by_the_robot(grid)
    for pick in np.random.default_rng(seed).choice(cells, (5, 2), replace=False):
        start, goal = (free.centre(row * free.cost.shape[1] + column) for row, column in pick.tolist())
        try:
            best, *others = planner.alternatives(start, goal)
        except InputError as error:
            assert "no way" in str(error)
            continue
        assert best.points.tolist() == planner.plan(start, goal).points.tolist()
        for i, route in enumerate(others):
            assert route.length <= 1.6 * best.length + 3.0
            assert clearance(grid, route) >= RADIUS
            for other in (best, *others[:i]):
                points = route.sample(np.arange(0.0, route.length, 0.1))
                assert max(other.project(x, y)[1] for x, y in points) > 4.0 * RADIUS - 0.1


def test_robots_of_one_size_share_what_was_prepared_and_another_map_has_its_own() -> None:
    changed = room(10, 6, (4.9, 0, 5.1, 2.0), (4.9, 2.9, 5.1, 6))
    before, after = (RoutePlanner(grid, RADIUS).plan((1, 1), (9, 5)) for grid in (DOORWAY, changed))
    assert clearance(DOORWAY, before) >= RADIUS > clearance(DOORWAY, after)
    small = RoutePlanner(DOORWAY, 0.2).plan((1, 1), (9, 5))
    assert clearance(DOORWAY, small) < clearance(DOORWAY, before)


@given(seed=st.integers(0, 1000), resolution=st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=30, deadline=None)
def test_distances_to_walls_agree_with_trying_every_cell(seed, resolution) -> None:
    rng = np.random.default_rng(seed)
    occupied = rng.random((rng.integers(1, 12), rng.integers(1, 12))) < 0.2
    found = distance_to_occupied(occupied, resolution, 0.6)
    for i, j in np.ndindex(*occupied.shape):
        apart = np.abs(np.argwhere(occupied) - [i, j])
        exact = (np.hypot(*np.where(apart > 0, apart - 0.5, 0.0).T) * resolution).min(initial=math.inf)
        assert found[i, j] == pytest.approx(exact) or min(found[i, j], exact) > 0.6
