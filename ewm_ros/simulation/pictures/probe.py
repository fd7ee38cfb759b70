"""Tries in a process of its own whether EGL draws what TinyRenderer draws; exits with 0 if so. See renderers.py."""

from __future__ import annotations

import sys

import numpy as np

from ewm_ros.simulation.physics.engine import EngineClient, pybullet
from ewm_ros.simulation.pictures.meshes import box
from ewm_ros.simulation.pictures.renderers import MIDDLE, Kind, Picture, Renderer
from ewm_ros.simulation.pictures.workshop import Workshop

SIZE = 128  # pixels
TOLERANCE = 4.0  # of 255, in the mean over the picture


class _Booth(EngineClient):
    """A picture of a box."""

    def shoot(self, kind: Kind) -> Picture | None:
        """The picture; None if EGL was asked for and does not load."""
        renderer = Renderer(self._client, kind)
        if renderer.kind != kind:
            return None
        with renderer.turn(), Workshop(self._client) as workshop:
            body = workshop.body(box(2.8, 2.4, 0.5), (0.8, 0.5, 0.2))
        pybullet.resetBasePositionAndOrientation(body, MIDDLE, (0.0, 0.0, 0.0, 1.0), physicsClientId=self._client)
        eye = (MIDDLE[0], MIDDLE[1] - 4.0, MIDDLE[2] + 8.0)
        view = np.reshape(pybullet.computeViewMatrix(eye, MIDDLE, (0.0, 0.0, 1.0)), (4, 4))
        projection = np.reshape(pybullet.computeProjectionMatrixFOV(22.0, 1.0, 4.0, 20.0), (4, 4))
        picture = renderer.shoot(SIZE, SIZE, view, projection)
        renderer.close()
        return picture


def draw_alike() -> bool:
    """Whether EGL loads and draws what TinyRenderer draws."""
    pictures = []
    for kind in ("tiny", "egl"):
        with _Booth() as booth:
            pictures.append(booth.shoot(kind))
    tiny, egl = pictures
    if tiny is None or egl is None:
        return False
    return bool(np.abs(tiny.astype(float) - egl).mean() < TOLERANCE)


if __name__ == "__main__":
    sys.exit(0 if draw_alike() else 1)
