"""The closed-form lidar against PyBullet's own ray test, ray by ray."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pybullet
import pytest

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import Lidar
from ewm_ros.simulation.bodies import add_floor_things
from ewm_ros.simulation.lidar import RayCaster
from ewm_ros.simulation.shapes import Bounds, Box, Disc, DistanceField, border

LIDAR = Lidar(rays=180, range_max=8.0)
TOLERANCE = 0.01  # m
NEAREST = 0.3  # m, a robot's radius: the lidar in its middle is never nearer to anything
EDGE = 1e-3  # rad; a ray that passes an edge this closely may see either side of it


@dataclass(frozen=True)
class Site:
    bounds: Bounds
    boxes: tuple[Box, ...]
    discs: tuple[Disc, ...]


def site(*boxes: Box, discs: tuple[Disc, ...] = ()) -> Site:
    bounds = Bounds((-6.0, 6.0), (-5.0, 5.0))
    return Site(bounds, (*boxes, *border(bounds)), discs)


def disc(name: str, row: FloatArray) -> Disc:
    return Disc(name, float(row[0]), float(row[1]), float(row[2]), 1.0)


def random_site(rng: np.random.Generator) -> Site:
    boxes = []
    for i in range(rng.integers(0, 9)):
        (x, y), (length, width) = rng.uniform(-5, 5, 2), rng.uniform(0.05, 3.0, 2)
        boxes.append(Box(f"wall_{i}", x, y, length, width, rng.uniform(-math.pi, math.pi), 1.0))
    rows = rng.uniform([-5, -5, 0.05], [5, 5, 0.6], (rng.integers(0, 5), 3))
    return site(*boxes, discs=tuple(disc(f"pillar_{i}", row) for i, row in enumerate(rows)))


def pybullet_ranges(floor: Site, others: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    robots = tuple(disc(f"robot_{i}", row) for i, row in enumerate(others))
    client = pybullet.connect(pybullet.DIRECT)
    try:
        add_floor_things(client, Site(floor.bounds, floor.boxes, (*floor.discs, *robots)))
        angles = yaw + np.arange(LIDAR.rays) * LIDAR.angle_increment
        ends = np.stack([x + 8.0 * np.cos(angles), y + 8.0 * np.sin(angles), np.full(len(angles), 0.15)], axis=1)
        hits = pybullet.rayTestBatch([[x, y, 0.15]] * len(ends), ends.tolist(), physicsClientId=client)
    finally:
        pybullet.disconnect(client)
    return np.array([hit[2] for hit in hits]) * LIDAR.range_max


@pytest.mark.parametrize("seed", range(12))
def test_every_ray_agrees_with_pybullet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    floor = random_site(rng)
    others = np.column_stack([rng.uniform(-5, 5, (6, 2)), np.full(6, 0.3)])
    field = DistanceField(Site(floor.bounds, floor.boxes, (*floor.discs, *(disc("", row) for row in others))))
    caster = RayCaster(floor, LIDAR)
    edge_rays = rays = 0
    for x, y in rng.uniform([-5.5, -4.5], [5.5, 4.5], (20, 2)):
        if field.distances(np.array([[x, y]])).min() < NEAREST:
            continue
        yaw = rng.uniform(-math.pi, math.pi)
        ours, theirs = caster.cast(x, y, yaw, others), pybullet_ranges(floor, others, x, y, yaw)
        beside = np.stack([caster.cast(x, y, yaw + turn, others) for turn in (-EDGE, EDGE)] + [ours])
        assert (theirs > beside.min(axis=0) - TOLERANCE).all()
        assert (theirs < beside.max(axis=0) + TOLERANCE).all()
        edge_rays += int((np.abs(ours - theirs) > TOLERANCE).sum())
        rays += len(ours)
    assert rays > 180
    assert edge_rays <= 0.002 * rays


def test_ranges_in_a_plain_room_are_exact() -> None:
    ranges = RayCaster(site(), LIDAR).cast(1.0, 2.0, 0.0, np.zeros((0, 3)))
    assert ranges[[0, 45, 90, 135]] == pytest.approx([5.0, 3.0, 7.0, 7.0])


def test_rays_turn_with_the_robot_counterclockwise() -> None:
    ranges = RayCaster(site(), LIDAR).cast(1.0, 2.0, math.pi / 2, np.zeros((0, 3)))
    assert ranges[[0, 45]] == pytest.approx([3.0, 7.0])


def test_beyond_its_range_a_ray_reads_the_range() -> None:
    far = RayCaster(site(), Lidar(rays=4, range_max=2.0)).cast(0.0, 0.0, 0.0, np.zeros((0, 3)))
    assert far == pytest.approx([2.0] * 4)


def test_another_robot_hides_what_is_behind_it_and_ones_own_body_is_not_seen() -> None:
    caster = RayCaster(site(discs=(Disc("pillar_0", 4.0, 0.0, 0.5, 1.0),)), LIDAR)
    assert caster.cast(0.0, 0.0, 0.0, np.zeros((0, 3)))[0] == pytest.approx(3.5)
    assert caster.cast(0.0, 0.0, 0.0, np.array([[2.0, 0.0, 0.3]]))[0] == pytest.approx(1.7)
    assert caster.cast(0.0, 0.0, 0.0, np.array([[0.0, 0.0, 0.3]]))[0] == pytest.approx(3.5)


def test_no_ray_slips_between_the_two_sides_of_a_corner() -> None:
    # A diamond whose corner lies exactly ahead.
    diamond = Box("wall_0", 3.0, 0.0, math.sqrt(2.0), math.sqrt(2.0), math.pi / 4, 1.0)
    assert RayCaster(site(diamond), LIDAR).cast(0.0, 0.0, 0.0, np.zeros((0, 3)))[0] == pytest.approx(2.0)
