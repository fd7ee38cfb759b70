"""Robots on real wheels: joints turned by motors, on a floor with friction and gravity.

Slower by far than driven bodies (motion.py), and closer to what a robot does: slip comes from the contact of each
wheel, and who is pushed can tilt.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.physics.bodies import load_robot
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.physics.motion import pose_of, velocity_of
from ewm_ros.simulation.physics.robot_model import RobotModel, load_robot_model
from ewm_ros.simulation.physics.variation import Traits

GRAVITY = 9.81  # m/s^2
GRIP = 0.8  # friction between wheels and floor
# More than two wheels scrub sideways when a robot turns: it turns as if they were further apart by this factor. Found
# by trial on this floor; for the real Husky, Clearpath's husky_control has a wheel_separation_multiplier of 1.875.
SKID_STEERING = 2.5


@dataclass(frozen=True, slots=True)
class _Transmission:
    """What turns the wheels of one robot: joints, and wheel speeds (rad/s) as `forward` * v + `turning` * w."""

    joints: list[int]
    forward: FloatArray
    turning: FloatArray
    torques: list[float]


class WheeledBodies:
    """One model with wheels a robot; its motors hold wheel speeds."""

    substeps = 24

    def __init__(
        self, client: int, types: Sequence[RobotType], starts: Sequence[Pose2D], traits: Sequence[Traits]
    ) -> None:
        self._client = client
        pybullet.setGravity(0.0, 0.0, -GRAVITY, physicsClientId=client)
        floor = pybullet.createMultiBody(
            0.0, pybullet.createCollisionShape(pybullet.GEOM_PLANE, physicsClientId=client), physicsClientId=client
        )
        pybullet.changeDynamics(floor, -1, lateralFriction=1.0, restitution=0.0, physicsClientId=client)
        self.poses: FloatArray = np.array([[p.x, p.y, p.yaw] for p in starts], dtype=np.float64)
        self.velocities: FloatArray = np.zeros((len(starts), 2))
        self.motors: FloatArray = np.zeros((len(starts), 2))
        self.bodies: list[int] = []
        self._transmissions: list[_Transmission] = []
        for robot, pose, own in zip(types, starts, traits, strict=True):
            body, _ = load_robot(client, robot, pose, own.mass)
            self.bodies.append(body)
            self._transmissions.append(self._prepare(body, load_robot_model(robot), own.mass))

    def _prepare(self, body: int, model: RobotModel, mass_factor: float) -> _Transmission:
        """Grip for the wheels, none for casters; motors that can make the wheels slip and are no stronger."""
        client, wheels = self._client, model.wheels
        joints = {
            pybullet.getJointInfo(body, joint, client)[1].decode(): joint
            for joint in range(pybullet.getNumJoints(body, physicsClientId=client))
        }
        for name, joint in joints.items():
            grip = GRIP if any(wheel.joint == name for wheel in wheels) else 0.0
            pybullet.changeDynamics(body, joint, lateralFriction=grip, physicsClientId=client)
        apart = SKID_STEERING if len(wheels) > 2 else 1.0
        load = model.mass * mass_factor * GRAVITY / len(wheels)
        return _Transmission(
            joints=[joints[wheel.joint] for wheel in wheels],
            forward=np.array([1.0 / wheel.radius for wheel in wheels]),
            turning=np.array([-wheel.offset * apart / wheel.radius for wheel in wheels]),
            torques=[load * wheel.radius for wheel in wheels],
        )

    @property
    def state(self) -> bytes:
        """Where each body is in space, and how its joints turn."""
        client = self._client
        moving = [
            (
                pybullet.getBasePositionAndOrientation(body, client),
                pybullet.getBaseVelocity(body, client),
                pybullet.getJointStates(body, wheels.joints, client),
            )
            for body, wheels in zip(self.bodies, self._transmissions, strict=True)
        ]
        return self.motors.tobytes() + repr(moving).encode()

    def drive(self, wanted: FloatArray) -> None:
        """Have the motors turn the wheels as these velocities ask for."""
        for body, wheels, (v, w) in zip(self.bodies, self._transmissions, wanted.tolist(), strict=True):
            pybullet.setJointMotorControlArray(
                body,
                wheels.joints,
                pybullet.VELOCITY_CONTROL,
                targetVelocities=(wheels.forward * v + wheels.turning * w).tolist(),
                forces=wheels.torques,
                physicsClientId=self._client,
            )
        self.motors = wanted

    def follow(self, near: Set[int], pushed: Set[int]) -> None:
        """The engine does all."""

    def settle(self) -> None:
        """Take poses and velocities over from the engine."""
        for k, body in enumerate(self.bodies):
            self.poses[k] = pose_of(body, self._client)
            self.velocities[k] = velocity_of(body, self.poses[k, 2], self._client)
