"""Odometry and scans straight from their bytes: with many robots in a process, they are most of what it receives.

To make an object of an odometry message, covariances and all, takes ten times as long as to read what a robot needs of
it. Offsets are those of CDR (OMG DDS-XTypes, XCDR1, little endian): a number lies at a multiple of its own size,
counted from after the four bytes that say how the message is encoded; a text is its length, its bytes and a zero.
"""

from __future__ import annotations

from struct import Struct, error

import numpy as np

from ewm_ros import names
from ewm_ros.robot.incoming import checked_odometry, checked_scan
from ewm_ros.sensing import Odometry, Scan

_LITTLE_ENDIAN = b"\x00\x01"
_BODY = 4  # bytes before all alignment
_STAMP = Struct("<iII")  # s, ns and the length of the frame's name
_LENGTH = Struct("<I")
_POSE_AND_TWIST = Struct("<2d8x4d288x1d32x1d")  # x, y, the quaternion; forward speed and turn rate; covariances between
_GEOMETRY = Struct("<f4xf12xfI")  # angle_min, angle_increment, range_max and the number of rays


def odometry_in(data: bytes, frame: str = names.MAP_FRAME) -> Odometry | None:
    """A nav_msgs/Odometry, or None if it is encoded in another way: then rclpy has to read it.

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
        at = aligned(at + 4 + _LENGTH.unpack_from(data, at)[0], 8)  # after the name of the child frame
        x, y, qx, qy, qz, qw, v, w = _POSE_AND_TWIST.unpack_from(data, at)
    except (error, ValueError):
        return None
    return stamp, frame, (x, y, qx, qy, qz, qw), v, w


def scan_in(data: bytes) -> Scan | None:
    """A sensor_msgs/LaserScan, or None if it is encoded in another way: then rclpy has to read it.

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


def header_in(data: bytes) -> tuple[float, str, int]:
    """Stamp (s), frame, and where what follows begins.

    Raises:
        struct.error, ValueError: the bytes are no such message, or it is encoded in another way.
    """
    if data[:2] != _LITTLE_ENDIAN:
        raise ValueError
    sec, nanosec, length = _STAMP.unpack_from(data, _BODY)
    begin = _BODY + _STAMP.size
    return sec + 1e-9 * nanosec, data[begin : begin + length - 1].decode(), aligned(begin + length, 4)


def aligned(at: int, size: int) -> int:
    """Where the next number of this size is, at or after a place in a message."""
    return _BODY + -(-(at - _BODY) // size) * size
