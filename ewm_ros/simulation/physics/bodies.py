"""Walls, pillars, people and robots as bodies of a PyBullet world."""

from __future__ import annotations

import math

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.physics.robot_model import load_robot_model
from ewm_ros.simulation.worlds.shapes import Floor

UPRIGHT = 1e6  # kg m^2
LEAST_HEIGHT = 0.5  # m, of walls and pillars for the engine: nobody drives over a low one, which its lidar sees
FRICTION = 0.3  # between bodies
PERSON_HEIGHT = 1.7  # m


def add_floor_things(client: int, floor: Floor) -> dict[int, str]:
    """Put walls, border walls and pillars into the world.

    Returns:
        The name of each body.
    """
    names: dict[int, str] = {}
    for box in floor.boxes:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX,
            halfExtents=[box.length / 2, box.width / 2, max(box.height, LEAST_HEIGHT) / 2],
            physicsClientId=client,
        )
        names[_fix(client, shape, (box.x, box.y, max(box.height, LEAST_HEIGHT) / 2), turned(box.yaw))] = box.name
    for disc in floor.discs:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_CYLINDER, radius=disc.radius, height=max(disc.height, LEAST_HEIGHT), physicsClientId=client
        )
        names[_fix(client, shape, (disc.x, disc.y, max(disc.height, LEAST_HEIGHT) / 2), turned(0.0))] = disc.name
    return names


def add_person(client: int, x: float, y: float, radius: float) -> int:
    """Put somebody into the world: a body that nothing pushes and that is moved by setting its place."""
    shape = pybullet.createCollisionShape(
        pybullet.GEOM_CYLINDER, radius=radius, height=PERSON_HEIGHT, physicsClientId=client
    )
    return _fix(client, shape, (x, y, PERSON_HEIGHT / 2), turned(0.0))


def _fix(client: int, shape: int, position: tuple[float, ...], orientation: tuple[float, ...]) -> int:
    body: int = pybullet.createMultiBody(
        baseMass=0.0,
        baseCollisionShapeIndex=shape,
        basePosition=position,
        baseOrientation=orientation,
        useMaximalCoordinates=True,  # a plain rigid body costs less in every step than a multi-body without joints
        physicsClientId=client,
    )
    pybullet.changeDynamics(body, -1, lateralFriction=FRICTION, restitution=0.0, physicsClientId=client)
    return body


def add_driven_robot(client: int, robot_type: RobotType, pose: Pose2D, mass_factor: float) -> tuple[int, float]:
    """Put a robot into the world as one rigid body: the cylinder of its base_link, with the mass of the whole robot.

    Returns:
        (body, height): height is that of its centre of mass above the floor, m.

    Raises:
        InputError: the robot type has no usable model.
    """
    model = load_robot_model(robot_type)
    shape = pybullet.createCollisionShape(
        pybullet.GEOM_CYLINDER,
        radius=model.radius,
        height=model.length,
        collisionFramePosition=(0.0, 0.0, model.height - model.mass_height),
        physicsClientId=client,
    )
    body: int = pybullet.createMultiBody(
        baseMass=model.mass * mass_factor,
        baseCollisionShapeIndex=shape,
        basePosition=(pose.x, pose.y, model.mass_height),
        baseOrientation=turned(pose.yaw),
        physicsClientId=client,
    )
    pybullet.changeDynamics(
        body,
        -1,
        # It turns about the vertical only: a body that could tip would be pressed into what it pushes against.
        localInertiaDiagonal=[UPRIGHT, UPRIGHT, model.inertia[2] * mass_factor],
        lateralFriction=FRICTION,
        restitution=0.0,
        linearDamping=0.0,
        angularDamping=0.0,
        physicsClientId=client,
    )
    return body, model.mass_height


def load_robot(client: int, robot_type: RobotType, pose: Pose2D, mass_factor: float) -> tuple[int, float]:
    """Put a robot into the world as its URDF has it, wheels and looks included.

    Returns:
        (body, height): height is that of the centre of mass of its base_link above the floor, m.

    Raises:
        InputError: models/robots has no URDF of this type, or PyBullet cannot read it.
    """
    path = load_robot_model(robot_type).path
    try:
        body: int = pybullet.loadURDF(
            str(path),
            (pose.x, pose.y, 0.0),
            turned(pose.yaw),
            flags=pybullet.URDF_USE_IMPLICIT_CYLINDER | pybullet.URDF_USE_INERTIA_FROM_FILE,
            physicsClientId=client,
        )
    except pybullet.error as error:
        raise InputError(f"{path}: PyBullet cannot load this robot model") from error
    for link in range(-1, pybullet.getNumJoints(body, physicsClientId=client)):
        mass, _, inertia, *_ = pybullet.getDynamicsInfo(body, link, physicsClientId=client)
        pybullet.changeDynamics(
            body,
            link,
            mass=mass * mass_factor,
            localInertiaDiagonal=[moment * mass_factor for moment in inertia],
            lateralFriction=FRICTION,
            restitution=0.0,
            linearDamping=0.0,
            angularDamping=0.0,
            physicsClientId=client,
        )
    height: float = pybullet.getBasePositionAndOrientation(body, physicsClientId=client)[0][2]
    return body, height


def turned(yaw: float) -> tuple[float, float, float, float]:
    """The orientation of something upright, as a quaternion."""
    return (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
