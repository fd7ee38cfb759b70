"""Messages as the bytes that ROS 2 sends them as, for those few that a node reads or writes hundreds of times a second.

To make an object of an odometry message, covariances and all, takes ten times as long as to read what a robot needs of
it. Offsets are those of CDR (OMG DDS-XTypes, XCDR1, little endian): a number lies at a multiple of its own size,
counted from after the four bytes that say how the message is encoded; a text is its length, its bytes and a zero. What
is read is what may come from anywhere, and may be encoded in another way; what is written is for everybody.
"""

from __future__ import annotations

from struct import Struct

LENGTH = Struct("<I")

_LITTLE_ENDIAN = b"\x00\x01"
_BODY = 4  # bytes before all alignment
_STAMP = Struct("<iI")  # s, ns


def header_in(data: bytes) -> tuple[float, str, int]:
    """Stamp (s) and frame of a message that begins with a header, and where what follows begins.

    Raises:
        struct.error, ValueError: the bytes are no such message, or it is encoded in another way.
    """
    if data[:2] != _LITTLE_ENDIAN:
        raise ValueError
    sec, nanosec = _STAMP.unpack_from(data, _BODY)
    frame, at = text_in(data, _BODY + _STAMP.size)
    return sec + 1e-9 * nanosec, frame, at


def text_in(data: bytes, at: int) -> tuple[str, int]:
    """The text that lies there, and where what follows begins.

    Raises:
        struct.error, ValueError: there is none.
    """
    begin = at + LENGTH.size
    end = begin + LENGTH.unpack_from(data, at)[0]
    return data[begin : end - 1].decode(), aligned(end, 4)


def aligned(at: int, size: int) -> int:
    """Where the next number of this size is, at or after a place in a message."""
    return _BODY + -(-(at - _BODY) // size) * size


def rounded_stamp(time: float) -> tuple[int, int]:
    """s and ns of a time in s, rounded to a microsecond so that simulated times look as they were meant."""
    microseconds = round(time * 1e6)
    return microseconds // 1_000_000, microseconds % 1_000_000 * 1000


def header_bytes(time: float, frame: str) -> bytes:
    """The beginning of a message, header and all, up to where a number of 4 bytes may follow."""
    return _LITTLE_ENDIAN + b"\0\0" + _STAMP.pack(*rounded_stamp(time)) + text_bytes(frame)


def text_bytes(text: str) -> bytes:
    """A text, up to where a number of 4 bytes may follow it."""
    data = text.encode() + b"\0"
    return LENGTH.pack(len(data)) + data + bytes(-len(data) % 4)


def padded(data: bytes) -> bytes:
    """The beginning of a message, up to where a number of 8 bytes may follow."""
    return data + bytes(aligned(len(data), 8) - len(data))
