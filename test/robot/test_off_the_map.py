"""What lidars see that is not on the map, against a look at one ray after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_rooms import cluttered_room

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.clearance_map import distance_to_occupied
from ewm_ros.robot.off_the_map import ON_THE_MAP, SEEN_WITHIN, BareFloor, off_the_map
from ewm_ros.sensing import Scan


def shifted_room(seed: int) -> OccupancyGrid:
    """A room whose corner is not at the origin."""
    grid = cluttered_room(seed)
    return OccupancyGrid(grid.resolution, (-3.0, 1.5), grid.occupied)


def views(seed: int, count: int) -> list[tuple[Scan, Pose2D]]:
    """Scans of all kinds of lidars, of random ranges: from in the room and from outside."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(count):
        rays = int(rng.integers(1, 90))
        ranges = rng.uniform(-0.5, 9.0, rays)
        ranges[rng.random(rays) < 0.1] = math.inf
        ranges[rng.random(rays) < 0.1] = math.nan
        scan = Scan(0.0, rng.uniform(-3.0, 3.0), rng.uniform(-0.1, 0.1), rng.choice([2.0, 8.0]), ranges)
        seen.append((scan, Pose2D(rng.uniform(-5.0, 9.0), rng.uniform(0.0, 11.0), rng.uniform(-3.0, 3.0))))
    return seen


def ray_by_ray(grid: OccupancyGrid, scan: Scan, pose: Pose2D) -> FloatArray:
    bare = distance_to_occupied(grid.occupied, grid.resolution, ON_THE_MAP) >= ON_THE_MAP
    found = []
    for k, distance in enumerate(scan.ranges.tolist()):
        angle = pose.yaw + scan.angle_min + k * scan.angle_increment
        if not 0.0 < distance < min(SEEN_WITHIN, scan.range_max):
            continue
        place = pose.x + distance * math.cos(angle), pose.y + distance * math.sin(angle)
        row, column = grid.cell(*place)
        if 0 <= row < bare.shape[0] and 0 <= column < bare.shape[1] and bare[row, column]:
            found.append(place)
    return np.array(found).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(10))
def test_it_is_what_a_look_at_each_ray_finds(seed: int) -> None:
    grid, seen = shifted_room(seed), views(seed, 12)
    together = off_the_map(BareFloor(grid), seen)
    assert sum(places.shape[1] for places in together) > 10
    for (scan, pose), places in zip(seen, together, strict=True):
        np.testing.assert_allclose(places.T, ray_by_ray(grid, scan, pose), atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_several_robots_at_once_see_what_each_sees_alone(seed: int) -> None:
    floor, seen = BareFloor(shifted_room(seed)), views(seed, 12)
    for alone, places in zip(seen, off_the_map(floor, seen), strict=True):
        assert places.tolist() == off_the_map(floor, [alone])[0].tolist()


def test_what_lies_off_the_map_on_any_side_is_not_on_bare_floor() -> None:
    floor = BareFloor(OccupancyGrid(0.5, (1.0, 2.0), np.zeros((4, 6), dtype=bool)))
    inside = [(1.0, 2.0), (3.9, 2.0), (1.0, 3.9), (3.9, 3.9)]
    outside = [(x, y) for x in (-50.0, 0.9, 2.0, 4.1, 50.0) for y in (-50.0, 1.9, 4.1, 50.0)]
    outside += [(x, 3.0) for x in (-50.0, 0.9, 4.1, 50.0)]
    assert floor.on(np.array(inside + outside).T).tolist() == [0, 1, 2, 3]
