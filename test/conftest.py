"""A simulated robot that knows nothing of the code under test: a reference slewed to the command, motors with lag."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from ewm_ros.geometry import Pose2D
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.sensing import STANDSTILL, Odometry, Scan, Velocity

FINE = 0.01  # s, of the simulation
PERIOD = 0.1  # s, of control


@dataclass
class Plant:
    """A robot with its own gain and lag; its accelerations are those of its type."""

    robot_type: RobotType
    pose: Pose2D
    gain_v: float = 1.0
    gain_w: float = 1.0
    lag: float = 0.1
    velocity: Velocity = STANDSTILL
    reference: Velocity = field(default=STANDSTILL)

    def drive(self, command: Velocity) -> None:
        """One control period under this command."""
        a, b = self.robot_type.max_acceleration * FINE, self.robot_type.max_turn_acceleration * FINE
        follow = 1.0 - math.exp(-FINE / self.lag)
        for _ in range(round(PERIOD / FINE)):
            rv = min(max(command.v, self.reference.v - a), self.reference.v + a)
            rw = min(max(command.w, self.reference.w - b), self.reference.w + b)
            self.reference = Velocity(rv, rw)
            v = self.velocity.v + follow * (self.gain_v * rv - self.velocity.v)
            w = self.velocity.w + follow * (self.gain_w * rw - self.velocity.w)
            self.velocity = Velocity(v, w)
            x, y, yaw = self.pose.x, self.pose.y, self.pose.yaw
            self.pose = Pose2D(x + v * math.cos(yaw) * FINE, y + v * math.sin(yaw) * FINE, yaw + w * FINE)

    def odometry(self, stamp: float) -> Odometry:
        return Odometry(stamp, self.pose, self.velocity.v, self.velocity.w)


@dataclass(frozen=True)
class Run:
    """What a robot did: one row per control period."""

    x: np.ndarray
    y: np.ndarray
    v: np.ndarray
    progress: np.ndarray

    def cross_track(self, follower: PathFollower) -> float:
        """m, the largest distance from the path."""
        return max(follower.path.project(x, y)[1] for x, y in zip(self.x, self.y, strict=True))


def pytest_configure() -> None:
    """Hear Ctrl-C: a shell has jobs in the background ignore it, and so would all processes that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tinybot() -> RobotType:
    return load_robot_type("tinybot")


@pytest.fixture(scope="session")
def follow() -> Callable[..., Run]:
    """Let a plant follow a path for some seconds."""

    def run(
        follower: PathFollower, plant: Plant, seconds: float, hold: float = math.inf, limit: float = math.inf
    ) -> Run:
        progress, rows = follower.progress(plant.pose, 0.0), []
        for _ in range(round(seconds / PERIOD)):
            rows.append((plant.pose.x, plant.pose.y, plant.velocity.v, progress))
            plant.drive(follower.command(plant.pose, plant.velocity, progress, hold, limit))
            progress = follower.progress(plant.pose, progress)
        rows.append((plant.pose.x, plant.pose.y, plant.velocity.v, progress))
        return Run(*np.array(rows).T)

    return run


@pytest.fixture(scope="session")
def plant() -> type[Plant]:
    return Plant


@pytest.fixture(scope="session")
def look() -> Callable[..., Scan]:
    """A noiseless lidar among wall segments and discs."""

    def scan(pose: Pose2D, walls: np.ndarray, discs: np.ndarray, stamp: float, rays: int = 180) -> Scan:
        """walls: (M, 4) x0, y0, x1, y1; discs: (K, 3) x, y, radius, all m."""
        angles = np.arange(rays) * (2.0 * math.pi / rays)
        dx, dy = np.cos(angles + pose.yaw), np.sin(angles + pose.yaw)
        ranges = np.full(rays, 8.0)
        for x0, y0, x1, y1 in walls:
            ex, ey, ox, oy = x1 - x0, y1 - y0, x0 - pose.x, y0 - pose.y
            cross = dx * ey - dy * ex
            with np.errstate(divide="ignore", invalid="ignore"):
                t, u = (ox * ey - oy * ex) / cross, (ox * dy - oy * dx) / cross
            ranges = np.where((t > 0.0) & (u >= 0.0) & (u <= 1.0), np.minimum(ranges, t), ranges)
        for x, y, radius in discs:
            along = (x - pose.x) * dx + (y - pose.y) * dy
            gap = radius**2 - ((x - pose.x) ** 2 + (y - pose.y) ** 2 - along**2)
            t = along - np.sqrt(np.maximum(gap, 0.0))
            ranges = np.where((gap > 0.0) & (t > 0.0), np.minimum(ranges, t), ranges)
        return Scan(stamp, 0.0, 2.0 * math.pi / rays, 8.0, ranges)

    return scan
