"""Names for the places that two routes share: connected parts of their forbidden set, with ids fixed to the map."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from ewm_ros.coordination.conflict_space import CELL, ConflictSpace
from ewm_ros.messages import Conflict, ConflictKind, Route

ID_GRID = 0.5  # m; a region keeps its id while its middle stays in the same square of the map


@dataclass(slots=True, eq=False)
class _Run:
    """Rows and columns (inclusive) of a connected part, grown row by row."""

    rows: tuple[int, int]
    columns: tuple[int, int]


def shared_regions(a: Route, b: Route, space: ConflictSpace) -> tuple[Conflict, ...]:
    """The regions that routes a and b share, in the order in which a meets them; a.robot < b.robot."""
    regions = []
    for part in _parts_of(space):
        on_a, on_b = _interval(part.rows, a), _interval(part.columns, b)
        enter, leave = (on_a[0], on_b[0]), (on_a[1], on_b[1])
        middle = ((enter[0] + leave[0]) / 2, (enter[1] + leave[1]) / 2)
        x, y = np.mean([a.path.point_at(middle[0]), b.path.point_at(middle[1])], axis=0)
        regions.append(
            Conflict(
                region=_region_id(a.robot, b.robot, x, y),
                kind=_kind(a.path.heading_at(middle[0]) - b.path.heading_at(middle[1])),
                robots=(a.robot, b.robot),
                enter=enter,
                leave=leave,
                x=float(x),
                y=float(y),
            )
        )
    return tuple(sorted(regions, key=lambda region: region.enter))


def _interval(cells: tuple[int, int], route: Route) -> tuple[float, float]:
    """Progress (m) at which cells first..last of a route begin and end."""
    return max((cells[0] - 0.5) * CELL, 0.0), min((cells[1] + 0.5) * CELL, route.path.length)


def _region_id(a: str, b: str, x: float, y: float) -> int:
    return zlib.crc32(f"{a} {b} {round(x / ID_GRID)} {round(y / ID_GRID)}".encode())


def _kind(turn: float) -> ConflictKind:
    along = math.cos(turn)
    if along > math.sqrt(0.5):
        return ConflictKind.FOLLOWING
    return ConflictKind.HEAD_ON if along < -math.sqrt(0.5) else ConflictKind.CROSSING


_known: WeakKeyDictionary[ConflictSpace, list[_Run]] = WeakKeyDictionary()


def _parts_of(space: ConflictSpace) -> list[_Run]:
    """The connected parts, found once for all that share the space."""
    parts = _known.get(space)
    if parts is None:
        parts = _known[space] = _connected_parts(space)
    return parts


def _connected_parts(space: ConflictSpace) -> list[_Run]:
    """Bounding boxes of the connected parts, by joining the runs of each row with those of the row before."""
    parts: list[_Run] = []
    before: list[tuple[int, int, _Run]] = []
    now: list[tuple[int, int, _Run]] = []
    steps = np.diff(space.forbidden.astype(np.int8), prepend=0, append=0, axis=1)
    rows, edges = (found.tolist() for found in steps.nonzero())
    top, left = space.rows[0], space.columns[0]
    at = -1
    for row, first, end in zip(rows[::2], edges[::2], edges[1::2], strict=True):
        row, first, last = row + top, first + left, end + left - 1
        if row != at:
            before, now, at = now, [], row
        touching = [
            run for low, high, run in before if low <= last + 1 and high >= first - 1 and run.rows[1] >= row - 1
        ]
        part = touching[0] if touching else _Run((row, row), (first, last))
        for other in touching[1:]:
            if other is not part:
                _join(part, other)
                parts = [p for p in parts if p is not other]
                before = [(low, high, part if run is other else run) for low, high, run in before]
                now = [(low, high, part if run is other else run) for low, high, run in now]
        if not touching:
            parts.append(part)
        _join(part, _Run((row, row), (first, last)))
        now.append((first, last, part))
    return parts


def _join(part: _Run, other: _Run) -> None:
    part.rows = (min(part.rows[0], other.rows[0]), max(part.rows[1], other.rows[1]))
    part.columns = (min(part.columns[0], other.columns[0]), max(part.columns[1], other.columns[1]))
