"""A whole msg/Intention as its bytes: they are most of what a fleet says."""

from __future__ import annotations

from struct import Struct, error

from ewm_ros import names
from ewm_ros.cdr import header_bytes, header_in, text_bytes, text_in
from ewm_ros.errors import InputError
from ewm_ros.intention.codec import MAX_PAYLOAD, decode_intention, encode_payload
from ewm_ros.messages import Intention

_NUMBERS = Struct("<III")  # boot, seq and the size of the payload


def intention_bytes(intention: Intention) -> bytes:
    """The message that says an intention.

    Raises:
        InputError: its plan and standing do not fit into the payload.
    """
    payload = encode_payload(intention.plan, intention.standing)
    numbers = _NUMBERS.pack(intention.boot, intention.seq, len(payload))
    return header_bytes(intention.stamp, names.MAP_FRAME) + text_bytes(intention.robot) + numbers + payload


def intention_in(data: bytes) -> Intention | None:
    """The intention that a message says, or None if it is encoded in another way: then a ROS library has to read it.

    Raises:
        InputError: anything in it is impossible.
    """
    parts = _parts(data)
    if parts is None:
        return None
    stamp, robot, boot, seq, size, at = parts
    if size > MAX_PAYLOAD:
        raise InputError(f"intention of {robot[:40]!r}: a payload of {size} bytes, not at most {MAX_PAYLOAD}")
    return decode_intention(robot, boot, seq, stamp, data[at : at + size])


def sender_in(data: bytes) -> tuple[str, int, int] | None:
    """Robot, boot and seq of an intention, unchecked; None if it is encoded in another way."""
    parts = _parts(data)
    return None if parts is None else parts[1:4]


def _parts(data: bytes) -> tuple[float, str, int, int, int, int] | None:
    """Stamp, robot, boot, seq, the size of the payload and where it begins, unchecked."""
    try:
        stamp, _, at = header_in(data)
        robot, at = text_in(data, at)
        boot, seq, size = _NUMBERS.unpack_from(data, at)
    except (error, ValueError):
        return None
    return stamp, robot, boot, seq, size, at + _NUMBERS.size
