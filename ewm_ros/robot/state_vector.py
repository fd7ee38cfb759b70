"""What the learned world model is told of a situation: 256 numbers, all of them about 0 to 1 in size.

Lengths along the route are in seconds at the robot's full speed, so that fast and slow robots look alike. The layout is
a contract with the trained weights: whoever changes it trains anew and counts LAYOUT up.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.lidar_sectors import nearness
from ewm_ros.robot.path_follower import speed_limits_and_headings
from ewm_ros.robot.peer_numbers import LONG, peer_numbers
from ewm_ros.robot.route_frame import RouteFrame
from ewm_ros.robot.speed_profile import nominal_motions
from ewm_ros.robot_type import RobotType
from ewm_ros.world_model.layout import (
    BASE_S,
    BASE_YAW,
    FREE,
    HISTORY,
    PEERS_AT,
    PREVIEW,
    SECTORS,
    STATE_DIM,
    STATUS,
)
from ewm_ros.world_model.predictor import Situation

MOVING = 0.03  # m/s or rad/s, above which a robot is not standing
HISTORY_TIMES = (0.2, 0.4, 0.6, 0.8, 1.0)  # s ago
REMEMBERED = 1.2  # s
PREVIEW_TIMES = 0.5 * np.arange(1, 11)  # s at full speed ahead


class StateVector:
    """Makes the vectors of one robot; it remembers the last second.

    Args:
        robot_type: sizes and limits.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self.robot_type = robot_type
        # The velocities of the last REMEMBERED seconds: s, m/s, rad/s.
        self._times: list[float] = []
        self._v: list[float] = []
        self._w: list[float] = []
        # Since when (s) it has stood, been hindered, been on its route and been told to hold where it is; None if not.
        self._stood: float | None = None
        self._hindered: float | None = None
        self._routed: float | None = None
        self._held = math.nan
        self._hold = math.nan
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
        now, v, w = odometry.stamp, odometry.v, odometry.w
        if self._times and now < self._times[-1]:  # time was set back
            self._forget()
        self._times.append(now)
        self._v.append(v)
        self._w.append(w)
        gone = bisect_left(self._times, now - REMEMBERED)
        del self._times[:gone], self._v[:gone], self._w[:gone]
        path = situation.follower.path if situation.follower is not None else None
        if path is not self._path:
            self._path, self._routed = path, now
        if situation.hold != self._hold:
            self._hold, self._held = situation.hold, now
        self._stood = _since(self._stood, abs(v) < MOVING and abs(w) < MOVING, now)
        self._hindered = _since(self._hindered, situation.hindered, now)

    def _forget(self) -> None:
        for past in (self._times, self._v, self._w):
            past.clear()
        self._stood = self._hindered = self._routed = self._path = None
        self._hold = math.nan

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
            _elapsed(self._stood, now),
            _elapsed(self._hindered, now),
            _elapsed(self._routed, now),
            _elapsed(self._held, now),
            *self._history(now),
        ]

    def _history(self, now: float) -> list[float]:
        """v and w at HISTORY_TIMES, straight between those that are known; before the first of them, that."""
        times, v, w = self._times, self._v, self._w
        full, fastest = self.robot_type.max_speed, self.robot_type.max_turn_rate
        speeds, turns = [], []
        for ago in HISTORY_TIMES:
            at = now - ago
            k = bisect_right(times, at)
            speed, turn = v[k - 1 if k else 0], w[k - 1 if k else 0]
            if 0 < k < len(times):
                share = (at - times[k - 1]) / (times[k] - times[k - 1])
                speed += share * (v[k] - speed)
                turn += share * (w[k] - turn)
            speeds.append(speed / full)
            turns.append(turn / fastest)
        return speeds + turns


def _since(began: float | None, holds: bool, now: float) -> float | None:
    """Since when (s) something has been so that does or does not hold now."""
    return None if not holds else now if began is None else began


def _elapsed(began: float | None, now: float) -> float:
    """Seconds / 5 since something began, up to LONG; 0 while it is not so."""
    return 0.0 if began is None else min(now - began, LONG) / 5.0


def state_vectors(
    makers: Sequence[StateVector], situations: Sequence[Situation]
) -> tuple[FloatArray, list[RouteFrame]]:
    """StateVector.of several robots at once: (B, 256), and their frames."""
    frames = []
    for situation in situations:
        path = situation.follower.path if situation.follower is not None else None
        frames.append(RouteFrame(path, situation.observation.odometry.pose, situation.progress))
    robots = [maker.robot_type for maker in makers]
    states = np.zeros((len(makers), STATE_DIM))
    states[:, STATUS.start : HISTORY.stop] = [
        maker.of_itself(situation, frame) for maker, situation, frame in zip(makers, situations, frames, strict=True)
    ]
    driving = [k for k, situation in enumerate(situations) if situation.follower is not None]
    if driving:
        _add_motion(states, driving, [situations[k] for k in driving])
    scans = [situation.observation.scan for situation in situations]
    states[:, SECTORS] = nearness(scans, [robot.radius for robot in robots])
    states[:, PEERS_AT:] = peer_numbers(robots, situations, frames).reshape(len(makers), -1)
    return states, frames


def _add_motion(states: FloatArray, rows: Sequence[int], situations: Sequence[Situation]) -> None:
    """What the nominal motion of those is that have a route, where it bends, and how fast it may be driven there."""
    followers = [situation.follower for situation in situations if situation.follower is not None]
    free, base = nominal_motions(followers, situations)
    here = [
        (at.progress, f.path.length, at.observation.odometry.pose.yaw, f.robot_type.max_speed)
        for f, at in zip(followers, situations, strict=True)
    ]
    progress, length, yaw, full = np.array(here).T[:, :, None]
    ahead = np.minimum(progress + full * PREVIEW_TIMES, length)
    limits, headings = speed_limits_and_headings(followers, np.hstack([progress, ahead]), length)
    bends = (headings[:, 1:] - headings[:, :1]) / math.pi
    motion = np.empty((len(rows), FREE.stop))
    motion[:, BASE_S] = (base[:, 0, 1::2] - progress) / full
    motion[:, BASE_YAW] = base[:, 1, 1::2] - yaw
    motion[:, FREE] = (free[:, 0, 4::5] - progress) / full
    states[rows, : FREE.stop] = motion
    states[rows, PREVIEW] = np.hstack([np.minimum(np.maximum(bends, -2.0), 2.0), limits[:, 1:] / full])
