"""Rounds the corners of a way, so that a robot can drive round them without stopping."""

from __future__ import annotations

import math
import sys

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.blocks import Indices
from ewm_ros.planning.clearance_map import ClearanceMap

LARGEST_RADIUS = 0.8  # m; 0.5 m/s at 0.6 rad/s
SMALLEST_RADIUS = 0.2  # m; below it stopping and turning on the spot is as quick
RADII: FloatArray = np.array([0.85**k for k in range(9)])  # of the largest that fits, for an arc
FEW_RADII: FloatArray = np.array([0.7**k for k in range(5)])  # while a place for its corner is looked for
ARC_TURN = math.radians(9.0)  # largest change of direction at a point of an arc: 0.13 m on the largest
SLIGHT_TURN = math.radians(6.0)  # a corner that may stay as it is
SHARPEST = 2.0 * math.atan(20.0)  # rad, a turn that no arc is tried for: all but a reversal
PUSHES = np.array([0.0, 0.12, 0.25, 0.4])  # m that a corner may be moved outward to make room for a larger arc
WIDE = 0.95 * LARGEST_RADIUS  # m, radius of an arc that no corner is moved for


def round_corners(points: FloatArray, free: ClearanceMap) -> FloatArray:
    """Replace corners by arcs as large as the walls and the neighbouring corners allow.

    An arc cuts its corner on the inside, where the obstacle is that the way leads around; corners are therefore moved
    outward first where that makes room. An arc may not cost more than the corner, the nearness of walls included; a
    corner without room for any arc stays sharp.

    Args:
        points: (N, 2) m, of a way that keeps the clearance.
        free: the map to keep clear on.

    Returns:
        (M, 2) m.
    """
    points = points.copy()
    if len(points) < 3:
        return points
    # Every second corner at once: their arcs and pushes do not touch each other's lines.
    for first in (1, 2):
        corners = np.arange(first, len(points) - 1, 2)
        if len(corners):
            _make_room(points, corners, free)
    sides = points[:-2], points[1:-1], points[2:]
    ways = _Corners(*sides, _shares(*sides, np.arange(1, len(points) - 1), len(points)))
    return np.concatenate([points[:1], *ways.rounded(ways.largest_radii(free, RADII)), points[-1:]])


def _make_room(points: FloatArray, i: Indices, free: ClearanceMap) -> None:
    """Move corners i, no two of them neighbours, outward where that gains more radius than it costs."""
    before, corner, after = points[i - 1], points[i], points[i + 1]
    moved = corner[:, None] + PUSHES[:, None] * _outward(before, corner, after)[:, None]
    shape = moved.shape
    before, after = (np.repeat(ends, len(PUSHES), axis=0) for ends in (before, after))
    moved = moved.reshape(-1, 2)
    cost = _two_lines(free, before, moved, after).reshape(shape[:2])
    shares = _shares(before, moved, after, np.repeat(i, len(PUSHES)), len(points))
    radii = _Corners(before, moved, after, shares).largest_radii(free, FEW_RADII).reshape(shape[:2])
    # Less than no detour is no gain: a cheaper place would have been found when the way was pulled straight.
    gain = np.minimum(radii, WIDE) - np.maximum(cost, cost[:, :1])
    points[i] = moved.reshape(shape)[np.arange(len(i)), gain.argmax(axis=1)]


def _shares(before: FloatArray, corner: FloatArray, after: FloatArray, i: Indices, count: int) -> FloatArray:
    """(C,) m that the arc of corner i of `count` points may take of both sides: half, at the way's ends nearly all."""
    arriving = np.where(i == 1, 0.98, 0.5) * _length(corner - before)
    return np.minimum(arriving, np.where(i == count - 2, 0.98, 0.5) * _length(after - corner))


def _outward(before: FloatArray, corner: FloatArray, after: FloatArray) -> FloatArray:
    """(C, 2) unit vectors from the inside of corners to their outside."""
    inward = _unit(before - corner) + _unit(after - corner)
    return -_unit(inward)


class _Corners:
    """Corners of ways, and the arcs that might replace them.

    Args:
        before, corner, after: (C, 2) m.
        room: (C,) m of both sides that an arc may take.

    Attributes:
        turn: (C,) rad, change of direction, not negative.
    """

    def __init__(self, before: FloatArray, corner: FloatArray, after: FloatArray, room: FloatArray) -> None:
        self._corner, self._room = corner, room
        self._arriving, self._leaving = _unit(corner - before), _unit(after - corner)
        cross = self._arriving[:, 0] * self._leaving[:, 1] - self._arriving[:, 1] * self._leaving[:, 0]
        self._side = np.where(cross < 0.0, -1.0, 1.0)
        self.turn: FloatArray = np.arctan2(np.abs(cross), (self._arriving * self._leaving).sum(axis=1))
        self._tangent = np.tan(np.minimum(self.turn, SHARPEST) / 2.0)

    def largest_radii(self, free: ClearanceMap, shares: FloatArray) -> FloatArray:
        """(C,) m: of each corner's largest free arc, 0 where there is none or none is needed.

        Args:
            shares: (R,) of the largest radius for which there is room: what is tried.
        """
        radii = np.zeros(len(self._corner))
        real = np.flatnonzero((self.turn >= SLIGHT_TURN) & (self.turn < SHARPEST))
        tried = np.minimum(LARGEST_RADIUS, self._room[real] / self._tangent[real])[:, None] * shares
        row, column = np.nonzero(tried >= SMALLEST_RADIUS)
        if len(row) == 0:
            return radii
        which, radius = real[row], tried[row, column]
        arcs, counts = self._arcs(which, radius)
        pieces = np.arange(arcs.shape[1] - 1) < counts[:, None]
        ends = arcs[np.arange(len(arcs)), counts]
        a = np.concatenate([arcs[:, :-1][pieces], arcs[:, 0], self._corner[which]])
        costs = free.line_costs(a, np.concatenate([arcs[:, 1:][pieces], self._corner[which], ends]))
        round_, sharp = costs[: -2 * len(which)], costs[-2 * len(which) :].reshape(2, -1).sum(axis=0)
        fits = np.add.reduceat(round_, np.cumsum(counts) - counts) <= np.minimum(1.01 * sharp, sys.float_info.max)
        np.maximum.at(radii, which[fits], radius[fits])
        return radii

    def rounded(self, radii: FloatArray) -> list[FloatArray]:
        """What replaces each corner, (P, 2) m: an arc of its radius (m), or for 0 the corner itself."""
        pieces = list(self._corner[:, None])
        which = np.flatnonzero(radii)
        if len(which):
            for i, arc, count in zip(which.tolist(), *self._arcs(which, radii[which]), strict=True):
                pieces[i] = arc[: count + 1]
        return pieces

    def _arcs(self, which: Indices, radius: FloatArray) -> tuple[FloatArray, Indices]:
        """Points of arcs, (A, P, 2) m, and how many of its pieces each needs: the rest repeat the last point."""
        turn = self.turn[which]
        counts = np.ceil(turn / ARC_TURN).astype(np.intp)
        angle = np.minimum(np.arange(counts.max() + 1) / counts[:, None], 1.0) * turn[:, None]
        along = self._arriving[which] * radius[:, None]
        inside = np.stack([-along[:, 1], along[:, 0]], axis=1) * self._side[which, None]
        start = self._corner[which] - self._tangent[which, None] * along
        forth, aside = np.sin(angle)[:, :, None], (1.0 - np.cos(angle))[:, :, None]
        return start[:, None] + forth * along[:, None] + aside * inside[:, None], counts


def _two_lines(free: ClearanceMap, before: FloatArray, corner: FloatArray, after: FloatArray) -> FloatArray:
    """(C,) m: costs of the ways from before to after by way of a corner."""
    costs = free.line_costs(np.concatenate([before, corner]), np.concatenate([corner, after]))
    return costs[: len(corner)] + costs[len(corner) :]


def _length(vectors: FloatArray) -> FloatArray:
    return np.hypot(vectors[:, 0], vectors[:, 1])


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(_length(vectors), 1e-12)[:, None]
