"""The nominal motion along a route as a time-optimal speed profile: where a robot that nobody disturbs is when.

The velocity profile of a path under speed and acceleration limits by one pass in each direction (J. E. Bobrow, S.
Dubowsky, J. S. Gibson, "Time-Optimal Control of Robotic Manipulators Along Specified Paths", IJRR 4(3), 1985; for paths
with fixed limits as in K. Shin, N. McKay, IEEE TAC 30(6), 1985). It costs a quarter of rolling out the controller; the
learned model corrects what it leaves out.
"""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

from ewm_ros.geometry import FloatArray, wrap_angle
from ewm_ros.robot.path_follower import ALIGNED, END_REACHED, HOLD_MARGIN, TURN_FIRST, PathFollower
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
    return _from_here(follower, situation, math.inf)


def expected_motion(follower: PathFollower, situation: Situation, free: FloatArray) -> FloatArray:
    """The same with the hold point kept until the robot expects to be let past it.

    Args:
        free: (2, HORIZON), what free_motion gives.
    """
    release = situation.release
    if release <= 0.0 or situation.hold > free[0, -1] + HOLD_MARGIN:
        return free
    held = _from_here(follower, situation, situation.hold)
    later = release < TIMES
    if later.any():
        now = int(np.argmax(later))
        before = max(now - 1, 0)
        speed = (held[0, now] - held[0, before]) / STEP if now else max(situation.observation.odometry.v, 0.0)
        begin, yaw = held[:, now].tolist()
        onwards = _Profile(follower, begin, speed, yaw, situation.speed_limit, math.inf)
        held[:, later] = onwards.at(TIMES[later] - release)
    return held


def _from_here(follower: PathFollower, situation: Situation, hold: float) -> FloatArray:
    odometry = situation.observation.odometry
    v, yaw = max(odometry.v, 0.0), odometry.pose.yaw
    return _Profile(follower, situation.progress, v, yaw, situation.speed_limit, hold).at(TIMES)


class _Profile:
    """Times at which the points of the route ahead are reached, and the heading there."""

    def __init__(
        self, follower: PathFollower, progress: float, v: float, yaw: float, limit: float, hold: float
    ) -> None:
        robot, path = follower.robot_type, follower.path
        end = min(path.length - 0.5 * END_REACHED, hold - HOLD_MARGIN)
        stop = max(min(progress + robot.max_speed * HORIZON * STEP, end), progress)
        s = _SHARES * (stop - progress) + progress
        limits = follower.speed_limits(s, end, limit)
        # v^2 - 2 a s may only fall: what the speed was behind bounds what it can be here.
        gained = 2.0 * robot.max_acceleration * (s - progress)
        squared = limits * limits - gained
        squared[0] = min(v * v, squared[0])
        reached = np.minimum.accumulate(squared, out=squared) + gained
        speed = np.maximum(np.sqrt(np.maximum(reached, 0.0)), SLOWEST)
        heading = follower.headings.take(path.segments(s))
        spent = (s[1:] - s[:-1]) * 2.0 / (speed[1:] + speed[:-1])
        corners = follower.corners[bisect_right(follower.corners, progress) : bisect_right(follower.corners, stop)]
        if corners:
            crossed = np.unique(s.searchsorted(corners))
            spent[crossed - 1] += np.abs(heading[crossed] - heading[crossed - 1]) / robot.max_turn_rate
        begin = float(heading[0])
        astray = wrap_angle(yaw - begin)
        first = max(abs(astray) - ALIGNED, 0.0) / robot.max_turn_rate if abs(astray) > TURN_FIRST else 0.0
        at = np.empty(GRID)
        at[0] = first
        spent.cumsum(out=at[1:])
        at[1:] += first
        heading += yaw - astray - begin
        if first > 0.0:
            at, s, heading = np.append(0.0, at), np.append(s[0], s), np.append(yaw, heading)
        else:  # what little is left to turn is turned on the way
            heading += astray * np.exp(at * (-1.0 / SETTLING))
        self._at, self._s, self._heading = at, s, heading

    def at(self, times: FloatArray) -> FloatArray:
        """(2, T): progress (m) and heading (rad) at some times (s)."""
        motion = np.empty((2, len(times)))
        motion[0], motion[1] = np.interp(times, self._at, self._s), np.interp(times, self._at, self._heading)
        return motion
