"""Plain values as standard messages; the way back is robot/incoming.py."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseArray, PoseStamped, Twist
from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg
from nav_msgs.msg import Path
from std_msgs.msg import Header

from ewm_ros import names
from ewm_ros.cdr import rounded_stamp
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.sensing import Velocity


def to_stamp(time: float) -> Time:
    """The time stamp of s, rounded to a microsecond so that simulated times look as they were meant."""
    sec, nanosec = rounded_stamp(time)
    return Time(sec=sec, nanosec=nanosec)


def exact_stamp(nanoseconds: int) -> Time:
    """The time stamp of ns."""
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def header(time: float, frame: str = names.MAP_FRAME) -> Header:
    """A message's header."""
    return Header(stamp=to_stamp(time), frame_id=frame)


def pose_to(pose: Pose2D) -> Pose:
    """A pose in the plane as one in space."""
    msg = Pose()
    msg.position.x, msg.position.y = float(pose.x), float(pose.y)
    msg.orientation.z, msg.orientation.w = math.sin(pose.yaw / 2.0), math.cos(pose.yaw / 2.0)
    return msg


def grid_to(grid: OccupancyGrid, time: float) -> OccupancyGridMsg:
    """A map to be published."""
    msg = OccupancyGridMsg(header=header(time))
    msg.info.map_load_time = to_stamp(time)
    msg.info.resolution = grid.resolution
    msg.info.height, msg.info.width = grid.occupied.shape
    msg.info.origin = pose_to(Pose2D(grid.origin[0], grid.origin[1], 0.0))
    msg.data = np.where(grid.occupied, 100, 0).astype(np.int8).ravel().tolist()
    return msg


def goal_to(x: float, y: float, time: float) -> PoseStamped:
    """A goal to be published: m, map frame."""
    return PoseStamped(header=header(time), pose=pose_to(Pose2D(x, y, 0.0)))


def sightings_to(places: FloatArray, time: float) -> PoseArray:
    """Goals in view to be published: (G, 2) m, map frame."""
    return PoseArray(header=header(time), poses=[pose_to(Pose2D(x, y, 0.0)) for x, y in places.tolist()])


def twist_to(velocity: Velocity) -> Twist:
    """A velocity in the plane as one in space."""
    msg = Twist()
    msg.linear.x, msg.angular.z = float(velocity.v), float(velocity.w)
    return msg


def path_to(points: FloatArray, time: float) -> Path:
    """A path to be published: (N, 2) m or (N, 3) m, m, rad in the map frame."""
    poses = []
    for point in points.tolist():
        x, y, *yaw = point
        poses.append(PoseStamped(header=header(time), pose=pose_to(Pose2D(x, y, yaw[0] if yaw else 0.0))))
    return Path(header=header(time), poses=poses)
