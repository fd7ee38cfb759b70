"""Pictures of a scenario, drawn without a display."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.simulation.physics.engine import EngineClient, pybullet
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.pictures.renderers import Kind, Picture, Renderer, best_renderer
from ewm_ros.simulation.pictures.stage import Stage
from ewm_ros.simulation.pictures.views import PITCHES
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.shapes import Bounds

__all__ = ["Picture", "Studio", "render", "save_gif", "save_png"]

FIELD_OF_VIEW = 22.0  # degrees, vertical
PNG_COLOURS = 256
GIF_COLOURS = 64
PALETTE_FRAMES = 8  # at most, that the colours are chosen from


class Studio(EngineClient):
    """A stage with a scenario's floor and robots, and a camera that looks down on it.

    Args:
        focus: part of the floor that has to be in the picture; the whole floor by default.
        view: "above" for a camera over the middle, "perspective" for one south of it.
        renderer: who draws; the best that works here by default.

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
        renderer: Kind | None = None,
    ) -> None:
        if view not in PITCHES:
            raise InputError(f"unknown view {view!r}: there are {', '.join(PITCHES)}")
        self._size = (width, height)
        super().__init__()
        self._renderer = Renderer(self._client, renderer or best_renderer())
        try:
            with self._renderer.turn():
                self._stage = Stage(self._client, scenario)
        except InputError:
            self.close()
            raise
        self._view, self._projection = _camera(focus or scenario.bounds, width / height, PITCHES[view])

    def close(self) -> None:
        """Give the engine's and the renderer's memory back; may be called again."""
        self._renderer.close()
        super().close()

    def locate(self, points: FloatArray) -> FloatArray:
        """Where points of the floor, (N, 2) m, are in the picture: (N, 2) pixels right and down."""
        seen = _seen(points, self._view, self._projection)
        return np.asarray((seen[:, :2] / seen[:, 2:] * [1.0, -1.0] + 1.0) / 2.0 * self._size, dtype=np.float64)

    def shoot(self, poses: Mapping[int, Pose2D], people: FloatArray | None = None) -> Picture:
        """A picture with the robots (by their index in the scenario) at these poses; the others are left out.

        Args:
            people: (P, 3) x, y, heading of everybody who walks about; where they begin if not given.
        """
        self._stage.arrange(poses, people)
        shift = np.eye(4)
        shift[3, :3] = np.negative(self._stage.shift)
        return self._renderer.shoot(*self._size, shift @ self._view, self._projection)


def render(physics: PhysicsWorld, width: int = 960, height: int = 540, focus: Bounds | None = None) -> Picture:
    """One picture of a running world. For many of one scenario keep a Studio: it sets the stage only once."""
    with Studio(physics.scenario, width, height, focus) as studio:
        return studio.shoot({index: physics.pose(index) for index in physics.indices}, physics.people)


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
    """Write one picture, of 256 colours: it has few, and takes a quarter of the room so.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        Image.fromarray(picture).quantize(PNG_COLOURS, dither=Image.Dither.NONE).save(path, format="PNG", optimize=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error})")


def _camera(focus: Bounds, aspect: float, pitch: float) -> tuple[FloatArray, FloatArray]:
    """View and projection, each (4, 4) for rows from the left, of the nearest camera that sees all of `focus`."""
    middle = (sum(focus.x) / 2, sum(focus.y) / 2, 0.0)
    corners = np.array([[x, y] for x in focus.x for y in focus.y])
    near, far = 1.0, 10.0 * (focus.x[1] - focus.x[0] + focus.y[1] - focus.y[0])
    for _ in range(40):
        distance = (near + far) / 2
        if _fits(corners, _look_at(middle, distance, pitch), _projection(aspect, distance)):
            far = distance
        else:
            near = distance
    return _look_at(middle, far, pitch), _projection(aspect, far)


def _look_at(middle: tuple[float, float, float], distance: float, pitch: float) -> FloatArray:
    eye = (middle[0], middle[1] - distance * math.cos(pitch), distance * math.sin(pitch))
    return np.reshape(pybullet.computeViewMatrix(eye, middle, (0.0, math.sin(pitch), math.cos(pitch))), (4, 4))


def _projection(aspect: float, distance: float) -> FloatArray:
    """Of a camera at this distance: depth is resolved best in a narrow range, and all floor in sight is about there."""
    matrix = pybullet.computeProjectionMatrixFOV(FIELD_OF_VIEW, aspect, 0.5 * distance, 2.0 * distance)
    return np.reshape(matrix, (4, 4))


def _seen(points: FloatArray, view: FloatArray, projection: FloatArray) -> FloatArray:
    """Points of the floor, (N, 2) m, as the camera has them: (N, 3), right, up (-1 to 1 after division) and divisor."""
    on_floor = np.column_stack([points, np.zeros(len(points)), np.ones(len(points))])
    return np.asarray((on_floor @ view @ projection)[:, [0, 1, 3]], dtype=np.float64)


def _fits(corners: FloatArray, view: FloatArray, projection: FloatArray) -> bool:
    """Whether all points (N, 2) of the floor lie in the picture with a margin of 3 %."""
    seen = _seen(corners, view, projection)
    return bool((seen[:, 2] > 0.0).all() and (np.abs(seen[:, :2]) < 0.97 * seen[:, 2:]).all())
