"""What the learned world model is told of a situation: 256 numbers, all of them about 0 to 1 in size.

Lengths along the route are in seconds at the robot's full speed, so that fast and slow robots look alike. The layout is
a contract with the trained weights: whoever changes it trains anew and counts LAYOUT up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.messages import ConflictKind, Intention, Knot, Outcome
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.route_frame import RouteFrame
from ewm_ros.robot.speed_profile import expected_motion, free_motion
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Scan
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import (
    BASE_S,
    BASE_YAW,
    FREE,
    HISTORY,
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
NEAR = 12.0  # m; robots further away are left out
LONG = 10.0  # s; what takes longer counts as this long
KIND = {None: 0.0, ConflictKind.CROSSING: 0.0, ConflictKind.FOLLOWING: 1.0, ConflictKind.HEAD_ON: -1.0}


class StateVector:
    """Makes the vectors of one robot; it remembers the last second.

    Args:
        robot_type: sizes and limits.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self._type = robot_type
        self._past: deque[tuple[float, float, float]] = deque()
        self._since: dict[str, float] = {}
        self._hold = (math.nan, math.nan)
        self._path: object = None
        self._sectors: tuple[tuple[float, ...], np.ndarray] | None = None
        robot = robot_type
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
        odometry, follower = situation.observation.odometry, situation.follower
        path = follower.path if follower is not None else None
        frame = RouteFrame(path, odometry.pose, situation.progress)
        state = np.zeros(STATE_DIM)
        full = self._type.max_speed
        if follower is not None:
            free = free_motion(follower, situation)
            base = expected_motion(follower, situation, free)
            state[FREE] = (free[0, 4::5] - situation.progress) / full
            state[PREVIEW] = self._preview(follower, situation)
            state[BASE_S] = (base[0, 1::2] - situation.progress) / full
            state[BASE_YAW] = base[1, 1::2] - odometry.pose.yaw
        state[STATUS] = self._status(situation, frame)
        state[HISTORY] = self._history(odometry.stamp)
        state[SECTORS] = self._clearances(situation.observation.scan)
        self._add_peers(state, situation, frame)
        return state, frame

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

    def _status(self, situation: Situation, frame: RouteFrame) -> list[float]:
        odometry, robot, follower = situation.observation.odometry, self._type, situation.follower
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
        ]

    def _history(self, now: float) -> list[float]:
        times, v, w = zip(*self._past, strict=True)
        known = [_interpolated(now - ago, times, v, w) for ago in HISTORY_TIMES]
        full, fastest = self._type.max_speed, self._type.max_turn_rate
        return [v / full for v, _ in known] + [w / fastest for _, w in known]

    def _preview(self, follower: PathFollower, situation: Situation) -> FloatArray:
        """Where the route bends and how fast it may be driven there."""
        path, full = follower.path, self._type.max_speed
        at = np.minimum(situation.progress + full * PREVIEW_TIMES, path.length)
        headings = follower.headings.take(path.segments(np.append(situation.progress, at)))
        preview = np.empty(2 * len(at))
        bends = (headings[1:] - headings[0]) / math.pi
        preview[: len(at)] = np.minimum(np.maximum(bends, -2.0), 2.0)
        preview[len(at) :] = follower.speed_limits(at, path.length) / full
        return preview

    def _clearances(self, scan: Scan | None) -> FloatArray:
        """Nearness of what the lidar sees, in sectors from straight ahead counter-clockwise: 1 touching, 0 far away."""
        count = SECTORS.stop - SECTORS.start
        if scan is None or len(scan.ranges) == 0:
            return np.zeros(count)
        rays = len(scan.ranges)
        key = (float(rays), scan.angle_min, scan.angle_increment)
        if self._sectors is None or self._sectors[0] != key:
            # A field of view narrower than a sector, of a single ray perhaps, is taken for that of a sector.
            step = max(abs(scan.angle_increment), math.tau / count / rays)
            full_turn = abs(rays * step - math.tau) < 1.5 * step
            per_turn = rays if full_turn else round(math.tau / step)
            each = max(per_turn // count, 1)
            offsets = (np.arange(each) - (each - 1) / 2) / each
            angles = (np.arange(count)[:, None] + offsets) * (math.tau / count)
            onwards = (angles - scan.angle_min) * math.copysign(1.0, scan.angle_increment)
            index = np.rint((onwards % math.tau) / step).astype(np.int64) % per_turn
            # A ray that this lidar does not have reads the entry added behind the last one: nothing there.
            self._sectors = key, np.minimum(index, rays)
        ranges = np.append(np.nan_to_num(scan.ranges, nan=scan.range_max, posinf=scan.range_max), scan.range_max)
        nearest = ranges[self._sectors[1]].min(axis=1)
        nearness: FloatArray = np.exp(-np.maximum(nearest - self._type.radius, 0.0))
        return nearness

    def _add_peers(self, state: FloatArray, situation: Situation, frame: RouteFrame) -> None:
        pose, now = situation.observation.odometry.pose, situation.observation.odometry.stamp
        near = []
        for neighbour in situation.neighbours:
            here = neighbour.intention.plan.knots[0]
            if (distance := math.hypot(here.x - pose.x, here.y - pose.y)) < NEAR:
                near.append((neighbour.intention.robot not in situation.waits_for, distance, neighbour))
        near.sort(key=lambda entry: entry[:2])
        chosen = [neighbour for _, _, neighbour in near[:PEERS]]
        if not chosen:
            return
        places = np.array([_foreseen(neighbour.intention, now) for neighbour in chosen])
        s, d = frame.place(places, self._type.max_speed * HORIZON * STEP)
        numbers: list[float] = []
        for neighbour, three, along, beside in zip(chosen, places.tolist(), s.tolist(), d.tolist(), strict=True):
            speed = math.dist(three[0], three[1]) / (PEER_TIMES[1] - PEER_TIMES[0])
            numbers += self._peer(situation, neighbour, speed, along, beside)
        state[PEERS_AT : PEERS_AT + len(numbers)] = numbers

    def _peer(
        self, situation: Situation, other: Neighbour, speed: float, s: Sequence[float], d: Sequence[float]
    ) -> list[float]:
        full, plan, standing = self._type.max_speed, other.intention.plan, other.intention.standing
        apart = self._type.radius + other.radius
        mine = theirs = (2.0 * LONG, 2.0 * LONG)
        holds = ours = 0.0
        if other.shared is not None:
            mine = tuple((m - situation.progress) / full for m in other.mine)  # type: ignore[assignment]
            pace = max(other.max_speed, 0.05)
            theirs = tuple((m - standing.progress) / pace for m in other.theirs)  # type: ignore[assignment]
            holds = float(standing.hold > other.theirs[0] + 0.05)
            ours = float(situation.hold > other.mine[0] + 0.05)
        return [
            1.0,
            *(min(max(along / full, -1.0), 5.0) for along in s),
            *(min(max(abs(beside) - apart, -1.0), 1.0) for beside in d),
            speed / full,
            float(other.intention.robot in situation.waits_for),
            float(situation.robot in standing.waits_for),
            float(plan.outcome == Outcome.WAIT),
            float(plan.outcome in (Outcome.IDLE, Outcome.BLOCKED)),
            min(plan.eta, LONG) / 5.0,
            *(min(max(t, -1.0), LONG) / 5.0 for t in (*mine, *theirs)),
            holds,
            ours,
            KIND[other.shared],
        ]


def _foreseen(intention: Intention, now: float) -> list[tuple[float, float]]:
    """m: where another robot said it will be at PEER_TIMES from now."""
    knots = intention.plan.knots
    since = now - intention.stamp
    return [_place_at(knots, since + later) for later in PEER_TIMES]


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
