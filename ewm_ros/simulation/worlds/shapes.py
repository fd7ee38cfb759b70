"""The solid things that stand on a floor, seen from above: boxes and discs (m, rad, map frame)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import PydanticCustomError

from ewm_ros.geometry import FloatArray

BORDER_THICKNESS = 0.2  # m, of the wall that stands around the floor
BORDER_HEIGHT = 1.0  # m
MAX_EXTENT = 200.0  # m, of a floor: a map of it must fit in memory

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _interval(ends: tuple[float, float]) -> tuple[float, float]:
    if not 0.0 < ends[1] - ends[0] <= MAX_EXTENT:
        raise PydanticCustomError("interval", f"must be [from, to] with from < to, at most {MAX_EXTENT:g} m apart")
    return ends


Interval = Annotated[tuple[Number, Number], AfterValidator(_interval)]


@checked_dataclass(config=ConfigDict(extra="forbid"), frozen=True, slots=True)
class Bounds:
    """The floor: x and y each from .. to."""

    x: Interval
    y: Interval


@dataclass(frozen=True, slots=True)
class Box:
    """A wall: `length` along its own x axis, which is turned by `yaw`, `width` across."""

    name: str
    x: float
    y: float
    length: float
    width: float
    yaw: float
    height: float

    def corners(self) -> FloatArray:
        """(4, 2) m, counterclockwise."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        local = 0.5 * np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * [self.length, self.width]
        return np.asarray(local @ np.array([[c, s], [-s, c]]) + [self.x, self.y], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Disc:
    """A pillar."""

    name: str
    x: float
    y: float
    radius: float
    height: float


class Floor(Protocol):
    """What worlds and scenarios have in common: a floor with solid things on it, border walls included."""

    @property
    def bounds(self) -> Bounds:
        """Where the floor ends."""

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All walls, the four border walls last."""

    @property
    def discs(self) -> tuple[Disc, ...]:
        """All pillars."""


def border(bounds: Bounds) -> tuple[Box, ...]:
    """The four walls whose inner sides are the edges of the floor."""
    (x0, x1), (y0, y1), t = bounds.x, bounds.y, BORDER_THICKNESS
    x, y, lx, ly = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    return (
        Box("border_west", x0 - t / 2, y, t, ly, 0.0, BORDER_HEIGHT),
        Box("border_east", x1 + t / 2, y, t, ly, 0.0, BORDER_HEIGHT),
        Box("border_south", x, y0 - t / 2, lx + 2 * t, t, 0.0, BORDER_HEIGHT),
        Box("border_north", x, y1 + t / 2, lx + 2 * t, t, 0.0, BORDER_HEIGHT),
    )


class DistanceField:
    """Distances from points to the walls and pillars of a floor; the tables are laid out once.

    Attributes:
        names: of the things, in the order of the columns of `distances`.
    """

    def __init__(self, floor: Floor) -> None:
        self.names = tuple(b.name for b in floor.boxes) + tuple(d.name for d in floor.discs)
        rows = [[b.x, b.y, b.length / 2, b.width / 2, math.cos(b.yaw), math.sin(b.yaw)] for b in floor.boxes]
        self._boxes = np.array(rows).reshape(-1, 6)
        self._discs = np.array([[d.x, d.y, d.radius] for d in floor.discs]).reshape(-1, 3)

    def distances(self, points: FloatArray) -> FloatArray:
        """(N, 2) m -> (N, things) m, negative inside a thing."""
        to_discs = np.hypot(points[:, None, 0] - self._discs[:, 0], points[:, None, 1] - self._discs[:, 1])
        return np.concatenate([_signed_distances(points, self._boxes), to_discs - self._discs[:, 2]], axis=1)

    def from_segment(self, a: tuple[float, float], b: tuple[float, float]) -> FloatArray:
        """Distances of the straight line from a to b: (things,) m, 0 for what it crosses."""
        ends = np.array([a, b], dtype=np.float64)
        c, s, half = self._boxes[:, 4], self._boxes[:, 5], self._boxes[:, None, 2:4]
        dx, dy = ends[:, None, 0] - self._boxes[:, 0], ends[:, None, 1] - self._boxes[:, 1]
        local = np.stack([c * dx + s * dy, c * dy - s * dx], axis=-1).transpose(1, 0, 2)  # (boxes, ends, 2)
        corners = half * [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]
        to_corners = _from_lines(corners, local[:, None, 0], local[:, None, 1]).min(axis=1)
        to_boxes = np.minimum(np.maximum(self.distances(ends)[:, : len(c)].min(axis=0), 0.0), to_corners)
        to_boxes[_crossed(local[:, 0], local[:, 1], half[:, 0])] = 0.0
        to_discs = _from_lines(self._discs[:, :2], ends[0], ends[1]) - self._discs[:, 2]
        return np.concatenate([to_boxes, np.maximum(to_discs, 0.0)])


def _from_lines(points: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Distances (...) of points (..., 2) from the straight lines a to b, which are broadcast against them."""
    along = b - a
    squared = np.maximum((along * along).sum(axis=-1), 1e-18)
    f = np.clip(((points - a) * along).sum(axis=-1) / squared, 0.0, 1.0)
    off = points - a - f[..., None] * along
    return np.asarray(np.hypot(off[..., 0], off[..., 1]))


def _crossed(a: FloatArray, b: FloatArray, half: FloatArray) -> NDArray[np.bool_]:
    """Which rectangles of these half sizes (N, 2) around the origin the lines from a to b, (N, 2), pass through."""
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (-half - a) / (b - a), (half - a) / (b - a)
    beside = (a == b) & (np.abs(a) > half)
    first = np.where(a == b, np.where(beside, np.inf, -np.inf), np.minimum(enter, leave))
    last = np.where(a == b, np.where(beside, -np.inf, np.inf), np.maximum(enter, leave))
    crossed: NDArray[np.bool_] = np.maximum(first.max(axis=1), 0.0) <= np.minimum(last.min(axis=1), 1.0)
    return crossed


def _signed_distances(points: FloatArray, table: FloatArray) -> FloatArray:
    """Distance to rectangles given as rows (x, y, half length, half width, cos yaw, sin yaw)."""
    dx, dy = points[:, None, 0] - table[:, 0], points[:, None, 1] - table[:, 1]
    c, s = table[:, 4], table[:, 5]
    qx = np.abs(c * dx + s * dy) - table[:, 2]
    qy = np.abs(c * dy - s * dx) - table[:, 3]
    outside = np.hypot(np.maximum(qx, 0.0), np.maximum(qy, 0.0))
    return np.asarray(outside + np.minimum(np.maximum(qx, qy), 0.0))
