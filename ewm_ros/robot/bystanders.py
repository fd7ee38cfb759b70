"""People and things in the robot's way that are neither on the map nor robots of the fleet: where, and how they walk.

The lidar's points off the map are cut into clusters where neighbouring rays part (as in Arras, Mozos, Burgard, "Using
Boosted Features for the Detection of People in 2D Range Data", ICRA 2007), and a cluster is followed from scan to scan
by its nearest successor. Somebody who walks is expected to walk on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.off_the_map import SEEN_WITHIN, BareFloor, off_the_map
from ewm_ros.sensing import Observation

A_PEER = 0.35  # m beyond a robot's footprint: it has driven on since it told where it is
REACH = SEEN_WITHIN + A_PEER  # m from the robot, beyond which no other robot matters
PARTED = 0.3  # m between neighbouring points of two clusters
LEAST_POINTS = 2
FOLLOWED = 0.3  # m that a cluster may move from scan to scan
BASELINE = 6  # scans over which a velocity is taken: a cluster's middle jitters by centimetres
SURE = 4  # scans in which a cluster has been seen before its velocity counts
WALKS = 0.25  # m/s; slower is standing
LEAST_RADIUS = 0.15  # m, of somebody of whom only an edge is seen
KEPT = 0.2  # m that the robot stays away from where somebody is expected
NEARER = 0.05  # m that the robot may come nearer than it is, where that is too near already
AHEAD = np.arange(0.0, 2.6, 0.25)  # s
SPEEDS = (1.0, 0.6, 0.3)  # shares of full speed that are tried


@dataclass(frozen=True, slots=True)
class _Track:
    """Somebody: radius (m), and stamp (s), x, y (m) of the last scans in a row, the newest last."""

    radius: float
    seen: tuple[tuple[float, float, float], ...]

    @property
    def place(self) -> tuple[float, float]:
        return self.seen[-1][1:]

    @property
    def velocity(self) -> tuple[float, float]:
        """m/s."""
        (t0, x0, y0), (t1, x1, y1) = self.seen[0], self.seen[-1]
        span = max(t1 - t0, 1e-6)
        return (x1 - x0) / span, (y1 - y0) / span

    @property
    def walks(self) -> bool:
        return len(self.seen) >= SURE and math.hypot(*self.velocity) > WALKS


@lru_cache(maxsize=2)
def _bare_floor(grid: OccupancyGrid) -> BareFloor:
    """Of the map that the robots of one process share."""
    return BareFloor(grid)


class Bystanders:
    """Keeps an eye on them.

    Args:
        radius: m, of the robot's footprint.
    """

    def __init__(self, radius: float) -> None:
        self._radius = radius
        self._floor: BareFloor | None = None
        self._noticed: tuple[Observation, FloatArray] | None = None  # and (2, N) m of it that are not on the map
        self._tracks: list[_Track] = []
        self._stamp = math.nan

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map: what is on it is nobody."""
        self._floor = _bare_floor(grid)
        self._noticed = None
        self._tracks = []

    @property
    def discs(self) -> FloatArray:
        """(K, 3) m: x, y, radius of all that is seen now, map frame."""
        return np.array([(*t.place, t.radius) for t in self._tracks], dtype=np.float64).reshape(-1, 3)

    def look(self, state: Observation, peers: FloatArray) -> None:
        """Take a scan; an old one changes nothing.

        Args:
            peers: (P, 3) m, x, y, footprint's radius of the other robots, as far as they have told: those whose
                footprints are within REACH at least.
        """
        if self._noticed is None or self._noticed[0] is not state:
            notice_together([self], [state])
        if self._noticed is None or state.scan is None:
            return
        pose, self._stamp = state.odometry.pose, state.scan.stamp
        points = _strangers(self._noticed[1], peers)
        self._noticed = None
        self._tracks = [self._followed(_somebody(c, pose, self._stamp)) for c in _clusters(points)]

    def _followed(self, found: _Track) -> _Track:
        """Somebody who has been found, with where he was in the scans before."""
        before = min(self._tracks, key=lambda track: math.dist(track.place, found.place), default=None)
        if before is None or math.dist(before.place, found.place) > FOLLOWED:
            return found
        return _Track(found.radius, (*before.seen, *found.seen)[-BASELINE:])

    def speed_limit(self, path: Polyline, progress: float, speed: float) -> float:
        """m/s at which the robot can go on without coming near where anybody walks in the next seconds; 0 to let by.

        Args:
            path: that the robot drives along; progress: m, where it is on it.
            speed: m/s, full.
        """
        walking = [t for t in self._tracks if t.walks]
        if not walking:
            return math.inf
        x, y, vx, vy, radius = np.array([(*t.place, *t.velocity, t.radius) for t in walking]).T
        theirs_x, theirs_y = x[:, None] + vx[:, None] * AHEAD, y[:, None] + vy[:, None] * AHEAD
        here_x, here_y = path.point_at(min(progress, path.length))
        # Where somebody is nearer already, the robot need not stand still: only not come nearer.
        kept = np.minimum(radius + self._radius + KEPT, np.hypot(x - here_x, y - here_y) - NEARER)[:, None]
        for share in SPEEDS:
            mine = path.sample(np.minimum(progress + share * speed * AHEAD, path.length))
            if (np.hypot(theirs_x - mine[:, 0], theirs_y - mine[:, 1]) >= kept).all():
                return math.inf if share == 1.0 else share * speed
        return 0.0


def notice_together(bystanders: Sequence[Bystanders], observations: Sequence[Observation]) -> None:
    """Find what is not on the map in the new scans of several robots at once; to each, `look` then has to be told."""
    news: dict[BareFloor, list[tuple[Bystanders, Observation]]] = {}
    for one, state in zip(bystanders, observations, strict=True):
        one._noticed = None
        if one._floor is not None and state.scan is not None and state.scan.stamp != one._stamp:
            news.setdefault(one._floor, []).append((one, state))
    for floor, group in news.items():
        seen = [(state.scan, state.odometry.pose) for _, state in group if state.scan is not None]
        for (one, state), places in zip(group, off_the_map(floor, seen), strict=True):
            one._noticed = state, places


def _strangers(places: FloatArray, peers: FloatArray) -> FloatArray:
    """(N, 2) m, of places (2, M), where no robot is; see Bystanders.look."""
    if places.size and len(peers):
        away = places[:, None] - peers.T[:2, :, None]  # (2, P, M)
        gaps = np.hypot(away[0], away[1])
        gaps -= peers[:, 2:]
        places = places.take(np.logical_and.reduce(gaps > A_PEER).nonzero()[0], axis=1)
    return np.ascontiguousarray(places.T)


def _clusters(points: FloatArray) -> list[FloatArray]:
    """The points of neighbouring rays that belong together."""
    if not len(points):
        return []
    gaps = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    points = np.roll(points, -int(gaps.argmax()), axis=0)  # the lidar's turn begins straight ahead, mid in somebody
    steps = np.hypot(*np.diff(points, axis=0).T)
    parts = np.split(points, np.flatnonzero(steps > PARTED) + 1)
    return [part for part in parts if len(part) >= LEAST_POINTS]


def _somebody(points: FloatArray, pose: Pose2D, stamp: float) -> _Track:
    """Who shows this much of his surface: behind it, as deep as it is wide."""
    x, y = points.mean(axis=0).tolist()
    half = float(np.hypot(points[:, 0] - x, points[:, 1] - y).max())
    depth = 0.5 * half / max(math.hypot(x - pose.x, y - pose.y), 1e-6)
    place = (x + depth * (x - pose.x), y + depth * (y - pose.y))
    return _Track(max(half, LEAST_RADIUS), ((stamp, *place),))
