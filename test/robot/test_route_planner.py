"""Ways through drawn maps: free of walls, not longer than need be, drivable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.clearance_map import distance_to_occupied
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.route_planner import RoutePlanner

RADIUS = 0.3


def room(
    width: float, height: float, *walls: tuple[float, float, float, float], resolution: float = 0.05
) -> OccupancyGrid:
    """A room with its lower left corner at the origin; walls are boxes x0, y0, x1, y1 in m."""
    occupied = np.zeros((round(height / resolution), round(width / resolution)), dtype=bool)
    occupied[[0, -1], :] = occupied[:, [0, -1]] = True
    for box in walls:
        x0, y0, x1, y1 = (round(value / resolution) for value in box)
        occupied[y0:y1, x0:x1] = True
    return OccupancyGrid(resolution, (0.0, 0.0), occupied)


def clearance(grid: OccupancyGrid, path: Polyline) -> float:
    """m, from the path to the nearest occupied cell, measured densely and without the planner's tools."""
    rows, columns = np.nonzero(grid.occupied)
    left, low = grid.origin[0] + columns * grid.resolution, grid.origin[1] + rows * grid.resolution
    nearest = math.inf
    for x, y in path.sample(np.arange(0.0, path.length + 0.01, 0.01)):
        dx = np.maximum(np.maximum(left - x, x - left - grid.resolution), 0.0)
        dy = np.maximum(np.maximum(low - y, y - low - grid.resolution), 0.0)
        nearest = min(nearest, float(np.hypot(dx, dy).min()))
    return nearest


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
    assert path.length <= by_door + 0.8


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
