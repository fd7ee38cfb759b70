"""Standard messages to and from plain values; what comes in is range-checked, or refused with InputError."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg
from nav_msgs.msg import Odometry as OdometryMsg
from nav_msgs.msg import Path
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Header

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.checks import POSITION_LIMIT, SPEED_LIMIT, number
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.agent import Goal
from ewm_ros.sensing import Odometry, Scan, Velocity

MAX_RAYS = 100_000
MAX_CELLS = 100_000_000
OCCUPIED = 50  # percent from which on a cell of /map counts as occupied
_FULL_TURN = 2.0 * math.pi


def seconds(stamp: Time) -> float:
    """s of a time stamp."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def to_stamp(time: float) -> Time:
    """The time stamp of s, rounded to a microsecond so that simulated times look as they were meant."""
    microseconds = round(time * 1e6)
    return Time(sec=microseconds // 1_000_000, nanosec=microseconds % 1_000_000 * 1000)


def header(time: float, frame: str = names.MAP_FRAME) -> Header:
    """A message's header."""
    return Header(stamp=to_stamp(time), frame_id=frame)


def _expect_frame(got: str, wanted: str, what: str) -> None:
    if got.lstrip("/") != wanted:
        raise InputError(f"{what} is in frame {got[:40]!r}: {wanted!r} is expected")


def odometry_from(msg: OdometryMsg, frame: str = names.MAP_FRAME) -> Odometry:
    """Odometry as it came in.

    Raises:
        InputError: another frame, or a number that is not finite or beyond all reason.
    """
    _expect_frame(msg.header.frame_id, frame, "odometry")
    position, q = msg.pose.pose.position, msg.pose.pose.orientation
    parts = [number(value, -1.0e3, 1.0e3, "orientation of the odometry") for value in (q.x, q.y, q.z, q.w)]
    if not 0.5 < math.hypot(*parts) < 2.0:
        raise InputError("orientation of the odometry is no unit quaternion")
    pose = Pose2D(
        number(position.x, -POSITION_LIMIT, POSITION_LIMIT, "x of the odometry"),
        number(position.y, -POSITION_LIMIT, POSITION_LIMIT, "y of the odometry"),
        math.atan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z)),
    )
    v = number(msg.twist.twist.linear.x, -SPEED_LIMIT, SPEED_LIMIT, "forward speed of the odometry")
    w = number(msg.twist.twist.angular.z, -SPEED_LIMIT, SPEED_LIMIT, "turn rate of the odometry")
    return Odometry(seconds(msg.header.stamp), pose, v, w)


def odometry_to(odometry: Odometry, frame: str = names.MAP_FRAME) -> OdometryMsg:
    """Odometry to be published."""
    msg = OdometryMsg(header=header(odometry.stamp, frame), child_frame_id=names.BASE_FRAME)
    msg.pose.pose = pose_to(odometry.pose)
    msg.twist.twist = twist_to(Velocity(odometry.v, odometry.w))
    return msg


def pose_to(pose: Pose2D) -> Pose:
    """A pose in the plane as one in space."""
    msg = Pose()
    msg.position.x, msg.position.y = float(pose.x), float(pose.y)
    msg.orientation.z, msg.orientation.w = math.sin(pose.yaw / 2.0), math.cos(pose.yaw / 2.0)
    return msg


def scan_from(msg: LaserScan) -> Scan:
    """A scan as it came in.

    A ray that its driver reports as erroneous (nan, REP 117) takes the shorter one of its nearest valid neighbours.

    Raises:
        InputError: no rays, no valid ray, or an impossible geometry.
    """
    ranges = np.asarray(msg.ranges, dtype=np.float64)
    if not 1 <= len(ranges) <= MAX_RAYS:
        raise InputError(f"scan has {len(ranges)} rays: 1 to {MAX_RAYS} are accepted")
    increment = number(msg.angle_increment, -_FULL_TURN, _FULL_TURN, "angle_increment of the scan")
    if increment == 0.0 and len(ranges) > 1:
        raise InputError("angle_increment of the scan is 0")
    range_max = number(msg.range_max, 1e-3, POSITION_LIMIT, "range_max of the scan")
    angle_min = number(msg.angle_min, -2.0 * _FULL_TURN, 2.0 * _FULL_TURN, "angle_min of the scan")
    invalid = np.isnan(ranges)
    if invalid.all():
        raise InputError("scan has no valid ray, all are nan")
    if invalid.any():
        ranges = _filled(ranges, invalid)
    return Scan(seconds(msg.header.stamp), angle_min, increment, range_max, np.clip(ranges, 0.0, range_max))


def _filled(ranges: FloatArray, invalid: np.ndarray) -> FloatArray:
    """The ranges with each invalid one replaced by the smaller one of the valid neighbours, around the full turn."""
    valid = np.flatnonzero(~invalid)
    gaps = np.flatnonzero(invalid)
    after = np.searchsorted(valid, gaps)
    filled: FloatArray = ranges.copy()
    filled[gaps] = np.minimum(ranges[valid[after - 1]], ranges[valid[after % len(valid)]])
    return filled


def scan_to(scan: Scan, period: float) -> LaserScan:
    """A scan to be published; period: s between two."""
    count = len(scan.ranges)
    return LaserScan(
        header=header(scan.stamp, names.BASE_FRAME),
        angle_min=scan.angle_min,
        angle_max=scan.angle_min + (count - 1) * scan.angle_increment,
        angle_increment=scan.angle_increment,
        scan_time=period,
        range_max=scan.range_max,
        ranges=scan.ranges.astype(np.float32),
    )


def grid_from(msg: OccupancyGridMsg) -> OccupancyGrid:
    """A map as it came in; unknown cells count as occupied.

    Raises:
        InputError: another frame, sizes that do not fit the data, a turned origin.
    """
    _expect_frame(msg.header.frame_id, names.MAP_FRAME, "map")
    info = msg.info
    resolution = number(info.resolution, 1e-3, 10.0, "resolution of the map")
    width, height = int(info.width), int(info.height)
    cells = np.asarray(msg.data, dtype=np.int8)
    if not 1 <= width * height <= MAX_CELLS or len(cells) != width * height:
        raise InputError(f"map of {width} x {height} cells has {len(cells)} values")
    x = number(info.origin.position.x, -POSITION_LIMIT, POSITION_LIMIT, "x of the map's origin")
    y = number(info.origin.position.y, -POSITION_LIMIT, POSITION_LIMIT, "y of the map's origin")
    q = info.origin.orientation
    if not max(abs(q.x), abs(q.y), abs(q.z)) < 1e-3:
        raise InputError("map is turned: its origin must have no rotation")
    free = (cells >= 0) & (cells < OCCUPIED)
    return OccupancyGrid(resolution, (x, y), ~free.reshape(height, width))


def grid_to(grid: OccupancyGrid, time: float) -> OccupancyGridMsg:
    """A map to be published."""
    msg = OccupancyGridMsg(header=header(time))
    msg.info.map_load_time = to_stamp(time)
    msg.info.resolution = grid.resolution
    msg.info.height, msg.info.width = grid.occupied.shape
    msg.info.origin = pose_to(Pose2D(grid.origin[0], grid.origin[1], 0.0))
    msg.data = np.where(grid.occupied, 100, 0).astype(np.int8).ravel().tolist()
    return msg


def goal_from(msg: PoseStamped) -> Goal:
    """A goal as it came in, named after its place.

    Raises:
        InputError: another frame, or a place that is not finite.
    """
    _expect_frame(msg.header.frame_id, names.MAP_FRAME, "goal")
    x = number(msg.pose.position.x, -POSITION_LIMIT, POSITION_LIMIT, "x of the goal")
    y = number(msg.pose.position.y, -POSITION_LIMIT, POSITION_LIMIT, "y of the goal")
    return Goal(f"{x:.1f},{y:.1f}", x, y)


def goal_to(x: float, y: float, time: float) -> PoseStamped:
    """A goal to be published: m, map frame."""
    return PoseStamped(header=header(time), pose=pose_to(Pose2D(x, y, 0.0)))


def twist_to(velocity: Velocity) -> Twist:
    """A velocity in the plane as one in space."""
    msg = Twist()
    msg.linear.x, msg.angular.z = float(velocity.v), float(velocity.w)
    return msg


def twist_stamped_to(velocity: Velocity, time: float) -> TwistStamped:
    """A velocity command to be published."""
    return TwistStamped(header=header(time, names.BASE_FRAME), twist=twist_to(velocity))


def velocity_from(msg: Twist) -> Velocity:
    """A velocity command as it came in.

    Raises:
        InputError: it is not finite or beyond all reason.
    """
    v = number(msg.linear.x, -SPEED_LIMIT, SPEED_LIMIT, "forward speed of the command")
    w = number(msg.angular.z, -SPEED_LIMIT, SPEED_LIMIT, "turn rate of the command")
    return Velocity(v, w)


def path_to(points: FloatArray, time: float) -> Path:
    """A path to be published: (N, 2) m or (N, 3) m, m, rad in the map frame."""
    poses = []
    for point in points.tolist():
        x, y, *yaw = point
        poses.append(PoseStamped(header=header(time), pose=pose_to(Pose2D(x, y, yaw[0] if yaw else 0.0))))
    return Path(header=header(time), poses=poses)
