"""Odometry and scans as the bytes of their messages: in a process of many robots, they are most of what comes in."""

from __future__ import annotations

import math
from struct import Struct, error

import numpy as np

from ewm_ros import names
from ewm_ros.cdr import LENGTH, aligned, header_bytes, header_in, padded, text_bytes, text_in
from ewm_ros.robot.incoming import checked_odometry, checked_scan
from ewm_ros.sensing import Odometry, Scan

_POSE_AND_TWIST = Struct("<2d8x4d288x1d32x1d")  # x, y, the quaternion; forward speed and turn rate; covariances between
_PLANAR = Struct("<2d24x2d288x1d32x1d288x")  # the same without a quaternion's x and y, and with the last covariances
_GEOMETRY = Struct("<f4xf12xfI")  # angle_min, angle_increment, range_max and the number of rays
_WHOLE_GEOMETRY = Struct("<3f4xf4xfI")  # and angle_max, scan_time


def odometry_bytes(odometry: Odometry, frame: str = names.MAP_FRAME) -> bytes:
    """The nav_msgs/Odometry of a pose in that frame; its covariances are 0."""
    head = padded(header_bytes(odometry.stamp, frame) + text_bytes(names.BASE_FRAME))
    half = odometry.pose.yaw / 2.0
    numbers = (odometry.pose.x, odometry.pose.y, math.sin(half), math.cos(half), odometry.v, odometry.w)
    return head + _PLANAR.pack(*numbers)


def odometry_in(data: bytes, frame: str = names.MAP_FRAME) -> Odometry | None:
    """A nav_msgs/Odometry, or None if it is encoded in another way: then a ROS library has to read it.

    Raises:
        InputError: another frame, or a number that is not finite or beyond all reason.
    """
    parts = _odometry_parts(data)
    if parts is None:
        return None
    stamp, got_frame, pose, v, w = parts
    return checked_odometry(got_frame, frame, stamp, pose, v, w)


def odometry_and_frame(data: bytes) -> tuple[Odometry, str] | None:
    """A nav_msgs/Odometry in whichever frame, and the frame; None if it is encoded in another way.

    Raises:
        InputError: a number that is not finite or beyond all reason.
    """
    parts = _odometry_parts(data)
    if parts is None:
        return None
    stamp, frame, pose, v, w = parts
    return checked_odometry(frame, frame.lstrip("/"), stamp, pose, v, w), frame


def _odometry_parts(
    data: bytes,
) -> tuple[float, str, tuple[float, float, float, float, float, float], float, float] | None:
    """Stamp, frame, pose (x, y and the quaternion), forward speed and turn rate, unchecked."""
    try:
        stamp, frame, at = header_in(data)
        _, at = text_in(data, at)  # the child frame
        x, y, qx, qy, qz, qw, v, w = _POSE_AND_TWIST.unpack_from(data, aligned(at, 8))
    except (error, ValueError):
        return None
    return stamp, frame, (x, y, qx, qy, qz, qw), v, w


def scan_bytes(scan: Scan, period: float) -> bytes:
    """The sensor_msgs/LaserScan of a scan; period: s between two."""
    count = len(scan.ranges)
    angle_max = scan.angle_min + (count - 1) * scan.angle_increment
    geometry = (scan.angle_min, angle_max, scan.angle_increment, period, scan.range_max, count)
    ranges = scan.ranges.astype("<f4").tobytes()
    no_intensities = LENGTH.pack(0)
    return header_bytes(scan.stamp, names.BASE_FRAME) + _WHOLE_GEOMETRY.pack(*geometry) + ranges + no_intensities


def scan_in(data: bytes) -> Scan | None:
    """A sensor_msgs/LaserScan, or None if it is encoded in another way: then a ROS library has to read it.

    Raises:
        InputError: no rays, no valid ray, or an impossible geometry.
    """
    try:
        stamp, _, at = header_in(data)
        angle_min, increment, range_max, count = _GEOMETRY.unpack_from(data, at)
        ranges = np.frombuffer(data, "<f4", count, at + _GEOMETRY.size)
    except (error, ValueError):
        return None
    return checked_scan(stamp, angle_min, increment, range_max, ranges.astype(np.float64))
