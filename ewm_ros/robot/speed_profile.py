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

import numpy as np

from ewm_ros.geometry import FloatArray, wrap_angles
from ewm_ros.robot.path_follower import (
    ALIGNED,
    END_REACHED,
    HOLD_MARGIN,
    TURN_FIRST,
    PathFollower,
    speed_limits_and_headings,
)
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.predictor import Situation

GRID = 64  # points of the route that the profile is computed at
SLOWEST = 0.02  # m/s, that the profile is cut off at, so that it arrives in finite time
SETTLING = 1.0  # s, time constant with which the follower turns into the direction of the path
_SHARES = np.append(0.0, np.linspace(0.0, 1.0, GRID))  # twice where the robot is: it may have to turn there first
TIMES = np.linspace(STEP, HORIZON * STEP, HORIZON)  # s


def free_motion(follower: PathFollower, situation: Situation) -> FloatArray:
    """Progress (m) and heading (rad, continuous from the robot's) at each step of the horizon if nobody is in the way.

    Returns:
        (2, HORIZON).
    """
    motion: FloatArray = nominal_motions([follower], [situation])[0][0]
    return motion


def expected_motion(follower: PathFollower, situation: Situation) -> FloatArray:
    """The same with the hold point kept until the robot expects to be let past it."""
    motion: FloatArray = nominal_motions([follower], [situation])[1][0]
    return motion


def nominal_motions(
    followers: Sequence[PathFollower], situations: Sequence[Situation]
) -> tuple[FloatArray, FloatArray]:
    """free_motion and expected_motion of several robots at once: (B, 2, HORIZON) each."""
    starts = np.array([_start(f, at) for f, at in zip(followers, situations, strict=True)])
    held = [k for k, (f, at) in enumerate(zip(followers, situations, strict=True)) if _may_be_held(f, at)]
    rows = [*range(len(starts)), *held]
    unheld_and_held = starts[rows]
    unheld_and_held[: len(starts), _HOLD] = math.inf
    motions = _Profiles([followers[k] for k in rows], unheld_and_held).motions()
    free = motions[: len(starts)]
    expected: FloatArray = free.copy()
    furthest = (free[:, 0, -1] + HOLD_MARGIN).tolist()
    going_on = []
    for k, motion in zip(held, motions[len(starts) :], strict=True):
        if situations[k].hold <= furthest[k]:
            expected[k] = motion
            if situations[k].release < TIMES[-1]:
                going_on.append(k)
    if going_on:
        let_past = [_let_past(starts[k], situations[k].release, expected[k]) for k in going_on]
        onwards = _Profiles([followers[k] for k in going_on], np.array(let_past))
        for row, k in enumerate(going_on):
            later = situations[k].release < TIMES
            expected[k][:, later] = onwards.motion(row, TIMES[later] - situations[k].release)
    return free, expected


def _may_be_held(follower: PathFollower, situation: Situation) -> bool:
    """Whether the robot could come to its hold point, or nearly, if it drove at full speed from now on."""
    reach = follower.robot_type.max_speed * HORIZON * STEP + 2.0 * HOLD_MARGIN
    return situation.release > 0.0 and situation.hold <= situation.progress + reach


_HOLD = 4  # among the numbers of a start


def _start(follower: PathFollower, situation: Situation) -> tuple[float, ...]:
    """Where a motion begins (m along the route, m/s, rad) and what bounds it.

    That is a speed limit (m/s), the hold point and the length of the route (m), and the robot's own speed (m/s),
    acceleration (m/s^2) and turn rate (rad/s).
    """
    odometry, robot = situation.observation.odometry, follower.robot_type
    return (
        situation.progress,
        max(odometry.v, 0.0),
        odometry.pose.yaw,
        situation.speed_limit,
        situation.hold,
        follower.path.length,
        robot.max_speed,
        robot.max_acceleration,
        robot.max_turn_rate,
    )


def _let_past(start: FloatArray, release: float, held: FloatArray) -> FloatArray:
    """The start of a robot when it is let past its hold point: `held` (2, HORIZON) is its motion till then."""
    now = int(np.argmax(release < TIMES))
    _, v, _, limit, _, *own = start
    if now:
        v = (held[0, now] - held[0, now - 1]) / STEP
    return np.array([held[0, now], v, held[1, now], limit, math.inf, *own])


class _Profiles:
    """Times at which the points of each robot's route ahead are reached, and the heading there.

    Args:
        followers: one for each motion.
        starts: (R, 9), see _start.
    """

    def __init__(self, followers: Sequence[PathFollower], starts: FloatArray) -> None:
        progress, v, yaw, limit, hold, length, max_speed, acceleration, turn_rate = starts.T[:, :, None]
        # Where the robot has to stop, and up to where it is looked at.
        end = np.minimum(length - 0.5 * END_REACHED, hold - HOLD_MARGIN)
        stop = np.maximum(np.minimum(progress + max_speed * HORIZON * STEP, end), progress)
        s = _SHARES * (stop - progress) + progress
        limits, heading = speed_limits_and_headings(followers, s, end, limit)
        # v^2 - 2 a s may only fall: what the speed was behind bounds what it can be here.
        gained = 2.0 * acceleration * (s - progress)
        squared = limits * limits - gained
        squared[:, :1] = np.minimum(v * v, squared[:, :1])
        reached = np.minimum.accumulate(squared, axis=1, out=squared) + gained
        speed = np.maximum(np.sqrt(np.maximum(reached, 0.0)), SLOWEST)
        spent = (s[:, 1:] - s[:, :-1]) * 2.0 / (speed[:, 1:] + speed[:, :-1])
        for k, follower in enumerate(followers):
            if follower.corners:
                _add_corners(follower, progress[k, 0], stop[k, 0], s[k], heading[k], spent[k])
        begin = heading[:, :1].copy()
        astray = wrap_angles(yaw - begin)
        away = np.abs(astray)
        first = np.where(away > TURN_FIRST, np.maximum(away - ALIGNED, 0.0) / turn_rate, 0.0)
        at = np.zeros(s.shape)
        np.cumsum(spent, axis=1, out=at[:, 1:])
        at[:, 1:] += first
        heading += yaw - astray - begin
        # What little is left to turn is turned on the way; who has to turn first has turned by then.
        heading += np.where(first > 0.0, 0.0, astray * np.exp(at * (-1.0 / SETTLING)))
        heading[:, :1] = yaw
        self._at, self._s, self._heading = at, s, heading

    def motions(self) -> FloatArray:
        """(B, 2, HORIZON): progress (m) and heading (rad) at each step of the horizon."""
        motions = np.empty((len(self._s), 2, HORIZON))
        for k, motion in enumerate(motions):
            motion[0], motion[1] = self.motion(k, TIMES)
        return motions

    def motion(self, k: int, times: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Progress (m) and heading (rad) of one robot at some times (s)."""
        at = self._at[k]
        return np.interp(times, at, self._s[k]), np.interp(times, at, self._heading[k])


def _add_corners(
    follower: PathFollower, progress: float, stop: float, s: FloatArray, heading: FloatArray, spent: FloatArray
) -> None:
    """Add the time that the robot turns in place at the sharp corners ahead."""
    corners = follower.corners[bisect_right(follower.corners, progress) : bisect_right(follower.corners, stop)]
    if corners:
        crossed = np.unique(s.searchsorted(corners))
        spent[crossed - 1] += np.abs(heading[crossed] - heading[crossed - 1]) / follower.robot_type.max_turn_rate
