"""What is to be seen of a scenario, as bodies to be drawn: floor, walls, goals, stations, robots and people."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.simulation.physics.bodies import load_robot
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.pictures.colours import COLOURS, Colour
from ewm_ros.simulation.worlds.scenario import Scenario

FLOOR: Colour = (0.93, 0.93, 0.91)
WALL: Colour = (0.60, 0.62, 0.66)
SHOWN_WALL_HEIGHT = 0.35  # m at most: full walls would hide the robots behind them
SPOT: Colour = (0.72, 0.72, 0.70)  # of a goal that is nobody's own
PICK: Colour = (0.96, 0.82, 0.55)
DROP: Colour = (0.66, 0.84, 0.72)
STATION_RADIUS = 0.3  # m
CLOTHES: Colour = (0.25, 0.25, 0.30)
SKIN: Colour = (0.80, 0.62, 0.50)
PERSON_HEIGHT = 0.9  # m, shown; as with walls, their full height would hide the robots behind them
OUT_OF_SIGHT = -100.0  # m


class Stage:
    """A scenario's things in an engine instance, visual only.

    Raises:
        InputError: a robot type has no model.
    """

    def __init__(self, client: int, scenario: Scenario) -> None:
        self._client = client
        self._begins = _begins(scenario)
        _lay_floor(client, scenario)
        _mark_places(client, scenario)
        self._robots = []
        for index, (robot, start) in enumerate(zip(scenario.types, scenario.starts, strict=True)):
            body, height = load_robot(client, robot, start, 1.0)
            _paint_drum(client, body, COLOURS[index % len(COLOURS)])
            self._robots.append((body, height))
        self._people = [_person(client, walker.radius) for walker in scenario.people]

    def arrange(self, poses: Mapping[int, Pose2D], people: FloatArray | None) -> None:
        """Put robots (by index) and people, (P, 3) x, y, heading, in their places; other robots out of sight."""
        for index, (body, height) in enumerate(self._robots):
            pose = poses.get(index)
            x, y, z, yaw = (pose.x, pose.y, height, pose.yaw) if pose else (0.0, 0.0, OUT_OF_SIGHT, 0.0)
            self._move(body, (x, y, z), yaw)
        for parts, (x, y, yaw) in zip(self._people, self._begins if people is None else people, strict=True):
            for body, height in parts:
                self._move(body, (float(x), float(y), height), float(yaw))

    def _move(self, body: int, position: tuple[float, float, float], yaw: float) -> None:
        turned = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
        pybullet.resetBasePositionAndOrientation(body, position, turned, physicsClientId=self._client)


def _begins(scenario: Scenario) -> FloatArray:
    """(P, 3) where everybody begins to walk."""
    rows = []
    for walker in scenario.people:
        path = Polyline(walker.path)
        rows.append([*path.point_at(walker.begin), path.heading_at(walker.begin)])
    return np.array(rows).reshape(-1, 3)


def _lay_floor(client: int, scenario: Scenario) -> None:
    (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
    floor = _box_shape(client, (x1 - x0, y1 - y0, 0.1), FLOOR)
    _place(client, floor, ((x0 + x1) / 2, (y0 + y1) / 2, -0.05), 0.0)
    for box in scenario.boxes:
        height = min(box.height, SHOWN_WALL_HEIGHT)
        shape = _box_shape(client, (box.length, box.width, height), WALL)
        _place(client, shape, (box.x, box.y, height / 2), box.yaw)
    for disc in scenario.discs:
        height = min(disc.height, SHOWN_WALL_HEIGHT)
        _place(client, _drum_shape(client, disc.radius, height, WALL), (disc.x, disc.y, height / 2), 0.0)


def _mark_places(client: int, scenario: Scenario) -> None:
    """A spot on each goal, in the paler colour of its robot where it has one, and on each station."""
    for index, goal in enumerate(scenario.goals):
        colour, radius = SPOT, STATION_RADIUS
        if scenario.task == "reach":
            red, green, blue = COLOURS[index % len(COLOURS)]
            colour = (1.0 - 0.45 * (1.0 - red), 1.0 - 0.45 * (1.0 - green), 1.0 - 0.45 * (1.0 - blue))
            radius = scenario.types[index].radius
        _place(client, _spot_shape(client, radius, colour), (*goal, 0.01), 0.0)
    if scenario.stations is not None:
        for places, colour in ((scenario.stations.pick, PICK), (scenario.stations.drop, DROP)):
            for place in places:
                _place(client, _spot_shape(client, STATION_RADIUS, colour), (*place, 0.01), 0.0)


def _person(client: int, radius: float) -> list[tuple[int, float]]:
    """Shoulders and a head; returns each part's body and height."""
    shoulders = _drum_shape(client, radius, PERSON_HEIGHT, CLOTHES)
    head = pybullet.createVisualShape(
        pybullet.GEOM_SPHERE, radius=0.55 * radius, rgbaColor=(*SKIN, 1.0), physicsClientId=client
    )
    heights = (PERSON_HEIGHT / 2, PERSON_HEIGHT + 0.4 * radius)
    parts = ((shoulders, heights[0]), (head, heights[1]))
    return [(_place(client, shape, (0.0, 0.0, OUT_OF_SIGHT), 0.0), height) for shape, height in parts]


def _paint_drum(client: int, body: int, colour: Colour) -> None:
    """Colour the first visual of a robot model, its drum, and leave nose and lidar dark."""
    shapes = pybullet.getVisualShapeData(body, physicsClientId=client)
    for number, shape in enumerate(shapes):
        rgba = (*colour, 1.0) if number == 0 else shape[7]
        pybullet.changeVisualShape(body, -1, shapeIndex=number, rgbaColor=rgba, physicsClientId=client)


def _box_shape(client: int, size: tuple[float, float, float], colour: Colour) -> int:
    shape: int = pybullet.createVisualShape(
        pybullet.GEOM_BOX, halfExtents=[side / 2 for side in size], rgbaColor=(*colour, 1.0), physicsClientId=client
    )
    return shape


def _drum_shape(client: int, radius: float, height: float, colour: Colour) -> int:
    shape: int = pybullet.createVisualShape(
        pybullet.GEOM_CYLINDER, radius=radius, length=height, rgbaColor=(*colour, 1.0), physicsClientId=client
    )
    return shape


def _spot_shape(client: int, radius: float, colour: Colour) -> int:
    """A flat disc; a thin drum would be shaded like a cone."""
    angles = np.linspace(0.0, 2.0 * math.pi, 24, endpoint=False)
    rim = [[radius * math.cos(a), radius * math.sin(a), 0.0] for a in angles]
    fan = [[0, i + 1, (i + 1) % len(rim) + 1] for i in range(len(rim))]
    shape: int = pybullet.createVisualShape(
        pybullet.GEOM_MESH,
        vertices=[[0.0, 0.0, 0.0], *rim],
        indices=[corner for triangle in fan for corner in triangle],
        normals=[[0.0, 0.0, 1.0]] * (len(rim) + 1),
        rgbaColor=(*colour, 1.0),
        physicsClientId=client,
    )
    return shape


def _place(client: int, shape: int, position: tuple[float, float, float], yaw: float) -> int:
    turned = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
    body: int = pybullet.createMultiBody(
        baseVisualShapeIndex=shape, basePosition=position, baseOrientation=turned, physicsClientId=client
    )
    return body
