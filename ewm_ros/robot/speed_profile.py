"""The nominal motion along a route as a time-optimal speed profile: where a robot that nobody disturbs is when.

The velocity profile of a path under speed and acceleration limits by one pass in each direction (J. E. Bobrow, S.
Dubowsky, J. S. Gibson, "Time-Optimal Control of Robotic Manipulators Along Specified Paths", IJRR 4(3), 1985; for paths
with fixed limits as in K. Shin, N. McKay, IEEE TAC 30(6), 1985). It costs a quarter of rolling out the controller; the
learned model corrects what it leaves out.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ewm_ros.geometry import FloatArray, wrap_angles
from ewm_ros.robot.path_follower import ALIGNED, END_REACHED, HOLD_MARGIN, TURN_FIRST, PathFollower, speed_limits
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.predictor import Situation

GRID = 64  # points of the route that the profile is computed at
SLOWEST = 0.02  # m/s, that the profile is cut off at, so that it arrives in finite time
SETTLING = 1.0  # s, time constant with which the follower turns into the direction of the path
_SHARES = np.linspace(0.0, 1.0, GRID)
TIMES = np.linspace(STEP, HORIZON * STEP, HORIZON)  # s


def free_motion(follower: PathFollower, situation: Situation) -> FloatArray:
    """Progress (m) and heading (rad, continuous from the robot's) at each step of the horizon if nobody is in the way.

    Returns:
        (2, HORIZON).
    """
    motion: FloatArray = free_motions([follower], [situation])[0]
    return motion


def expected_motion(follower: PathFollower, situation: Situation, free: FloatArray) -> FloatArray:
    """The same with the hold point kept until the robot expects to be let past it.

    Args:
        free: (2, HORIZON), what free_motion gives.
    """
    motion: FloatArray = expected_motions([follower], [situation], free[None])[0]
    return motion


def free_motions(followers: Sequence[PathFollower], situations: Sequence[Situation]) -> FloatArray:
    """free_motion of several robots at once: (B, 2, HORIZON)."""
    return _Profiles(followers, [_start(situation, math.inf) for situation in situations]).motions()


def expected_motions(
    followers: Sequence[PathFollower], situations: Sequence[Situation], free: FloatArray
) -> FloatArray:
    """expected_motion of several robots at once.

    Args:
        free: (B, 2, HORIZON), what free_motions gives.
    """
    expected: FloatArray = free.copy()
    furthest = (free[:, 0, -1] + HOLD_MARGIN).tolist()
    stopped = [k for k, at in enumerate(situations) if at.release > 0.0 and at.hold <= furthest[k]]
    if not stopped:
        return expected
    starts = [_start(situations[k], situations[k].hold) for k in stopped]
    expected[stopped] = _Profiles([followers[k] for k in stopped], starts).motions()
    going_on = [k for k in stopped if situations[k].release < TIMES[-1]]
    if not going_on:
        return expected
    onwards = _Profiles([followers[k] for k in going_on], [_start_later(situations[k], expected[k]) for k in going_on])
    for row, k in enumerate(going_on):
        later = situations[k].release < TIMES
        expected[k][:, later] = onwards.motion(row, TIMES[later] - situations[k].release)
    return expected


class _Start(NamedTuple):
    """Where a motion begins, and what bounds it: m along the route, m/s, rad, m/s, m along the route."""

    progress: float
    v: float
    yaw: float
    limit: float
    hold: float


def _start(situation: Situation, hold: float) -> _Start:
    odometry = situation.observation.odometry
    return _Start(situation.progress, max(odometry.v, 0.0), odometry.pose.yaw, situation.speed_limit, hold)


def _start_later(situation: Situation, held: FloatArray) -> _Start:
    """Where the robot is when it expects to be let past its hold point: `held` (2, HORIZON) is its motion till then."""
    now = int(np.argmax(situation.release < TIMES))
    before = max(now - 1, 0)
    speed = (held[0, now] - held[0, before]) / STEP if now else max(situation.observation.odometry.v, 0.0)
    progress, yaw = held[:, now].tolist()
    return _Start(progress, float(speed), yaw, situation.speed_limit, math.inf)


class _Profiles:
    """Times at which the points of each robot's route ahead are reached, and the heading there."""

    def __init__(self, followers: Sequence[PathFollower], starts: Sequence[_Start]) -> None:
        bounds = [_bounds(follower, start) for follower, start in zip(followers, starts, strict=True)]
        columns = np.array([(*start, *bound) for start, bound in zip(starts, bounds, strict=True)])
        progress, v, yaw, limit, _, end, stop, gain, turn_rate = columns.T[:, :, None]
        s = _SHARES * (stop - progress) + progress
        limits = speed_limits(followers, s, end, limit)
        # v^2 - 2 a s may only fall: what the speed was behind bounds what it can be here.
        gained = gain * (s - progress)
        squared = limits * limits - gained
        squared[:, :1] = np.minimum(v * v, squared[:, :1])
        reached = np.minimum.accumulate(squared, axis=1, out=squared) + gained
        speed = np.maximum(np.sqrt(np.maximum(reached, 0.0)), SLOWEST)
        heading = np.empty(s.shape)
        spent = (s[:, 1:] - s[:, :-1]) * 2.0 / (speed[:, 1:] + speed[:, :-1])
        for k, (follower, start, bound) in enumerate(zip(followers, starts, bounds, strict=True)):
            follower.headings.take(follower.path.segments(s[k]), out=heading[k])
            _add_corners(follower, start.progress, bound[1], s[k], heading[k], spent[k])
        begin = heading[:, :1].copy()
        astray = wrap_angles(yaw - begin)
        away = np.abs(astray)
        first = np.where(away > TURN_FIRST, np.maximum(away - ALIGNED, 0.0) / turn_rate, 0.0)
        at = np.empty(s.shape)
        at[:, :1] = first
        np.cumsum(spent, axis=1, out=at[:, 1:])
        at[:, 1:] += first
        heading += yaw - astray - begin
        # What little is left to turn is turned on the way; who has to turn first has turned by then.
        heading += np.where(first > 0.0, 0.0, astray * np.exp(at * (-1.0 / SETTLING)))
        self._at, self._s, self._heading = at, s, heading
        self._turns_first = (first[:, 0] > 0.0).tolist()
        self._yaw = [start.yaw for start in starts]

    def motions(self) -> FloatArray:
        """(B, 2, HORIZON): progress (m) and heading (rad) at each step of the horizon."""
        motions = np.empty((len(self._s), 2, HORIZON))
        for k, motion in enumerate(motions):
            motion[:] = self.motion(k, TIMES)
        return motions

    def motion(self, k: int, times: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Progress (m) and heading (rad) of one robot at some times (s)."""
        at, s, heading = self._at[k], self._s[k], self._heading[k]
        if self._turns_first[k]:
            at, s, heading = np.append(0.0, at), np.append(s[0], s), np.append(self._yaw[k], heading)
        return np.interp(times, at, s), np.interp(times, at, heading)


def _bounds(follower: PathFollower, start: _Start) -> tuple[float, float, float, float]:
    """Where the robot has to stop and up to where it is looked at (m), 2 a (m/s^2) and the turn rate (rad/s)."""
    robot = follower.robot_type
    end = min(follower.path.length - 0.5 * END_REACHED, start.hold - HOLD_MARGIN)
    stop = max(min(start.progress + robot.max_speed * HORIZON * STEP, end), start.progress)
    return end, stop, 2.0 * robot.max_acceleration, robot.max_turn_rate


def _add_corners(
    follower: PathFollower, progress: float, stop: float, s: FloatArray, heading: FloatArray, spent: FloatArray
) -> None:
    """Add the time that the robot turns in place at the sharp corners ahead."""
    corners = follower.corners[bisect_right(follower.corners, progress) : bisect_right(follower.corners, stop)]
    if corners:
        crossed = np.unique(s.searchsorted(corners))
        spent[crossed - 1] += np.abs(heading[crossed] - heading[crossed - 1]) / follower.robot_type.max_turn_rate
