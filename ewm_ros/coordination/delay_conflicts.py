"""Which differences of delays would bring two robots too close: the coordination space of routes with time laws.

Two robots on fixed paths come too close in some part of their coordination space (O'Donnell and Lozano-Perez, ICRA
1989). With a time law on either path, a pair of delays makes the two follow a line of slope one in the plane of their
times, and only the difference of the delays says which. So for each pair all that matters is a union of intervals of
that difference: inside one they come too close, at its upper end the first robot passes just after the second, at its
lower end just before it. Who stands at its start in another's way has to leave in time, and who stands at its goal must
come late enough: these intervals have one infinite end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.timed_route import TimedRoute
from ewm_ros.geometry import FloatArray

FOREVER = 1e6  # s; longer than any route: how long a robot stands at its start or at its goal
SKIN = 1e-4  # m that robots stay further apart than asked, for rounding
STILL = 1e-6  # m/s
HAIR = 1e-6  # s by which a difference may be inside a forbidden interval, for rounding


@dataclass(frozen=True, slots=True, eq=False)
class DelayConflicts:
    """For each pair of N robots the forbidden differences of their delays; at most M intervals a pair.

    Attributes:
        low, high: (N, N, M) s. The delay of robot i less that of robot j must not be inside (low, high)[i, j, m]; inf
            and -inf where there is no such interval. The two halves mirror each other.
    """

    low: FloatArray
    high: FloatArray

    @property
    def count(self) -> int:
        """How many robots."""
        return len(self.low)

    def meeting(self) -> NDArray[np.bool_]:
        """(N, N) which pairs have any forbidden difference."""
        return np.asarray((self.low < self.high).any(axis=2))

    def violated(self, delays: FloatArray) -> list[tuple[int, int]]:
        """The pairs that would come too close with these delays (N,)."""
        gap = delays[:, None, None] - delays[None, :, None]
        inside = ((gap > self.low + 2.0 * HAIR) & (gap < self.high - 2.0 * HAIR)).any(axis=2)
        return [(int(i), int(j)) for i, j in np.argwhere(np.triu(inside))]

    def impossible(self) -> list[tuple[int, int]]:
        """The pairs that come too close whatever their delays."""
        never = ((self.low == -np.inf) & (self.high == np.inf)).any(axis=2)
        return [(int(i), int(j)) for i, j in np.argwhere(np.triu(never))]

    def ordered(self, first: Iterable[tuple[int, int]]) -> DelayConflicts:
        """The same with an order: of each of these pairs (i, j) robot i has to pass before j wherever they meet."""
        pairs = [(i, j) for i, j in first if self.low[i, j].min() < np.inf]
        changed = self.without(pairs)
        for i, j in pairs:
            latest = self.low[i, j].min()
            changed.low[i, j, 0], changed.high[i, j, 0] = latest, np.inf
            changed.low[j, i, 0], changed.high[j, i, 0] = -np.inf, -latest
        return changed

    def without(self, pairs: Iterable[tuple[int, int]]) -> DelayConflicts:
        """The same, but these pairs are not kept apart: impossible ones, say, of which another part takes care."""
        low, high = self.low.copy(), self.high.copy()
        for i, j in pairs:
            low[i, j], high[i, j], low[j, i], high[j, i] = np.inf, -np.inf, np.inf, -np.inf
        return DelayConflicts(low, high)

    def subset(self, robots: NDArray[np.intp]) -> DelayConflicts:
        """The same for some of the robots."""
        return DelayConflicts(self.low[np.ix_(robots, robots)], self.high[np.ix_(robots, robots)])

    def groups(self) -> list[NDArray[np.intp]]:
        """The robots in groups that have nothing to do with each other."""
        meeting = [np.flatnonzero(row).tolist() for row in self.meeting()]
        left = set(range(self.count))
        found = []
        for robot in range(self.count):
            if robot in left:
                left.remove(robot)
                group = [robot]
                for member in group:  # it grows
                    new = left.intersection(meeting[member])
                    left -= new
                    group += new
                found.append(np.array(sorted(group), dtype=np.intp))
        return found


def delay_conflicts(routes: Sequence[TimedRoute], distance: FloatArray) -> DelayConflicts:
    """The forbidden delay differences of all pairs.

    Args:
        routes: one a robot.
        distance: (N, N) m, how far the centres of two robots have to stay apart.
    """
    if not routes:
        return DelayConflicts(np.zeros((0, 0, 1)), np.zeros((0, 0, 1)))
    pieces = _Pieces.of(routes)
    first, second = pieces.near(distance)
    low, high = pieces.differences(first, second, distance)
    kept = low < high
    pair = pieces.robot[first[kept]] * len(routes) + pieces.robot[second[kept]]
    return _merged(len(routes), pair, low[kept], high[kept])


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """All stretches of uniform motion of all robots, standing before and after included: one row each.

    Attributes:
        robot: (P,) index.
        begin, end: (P,) s since the robot set out.
        x, y, to_x, to_y: (P,) m, where it is then. (Columns apart: to pick rows of one is much faster than of several.)
        vx, vy: (P,) m/s.
        slack: (P,) m.
    """

    robot: NDArray[np.intp]
    begin: FloatArray
    end: FloatArray
    x: FloatArray
    y: FloatArray
    to_x: FloatArray
    to_y: FloatArray
    vx: FloatArray
    vy: FloatArray
    slack: FloatArray

    @classmethod
    def of(cls, routes: Sequence[TimedRoute]) -> _Pieces:
        begin: list[FloatArray] = []
        end: list[FloatArray] = []
        at: list[FloatArray] = []
        to: list[FloatArray] = []
        slack: list[FloatArray] = []
        count: list[int] = []
        for route in routes:
            waits = len(route.waiting)
            begin += [np.full(waits, -FOREVER), route.times]
            end += [np.zeros(waits), route.times[1:], np.array([FOREVER])]
            at += [route.waiting[:, :2], route.points]
            to += [route.waiting[:, :2], route.points[1:], route.points[-1:]]
            slack += [route.waiting[:, 2], route.slack, np.zeros(1)]
            count.append(waits + len(route.times))
        starts, ends = np.concatenate(begin), np.concatenate(end)
        (x, y), (to_x, to_y) = np.concatenate(at).T.copy(), np.concatenate(to).T.copy()
        lasts = np.maximum(ends - starts, 1e-9)
        robot = np.repeat(np.arange(len(routes)), count)
        vx, vy = (to_x - x) / lasts, (to_y - y) / lasts
        return cls(robot, starts, ends, x, y, to_x, to_y, vx, vy, np.concatenate(slack))

    def near(self, distance: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of pieces of different robots whose boxes come close enough; the lower robot first."""
        reach = 0.5 * float(distance.max(initial=0.0)) + self.slack
        close = self.robot[:, None] < self.robot[None, :]
        for at, to in ((self.x, self.to_x), (self.y, self.to_y)):
            low, high = np.minimum(at, to) - reach, np.maximum(at, to) + reach
            close &= low[:, None] < high[None, :]
            close &= high[:, None] > low[None, :]
        first, second = np.nonzero(close)
        return first, second

    def differences(
        self, first: NDArray[np.intp], second: NDArray[np.intp], distance: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """(Q,) and (Q,) s: the interval of delay differences at which pieces meet; low above high where they never do.

        The times (t, u) at which two uniformly moving points are closer than a limit are an ellipse or a strip, cut by
        a rectangle: what is furthest in any direction is on a side of the rectangle or where the ellipse has its
        tangent in that direction.
        """
        limit = distance[self.robot[first], self.robot[second]] + self.slack[first] + self.slack[second] + SKIN
        # On each side of the rectangle one of the two is at one place: at either end of its piece.
        sides = []
        for x, y, time in ((self.x, self.y, self.begin), (self.to_x, self.to_y, self.end)):
            sides.append(self._side(second, limit, x[first], y[first], time[first]))
            low, high = self._side(first, limit, x[second], y[second], time[second])
            sides.append((-high, -low))
        low = np.minimum.reduce([low for low, _ in sides])
        high = np.maximum.reduce([high for _, high in sides])
        self._add_tangents(first, second, limit, low, high)
        low[low < -0.5 * FOREVER] = -np.inf
        high[high > 0.5 * FOREVER] = np.inf
        return low, high

    def _side(
        self, moving: NDArray[np.intp], limit: FloatArray, x: FloatArray, y: FloatArray, time: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Times at which pieces are within the limit of a place, less another time; inf and -inf if they never are."""
        x, y = self.x[moving] - x, self.y[moving] - y
        vx, vy = self.vx[moving], self.vy[moving]
        a = vx * vx + vy * vy
        b = vx * x + vy * y
        within = limit * limit - x * x - y * y
        root = np.sqrt(np.maximum(b * b + a * within, 0.0))
        begin, end = self.begin[moving], self.end[moving]
        stands = a < STILL * STILL
        a[stands] = 1.0
        enter = np.maximum((-b - root) / a, 0.0)
        leave = np.minimum((root - b) / a, end - begin)
        enter[stands] = 0.0
        leave[stands] = np.where(within[stands] > 0.0, (end - begin)[stands], -1.0)
        never = enter >= leave
        enter += begin - time
        leave += begin - time
        enter[never], leave[never] = np.inf, -np.inf
        return enter, leave

    def _add_tangents(
        self,
        first: NDArray[np.intp],
        second: NDArray[np.intp],
        limit: FloatArray,
        low: FloatArray,
        high: FloatArray,
    ) -> None:
        """Widen intervals by the ellipses' own extreme points, where those are inside the rectangles."""
        across = self.vx[first] * self.vy[second] - self.vy[first] * self.vx[second]
        crossing = np.flatnonzero(np.abs(across) > STILL)
        first, second, across, limit = first[crossing], second[crossing], across[crossing], limit[crossing]
        ux, uy, vx, vy = self.vx[first], self.vy[first], self.vx[second], self.vy[second]
        x, y = self.x[second] - self.x[first], self.y[second] - self.y[first]
        longer = limit / np.hypot(ux - vx, uy - vy)
        normal_x, normal_y = (vy - uy) * longer, (ux - vx) * longer
        since = self.begin[second] - self.begin[first]
        lasts_first, lasts_second = self.end[first] - self.begin[first], self.end[second] - self.begin[second]
        for sign in (1.0, -1.0):
            dx, dy = sign * normal_x - x, sign * normal_y - y
            after_first = (vx * dy - vy * dx) / across
            after_second = (ux * dy - uy * dx) / across
            inside = (after_first > 0.0) & (after_first < lasts_first)
            inside &= (after_second > 0.0) & (after_second < lasts_second)
            rows = crossing[inside]
            difference = (since + after_second - after_first)[inside]
            low[rows] = np.minimum(low[rows], difference)
            high[rows] = np.maximum(high[rows], difference)


def _merged(count: int, pair: NDArray[np.intp], low: FloatArray, high: FloatArray) -> DelayConflicts:
    """The union of intervals of each pair (i * count + j, i < j), as arrays of all pairs both ways."""
    # One sorting and one running maximum for all pairs: each lives on its own stretch of the number line.
    order = np.argsort(np.maximum(low, -FOREVER) + pair * (4.0 * FOREVER))
    pair, low, high = pair[order], low[order], high[order]
    shift = pair * (4.0 * FOREVER)
    ends = np.maximum.accumulate(np.minimum(high, FOREVER) + shift) - shift
    opens = np.ones(len(pair), dtype=np.bool_)
    opens[1:] = (pair[1:] != pair[:-1]) | (low[1:] > ends[:-1] + HAIR)
    firsts = np.flatnonzero(opens)
    lasts = np.append(firsts[1:], len(pair)) - 1 if len(firsts) else firsts
    pair, low, high = pair[firsts], low[firsts], ends[lasts]
    high = np.where(high > 0.5 * FOREVER, np.inf, high)
    slot = np.arange(len(pair)) - np.searchsorted(pair, pair)
    shape = (count, count, int(slot.max(initial=0)) + 1)
    lows, highs = np.full(shape, np.inf), np.full(shape, -np.inf)
    i, j = np.divmod(pair, count)
    lows[i, j, slot], highs[i, j, slot] = low, high
    lows[j, i, slot], highs[j, i, slot] = -high, -low
    return DelayConflicts(lows, highs)
