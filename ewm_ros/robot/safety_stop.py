"""Keeps a robot from driving into what its lidar sees, whoever commands it.

The distance that the footprint can travel along the commanded arc is closed-form for a round robot: D. Fox, W. Burgard,
S. Thrun, "The Dynamic Window Approach to Collision Avoidance", IEEE Robotics & Automation Magazine 4 (1997).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.motion import PERIOD, stopping_speed
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Scan, Velocity

MARGIN = 0.04  # m kept between the footprint and anything seen
LEAST_MARGIN = 0.015  # m, to which the margin gives way where the robot already stands closer than MARGIN
GIVE_WAY = 0.005  # m that the margin stays below the present distance, so that noise does not pin the robot
SHARE = 0.5  # of the free way that is used for stopping: what is seen may be a robot that needs as much
BRAKE_SHARE = 0.9  # of the acceleration that is counted on
VIEW = math.radians(60.0)  # to each side of the direction of travel, that has to be seen
SEEN_SHARE = 0.9  # of that view that rays have to cover
CREEP = 0.02  # m/s; slower is standstill
STRAIGHT = 1e-3  # 1/m; less curvature is a straight line
MOVING = 0.05  # m/s; at less the measured arc says nothing
SPARE = 0.01  # m further than has to be free is looked, so that no rounding decides what is left out


class SafetyStop:
    """Slows commands down so that the robot can always stop before what the newest scan shows.

    Args:
        robot_type: footprint, braking and lag of the robot.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self._radius = robot_type.radius
        self._brake = BRAKE_SHARE * robot_type.max_acceleration
        self._reaction = PERIOD + 1.5 * robot_type.lag
        stopping = robot_type.max_speed * (self._reaction + robot_type.max_speed / self._brake)
        self._reach = robot_type.radius + MARGIN + 2.0 * stopping / SHARE
        self._scan: Scan | None = None
        self._rays = _Rays(0.0, 0.0, 0)

    def look(self, scan: Scan) -> None:
        """Take the newest scan. Rays that are no number or not above 0 have seen nothing, not even that it is free."""
        self._scan = scan

    def limit(self, command: Velocity, measured: Velocity, age: float = 0.0) -> Velocity:
        """The command itself, or one slowed down. Curvature is kept; who may not drive may still turn in place.

        Args:
            command: to the motors.
            measured: velocity; the robot keeps to this arc until the motors have answered.
            age: s since the scan was taken.
        """
        if command.v == 0.0:
            return command
        allowed = self._allowed_speed(command, measured, age)
        if abs(command.v) <= allowed:
            return command
        if allowed < CREEP:
            return Velocity(0.0, command.w)
        scale = allowed / abs(command.v)
        return Velocity(command.v * scale, command.w * scale)

    def _allowed_speed(self, command: Velocity, measured: Velocity, age: float) -> float:
        """m/s along the command's arc; inf if nothing is in the way of the command."""
        if self._scan is None:
            return 0.0
        forward, speed, reaction = command.v > 0.0, abs(command.v), self._reaction + age
        ahead, behind, nearest = self._rays_of(self._scan).seen(self._scan.ranges)
        if not (ahead if forward else behind):
            return 0.0
        # So much has to be free for the robot to go on as fast: what lies further away does not matter.
        needed = speed * (reaction + 0.5 * speed / self._brake) / SHARE + SPARE
        widest = self._radius + MARGIN
        if nearest > widest + needed:
            return math.inf
        curvatures = [command.w / command.v]
        if measured.v * command.v > 0.0 and abs(measured.v) > MOVING:
            curvatures.append(measured.w / measured.v)
        # Nor does what lies beside: on that way, an arc leaves the line straight ahead by so much at most.
        aside = min(0.5 * max(map(abs, curvatures)) * needed, 1.0) * needed
        points = self._points(self._scan, widest + needed, widest + SPARE + aside, forward)
        if not len(points):
            return math.inf
        radius = self._kept_radius(points)
        distance = min(free_distance(points, curvature, radius) for curvature in curvatures)
        return stopping_speed(SHARE * distance, self._brake, reaction)

    def _rays_of(self, scan: Scan) -> _Rays:
        kind = scan.angle_min, scan.angle_increment, len(scan.ranges)
        if kind != self._rays.kind:
            self._rays = _Rays(*kind)
        return self._rays

    def _points(self, scan: Scan, within: float, beside: float, forward: bool) -> FloatArray:
        """(N, 2) m, x the way that the robot drives, of what the scan shows.

        Args:
            within, beside: m; how far away, and how far behind and beside the robot, points are left out.
        """
        ranges = scan.ranges
        near = ((ranges > 0.0) & (ranges < min(scan.range_max, self._reach, within))).nonzero()[0]
        points: FloatArray = self._rays.directions.take(near, axis=0) * ranges.take(near)[:, None]
        if not forward:  # backing along an arc is driving along it, mirrored in the y axis, with the same curvature
            points *= (-1.0, 1.0)
        return points[(points[:, 0] > -beside) & (np.abs(points[:, 1]) < beside)]

    def _kept_radius(self, points: FloatArray) -> float:
        """Footprint and margin; less margin where something is within it already, to drive on beside it."""
        x, y = points[:, 0], points[:, 1]
        nearest = float(np.hypot(x, y).min(initial=math.inf, where=x > 0.0))
        return self._radius + min(MARGIN, max(nearest - self._radius - GIVE_WAY, LEAST_MARGIN))


class _Rays:
    """The rays of a lidar: the same in every scan of it.

    Args:
        first: rad, direction of the first ray; step: rad between rays; count: how many.

    Attributes:
        kind: the arguments.
        directions: (R, 2) unit vectors in base_link.
    """

    def __init__(self, first: float, step: float, count: int) -> None:
        self.kind = first, step, count
        angles: FloatArray = first + step * np.arange(count, dtype=np.float64)
        self.directions: FloatArray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        off = np.abs((angles[:, None] - (0.0, math.pi) + math.pi) % (2.0 * math.pi) - math.pi)
        self._in_view: NDArray[np.bool_] = off <= VIEW
        self._covered = self._cover(self._in_view)

    def seen(self, ranges: FloatArray) -> tuple[bool, bool, float]:
        """Whether the valid ranges, of (R,) m, cover enough of the view ahead, and of that behind; and the least, m.

        Where none is valid, the least is inf.
        """
        nearest = float(ranges.min(initial=math.inf))
        if nearest > 0.0:  # nearly always: all are valid
            return *self._covered, nearest
        valid = ranges > 0.0
        return *self._cover(self._in_view & valid[:, None]), float(ranges.min(initial=math.inf, where=valid))

    def _cover(self, in_view: NDArray[np.bool_]) -> tuple[bool, bool]:
        ahead, behind = np.count_nonzero(in_view, axis=0).tolist()
        enough, step = SEEN_SHARE * 2.0 * VIEW, abs(self.kind[1])
        return ahead * step >= enough, behind * step >= enough


def free_distance(points: FloatArray, curvature: float, radius: float) -> float:
    """How far a disc may move from the origin, at first along x, before it touches a point.

    Points that the disc covers already block it if they lie ahead; from those behind it moves away.

    Args:
        points: (N, 2) m.
        curvature: 1/m, positive to the left.
        radius: m, of the disc.

    Returns:
        m along the arc; inf if the arc is free.
    """
    x, y = points[:, 0], points[:, 1]
    covered = x * x + y * y < radius * radius
    if bool((covered & (x > 0.0)).any()):
        return 0.0
    if abs(curvature) < STRAIGHT:
        hit = ~covered & (x > 0.0) & (np.abs(y) < radius)
        return float((x[hit] - np.sqrt(radius * radius - y[hit] ** 2)).min(initial=math.inf))
    turn = 1.0 / abs(curvature)
    y = y if curvature > 0.0 else -y
    from_centre = np.maximum(np.hypot(x, y - turn), 1e-9)
    cosine = (turn * turn + from_centre * from_centre - radius * radius) / (2.0 * turn * from_centre)
    hit = np.abs(cosine) < 1.0
    angle = np.arctan2(x[hit], turn - y[hit]) - np.arccos(cosine[hit])
    return float((turn * (angle % (2.0 * math.pi))).min(initial=math.inf))
