"""What an evaluation needs of the talk in a bag, read straight from its bytes.

An hour of ten robots is a million messages. rosbags makes an object of every part of a message, which takes several
times as long as to look at the few parts that are needed. Offsets are those of CDR, see cdr.py; what is
encoded otherwise is left to rosbags.
"""

from __future__ import annotations

from struct import Struct, error

from ewm_ros.cdr import LENGTH, header_in

_ORDER = Struct("<IIIfI")  # boot, answered, route, hold and how many grants


def answers(data: bytes) -> tuple[float, list[tuple[bytes, int, int]]] | None:
    """Stamp (s) of a msg/DirectiveSet, and of each order the robot, boot and seq of the intention that it answers.

    None if it is encoded in another way: then rosbags has to read it.
    """
    word, found = LENGTH.unpack_from, []
    try:
        stamp, _, at = header_in(data)
        at += 12  # after coordinator, epoch and lease
        (count,) = word(data, at)
        at += 4
        # Without functions: there are ten orders in a set, and a hundred sets a second.
        for _ in range(count):
            (length,) = word(data, at)
            name, at = data[at + 4 : at + 3 + length], at + 4 + length + 3 & ~3
            boot, seq, _, _, grants = _ORDER.unpack_from(data, at)
            found.append((name, boot, seq))
            at += 20 + 12 * grants + 4  # after the grants, and take_route
            at += 4 + 4 * word(data, at)[0]  # take_x
            at += 4 + 4 * word(data, at)[0]  # take_y
            (waits_for,) = word(data, at + 4)  # after speed_limit
            at += 8
            for _ in range(waits_for):
                at = at + 4 + word(data, at)[0] + 3 & ~3
            at += 4  # expected_wait
    except (error, ValueError):
        return None
    return stamp, found
