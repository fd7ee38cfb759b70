"""Walls, pillars and robots as bodies of a PyBullet world."""

from __future__ import annotations

import math

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.resources import resource
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.engine import pybullet
from ewm_ros.simulation.shapes import Floor

FRICTION = 0.3  # between bodies


def add_floor_things(client: int, floor: Floor) -> dict[int, str]:
    """Put walls, border walls and pillars into the world.

    Returns:
        The name of each body.
    """
    names: dict[int, str] = {}
    for box in floor.boxes:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX,
            halfExtents=[box.length / 2, box.width / 2, box.height / 2],
            physicsClientId=client,
        )
        turned = (0.0, 0.0, math.sin(box.yaw / 2), math.cos(box.yaw / 2))
        names[_fix(client, shape, (box.x, box.y, box.height / 2), turned)] = box.name
    for disc in floor.discs:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_CYLINDER, radius=disc.radius, height=disc.height, physicsClientId=client
        )
        names[_fix(client, shape, (disc.x, disc.y, disc.height / 2), (0.0, 0.0, 0.0, 1.0))] = disc.name
    return names


def _fix(client: int, shape: int, position: tuple[float, ...], orientation: tuple[float, ...]) -> int:
    body: int = pybullet.createMultiBody(
        baseMass=0.0,
        baseCollisionShapeIndex=shape,
        basePosition=position,
        baseOrientation=orientation,
        physicsClientId=client,
    )
    pybullet.changeDynamics(body, -1, lateralFriction=FRICTION, restitution=0.0, physicsClientId=client)
    return body


def load_robot(client: int, robot_type: RobotType, pose: Pose2D, mass_factor: float) -> tuple[int, float]:
    """Put a robot into the world.

    Returns:
        (body, height): height is that of its centre of mass above the floor, m.

    Raises:
        InputError: models/robots has no URDF of this type, or PyBullet cannot read it.
    """
    path = resource("models/robots", robot_type.name, ".urdf", kind="robot model")
    try:
        body: int = pybullet.loadURDF(
            str(path),
            (pose.x, pose.y, 0.0),
            (0.0, 0.0, math.sin(pose.yaw / 2), math.cos(pose.yaw / 2)),
            flags=pybullet.URDF_USE_IMPLICIT_CYLINDER | pybullet.URDF_USE_INERTIA_FROM_FILE,
            physicsClientId=client,
        )
    except pybullet.error as error:
        raise InputError(f"{path}: PyBullet cannot load this robot model") from error
    mass = pybullet.getDynamicsInfo(body, -1, physicsClientId=client)[0]
    pybullet.changeDynamics(
        body,
        -1,
        mass=mass * mass_factor,
        lateralFriction=FRICTION,
        restitution=0.0,
        linearDamping=0.0,
        angularDamping=0.0,
        physicsClientId=client,
    )
    height: float = pybullet.getBasePositionAndOrientation(body, physicsClientId=client)[0][2]
    return body, height
