"""ROS messages as plain values; what comes in is range-checked, or refused with InputError.

No ROS is imported for it: messages that rosbags has read from a bag are as good as those that rclpy brings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.checks import (
    MAX_PEERS,
    POSITION_LIMIT,
    PROGRESS_LIMIT,
    SPEED_LIMIT,
    STAMP_LIMIT,
    at_most,
    checked_arbitration,
    checked_directives,
    checked_goal_state,
    checked_path,
    checked_route,
    number,
    robot_name,
    robot_names,
)
from ewm_ros.intention.codec import MAX_PAYLOAD, decode_intention
from ewm_ros.messages import (
    Arbitration,
    Conflict,
    ConflictKind,
    Directive,
    DirectiveSet,
    GoalState,
    GoalStatus,
    Grant,
    Intention,
    Route,
)
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.way_finder import Goal
from ewm_ros.sensing import Odometry, Scan, Velocity

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from geometry_msgs.msg import Point, PoseArray, PoseStamped, Twist
    from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg
    from nav_msgs.msg import Odometry as OdometryMsg
    from nav_msgs.msg import Path
    from sensor_msgs.msg import LaserScan

    from ewm_ros.msg import Arbitration as ArbitrationMsg
    from ewm_ros.msg import Conflict as ConflictMsg
    from ewm_ros.msg import ConflictArray as ConflictArrayMsg
    from ewm_ros.msg import DirectiveSet as DirectiveSetMsg
    from ewm_ros.msg import GoalState as GoalStateMsg
    from ewm_ros.msg import Intention as IntentionMsg
    from ewm_ros.msg import Route as RouteMsg

MAX_RAYS = 100_000
MAX_POSES = 100_000
MAX_SIGHTINGS = 100
MAX_CELLS = 100_000_000
MAX_CONFLICTS = 4096
OCCUPIED = 50  # percent from which on a cell of /map counts as occupied
_FULL_TURN = 2.0 * math.pi


def seconds(stamp: Time) -> float:
    """s of a time stamp."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def nanoseconds(stamp: Time) -> int:
    """ns of a time stamp, exactly."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def _expect_frame(got: str, wanted: str, what: str) -> None:
    if got.lstrip("/") != wanted:
        raise InputError(f"{what} is in frame {got[:40]!r}: {wanted!r} is expected")


def odometry_from(msg: OdometryMsg, frame: str = names.MAP_FRAME) -> Odometry:
    """Odometry as it came in.

    Raises:
        InputError: another frame, or a number that is not finite or beyond all reason.
    """
    position, q = msg.pose.pose.position, msg.pose.pose.orientation
    pose = (position.x, position.y, q.x, q.y, q.z, q.w)
    twist = msg.twist.twist
    return checked_odometry(
        msg.header.frame_id, frame, seconds(msg.header.stamp), pose, twist.linear.x, twist.angular.z
    )


def checked_odometry(
    got_frame: str, frame: str, stamp: float, pose: tuple[float, float, float, float, float, float], v: float, w: float
) -> Odometry:
    """Odometry of these numbers.

    Args:
        pose: x, y (m) and the quaternion x, y, z, w.

    Raises:
        InputError: another frame, or a number that is not finite or beyond all reason.
    """
    _expect_frame(got_frame, frame, "odometry")
    return Odometry(
        stamp,
        checked_pose(*pose),
        number(v, -SPEED_LIMIT, SPEED_LIMIT, "forward speed of the odometry"),
        number(w, -SPEED_LIMIT, SPEED_LIMIT, "turn rate of the odometry"),
    )


def checked_pose(x: float, y: float, qx: float, qy: float, qz: float, qw: float) -> Pose2D:
    """The pose of an odometry: m, and the quaternion of its orientation.

    Raises:
        InputError: a number that is not finite or beyond all reason.
    """
    parts = [number(value, -1.0e3, 1.0e3, "orientation of the odometry") for value in (qx, qy, qz, qw)]
    if not 0.5 < math.hypot(*parts) < 2.0:
        raise InputError("orientation of the odometry is no unit quaternion")
    return Pose2D(
        number(x, -POSITION_LIMIT, POSITION_LIMIT, "x of the odometry"),
        number(y, -POSITION_LIMIT, POSITION_LIMIT, "y of the odometry"),
        math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz)),
    )


def scan_from(msg: LaserScan) -> Scan:
    """A scan as it came in.

    A ray that its driver reports as erroneous (nan, REP 117) takes the shorter one of its nearest valid neighbours.

    Raises:
        InputError: no rays, no valid ray, or an impossible geometry.
    """
    ranges = np.asarray(msg.ranges, dtype=np.float64)
    return checked_scan(seconds(msg.header.stamp), msg.angle_min, msg.angle_increment, msg.range_max, ranges)


def checked_scan(stamp: float, angle_min: float, increment: float, range_max: float, ranges: FloatArray) -> Scan:
    """A scan of these numbers; see scan_from.

    Raises:
        InputError: no rays, no valid ray, or an impossible geometry.
    """
    if not 1 <= len(ranges) <= MAX_RAYS:
        raise InputError(f"scan has {len(ranges)} rays: 1 to {MAX_RAYS} are accepted")
    increment = number(increment, -_FULL_TURN, _FULL_TURN, "angle_increment of the scan")
    if increment == 0.0 and len(ranges) > 1:
        raise InputError("angle_increment of the scan is 0")
    range_max = number(range_max, 1e-3, POSITION_LIMIT, "range_max of the scan")
    angle_min = number(angle_min, -2.0 * _FULL_TURN, 2.0 * _FULL_TURN, "angle_min of the scan")
    if not ranges.min() >= 0.0:  # some are nan or negative, which is rare
        ranges = np.maximum(_filled(ranges), 0.0)
    return Scan(stamp, angle_min, increment, range_max, np.minimum(ranges, range_max))


def _filled(ranges: FloatArray) -> FloatArray:
    """The ranges with each nan replaced by the smaller one of the valid neighbours, around the full turn."""
    invalid = np.isnan(ranges)
    valid = np.flatnonzero(~invalid)
    if not len(valid):
        raise InputError("scan has no valid ray, all are nan")
    gaps = np.flatnonzero(invalid)
    after = np.searchsorted(valid, gaps)
    filled: FloatArray = ranges.copy()
    filled[gaps] = np.minimum(ranges[valid[after - 1]], ranges[valid[after % len(valid)]])
    return filled


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


def goal_from(msg: PoseStamped, frame: str = names.MAP_FRAME) -> Goal:
    """A goal as it came in, named after its place.

    Raises:
        InputError: another frame, or a place that is not finite.
    """
    _expect_frame(msg.header.frame_id, frame, "goal")
    x = number(msg.pose.position.x, -POSITION_LIMIT, POSITION_LIMIT, "x of the goal")
    y = number(msg.pose.position.y, -POSITION_LIMIT, POSITION_LIMIT, "y of the goal")
    return Goal(f"{x:.1f},{y:.1f}", x, y)


def path_from(msg: Path) -> FloatArray:
    """A path's points as they came in: (N, 2) m, in the path's own frame.

    Raises:
        InputError: too many points, or one that is not finite.
    """
    if len(msg.poses) > MAX_POSES:
        raise InputError(f"path has {len(msg.poses)} poses: at most {MAX_POSES} are accepted")
    places = [pose.pose.position for pose in msg.poses]
    return _points_of(places, "path")


def sightings_from(msg: PoseArray) -> FloatArray:
    """The goals that a robot sees, as they came in: (G, 2) m.

    Raises:
        InputError: another frame, too many, or a place that is not finite.
    """
    _expect_frame(msg.header.frame_id, names.MAP_FRAME, "sightings")
    at_most(msg.poses, MAX_SIGHTINGS, "sightings")
    return _points_of([pose.position for pose in msg.poses], "sightings")


def _points_of(places: Sequence[Point], what: str) -> FloatArray:
    points: FloatArray = np.array([(place.x, place.y) for place in places], dtype=np.float64).reshape(-1, 2)
    if not (np.abs(points) <= POSITION_LIMIT).all():
        raise InputError(f"{what} has a coordinate that is not a number within {POSITION_LIMIT:g} m of the origin")
    return points


def velocity_from(msg: Twist) -> Velocity:
    """A velocity command as it came in.

    Raises:
        InputError: it is not finite or beyond all reason.
    """
    return checked_velocity(msg.linear.x, msg.angular.z)


def checked_velocity(v: float, w: float) -> Velocity:
    """A velocity command of these numbers.

    Raises:
        InputError: one is not finite or beyond all reason.
    """
    return Velocity(
        number(v, -SPEED_LIMIT, SPEED_LIMIT, "forward speed of the command"),
        number(w, -SPEED_LIMIT, SPEED_LIMIT, "turn rate of the command"),
    )


def intention_from(msg: IntentionMsg) -> Intention:
    """An intention as it came in.

    Raises:
        InputError: anything in it is impossible.
    """
    # The bound of the message's definition is not enforced by every middleware.
    size = len(msg.payload)
    if size > MAX_PAYLOAD:
        raise InputError(f"intention of {msg.robot[:40]!r}: a payload of {size} bytes, not at most {MAX_PAYLOAD}")
    return decode_intention(msg.robot, msg.boot, msg.seq, seconds(msg.header.stamp), bytes(msg.payload))


def route_from(msg: RouteMsg) -> Route:
    """A route as it came in.

    Raises:
        InputError: anything in it is impossible.
    """
    return checked_route(
        msg.robot,
        msg.boot,
        msg.route,
        seconds(msg.header.stamp),
        msg.x,
        msg.y,
        msg.radius,
        msg.max_speed,
        msg.max_acceleration,
        msg.priority,
    )


def directives_from(msg: DirectiveSetMsg) -> DirectiveSet:
    """A directive set as it came in.

    Raises:
        InputError: anything in it is impossible.
    """
    at_most(msg.directives, MAX_PEERS, "directives")
    directives = tuple(
        Directive(
            robot=d.robot,
            boot=d.boot,
            answered=d.answered,
            route=d.route,
            hold=d.hold,
            grants=tuple(Grant(g.region, g.enter, g.leave) for g in d.grants),
            take_route=d.take_route,
            take_path=checked_path(d.take_x, d.take_y) if len(d.take_x) or len(d.take_y) else None,
            speed_limit=d.speed_limit,
            waits_for=tuple(d.waits_for),
            expected_wait=d.expected_wait,
        )
        for d in msg.directives
    )
    stamp = seconds(msg.header.stamp)
    return checked_directives(DirectiveSet(msg.coordinator, msg.epoch, stamp, msg.lease, directives))


def arbitration_from(msg: ArbitrationMsg) -> Arbitration:
    """What is told of a question to the adviser, as it came in.

    Raises:
        InputError: anything in it is impossible.
    """
    return checked_arbitration(
        Arbitration(
            question=int(msg.question),
            stamp=seconds(msg.header.stamp),
            kind=msg.kind,
            signature=msg.signature,
            robots=tuple(msg.robots),
            regions=tuple(int(region) for region in msg.regions),
            options=tuple(msg.options),
            prompt=msg.prompt,
            chosen=msg.chosen,
            source=msg.source,
            model=msg.model,
            outcome=msg.outcome,
            latency=float(msg.latency),
            rationale=msg.rationale,
        )
    )


def goal_state_from(msg: GoalStateMsg) -> GoalState:
    """How far a robot is with its goal, as it came in.

    Raises:
        InputError: anything in it is impossible.
    """
    if not 0 <= msg.status <= max(GoalStatus):
        raise InputError(f"goal_state: status is {msg.status}: it must be from 0 to {int(max(GoalStatus))}")
    return checked_goal_state(
        GoalState(
            robot=msg.robot,
            boot=int(msg.boot),
            stamp=seconds(msg.header.stamp),
            number=int(msg.number),
            sent=nanoseconds(msg.sent),
            status=GoalStatus(msg.status),
            x=float(msg.x),
            y=float(msg.y),
            distance_remaining=float(msg.distance_remaining),
            eta=float(msg.eta),
            waiting_for=tuple(msg.waiting_for),
            text=msg.text,
        )
    )


def conflicts_from(msg: ConflictArrayMsg) -> tuple[float, tuple[Conflict, ...]]:
    """Stamp (s) and all conflicts that a coordinator sees, as they came in.

    Raises:
        InputError: anything in them is impossible.
    """
    at_most(msg.conflicts, MAX_CONFLICTS, "conflicts")
    return number(seconds(msg.header.stamp), 0.0, STAMP_LIMIT, "stamp"), tuple(map(_conflict_from, msg.conflicts))


def _conflict_from(msg: ConflictMsg) -> Conflict:
    if not 0 <= msg.kind <= max(ConflictKind):
        raise InputError(f"conflict: kind is {msg.kind}: it must be from 0 to {int(max(ConflictKind))}")
    one, other = robot_names(list(msg.robots), "robots of a conflict")
    enter, leave = (
        tuple(number(float(value), 0.0, PROGRESS_LIMIT, "progress of a conflict") for value in part)
        for part in (msg.enter, msg.leave)
    )
    return Conflict(
        region=int(msg.region),
        kind=ConflictKind(msg.kind),
        robots=(one, other),
        enter=(enter[0], enter[1]),
        leave=(leave[0], leave[1]),
        x=number(float(msg.x), -POSITION_LIMIT, POSITION_LIMIT, "x of a conflict"),
        y=number(float(msg.y), -POSITION_LIMIT, POSITION_LIMIT, "y of a conflict"),
        holder=robot_name(msg.holder, "holder of a conflict") if msg.holder else "",
    )
