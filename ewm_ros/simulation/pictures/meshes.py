"""Surfaces of triangles, of which everything in a picture is made: boxes, drums, balls and discs, moved and joined.

Renderers shade them by the normals given here: flat sides flat, round sides round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray

SEGMENTS = 32  # of a circle
RINGS = 12  # of a ball, from pole to pole


@dataclass(frozen=True, eq=False, slots=True)
class Mesh:
    """A surface.

    Attributes:
        points: (V, 3) m, the corners.
        normals: (V, 3), of length 1, outwards at each corner.
        triangles: (T, 3) of corners, counterclockwise as seen from outside.
    """

    points: FloatArray
    normals: FloatArray
    triangles: NDArray[np.int64]

    def moved(self, place: FloatArray) -> Mesh:
        """The same somewhere else: `place` is (4, 4), a rotation and a translation (m)."""
        turn = place[:3, :3]
        return Mesh(self.points @ turn.T + place[:3, 3], self.normals @ turn.T, self.triangles)

    def write(self, path: Path) -> None:
        """Write the surface as Wavefront OBJ."""
        lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in self.points.tolist()]
        lines += [f"vn {x:.6f} {y:.6f} {z:.6f}" for x, y, z in self.normals.tolist()]
        lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (self.triangles + 1).tolist()]
        path.write_text("\n".join(lines) + "\n", encoding="ascii")


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """All of them as one surface; at least one is needed."""
    parts = list(meshes)
    begins = np.cumsum([0, *(len(part.points) for part in parts)])
    return Mesh(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.triangles + begin for part, begin in zip(parts, begins, strict=False)]),
    )


def upright(x: float, y: float, z: float, yaw: float = 0.0) -> FloatArray:
    """Where something that stands upright is, as (4, 4); see Mesh.moved."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0, x], [s, c, 0.0, y], [0.0, 0.0, 1.0, z], [0.0, 0.0, 0.0, 1.0]])


def box(length: float, width: float, height: float) -> Mesh:
    """A box of these sides along x, y and z (m) around the origin."""
    sides = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            normal, across = np.zeros(3), np.zeros(3)
            normal[axis], across[(axis + 1) % 3] = sign, 1.0
            up = np.cross(normal, across)
            corners = np.array([normal - across - up, normal + across - up, normal + across + up, normal - across + up])
            sides.append(Mesh(corners * [length / 2, width / 2, height / 2], np.tile(normal, (4, 1)), _fan(4)))
    return joined(sides)


def disc(radius: float) -> Mesh:
    """A flat disc in the plane z = 0, seen from above."""
    rim = np.column_stack([_circle() * radius, np.zeros(SEGMENTS)])
    return Mesh(rim, np.tile([0.0, 0.0, 1.0], (SEGMENTS, 1)), _fan(SEGMENTS))


def drum(radius: float, height: float) -> Mesh:
    """A cylinder around the z axis, its middle in the origin."""
    circle, flat = _circle(), np.zeros(SEGMENTS)
    low, high = (np.column_stack([circle * radius, flat + z]) for z in (-height / 2, height / 2))
    outwards = np.column_stack([circle, flat])
    side = Mesh(np.concatenate([low, high]), np.concatenate([outwards, outwards]), _band(0))
    lid = disc(radius)
    upside_down = np.diag([1.0, -1.0, -1.0, 1.0])
    upside_down[2, 3] = -height / 2
    return joined([side, lid.moved(upright(0.0, 0.0, height / 2)), lid.moved(upside_down)])


def ball(radius: float) -> Mesh:
    """A sphere around the origin."""
    angles = np.linspace(-math.pi / 2, math.pi / 2, RINGS + 1)
    rings = [np.column_stack([_circle() * math.cos(a), np.full(SEGMENTS, math.sin(a))]) for a in angles]
    normals = np.concatenate(rings)
    return Mesh(normals * radius, normals, np.concatenate([_band(ring * SEGMENTS) for ring in range(RINGS)]))


def _circle() -> FloatArray:
    """(SEGMENTS, 2) on the circle of radius 1, counterclockwise."""
    angles = np.linspace(0.0, 2.0 * math.pi, SEGMENTS, endpoint=False)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _fan(corners: int) -> NDArray[np.int64]:
    """Triangles of a convex polygon whose corners are 0, 1, ..."""
    rest = np.arange(1, corners - 1)
    return np.column_stack([np.zeros_like(rest), rest, rest + 1])


def _band(begin: int) -> NDArray[np.int64]:
    """Triangles between a circle, whose first corner is `begin`, and the next circle above it."""
    here = np.arange(SEGMENTS)
    following = (here + 1) % SEGMENTS
    lower = np.column_stack([here, following, following + SEGMENTS])
    upper = np.column_stack([here, following + SEGMENTS, here + SEGMENTS])
    return np.concatenate([lower, upper]) + begin
