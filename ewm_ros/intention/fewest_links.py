"""The fewest samples of a trajectory between which straight lines pass all others within a tolerance.

Breadth-first search in the graph of feasible links (Imai and Iri, "Computational-geometric methods for polygonal
approximations of a curve", Computer Vision, Graphics, and Image Processing 36(1), 1986). Links are worked out when the
search comes to them, those to the last sample first, as they end it: a robot that stands needs no others. What has to
be known of every trajectory is worked out for all trajectories at once: most of the time goes into calls of numpy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray

Indices = NDArray[np.intp]


class LinkGraph:
    """Which knots of some trajectories a straight line may join.

    Args:
        times: (N,) s, the same of all trajectories.
        values: (V, B, N) of the samples.
        knots: (V, B, N), what the values would be at a knot.
        tolerance: (V, B, N), by which a line may miss the values.
        half_turn: which of the values is a heading, and by how much (rad) it may differ between the ends of a line.
    """

    def __init__(
        self,
        times: FloatArray,
        values: FloatArray,
        knots: FloatArray,
        tolerance: FloatArray,
        half_turn: tuple[int, float],
    ) -> None:
        self._times = times
        # Both bounds as upper ones: of the values, and of the values with the other sign.
        self._bounds = np.concatenate([tolerance + values, tolerance - values])
        self._knots = np.concatenate([knots, -knots])
        self._half_turn = half_turn

    def paths(self) -> list[list[int]]:
        """For each trajectory the knots of a path of fewest links from the first sample to the last."""
        count, last = self._bounds.shape[1], len(self._times) - 1
        to_last = self._links(slice(None), np.full((count, 1), last), last - 1, -1)[:, ::-1]  # of knots 0 to last - 1
        paths = [[0, last] for _ in range(count)]
        left = (~to_last[:, 0]).nonzero()[0]
        if not len(left):
            return paths
        to_last = to_last[left]
        from_first = self._links(left, np.zeros((len(left), 1), np.intp), 1, last + 1)  # to knots 1 to last
        between, both = _earliest(from_first[:, :-1] & to_last[:, 1:])
        for row, knot in zip(left[both].tolist(), between[both].tolist(), strict=True):
            paths[row] = [0, knot, last]
        if not both.all():
            left, from_first, to_last = left[~both], from_first[~both], to_last[~both]
            for k, path in enumerate(self._with_two_between(left, from_first, to_last)):
                paths[left[k]] = path or self._searched(int(left[k]), from_first[k], to_last[k])
        return paths

    def _with_two_between(
        self, rows: Indices, from_first: NDArray[np.bool_], to_last: NDArray[np.bool_]
    ) -> list[list[int] | None]:
        """Paths with two knots between, as far as the earliest knot that leads to the last one can be the second."""
        seconds = to_last.argmax(axis=1)
        to_second = self._links(rows, seconds[:, None], int(seconds.max()) - 1, 0)[:, ::-1]  # of knots 1 and more
        firsts, there = _earliest(from_first[:, : to_second.shape[1]] & to_second)
        last = len(self._times) - 1
        return [
            [0, first, second, last] if found else None
            for first, second, found in zip(firsts.tolist(), seconds.tolist(), there.tolist(), strict=True)
        ]

    def _searched(self, k: int, from_first: NDArray[np.bool_], to_last: NDArray[np.bool_]) -> list[int]:
        """The path of one trajectory, by the whole search."""
        last = len(self._times) - 1
        before = np.full(last + 1, -1)
        frontier = from_first.nonzero()[0] + 1
        before[frontier] = 0
        while not to_last[frontier].any():
            begin = int(frontier[0]) + 1
            links = self._links(slice(k, k + 1), frontier[:, None], begin, last)
            links &= before[begin:last] < 0
            reached = links.any(axis=0).nonzero()[0]
            before[begin + reached] = frontier[links[:, reached].argmax(axis=0)]
            frontier = begin + reached
        chosen = [last, int(frontier[to_last[frontier].argmax()])]
        while chosen[-1] != 0:
            chosen.append(int(before[chosen[-1]]))
        return chosen[::-1]

    def _links(self, rows: Indices | slice, origins: Indices, begin: int, end: int) -> NDArray[np.bool_]:
        """Whether a straight line from knots to others passes every sample between them within the tolerance.

        The samples seen from a knot leave a cone of slopes, which narrows from sample to sample; the line to another
        knot must lie in what the samples up to that one have left (O'Rourke, "An on-line algorithm for fitting straight
        lines between data ranges", Communications of the ACM 24(9), 1981).

        Args:
            rows: the trajectories: as many as origins, or one for all of them.
            origins: (R, 1) the knots that are looked from.
            begin, end: the others, from the first to before the last; downwards to look at earlier ones.

        Returns:
            (R, M), False for those that lie in the other direction.
        """
        way = 1 if begin < end else -1
        others = slice(begin, end if end >= 0 else None, way)
        gap = way * (self._times[others] - self._times[origins])
        behind = gap <= 0.0
        some_behind = bool(behind[:, 0].any())
        if some_behind:
            gap[behind] = math.inf
        per_second = 1.0 / gap
        knots, bounds = self._knots[:, rows], self._bounds[:, rows]
        start = knots[:, np.arange(knots.shape[1])[:, None], origins]
        cone, between = bounds[..., others] - start, knots[..., others] - start
        heading, most = self._half_turn
        links: NDArray[np.bool_] = np.abs(between[heading]) < most
        cone *= per_second
        between *= per_second
        if some_behind:
            cone += np.where(behind, math.inf, 0.0)
        links &= (between <= np.minimum.accumulate(cone, axis=2, out=cone)).all(axis=0)
        # From one sample to the next there is nothing between.
        links |= np.arange(begin, end, way) == origins + way
        if some_behind:
            links &= ~behind
        return links


def _earliest(fit: NDArray[np.bool_]) -> tuple[Indices, NDArray[np.bool_]]:
    """Of knots 1 and more, (R, M), the earliest that fits, (R,), and whether any does, (R,)."""
    any_fits: NDArray[np.bool_] = np.logical_or.reduce(fit, axis=1)
    return fit.argmax(axis=1) + 1, any_fits
