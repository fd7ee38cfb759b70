"""Who walks about in front of a robot and what stands there, as its lidar shows them from scan to scan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_rooms import room

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.bystanders import KEPT, Bystanders, notice_together
from ewm_ros.sensing import Observation, Odometry, Scan

RADIUS, FULL = 0.3, 0.5  # m, m/s of the robot
PERSON = 0.2  # m, radius
PERIOD = 0.1  # s
HERE = Pose2D(2.0, 3.0, 0.0)
PATH = Polyline([(HERE.x, HERE.y), (9.0, 3.0)])
WALLS = np.array(  # m, of a room of 10 m x 6 m with walls as thick as a cell of its map
    [(0.05, 0.05, 9.95, 0.05), (9.95, 0.05, 9.95, 5.95), (9.95, 5.95, 0.05, 5.95), (0.05, 5.95, 0.05, 0.05)]
)
ROOM = room(10, 6)
NOBODY = np.zeros((0, 3))
Place = tuple[float, float]


class Watch:
    """A robot that stands in a room and watches it, scan after scan."""

    def __init__(
        self, look: Callable[..., Scan], pose: Pose2D = HERE, grid: OccupancyGrid | None = ROOM, rays: int = 180
    ) -> None:
        self.bystanders = Bystanders(RADIUS)
        if grid is not None:
            self.bystanders.set_map(grid)
        self.look, self.rays, self.pose, self.stamp = look, rays, pose, 0.0

    def see(self, *discs: tuple[float, float, float], peers: FloatArray = NOBODY, noise: Any = 0.0) -> Observation:
        """One more scan, of the room and of discs x, y, radius (m); `noise` (m) is added to its ranges."""
        self.stamp += PERIOD
        scan = self.look(self.pose, WALLS, np.array(discs).reshape(-1, 3), self.stamp, self.rays)
        scan = replace(scan, ranges=scan.ranges + noise)
        seen = Observation(Odometry(self.stamp, self.pose, 0.0, 0.0), scan)
        self.bystanders.look(seen, peers)
        return seen

    def watch(self, start: Place, velocity: Place, scans: int = 8) -> Place:
        """Somebody walks by; where he is in the last scan."""
        for k in range(scans):
            x, y = start[0] + velocity[0] * k * PERIOD, start[1] + velocity[1] * k * PERIOD
            self.see((x, y, PERSON))
        return x, y

    @property
    def walking(self) -> list[Place]:
        """m/s, of all that are taken to walk."""
        return [track.velocity for track in self.bystanders._tracks if track.walks]

    @property
    def limit(self) -> float:
        return self.bystanders.speed_limit(PATH, 0.0, FULL)


@pytest.fixture
def watch(look: Callable[..., Scan]) -> Watch:
    return Watch(look)


@pytest.mark.parametrize("yaw", [0.0, 1.0, math.pi, -2.0])
@pytest.mark.parametrize("velocity", [(0.0, 1.2), (0.0, -0.6), (-0.7, 0.7), (0.8, 0.3), (-1.0, 0.0)])
@pytest.mark.parametrize(("distance", "rays"), [(1.0, 180), (1.5, 360), (2.5, 360)])
def test_somebody_who_walks_across_is_found_and_how_he_walks(
    look: Callable[..., Scan], yaw: float, velocity: Place, distance: float, rays: int
) -> None:
    watch = Watch(look, Pose2D(HERE.x, HERE.y, yaw), rays=rays)
    middle, scans = (HERE.x + distance, HERE.y + 0.5), 20
    start = (middle[0] - velocity[0] * scans / 2 * PERIOD, middle[1] - velocity[1] * scans / 2 * PERIOD)
    for k in range(1, scans):
        x, y = start[0] + velocity[0] * k * PERIOD, start[1] + velocity[1] * k * PERIOD
        watch.see((x, y, PERSON))
        (disc,) = watch.bystanders.discs
        assert math.dist(disc[:2], (x, y)) < 0.15
        assert disc[2] == pytest.approx(PERSON, abs=0.06)
        if k >= 6:
            (told,) = watch.walking
            assert math.dist(told, velocity) < 0.15


@pytest.mark.parametrize("place", [(3.2, 3.5), (4.5, 2.0), (2.0, 4.5), (0.9, 2.2)])
@pytest.mark.parametrize("seed", range(3))
def test_a_pillar_that_is_not_on_the_map_is_seen_and_never_walks(watch: Watch, place: Place, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        watch.see((*place, 0.25), noise=rng.normal(0.0, 0.01, 180))
        (disc,) = watch.bystanders.discs
        assert math.dist(disc[:2], place) < 0.15
        assert watch.walking == []
        assert watch.limit == math.inf


@pytest.mark.parametrize("pose", [HERE, Pose2D(5.0, 1.0, 2.0), Pose2D(8.5, 4.8, -1.0)])
def test_what_is_on_the_map_is_nobody(look: Callable[..., Scan], pose: Pose2D) -> None:
    watch, rng = Watch(look, pose), np.random.default_rng(1)
    for _ in range(10):
        watch.see(noise=rng.normal(0.0, 0.02, 180))
        assert len(watch.bystanders.discs) == 0


def test_a_pillar_is_nobody_once_it_is_on_the_map(look: Callable[..., Scan]) -> None:
    pillar = (4.0, 3.5, 0.2)
    unknown, known = Watch(look), Watch(look, grid=room(10, 6, (3.8, 3.3, 4.2, 3.7)))
    unknown.see(pillar)
    known.see(pillar)
    assert (len(unknown.bystanders.discs), len(known.bystanders.discs)) == (1, 0)
    unknown.bystanders.set_map(room(10, 6, (3.8, 3.3, 4.2, 3.7)))
    assert len(unknown.bystanders.discs) == 0


def test_a_robot_of_the_fleet_is_nobody_though_it_has_driven_on_since_it_told(watch: Watch) -> None:
    robot = (4.0, 3.4, RADIUS)
    watch.see(robot, peers=np.array([(4.2, 3.4, RADIUS)]))
    assert len(watch.bystanders.discs) == 0
    watch.see(robot, (3.0, 1.5, PERSON), peers=np.array([(7.0, 1.0, RADIUS), robot]))
    (disc,) = watch.bystanders.discs
    assert math.dist(disc[:2], (3.0, 1.5)) < 0.15


def test_with_nobody_there_the_robot_may_drive_at_full_speed(watch: Watch) -> None:
    assert watch.limit == math.inf
    watch.see()
    assert watch.limit == math.inf


@pytest.mark.parametrize("x", [2.9, 3.1, 3.3])
@pytest.mark.parametrize("pace", [0.5, 0.8, 1.2])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_somebody_who_is_going_to_cross_is_let_by(watch: Watch, x: float, pace: float, side: float) -> None:
    velocity = (0.0, -side * pace)
    last = watch.watch((x, HERE.y + side * (0.9 + 1.2 * pace)), velocity)
    limit = watch.limit
    assert limit in (0.0, 0.3 * FULL, 0.6 * FULL)
    # At full speed the robot would really have come near him, at this one it does not.
    assert nearest(last, velocity, FULL) < PERSON + RADIUS + KEPT
    assert nearest(last, velocity, limit) > PERSON + RADIUS


def nearest(place: Place, velocity: Place, speed: float) -> float:
    """m between the middles of the robot and of somebody who walks on, in the next 2.5 s."""
    t = np.arange(0.0, 2.5, 0.02)
    gaps = np.hypot(place[0] + velocity[0] * t - HERE.x - speed * t, place[1] + velocity[1] * t - HERE.y)
    return float(gaps.min())


def test_one_who_crosses_far_ahead_does_not_slow_the_robot_down(watch: Watch) -> None:
    watch.watch((5.0, 2.0), (0.0, 0.8))
    assert len(watch.walking) == 1
    assert watch.limit == math.inf


@pytest.mark.parametrize(
    ("start", "velocity"),
    [((3.0, 3.0), (0.9, 0.0)), ((3.2, 3.2), (0.3, 0.8)), ((1.0, 3.4), (-0.6, 0.0)), ((2.8, 2.4), (0.0, -0.7))],
    ids=["ahead", "aside", "behind", "down"],
)
def test_one_who_walks_away_does_not_slow_the_robot_down(watch: Watch, start: Place, velocity: Place) -> None:
    watch.watch(start, velocity)
    assert len(watch.walking) == 1
    assert watch.limit == math.inf


@pytest.mark.parametrize("velocity", [(0.0, 0.4), (-0.5, 0.0), (-0.4, 0.4)])
def test_one_who_is_nearer_already_does_not_pin_the_robot_down(watch: Watch, velocity: Place) -> None:
    last = 0.55  # m beside the robot
    start = (HERE.x - 7 * PERIOD * velocity[0], HERE.y + last - 7 * PERIOD * velocity[1])
    x, y = watch.watch(start, velocity)
    assert math.dist((x, y), (HERE.x, HERE.y)) < PERSON + RADIUS + KEPT
    assert len(watch.walking) == 1
    assert watch.limit == math.inf


def test_but_for_one_who_is_near_and_comes_nearer_it_stands(watch: Watch) -> None:
    watch.watch((3.2, 3.1), (-0.7, 0.0))
    assert watch.limit == 0.0


def test_who_has_come_to_stand_does_not_walk_any_more(watch: Watch) -> None:
    place = watch.watch((3.1, 4.8), (0.0, -0.8))
    assert watch.limit < FULL
    for _ in range(6):
        watch.see((*place, PERSON))
    assert watch.walking == []
    assert watch.limit == math.inf
    assert len(watch.bystanders.discs) == 1


def test_an_old_scan_changes_nothing(watch: Watch) -> None:
    watch.watch((3.1, 4.8), (0.0, -0.8), scans=7)
    seen = watch.see((3.1, 4.24, PERSON))
    before, walking, limit = watch.bystanders.discs, watch.walking, watch.limit
    assert limit < FULL
    for _ in range(10):  # the robot's cycles are faster than its lidar
        watch.bystanders.look(seen, NOBODY)
    watch.bystanders.look(replace(seen, scan=None), NOBODY)
    assert watch.bystanders.discs.tolist() == before.tolist()
    assert (watch.walking, watch.limit) == (walking, limit)


def test_robots_that_notice_together_see_what_each_sees_alone(look: Callable[..., Scan]) -> None:
    poses = (HERE, Pose2D(5.0, 1.0, 2.0), Pose2D(7.0, 4.0, -1.0), Pose2D(3.0, 4.5, 0.3))
    grids = (ROOM, None, room(10, 6, (6.0, 2.0, 6.4, 2.4)), ROOM)
    alone = [Watch(look, pose, grid) for pose, grid in zip(poses, grids, strict=True)]
    together = [Watch(look, pose, grid).bystanders for pose, grid in zip(poses, grids, strict=True)]
    rng, peers = np.random.default_rng(1), np.array([(4.0, 2.0, RADIUS)])
    for k in range(12):
        walker, robot = (3.0 + 0.08 * k, 3.5 - 0.05 * k, PERSON), (4.0, 2.1, RADIUS)
        seen = [watch.see(walker, robot, peers=peers, noise=rng.normal(0.0, 0.01, 180)) for watch in alone]
        for _ in range(2):  # the second time it is no news
            notice_together(together, seen)
            for bystanders, state in zip(together, seen, strict=True):
                bystanders.look(state, peers)
        assert [bystanders._tracks for bystanders in together] == [watch.bystanders._tracks for watch in alone]
    assert [len(watch.walking) for watch in alone] == [1, 0, 1, 1]


def test_without_a_map_nobody_is_told_from_a_wall(look: Callable[..., Scan]) -> None:
    watch = Watch(look, grid=None)
    watch.watch((3.1, 4.8), (0.0, -0.8))
    assert watch.bystanders.discs.shape == (0, 3)
    assert watch.limit == math.inf


@pytest.mark.parametrize("distance", [0.8, 1.5, 3.0])
def test_somebody_straight_ahead_is_one_though_the_lidar_s_turn_begins_there(watch: Watch, distance: float) -> None:
    ahead, behind = (HERE.x + distance, HERE.y), (1.0, 3.5)
    for _ in range(2):
        watch.see((*ahead, PERSON), (*behind, PERSON))
        places = sorted(watch.bystanders.discs[:, :2].tolist())
        assert len(places) == 2
        assert math.dist(places[0], behind) < 0.15
        assert math.dist(places[1], ahead) < 0.15
