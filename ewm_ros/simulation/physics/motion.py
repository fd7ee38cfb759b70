"""How wanted velocities become motion; here with one driven body for each robot, in wheels.py with wheels."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from typing import Protocol

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.physics.bodies import add_driven_robot, turned
from ewm_ros.simulation.physics.compiled import compiled
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.physics.variation import Traits
from ewm_ros.trajectory import STEP


class Motion(Protocol):
    """The bodies of the robots that take part, in one engine.

    Attributes:
        substeps: of the engine, in each step of 0.1 s.
        bodies: the engine's number of each robot.
        poses: (N, 3) m, m, rad; up to date after `settle`.
        velocities: (N, 2) m/s forward, rad/s; likewise.
    """

    substeps: int
    bodies: list[int]
    poses: FloatArray
    velocities: FloatArray

    @property
    def motors(self) -> FloatArray:
        """(N, 2) m/s forward, rad/s, that the motors turn with; up to date in each substep."""

    @property
    def state(self) -> bytes:
        """All that moves, bit by bit."""

    def drive(self, wanted: FloatArray) -> None:
        """Before a substep: have the robots move at these velocities, (N, 2)."""

    def follow(self, near: Set[int], pushed: Set[int]) -> None:
        """After a substep; near: bodies in contact or just about to be, pushed: those that are in contact."""

    def settle(self) -> None:
        """After the last substep of a step."""


class DrivenBodies:
    """One rigid body a robot, given its velocity in every substep: forward and turning, never sideways.

    A body that nothing is near to moves exactly as it was told. So only others are asked for their velocity, and in
    between the substeps for their pose.
    """

    substeps = 6

    def __init__(
        self, client: int, types: Sequence[RobotType], starts: Sequence[Pose2D], traits: Sequence[Traits]
    ) -> None:
        self._client = client
        self._dt = STEP / self.substeps
        self.poses: FloatArray = np.array([[p.x, p.y, p.yaw] for p in starts], dtype=np.float64)
        self.velocities: FloatArray = np.zeros((len(starts), 2))
        placed = [
            add_driven_robot(client, robot, pose, own.mass)
            for robot, pose, own in zip(types, starts, traits, strict=True)
        ]
        self.bodies = [body for body, _ in placed]
        self._heights = [height for _, height in placed]

    @property
    def motors(self) -> FloatArray:
        """The velocities of the bodies."""
        return self.velocities

    @property
    def state(self) -> bytes:
        """Poses and velocities."""
        return self.poses.tobytes() + self.velocities.tobytes()

    def drive(self, wanted: FloatArray) -> None:
        """Give each body its velocity."""
        client, reset = self._client, pybullet.resetBaseVelocity
        twists = _in_map(self.poses, wanted).tolist()
        for body, (vx, vy, w) in zip(self.bodies, twists, strict=True):
            reset(body, (vx, vy, 0.0), (0.0, 0.0, w), client)
        self.velocities = wanted

    def follow(self, near: Set[int], pushed: Set[int]) -> None:
        """Turn on; take over what became of bodies in contact, and set those level on the floor again."""
        self.poses[:, 2] += self._dt * self.velocities[:, 1]
        for k, body in enumerate(self.bodies if near else ()):
            if body not in near:
                continue
            x, y, yaw = self.poses[k] = pose_of(body, self._client)
            self.velocities[k] = velocity_of(body, yaw, self._client)
            if body in pushed:
                place = (x, y, self._heights[k])
                pybullet.resetBasePositionAndOrientation(body, place, turned(yaw), self._client)

    def settle(self) -> None:
        """Take the poses over from the engine."""
        self.poses = np.array([pose_of(body, self._client) for body in self.bodies])


@compiled
def _in_map(poses: FloatArray, velocities: FloatArray) -> FloatArray:
    """(N, 3) m/s, m/s, rad/s in the map frame."""
    twists = np.empty_like(poses)
    for n in range(len(poses)):
        v, yaw = velocities[n, 0], poses[n, 2]
        twists[n] = v * math.cos(yaw), v * math.sin(yaw), velocities[n, 1]
    return twists


def pose_of(body: int, client: int) -> tuple[float, float, float]:
    """x, y (m) and yaw (rad) of a body."""
    (x, y, _), (qx, qy, qz, qw) = pybullet.getBasePositionAndOrientation(body, client)
    return x, y, math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))


def velocity_of(body: int, yaw: float, client: int) -> tuple[float, float]:
    """m/s forward and rad/s of a body that looks this way."""
    (vx, vy, _), (_, _, w) = pybullet.getBaseVelocity(body, client)
    return vx * math.cos(yaw) + vy * math.sin(yaw), w
