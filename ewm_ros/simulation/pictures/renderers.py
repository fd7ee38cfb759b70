"""Who draws: OpenGL through EGL where that works, else PyBullet's own software renderer (TinyRenderer).

Neither needs a display. EGL is several times faster, without a graphics card too. Loading it ends the process where
the drivers do not suit, so a child process tries first whether it works and draws what it should.
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.physics.engine import pybullet, silence
from ewm_ros.simulation.pictures.egl import EglContext, comes_with_pybullet

Picture = NDArray[np.uint8]  # (H, W, 3)
Kind = Literal["egl", "tiny"]

PROBE = "ewm_ros.simulation.pictures.probe"
PROBE_SECONDS = 60.0
# OpenGL shows highlights and shadows around the origin, and nothing turns them off: draw things far from there.
MIDDLE = (0.0, 1000.0, 0.0)  # m
LIGHT = (-300.0, -400.0, 1000.0)  # m, from where it comes; so far away that it casts no shadows in OpenGL
# OpenGL's shading is fixed: 0.75 + 0.25 cos(angle to the light) of a colour. TinyRenderer is asked for the same.
AMBIENT, DIFFUSE = 0.75, 0.25
LARGEST = (1024, 768)  # pixels that OpenGL draws at once; larger pictures would be blown up from so many
LOUD = 2  # shots, the first ones, in which OpenGL prints something


class Renderer:
    """Draws what there is in an engine instance.

    Attributes:
        kind: the renderer that was asked for; "tiny" if EGL does not load after all.
    """

    def __init__(self, client: int, kind: Kind) -> None:
        self._client = client
        self._egl = EglContext.open(client) if kind == "egl" else None
        self.kind: Kind = "tiny" if self._egl is None else "egl"
        self._shots = 0
        # What is left open is closed at the end of the process by this, or else the plugin prints something then.
        self._leave: Callable[[], object] = weakref.finalize(self, self._egl.close) if self._egl else lambda: None

    def turn(self) -> AbstractContextManager[None]:
        """For the time in which bodies are made that this renderer is to draw."""
        return nullcontext() if self._egl is None else self._egl.current()

    def close(self) -> None:
        """Give back what drawing takes, before the engine instance is closed; may be called again."""
        self._leave()

    def shoot(self, width: int, height: int, view: FloatArray, projection: FloatArray) -> Picture:
        """A picture of this many pixels, on white.

        Args:
            view, projection: (4, 4), to be multiplied from the right with rows x, y, z, 1.
        """
        if self.kind == "tiny":
            return self._draw(width, height, view, projection)[0]
        picture = np.empty((height, width, 3), dtype=np.uint8)
        for top, bottom in _pieces(height, LARGEST[1]):
            for left, right in _pieces(width, LARGEST[0]):
                part = projection @ _magnified(left / width, right / width, 1 - bottom / height, 1 - top / height)
                drawn, depth = self._draw(right - left, bottom - top, view, part)
                drawn[depth >= 1.0] = 255
                picture[top:bottom, left:right] = drawn
        return picture

    def _draw(
        self, width: int, height: int, view: FloatArray, projection: FloatArray
    ) -> tuple[Picture, NDArray[np.float32]]:
        """A picture, and the depth of each pixel, 1 for the background."""
        self._shots += 1
        loud = self._egl is not None and self._shots <= LOUD
        with self.turn(), silence() if loud else nullcontext():
            image = pybullet.getCameraImage(
                width,
                height,
                view.ravel().tolist(),
                projection.ravel().tolist(),
                lightDirection=LIGHT,
                lightAmbientCoeff=AMBIENT,
                lightDiffuseCoeff=DIFFUSE,
                lightSpecularCoeff=0.0,
                shadow=0,
                flags=pybullet.ER_NO_SEGMENTATION_MASK,
                renderer=pybullet.ER_BULLET_HARDWARE_OPENGL if self._egl else pybullet.ER_TINY_RENDERER,
                physicsClientId=self._client,
            )
        rgba = np.asarray(image[2], dtype=np.uint8).reshape(height, width, 4)
        return np.array(rgba[:, :, :3]), np.asarray(image[3], dtype=np.float32).reshape(height, width)


@lru_cache(maxsize=1)
def best_renderer() -> Kind:
    """EGL if a child process can load it and draw with it, else TinyRenderer; found out once in a process."""
    if not comes_with_pybullet():
        return "tiny"
    try:
        probe = subprocess.run(
            [sys.executable, "-m", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "tiny"
    return "egl" if probe.returncode == 0 else "tiny"


def _pieces(length: int, largest: int) -> Iterator[tuple[int, int]]:
    """Parts of about equal size, none longer than `largest`: their ends."""
    ends = np.linspace(0, length, -(-length // largest) + 1).round().astype(int).tolist()
    return pairwise(ends)


def _magnified(left: float, right: float, bottom: float, top: float) -> FloatArray:
    """(4, 4), after which a part of a picture, 0 to 1 from the left and from below, fills the whole."""
    matrix = np.eye(4)
    for axis, (low, high) in enumerate(((left, right), (bottom, top))):
        matrix[axis, axis] = 1.0 / (high - low)
        matrix[3, axis] = (1.0 - low - high) / (high - low)
    return matrix
