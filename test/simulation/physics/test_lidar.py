"""The closed-form lidar against PyBullet's own ray test, ray by ray."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pybullet
import pytest

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import Lidar
from ewm_ros.simulation.physics.bodies import add_floor_things
from ewm_ros.simulation.physics.lidar import RayCaster
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, DistanceField, border

LIDAR = Lidar(rays=180, range_max=8.0)
TOLERANCE = 0.01  # m
NEAREST = 0.3  # m, a robot's radius: the lidar in its middle is never nearer to anything
EDGE = 3e-3  # rad; a ray that passes an edge this closely may see either side of it: PyBullet meets it 1 mm early


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


def pybullet_ranges(
    floor: Site, others: FloatArray, x: float, y: float, yaw: float, lidar: Lidar = LIDAR
) -> FloatArray:
    robots = tuple(disc(f"robot_{i}", row) for i, row in enumerate(others))
    client = pybullet.connect(pybullet.DIRECT)
    try:
        add_floor_things(client, Site(floor.bounds, floor.boxes, (*floor.discs, *robots)))
        angles, reach = yaw + np.arange(lidar.rays) * lidar.angle_increment, lidar.range_max
        ends = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles), np.full(len(angles), 0.15)], axis=1)
        hits = pybullet.rayTestBatch([[x, y, 0.15]] * len(ends), ends.tolist(), physicsClientId=client)
    finally:
        pybullet.disconnect(client)
    return np.array([hit[2] for hit in hits]) * lidar.range_max


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


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("rays", "range_max"), [(1, 8.0), (7, 3.0), (360, 12.0), (1440, 20.0)])
def test_robots_of_all_sizes_and_people_are_seen_by_lidars_of_all_kinds(seed: int, rays: int, range_max: float) -> None:
    rng = np.random.default_rng([seed, rays])
    floor, lidar = random_site(rng), Lidar(rays=rays, range_max=range_max)
    radii = rng.choice([0.18, 0.25, 0.3, 0.6], 8)
    others = np.column_stack([rng.uniform(-5, 5, (8, 2)), radii])
    caster = RayCaster(floor, lidar)
    poses = np.column_stack([others[:, :2], rng.uniform(-7, 7, 8)])  # headings beyond a turn, too
    field = DistanceField(floor)
    for k, pose in enumerate(poses):
        others_seen = np.delete(others, k, axis=0)
        gaps = np.hypot(*(others_seen[:, :2] - pose[:2]).T) - others_seen[:, 2]
        if min(field.distances(pose[None, :2]).min(), gaps.min()) < 0.18:
            continue
        ours, theirs = caster.cast(*pose, others_seen), pybullet_ranges(floor, others_seen, *pose, lidar)
        beside = np.stack([caster.cast(*pose[:2], pose[2] + turn, others_seen) for turn in (-EDGE, EDGE)] + [ours])
        assert (theirs > beside.min(axis=0) - TOLERANCE).all()
        assert (theirs < beside.max(axis=0) + TOLERANCE).all()


def test_all_robots_at_once_see_what_each_sees_alone_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        floor = random_site(rng)
        discs = np.column_stack([rng.uniform(-5, 5, (10, 2)), rng.choice([0.18, 0.3, 0.6], 10)])
        poses = np.column_stack([discs[:, :2], rng.uniform(-4, 4, 10)])
        caster = RayCaster(floor, LIDAR)
        together = caster.cast_all(poses, discs)
        assert together.shape == (10, 180)
        for pose, ranges in zip(poses, together, strict=True):
            assert (caster.cast(*pose, discs) == ranges).all()


def test_culling_leaves_out_no_ray_that_plain_arithmetic_finds() -> None:
    """Each ray against each edge and disc, without angles: the slow way, by numpy."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        floor = random_site(rng)
        others = np.column_stack([rng.uniform(-5, 5, (5, 2)), rng.uniform(0.1, 0.6, 5)])
        x, y, yaw = rng.uniform([-5.5, -4.5, -10], [5.5, 4.5, 10])
        assert RayCaster(floor, LIDAR).cast(x, y, yaw, others) == pytest.approx(
            plain_ranges(floor, others, x, y, yaw), abs=1e-9
        )


def plain_ranges(floor: Site, others: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    ranges = np.full(LIDAR.rays, LIDAR.range_max)
    angles = yaw + np.arange(LIDAR.rays) * LIDAR.angle_increment
    d = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for box in floor.boxes:
        corners = box.corners() - [x, y]
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            e = b - a
            facing = a[1] * e[0] - a[0] * e[1]  # positive: the lidar is on the outer side
            approach = d[:, 1] * e[0] - d[:, 0] * e[1]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = (a[1] * d[:, 0] - a[0] * d[:, 1]) / approach
                hit = (facing > 0.0) & (approach > 0.0) & (share >= -1e-9) & (share <= 1.0 + 1e-9)
                ranges = np.where(hit, np.minimum(ranges, facing / approach), ranges)
    for cx, cy, radius in [*((p.x, p.y, p.radius) for p in floor.discs), *others.tolist()]:
        if math.hypot(cx - x, cy - y) <= radius:
            continue
        along = d @ [cx - x, cy - y]
        square = radius**2 - ((cx - x) ** 2 + (cy - y) ** 2 - along**2)
        hit = (along > 0.0) & (square >= 0.0)
        ranges = np.where(hit, np.minimum(ranges, along - np.sqrt(np.maximum(square, 0.0))), ranges)
    return ranges


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
