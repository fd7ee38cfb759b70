"""Velocity commands as the bytes of their messages: each robot sends ten a second, and more while it stands."""

from __future__ import annotations

from struct import Struct, error

from ewm_ros import names
from ewm_ros.cdr import aligned, header_bytes, header_in, padded
from ewm_ros.robot.incoming import checked_velocity
from ewm_ros.sensing import Velocity

_PLANAR = Struct("<1d32x1d")  # forward speed and turn rate; the other four between


def command_bytes(velocity: Velocity, time: float) -> bytes:
    """The geometry_msgs/TwistStamped of a command in base_link at a time (s)."""
    return padded(header_bytes(time, names.BASE_FRAME)) + _PLANAR.pack(velocity.v, velocity.w)


def command_in(data: bytes) -> Velocity | None:
    """The command of a geometry_msgs/TwistStamped, or None if it is encoded in another way.

    Raises:
        InputError: it is not finite or beyond all reason.
    """
    try:
        _, _, at = header_in(data)
        v, w = _PLANAR.unpack_from(data, aligned(at, 8))
    except (error, ValueError):
        return None
    return checked_velocity(v, w)
