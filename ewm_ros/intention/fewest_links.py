"""The fewest samples of a trajectory between which straight lines pass all others within a tolerance.

Breadth-first search in the graph of feasible links (Imai and Iri, "Computational-geometric methods for polygonal
approximations of a curve", Computer Vision, Graphics, and Image Processing 36(1), 1986). Links are worked out when the
search comes to them, in all trajectories at once, as most of the time goes into calls of numpy. Looking back from the
end costs one such call, and tells which samples lead to it with one link; another one tells which lead to the earliest
of those. So the search may stop two rounds before it would come to the end, and a robot that stands needs no search.

The samples of all trajectories are numbered through, one trajectory after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]


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
        kinds, count, self._size = values.shape
        self._begins = self._size * np.arange(count)
        self._times = np.concatenate([times] * count)
        self._ahead = np.concatenate([np.arange(self._size)[::-1]] * count)  # samples that follow in a trajectory
        # Both bounds as upper ones: of the values, and of the values with the other sign.
        bounds = np.empty((2, *values.shape))
        np.add(tolerance, values, out=bounds[0])
        np.subtract(tolerance, values, out=bounds[1])
        self._bounds = bounds.reshape(2, kinds, -1)
        self._knots = knots.reshape(kinds, -1)
        self._half_turn = half_turn

    def paths(self) -> list[list[int]]:
        """For each trajectory the knots of a path of fewest links from the first sample to the last."""
        lasts = self._begins + (self._size - 1)
        to_last = self._leading_to(lasts)
        search = _Search(self._begins, self._size, to_last.take(self._begins))
        to_second: Flags | None = None
        while len(search.frontier):
            search.go_on(*self._links_on(search.frontier))
            search.end(to_last, lasts)
            if not len(search.frontier):
                break
            if to_second is None:
                left = search.missing.nonzero()[0]
                seconds = self._begins.copy()
                seconds[left] += to_last.reshape(-1, self._size)[left].argmax(axis=1)
                to_second = self._leading_to(seconds[left])
            search.end(to_second, lasts, seconds)
        return search.paths

    def _leading_to(self, ends: Indices) -> Flags:
        """(B * N,) whether a line leads from a sample to the one of these that is in its trajectory."""
        back = self._size - 1 - self._ahead.take(ends)
        others = ends - np.minimum(np.arange(1, back.max() + 1)[:, None], back)
        leading: Flags = np.zeros(len(self._times), np.bool_)
        leading[others[self._links(ends, others)]] = True
        return leading

    def _links_on(self, origins: Indices) -> tuple[Indices, Indices]:
        """All links from samples onwards, but to the last one and from the last but one: from where, and to where."""
        ahead = self._ahead.take(origins) - 1
        others = origins + np.minimum(np.arange(1, ahead.max() + 1)[:, None], ahead)
        step, row = self._links(origins, others).nonzero()
        return origins.take(row), others[step, row]

    def _links(self, origins: Indices, others: Indices) -> Flags:
        """Whether a straight line from knots to others passes every sample between them within the tolerance.

        The samples seen from a knot leave a cone of slopes, which narrows from sample to sample; the line to another
        knot must lie in what the samples up to that one have left (O'Rourke, "An on-line algorithm for fitting straight
        lines between data ranges", Communications of the ACM 24(9), 1981).

        Args:
            origins: (P,) the knots that are looked from.
            others: (M, P) the next samples from there, one after the other, onwards or backwards. Where there are less,
                the last of them again and again: that changes nothing but that it may look out of reach.

        Returns:
            (M, P).
        """
        per_second = 1.0 / np.abs(self._times.take(others) - self._times.take(origins))
        start = self._knots.take(origins, axis=1)[:, None]
        slopes = self._bounds.take(others, axis=2)
        slopes[0] -= start
        slopes[1] += start
        slopes *= per_second
        cone = np.fmin.accumulate(slopes, axis=2, out=slopes)  # faster than `minimum`, which must not lose a nan
        between = self._knots.take(others, axis=1)
        between -= start
        heading, most = self._half_turn
        links: Flags = np.abs(between[heading]) < most
        between *= per_second
        links &= (between <= cone[0]).all(axis=0)
        links &= (np.negative(between, out=between) <= cone[1]).all(axis=0)
        links[0] = True  # from one sample to the next there is nothing between
        return links


class _Search:
    """Breadth-first search from the first sample of each trajectory.

    Args:
        begins: (B,) those samples.
        size: samples of a trajectory.
        direct: (B,) whether a line leads from there to the last sample.

    Attributes:
        paths: from each trajectory's first sample to the last, counted in it; of those not missing.
        missing: (B,) of which trajectories no path has been found yet.
        frontier: the samples of those that were reached in the last round, in order.
    """

    def __init__(self, begins: Indices, size: int, direct: Flags) -> None:
        self._size = size
        self._before = np.full(size * len(begins), -1)
        self.paths = [[0, size - 1] for _ in begins]
        self.missing = ~direct
        self.frontier = begins[self.missing]

    def go_on(self, froms: Indices, tos: Indices) -> None:
        """Follow all links from the frontier."""
        none = len(self._before)
        earliest = np.full(none, none)
        np.minimum.at(earliest, tos, froms)
        self.frontier = ((earliest < none) & (self._before < 0)).nonzero()[0]
        self._before[self.frontier] = earliest.take(self.frontier)

    def end(self, leading: Flags, *tail: Indices) -> None:
        """Make a path of the earliest sample of each trajectory's frontier that leads to a known end.

        Args:
            leading: (B * N,) which samples do.
            tail: (B,) each, the samples of that end, last first.
        """
        size, before = self._size, self._before
        hits = self.frontier[leading.take(self.frontier)].tolist()
        for at in hits:
            row = at // size
            if not self.missing[row]:
                continue
            self.missing[row] = False
            begin = row * size
            path = [int(ends[row]) - begin for ends in tail]
            while at > begin:
                path.append(at - begin)
                at = int(before[at])
            self.paths[row] = [0, *path[::-1]]
        if hits:
            self.frontier = self.frontier[self.missing.take(self.frontier // size)]
