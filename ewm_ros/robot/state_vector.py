"""What the learned world model is told of a situation: 256 numbers, all of them about 0 to 1 in size.

Lengths along the route are in seconds at the robot's full speed, so that fast and slow robots look alike. The layout is
a contract with the trained weights: whoever changes it trains anew and counts LAYOUT up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.messages import ConflictKind, Intention, Knot, Outcome
from ewm_ros.robot.path_follower import speed_limits
from ewm_ros.robot.route_frame import RouteFrame, places_of
from ewm_ros.robot.speed_profile import expected_motions, free_motions
from ewm_ros.robot_type import RobotType
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import (
    BASE_S,
    BASE_YAW,
    FREE,
    HISTORY,
    NEAR,
    PEER,
    PEERS,
    PEERS_AT,
    PREVIEW,
    SECTORS,
    STATE_DIM,
    STATUS,
)
from ewm_ros.world_model.predictor import Neighbour, Situation

MOVING = 0.03  # m/s or rad/s, above which a robot is not standing
HISTORY_TIMES = (0.2, 0.4, 0.6, 0.8, 1.0)  # s ago
REMEMBERED = 1.2  # s
PREVIEW_TIMES = 0.5 * np.arange(1, 11)  # s at full speed ahead
PEER_TIMES = (0.0, 2.0, 5.0)  # s from now
LONG = 10.0  # s; what takes longer counts as this long
AHEAD, ASIDE = slice(1, 4), slice(4, 7)  # among the numbers of another robot: where it will be at PEER_TIMES
_FREE = (-math.inf, math.inf, 1.0)
# Least, most and unit of each of the numbers of another robot.
_PEER_LIMITS = [
    _FREE,
    *[(-1.0, 5.0, 1.0)] * 3,
    *[(-1.0, 1.0, 1.0)] * 3,
    *[_FREE] * 5,
    (-math.inf, LONG, 5.0),
    *[(-1.0, LONG, 5.0)] * 4,
    *[_FREE] * 3,
]
_LEAST, _MOST, _UNITS = np.array(_PEER_LIMITS).T
KIND = {None: 0.0, ConflictKind.CROSSING: 0.0, ConflictKind.FOLLOWING: 1.0, ConflictKind.HEAD_ON: -1.0}


class StateVector:
    """Makes the vectors of one robot; it remembers the last second.

    Args:
        robot_type: sizes and limits.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self.robot_type = robot_type
        self._past: deque[tuple[float, float, float]] = deque()
        self._since: dict[str, float] = {}
        self._hold = (math.nan, math.nan)
        self._path: object = None
        robot = self.robot_type
        self._traits = [
            robot.max_speed,
            robot.max_acceleration / 2.0,
            robot.max_turn_rate / 2.0,
            robot.max_turn_acceleration / 5.0,
            5.0 * robot.lag,
            robot.radius,
        ]

    def of(self, situation: Situation) -> tuple[FloatArray, RouteFrame]:
        """(256,) float64 in the layout of world_model/layout.py, and the frame that predictions from it are in.

        The situation must have been remembered.
        """
        states, frames = state_vectors([self], [situation])
        return states[0], frames[0]

    def remember(self, situation: Situation) -> None:
        """Take a situation, of every cycle and in their order: the vector tells of the last second too."""
        odometry = situation.observation.odometry
        now, past = odometry.stamp, self._past
        if past and now < past[-1][0]:  # time was set back
            past.clear()
            self._since.clear()
            self._hold, self._path = (math.nan, math.nan), None
        past.append((now, odometry.v, odometry.w))
        while past[0][0] < now - REMEMBERED:
            past.popleft()
        path = situation.follower.path if situation.follower is not None else None
        if path is not self._path:
            self._path = path
            self._since["route"] = now
        if situation.hold != self._hold[0]:
            self._hold = (situation.hold, now)
        standing = max(abs(odometry.v), abs(odometry.w)) < MOVING
        for what, holds in (("standing", standing), ("hindered", situation.hindered)):
            if not holds:
                self._since.pop(what, None)
            else:
                self._since.setdefault(what, now)

    def _elapsed(self, what: str, now: float) -> float:
        """Seconds / 5 since something began, up to LONG; 0 while it is not so."""
        return min(now - self._since.get(what, now), LONG) / 5.0

    def of_itself(self, situation: Situation, frame: RouteFrame) -> list[float]:
        """The numbers of STATUS and HISTORY."""
        odometry, robot, follower = situation.observation.odometry, self.robot_type, situation.follower
        now, full, release = odometry.stamp, robot.max_speed, situation.release
        astray = frame.misalignment
        remaining = follower.path.length - situation.progress if follower is not None else 0.0
        return [
            odometry.v / full,
            odometry.w / robot.max_turn_rate,
            frame.beside / robot.radius,
            math.sin(astray),
            math.cos(astray),
            *self._traits,
            float(follower is not None),
            min(remaining / full, LONG) / 5.0,
            min(max((situation.hold - situation.progress) / full, 0.0), LONG) / 5.0,
            float(release == 0.0),
            float(release == math.inf),
            min(release, 2.0 * LONG) / 5.0,
            len(situation.waits_for) / 3.0,
            min(situation.speed_limit / full, 1.0),
            float(situation.hindered),
            float(situation.changing),
            self._elapsed("standing", now),
            self._elapsed("hindered", now),
            self._elapsed("route", now),
            min(now - self._hold[1], LONG) / 5.0,
            *self._history(now),
        ]

    def _history(self, now: float) -> list[float]:
        times, v, w = zip(*self._past, strict=True)
        known = [_interpolated(now - ago, times, v, w) for ago in HISTORY_TIMES]
        full, fastest = self.robot_type.max_speed, self.robot_type.max_turn_rate
        return [v / full for v, _ in known] + [w / fastest for _, w in known]


def state_vectors(
    makers: Sequence[StateVector], situations: Sequence[Situation]
) -> tuple[FloatArray, list[RouteFrame]]:
    """StateVector.of several robots at once: (B, 256), and their frames."""
    frames = []
    for situation in situations:
        path = situation.follower.path if situation.follower is not None else None
        frames.append(RouteFrame(path, situation.observation.odometry.pose, situation.progress))
    states = np.zeros((len(makers), STATE_DIM))
    states[:, STATUS.start : HISTORY.stop] = [
        maker.of_itself(situation, frame) for maker, situation, frame in zip(makers, situations, frames, strict=True)
    ]
    full = np.array([[maker.robot_type.max_speed] for maker in makers])
    driving = [k for k, situation in enumerate(situations) if situation.follower is not None]
    if driving:
        _add_motion(states, driving, [situations[k] for k in driving], full[driving])
    _add_clearances(states, makers, situations)
    _add_peers(states, makers, situations, frames)
    return states, frames


def _add_motion(states: FloatArray, rows: Sequence[int], situations: Sequence[Situation], full: FloatArray) -> None:
    """What the nominal motion of those is that have a route, where it bends, and how fast it may be driven there."""
    followers = [situation.follower for situation in situations if situation.follower is not None]
    free = free_motions(followers, situations)
    base = expected_motions(followers, situations, free)
    here = [
        (situation.progress, follower.path.length, situation.observation.odometry.pose.yaw)
        for follower, situation in zip(followers, situations, strict=True)
    ]
    progress, length, yaw = np.array(here).T[:, :, None]
    at = np.minimum(progress + full * PREVIEW_TIMES, length)
    headings = np.array(
        [f.headings.take(f.path.segments(s)) for f, s in zip(followers, np.hstack([progress, at]), strict=True)]
    )
    count = len(PREVIEW_TIMES)
    motion = np.empty((len(rows), PREVIEW.stop))
    motion[:, FREE] = (free[:, 0, 4::5] - progress) / full
    motion[:, BASE_S] = (base[:, 0, 1::2] - progress) / full
    motion[:, BASE_YAW] = base[:, 1, 1::2] - yaw
    bends = (headings[:, 1:] - headings[:, :1]) / math.pi
    motion[:, PREVIEW.start : PREVIEW.start + count] = np.minimum(np.maximum(bends, -2.0), 2.0)
    motion[:, PREVIEW.start + count : PREVIEW.stop] = speed_limits(followers, at, length) / full
    for part in (FREE, BASE_S, BASE_YAW, PREVIEW):
        states[rows, part] = motion[:, part]


def _add_clearances(states: FloatArray, makers: Sequence[StateVector], situations: Sequence[Situation]) -> None:
    """Nearness of what the lidar sees, in sectors from straight ahead counter-clockwise: 1 touching, 0 far away."""
    alike: dict[tuple[int, float, float, float], list[int]] = {}
    for k, situation in enumerate(situations):
        scan = situation.observation.scan
        if scan is not None and len(scan.ranges):
            kind = len(scan.ranges), scan.angle_min, scan.angle_increment, scan.range_max
            alike.setdefault(kind, []).append(k)
    for (rays, first, step, furthest), rows in alike.items():
        ranges = np.full((len(rows), rays + 1), furthest)
        for row, k in zip(ranges, rows, strict=True):
            row[:-1] = situations[k].observation.scan.ranges  # type: ignore[union-attr]
        np.nan_to_num(ranges, copy=False, nan=furthest, posinf=furthest)
        nearest = ranges.take(_rays_of_sectors(rays, first, step), axis=1).min(axis=1)
        radii = np.array([[makers[k].robot_type.radius] for k in rows])
        states[rows, SECTORS] = np.exp(-np.maximum(nearest - radii, 0.0))


@lru_cache(maxsize=16)
def _rays_of_sectors(rays: int, first: float, step: float) -> NDArray[np.intp]:
    """(each, SECTORS): the rays of a lidar that look into each sector; one more than there are where it has none."""
    count = SECTORS.stop - SECTORS.start
    # A field of view narrower than a sector, of a single ray perhaps, is taken for that of a sector.
    spacing = max(abs(step), math.tau / count / rays)
    full_turn = abs(rays * spacing - math.tau) < 1.5 * spacing
    per_turn = rays if full_turn else round(math.tau / spacing)
    each = max(per_turn // count, 1)
    offsets = (np.arange(each)[:, None] - (each - 1) / 2) / each
    angles = (np.arange(count) + offsets) * (math.tau / count)
    onwards = (angles - first) * math.copysign(1.0, step)
    index = np.rint((onwards % math.tau) / spacing).astype(np.intp) % per_turn
    # A ray that this lidar does not have reads the entry added behind the last one: nothing there.
    return np.minimum(index, rays)


def _add_peers(
    states: FloatArray, makers: Sequence[StateVector], situations: Sequence[Situation], frames: Sequence[RouteFrame]
) -> None:
    """The other robots, those that are waited for first, then the nearest."""
    foreseen: dict[tuple[int, float], _Foreseen] = {}  # of intentions: those that many hear are the same objects
    places: list[list[tuple[float, float]]] = []
    rows: list[int] = []
    slots: list[int] = []
    told: list[list[float]] = []
    for k, (maker, situation) in enumerate(zip(makers, situations, strict=True)):
        now = situation.observation.odometry.stamp
        for slot, neighbour in enumerate(_nearest(situation)):
            intention = neighbour.intention
            known = foreseen.get((id(intention), now))
            if known is None:
                known = foreseen[id(intention), now] = _foreseen(intention, now)
            places.append(known.places)
            rows.append(k)
            slots.append(slot)
            told.append(_peer(maker.robot_type, situation, neighbour, known.speed))
    if not told:
        return
    points = np.zeros((len(makers), PEERS, len(PEER_TIMES), 2))
    points[rows, slots] = places
    robots = [maker.robot_type for maker in makers]
    reaches = [robot.max_speed * HORIZON * STEP for robot in robots]
    s, d = places_of(frames, points.reshape(len(makers), -1, 2), reaches)
    full = np.array([[robot.max_speed] for robot in robots])
    numbers = np.array(told)
    numbers[:, AHEAD] = (s / full).reshape(points.shape[:-1])[rows, slots]
    numbers[:, ASIDE] = np.abs(d).reshape(points.shape[:-1])[rows, slots] - numbers[:, ASIDE]
    numbers = np.minimum(np.maximum(numbers, _LEAST), _MOST) / _UNITS
    states[:, PEERS_AT : PEERS_AT + PEERS * PEER].reshape(len(makers), PEERS, PEER)[rows, slots] = numbers


def _nearest(situation: Situation) -> list[Neighbour]:
    """The neighbours that the vector tells of, in its order."""
    pose = situation.observation.odometry.pose
    near = []
    for neighbour in situation.neighbours:
        here = neighbour.intention.plan.knots[0]
        if (distance := math.hypot(here.x - pose.x, here.y - pose.y)) < NEAR:
            near.append((neighbour.intention.robot not in situation.waits_for, distance, neighbour))
    near.sort(key=lambda entry: entry[:2])
    return [neighbour for _, _, neighbour in near[:PEERS]]


def _peer(robot: RobotType, situation: Situation, other: Neighbour, speed: float) -> list[float]:
    """The numbers of another robot, not yet within their limits, and in place of AHEAD and ASIDE what they are less."""
    full, plan, standing = robot.max_speed, other.intention.plan, other.intention.standing
    mine = theirs = (2.0 * LONG, 2.0 * LONG)
    holds = ours = 0.0
    if other.shared is not None:
        progress, pace = standing.progress, max(other.max_speed, 0.05)
        mine = (other.mine[0] - situation.progress) / full, (other.mine[1] - situation.progress) / full
        theirs = (other.theirs[0] - progress) / pace, (other.theirs[1] - progress) / pace
        holds = float(standing.hold > other.theirs[0] + 0.05)
        ours = float(situation.hold > other.mine[0] + 0.05)
    apart = robot.radius + other.radius
    return [
        1.0,
        *(0.0, 0.0, 0.0),
        *(apart, apart, apart),
        speed / full,
        float(other.intention.robot in situation.waits_for),
        float(situation.robot in standing.waits_for),
        float(plan.outcome == Outcome.WAIT),
        float(plan.outcome in (Outcome.IDLE, Outcome.BLOCKED)),
        plan.eta,
        *mine,
        *theirs,
        holds,
        ours,
        KIND[other.shared],
    ]


class _Foreseen(NamedTuple):
    """Where another robot said it will be at PEER_TIMES from now (m), and its speed until the second of them (m/s)."""

    places: list[tuple[float, float]]
    speed: float


def _foreseen(intention: Intention, now: float) -> _Foreseen:
    knots = intention.plan.knots
    since = now - intention.stamp
    places = [_place_at(knots, since + later) for later in PEER_TIMES]
    return _Foreseen(places, math.dist(places[0], places[1]) / (PEER_TIMES[1] - PEER_TIMES[0]))


def _place_at(knots: Sequence[Knot], at: float) -> tuple[float, float]:
    before = knots[0]
    for knot in knots:
        if knot.t > at:
            share = max((at - before.t) / (knot.t - before.t), 0.0) if knot is not before else 0.0
            return before.x + share * (knot.x - before.x), before.y + share * (knot.y - before.y)
        before = knot
    return before.x, before.y


def _interpolated(
    at: float, times: Sequence[float], first: Sequence[float], second: Sequence[float]
) -> tuple[float, float]:
    """Two values at a time, straight between their neighbours; before the first and after the last, those."""
    k = bisect_right(times, at)
    if k == 0:
        return first[0], second[0]
    if k == len(times):
        return first[-1], second[-1]
    share = (at - times[k - 1]) / (times[k] - times[k - 1])
    return first[k - 1] + share * (first[k] - first[k - 1]), second[k - 1] + share * (second[k] - second[k - 1])
