"""Pictures of a scenario, drawn without a display by PyBullet's software renderer (TinyRenderer)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.simulation.bodies import load_robot
from ewm_ros.simulation.engine import EngineClient, pybullet
from ewm_ros.simulation.physics import PhysicsWorld
from ewm_ros.simulation.scenario import Scenario
from ewm_ros.simulation.shapes import Bounds

Picture = NDArray[np.uint8]  # (H, W, 3)
Colour = tuple[float, float, float]

# Paul Tol's "bright" and "vibrant" schemes, told apart by colour-blind eyes too; robots beyond ten take them again.
COLOURS: tuple[Colour, ...] = (
    (0.27, 0.47, 0.67), (0.93, 0.40, 0.47), (0.13, 0.53, 0.20), (0.93, 0.60, 0.20), (0.67, 0.20, 0.47),
    (0.40, 0.80, 0.93), (0.80, 0.20, 0.07), (0.00, 0.60, 0.53), (0.80, 0.73, 0.27), (0.40, 0.40, 0.45),
)  # fmt: skip
FLOOR: Colour = (0.93, 0.93, 0.91)
WALL: Colour = (0.60, 0.62, 0.66)
SHOWN_WALL_HEIGHT = 0.35  # m at most: full walls would hide the robots behind them
FIELD_OF_VIEW = 22.0  # degrees, vertical
PITCHES = {"above": math.radians(90.0), "perspective": math.radians(66.0)}  # of the views, down from the horizon
GIF_COLOURS = 64
PALETTE_FRAMES = 8  # at most, that the colours are chosen from


class Studio(EngineClient):
    """A stage with a scenario's floor and robots, and a camera that looks down on it.

    Args:
        focus: part of the floor that has to be in the picture; the whole floor by default.
        view: "above" for a camera over the middle, "perspective" for one south of it.

    Raises:
        InputError: there is no such view.
    """

    def __init__(
        self,
        scenario: Scenario,
        width: int = 960,
        height: int = 540,
        focus: Bounds | None = None,
        view: str = "perspective",
    ) -> None:
        if view not in PITCHES:
            raise InputError(f"unknown view {view!r}: there are {', '.join(PITCHES)}")
        self._size = (width, height)
        super().__init__()
        try:
            self._bodies = _furnish(self._client, scenario)
        except InputError:
            self.close()
            raise
        self._projection = pybullet.computeProjectionMatrixFOV(FIELD_OF_VIEW, width / height, 0.1, 500.0)
        self._view = _view_of(focus or scenario.bounds, self._projection, PITCHES[view])

    def locate(self, points: FloatArray) -> FloatArray:
        """Where points of the floor, (N, 2) m, are in the picture: (N, 2) pixels right and down."""
        seen = _seen(points, self._view, self._projection)
        return np.asarray((seen[:, :2] / seen[:, 2:] * [1.0, -1.0] + 1.0) / 2.0 * self._size, dtype=np.float64)

    def shoot(self, poses: Mapping[int, Pose2D]) -> Picture:
        """A picture with the robots (by their index in the scenario) at these poses; the others are left out."""
        for index, (body, height) in enumerate(self._bodies):
            pose = poses.get(index)
            x, y, z, yaw = (pose.x, pose.y, height, pose.yaw) if pose else (0.0, 0.0, -100.0, 0.0)
            turned = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
            pybullet.resetBasePositionAndOrientation(body, (x, y, z), turned, physicsClientId=self._client)
        image = pybullet.getCameraImage(
            *self._size,
            self._view,
            self._projection,
            lightDirection=(-3.0, -4.0, 10.0),
            lightAmbientCoeff=0.65,
            lightDiffuseCoeff=0.4,
            lightSpecularCoeff=0.0,
            shadow=0,
            renderer=pybullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
        )
        width, height_px = self._size
        rgba: Picture = np.asarray(image[2], dtype=np.uint8).reshape(height_px, width, 4)
        return np.array(rgba[:, :, :3])


def render(physics: PhysicsWorld, width: int = 960, height: int = 540, focus: Bounds | None = None) -> Picture:
    """One picture of a running world. For many of one scenario keep a Studio: it sets the stage only once."""
    with Studio(physics.scenario, width, height, focus) as studio:
        return studio.shoot({index: physics.pose(index) for index in physics.indices})


def save_gif(frames: Sequence[Picture], path: Path, seconds_per_frame: float) -> None:
    """Write an endless animation of 64 colours, the same for all frames.

    Raises:
        InputError: there are no frames, or the file cannot be written.
    """
    if not frames:
        raise InputError(f"{path}: an animation needs at least one frame")
    sample = np.concatenate([frame[::2, ::2] for frame in frames[:: -(-len(frames) // PALETTE_FRAMES)]])
    palette = Image.fromarray(sample).quantize(GIF_COLOURS, dither=Image.Dither.NONE)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    try:
        images[0].save(
            path, format="GIF", save_all=True, append_images=images[1:], duration=seconds_per_frame * 1e3, loop=0
        )
    except OSError as error:
        raise _unwritable(path, error) from error


def save_png(picture: Picture, path: Path) -> None:
    """Write one picture.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        Image.fromarray(picture).save(path, format="PNG")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error})")


def _furnish(client: int, scenario: Scenario) -> list[tuple[int, float]]:
    """Set the stage: floor, walls, pillars, a spot on each goal, the robots. Returns (body, height) of each robot."""
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
    bodies = []
    for index, (robot, start, goal) in enumerate(zip(scenario.types, scenario.starts, scenario.goals, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        pale = (1.0 - 0.45 * (1.0 - colour[0]), 1.0 - 0.45 * (1.0 - colour[1]), 1.0 - 0.45 * (1.0 - colour[2]))
        _place(client, _spot_shape(client, robot.radius, pale), (*goal, 0.01), 0.0)
        body, height = load_robot(client, robot, start, 1.0)
        _paint_drum(client, body, colour)
        bodies.append((body, height))
    return bodies


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


def _place(client: int, shape: int, position: tuple[float, float, float], yaw: float) -> None:
    turned = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
    pybullet.createMultiBody(
        baseVisualShapeIndex=shape, basePosition=position, baseOrientation=turned, physicsClientId=client
    )


def _view_of(focus: Bounds, projection: Sequence[float], pitch: float) -> tuple[float, ...]:
    """The view matrix of the nearest camera that still has all corners of `focus` in the picture."""
    middle = (sum(focus.x) / 2, sum(focus.y) / 2, 0.0)
    corners = np.array([[x, y] for x in focus.x for y in focus.y])
    near, far = 1.0, 10.0 * (focus.x[1] - focus.x[0] + focus.y[1] - focus.y[0])
    for _ in range(40):
        distance = (near + far) / 2
        if _fits(corners, _look_at(middle, distance, pitch), projection):
            far = distance
        else:
            near = distance
    return _look_at(middle, far, pitch)


def _look_at(middle: tuple[float, float, float], distance: float, pitch: float) -> tuple[float, ...]:
    eye = (middle[0], middle[1] - distance * math.cos(pitch), distance * math.sin(pitch))
    matrix: tuple[float, ...] = pybullet.computeViewMatrix(eye, middle, (0.0, math.sin(pitch), math.cos(pitch)))
    return matrix


def _seen(points: FloatArray, view: Sequence[float], projection: Sequence[float]) -> FloatArray:
    """Points of the floor, (N, 2) m, as the camera has them: (N, 3), right, up (-1 to 1 after division) and divisor."""
    on_floor = np.column_stack([points, np.zeros(len(points)), np.ones(len(points))])
    seen = on_floor @ np.reshape(view, (4, 4)) @ np.reshape(projection, (4, 4))
    return np.asarray(seen[:, [0, 1, 3]], dtype=np.float64)


def _fits(corners: FloatArray, view: Sequence[float], projection: Sequence[float]) -> bool:
    """Whether all points (N, 2) of the floor lie in the picture with a margin of 3 %."""
    seen = _seen(corners, view, projection)
    return bool((seen[:, 2] > 0.0).all() and (np.abs(seen[:, :2]) < 0.97 * seen[:, 2:]).all())
