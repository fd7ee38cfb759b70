"""Drives a robot along a polyline, as a pure function: the robot uses it, and so does the robot's own prediction.

Regulated pure pursuit: R. C. Coulter, "Implementation of the Pure Pursuit Path Tracking Algorithm", CMU-RI-TR-92-01
(1992); S. Macenski et al., "Regulated Pure Pursuit for Robot Path Tracking", Autonomous Robots 47 (2023).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.robot.motion import PERIOD, command_reach, stopping_speed, towards
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Velocity

LOOKAHEAD = 0.16  # m, at standstill
LOOKAHEAD_TIME = 0.5  # s, by which the lookahead grows with speed
SHARP_CORNER = math.radians(35.0)  # a vertex that turns by more is a place to stop and turn
CORNER_SPEED = 0.08  # m/s, at a sharp corner
CORNER_REACHED = 0.02  # m before a sharp corner, from where on the next piece of the path counts
ALIGNED = math.radians(20.0)  # bearing of the pursued point up to which the robot drives at full speed
TURN_FIRST = math.radians(40.0)  # bearing from which on it only turns
FACING = math.radians(6.0)  # bearing of the pursued point, up to which the robot looks where the path leads
HOLD_MARGIN = 0.04  # m, the robot stands this far before `hold`
END_REACHED = 0.02  # m before the path's end where it stands
WINDOW = 0.5  # m ahead of the previous progress in which the robot is looked for
CURVE_WINDOW = 0.3  # m over which the curvature of the path is averaged
TURN_SHARE = 0.95  # of the turn rate that curves may use; the rest is for corrections
BRAKE_SHARE = 0.7  # of the acceleration that planned braking may use


class PathFollower:
    """Follows one path with one type of robot.

    Args:
        path: to drive along, map frame.
        robot_type: limits of the robot.

    Attributes:
        headings: (N - 1,) rad, unwrapped, of the pieces of the path between its N points; 0 for a single point.
        squared_limit: (N,) (m/s)^2, at which the points may be passed, braking for later ones included.
        sharp: (N,) whether the robot stops and turns at a point.
        corners: m along the path, where it does.
        table: (3, N + 1) for looking up many places at once, of each point and of what lies beyond the last: m along
            the path, (m/s)^2 as in squared_limit, rad of the piece that ends there.
        braking: m/s^2, s and m/s: how hard the robot plans to brake, how long it takes to react, how fast it drives.
    """

    def __init__(self, path: Polyline, robot_type: RobotType) -> None:
        self.path = path
        self.robot_type = robot_type
        self._max_v = robot_type.max_speed
        self._max_w = robot_type.max_turn_rate
        self._brake = BRAKE_SHARE * robot_type.max_acceleration
        self._turn_brake = BRAKE_SHARE * robot_type.max_turn_acceleration
        self._reaction = PERIOD + 1.5 * robot_type.lag
        self._reach_v = command_reach(robot_type.max_acceleration, robot_type.lag)
        self._reach_w = command_reach(robot_type.max_turn_acceleration, robot_type.lag)
        self.braking = (self._brake, self._reaction, self._max_v)
        self._survey()

    def _survey(self) -> None:
        """Find the sharp corners, the speed limit at each vertex and the time that turns cost."""
        s, length = self.path.s, self.path.length
        steps = np.diff(self.path.points, axis=0)
        headings = np.arctan2(steps[:, 1], steps[:, 0])
        turns = np.zeros(len(s))
        turns[1:-1] = np.abs((np.diff(headings) + math.pi) % (2.0 * math.pi) - math.pi)
        sharp = turns > SHARP_CORNER
        turned = np.concatenate([[0.0], np.cumsum(np.where(sharp, 0.0, turns))])
        ahead = np.searchsorted(s, s + CURVE_WINDOW / 2, side="right")
        behind = np.searchsorted(s, s - CURVE_WINDOW / 2, side="left")
        curvature = (turned[ahead] - turned[behind]) / CURVE_WINDOW
        limit = np.minimum(self._max_v, TURN_SHARE * self._max_w / np.maximum(curvature, 1e-9))
        limit[sharp] = min(CORNER_SPEED, self._max_v)

        squared = (limit * limit).tolist()
        for i in range(len(squared) - 2, -1, -1):
            squared[i] = min(squared[i], squared[i + 1] + 2.0 * self._brake * float(s[i + 1] - s[i]))
        self.headings: FloatArray = np.unwrap(headings) if len(headings) else np.zeros(1)
        self.squared_limit: FloatArray = np.array(squared)
        self.sharp: NDArray[np.bool_] = sharp
        self.corners: list[float] = s[sharp].tolist()
        points = np.arange(len(s) + 1)
        tables = (s, points), (self.squared_limit, points), (self.headings, points - 1)
        self.table: FloatArray = np.stack([values.take(which, mode="clip") for values, which in tables])
        self._s: list[float] = s.tolist()
        self._squared_limit: list[float] = squared

        # A piece of the path ends at each sharp corner and at the end: (x, y, direction of arrival).
        ends = [*np.flatnonzero(sharp).tolist(), len(s) - 1]
        self._piece_ends: list[float] = s[ends].tolist()
        self._arrivals: list[tuple[float, float, float, float]] = []
        for i in ends:
            heading = float(headings[i - 1]) if i else 0.0
            x, y = self.path.points[i].tolist()
            self._arrivals.append((x, y, math.cos(heading), math.sin(heading)))

        slowed = np.minimum(np.diff(s, prepend=0.0), CURVE_WINDOW / 2) * (1.0 / limit - 1.0 / self._max_v)
        stop = self._max_v / (2.0 * self._brake) + self._max_v / (2.0 * self.robot_type.max_acceleration)
        slowed[sharp] = turns[sharp] / self._max_w + stop
        self._turn_time: list[float] = np.cumsum(slowed).tolist()
        self._length = length
        self._last_point, self._last_piece = len(s) - 1, len(ends) - 1
        # From so far on (a hair more than it takes) a stop ahead asks for no less than full speed.
        self._free = 1.001 * (self._max_v * self._reaction + self._max_v * self._max_v / (2.0 * self._brake))

    def progress(self, pose: Pose2D, previous: float) -> float:
        """Where on the path the robot is, m, never behind `previous` and never beyond a corner it has yet to reach.

        Only the next half metre is searched, so that a robot does not jump across a hairpin.
        """
        return self.progress_at(pose.x, pose.y, previous)

    def progress_at(self, x: float, y: float, previous: float) -> float:
        """`progress` of a robot at x, y (m)."""
        stop, end = previous + WINDOW, self._piece_ends[self._piece(previous)]
        return self.path.place(x, y, previous, end if end < stop else stop)[0]

    def command(
        self, pose: Pose2D, velocity: Velocity, progress: float, hold: float, speed_limit: float = math.inf
    ) -> Velocity:
        """The velocity to command for the next period.

        Args:
            pose: map frame.
            velocity: measured.
            progress: m along the path, as `progress` found it.
            hold: m along the path; the robot's centre stops before it. Turning in place goes on there.
            speed_limit: m/s.
        """
        return Velocity(*self.command_at(pose.x, pose.y, pose.yaw, velocity.v, velocity.w, progress, hold, speed_limit))

    def command_at(
        self, x: float, y: float, yaw: float, v: float, w: float, progress: float, hold: float, speed_limit: float
    ) -> tuple[float, float]:
        """`command` in plain numbers, and with comparisons in place of min and max: a prediction asks it 50 times."""
        remaining = self._length - progress
        if remaining < END_REACHED:
            return 0.0, 0.0
        v = 0.0 if v < 0.0 else v
        piece = self._piece(progress)
        limit = self._speed_limit(v, piece, progress, hold, speed_limit)
        ahead, left = self._pursued(x, y, yaw, piece, progress + LOOKAHEAD + LOOKAHEAD_TIME * v)
        bearing, squared = math.atan2(left, ahead), ahead * ahead + left * left
        curvature = 2.0 * left / (squared if squared > 1e-6 else 1e-6)
        bend, aside, max_w = abs(curvature), abs(bearing), self._max_w
        drive = (TURN_FIRST - aside) / (TURN_FIRST - ALIGNED)
        drive = 0.0 if drive < 0.0 else 1.0 if drive > 1.0 else drive

        forward = limit * drive
        forward = 0.0 if forward < 0.0 else forward
        if forward * bend > max_w:
            forward = max_w / bend
        reached = v + self._reach_v
        forward = reached if reached < forward else forward
        turn = forward * curvature
        fastest = stopping_speed(aside, self._turn_brake, self._reaction)
        fastest = max_w if fastest > max_w else fastest
        if drive < 1.0:
            turn += (1.0 - drive) * math.copysign(fastest, bearing)
        # The curve belongs to the speed commanded, which the robot may not have yet: beyond what it can still stop at
        # the bearing, it turns only as the curve asks at the speed it has. A type that turns hard would swing.
        asked = v * bend
        most = asked if asked > fastest else fastest
        turn = -most if turn < -most else most if turn > most else turn
        return forward, towards(turn, w, self._reach_w, max_w)

    def face(self, pose: Pose2D, velocity: Velocity, progress: float) -> Velocity:
        """Turn on the spot to where the path leads: for a robot that may not drive the way it looks."""
        bearing = self._bearing(pose, velocity, progress)
        fastest = min(self._max_w, stopping_speed(abs(bearing), self._turn_brake, self._reaction))
        return Velocity(0.0, math.copysign(fastest, bearing))

    def faces(self, pose: Pose2D, velocity: Velocity, progress: float) -> bool:
        """Whether the robot looks where the path leads."""
        return abs(self._bearing(pose, velocity, progress)) < FACING

    def _bearing(self, pose: Pose2D, velocity: Velocity, progress: float) -> float:
        """rad, of the point of the path that is pursued."""
        s = progress + LOOKAHEAD + LOOKAHEAD_TIME * max(velocity.v, 0.0)
        ahead, left = self._pursued(pose.x, pose.y, pose.yaw, self._piece(progress), s)
        return math.atan2(left, ahead)

    def speed_limits(self, s: FloatArray, end: float, limit: float = math.inf) -> FloatArray:
        """m/s at which many points of the path may be passed by a robot that is to stop at `end`.

        Args:
            s: (M,) m along the path.
            end: m along the path.
            limit: m/s, of the speed everywhere.
        """
        limits: FloatArray = speed_limits_and_headings([self], s[None], np.array([[end]]), np.array([[limit]]))[0][0]
        return limits

    def stopping_distance(self, v: float) -> float:
        """m of progress that a hold point has to lie ahead of a robot at speed v for it to stop before it."""
        v = max(v, 0.0)
        return HOLD_MARGIN + v * self._reaction + v * v / (2.0 * self._brake)

    def time_to_go(self, progress: float, v: float) -> float:
        """s to the path's end from here at speed v, if nothing holds the robot: a trapezoid and the turns."""
        remaining = max(self._length - progress, 0.0)
        v = min(max(v, 0.0), self._max_v)
        a, brake = self.robot_type.max_acceleration, self._brake
        peak = min(math.sqrt((2.0 * remaining + v * v / a) / (1.0 / a + 1.0 / brake)), self._max_v)
        if peak <= v:  # already braking
            return 2.0 * remaining / v if v > 0.0 else 0.0
        cruise = remaining - (peak * peak - v * v) / (2.0 * a) - peak * peak / (2.0 * brake)
        turns = self._turn_time[-1] - self._turn_time[min(bisect_left(self._s, progress), len(self._s) - 1)]
        return (peak - v) / a + peak / brake + max(cruise, 0.0) / peak + turns

    def _piece(self, progress: float) -> int:
        """Index of the piece of the path, between sharp corners, that the robot is driving on."""
        return bisect_left(self._piece_ends, progress + CORNER_REACHED, 0, self._last_piece)

    def _speed_limit(self, v: float, piece: int, progress: float, hold: float, limit: float) -> float:
        """m/s of `limit` at which the path's coming curves can be driven, and stopped at its end and before `hold`."""
        s, end = progress + v * self._reaction, self._piece_ends[piece]
        s = end if end < s else s
        i = bisect_left(self._s, s, 0, self._last_point)
        braking = self._s[i] - s
        braking = 0.0 if braking < 0.0 else braking
        curves = math.sqrt(self._squared_limit[i] + 2.0 * self._brake * braking)
        curves = self._max_v if curves > self._max_v else curves
        limit = curves if curves < limit else limit
        nearest = hold - HOLD_MARGIN - progress
        remaining = self._length - progress
        nearest = remaining if remaining < nearest else nearest
        if nearest < self._free:
            stopping = stopping_speed(nearest, self._brake, self._reaction)
            limit = stopping if stopping < limit else limit
        return limit

    def _pursued(self, x: float, y: float, yaw: float, piece: int, s: float) -> tuple[float, float]:
        """The point at s in the robot's frame (m ahead, m to the left); beyond the piece's end straight on."""
        beyond = s - self._piece_ends[piece]
        if beyond > 0.0:
            to_x, to_y, cos, sin = self._arrivals[piece]
            to_x, to_y = to_x + beyond * cos, to_y + beyond * sin
        else:
            to_x, to_y = self.path.point_at(s)
        dx, dy = to_x - x, to_y - y
        cos, sin = math.cos(yaw), math.sin(yaw)
        return dx * cos + dy * sin, dy * cos - dx * sin


def speed_limits_and_headings(
    followers: Sequence[PathFollower], s: FloatArray, ends: FloatArray, limits: FloatArray | float = math.inf
) -> tuple[FloatArray, FloatArray]:
    """PathFollower.speed_limits of several robots at once, and the direction in which their paths lead there.

    Args:
        s: (B, M) m along each robot's path.
        ends: (B, 1) m along the path.
        limits: (B, 1) m/s.

    Returns:
        (B, M) m/s; (B, M) rad, as in `headings`.
    """
    found = np.empty(s.shape, np.intp)
    for follower, places, numbers in zip(followers, s, found, strict=True):
        numbers[:] = follower.path.s.searchsorted(places)
    columns = np.array([follower.table.shape[1] for follower in followers])
    found += (np.cumsum(columns) - columns)[:, None]  # the tables lie one behind the other
    table = np.concatenate([follower.table for follower in followers], axis=1)
    vertices, squared = table[0].take(found), table[1].take(found)
    headings = table[2].take(found + (vertices == s))  # at a point of the path, that of the piece that begins there
    traits = np.array([follower.braking for follower in followers])
    brake, reaction, max_v = traits[:, :1], traits[:, 1:2], traits[:, 2:]
    squared += 2.0 * brake * np.maximum(vertices - s, 0.0)
    kept = brake * reaction  # stopping_speed of all distances at once
    stopping = np.sqrt(kept * kept + 2.0 * brake * np.maximum(ends - s, 0.0)) - kept
    allowed: FloatArray = np.minimum(np.minimum(np.sqrt(squared), stopping), np.minimum(limits, max_v))
    return allowed, headings
