"""Knots as bytes: whole numbers of fixed units, delta coded, as variable-length integers.

The integers are those of Protocol Buffers: base 128, low bits first, signed ones zigzag-folded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ewm_ros.errors import InputError
from ewm_ros.intention.checks import POSITION_LIMIT, RADIUS_LIMIT, YAW_LIMIT, number
from ewm_ros.messages import Knot

MAX_KNOTS = 51  # every step of the horizon and the pose now
TIME_LIMIT = 60.0  # s
TIME_UNITS = 100  # per s
LENGTH_UNITS = 100  # per m
TURN = 512  # units of yaw in a full turn, so that headings wrap without a rounding error
MAX_BYTES = 4  # of one integer: the widest step, across the whole map, takes 22 bits

Units = tuple[int, int, int, int, int]  # t, x, y, yaw, radius


def round_up(value: float, units: int) -> int:
    """The least whole number n with n / units >= value: what is decoded is never less than what was meant."""
    n = round(value * units)
    return n + 1 if n / units < value else n


def round_down(value: float, units: int) -> int:
    """The greatest whole number n with n / units <= value."""
    n = round(value * units)
    return n - 1 if n / units > value else n


def knot_of(units: Units) -> Knot:
    """The knot that these whole numbers stand for."""
    t, x, y, yaw, radius = units
    turned = _wrap(yaw) * math.tau / TURN
    return Knot(t / TIME_UNITS, x / LENGTH_UNITS, y / LENGTH_UNITS, turned, radius / LENGTH_UNITS)


def units_of(knot: Knot) -> Units:
    """The whole numbers that stand for a knot; the radius is rounded up.

    Raises:
        InputError: a number is not finite or out of range.
    """
    return (
        round(number(knot.t, 0.0, TIME_LIMIT, "t of a knot") * TIME_UNITS),
        round(number(knot.x, -POSITION_LIMIT, POSITION_LIMIT, "x of a knot") * LENGTH_UNITS),
        round(number(knot.y, -POSITION_LIMIT, POSITION_LIMIT, "y of a knot") * LENGTH_UNITS),
        _wrap(round(number(knot.yaw, -YAW_LIMIT, YAW_LIMIT, "yaw of a knot") * TURN / math.tau)),
        round_up(number(knot.radius, 0.0, RADIUS_LIMIT, "radius of a knot"), LENGTH_UNITS),
    )


def pack_knots(knots: Sequence[Knot]) -> bytes:
    """Bytes of 1 to 51 knots, the first at t = 0, the others later and later.

    Raises:
        InputError: the knots are none of that, or a number is out of range.
    """
    _check_count(len(knots))
    out = bytearray()
    last: Units = (0, 0, 0, 0, 0)
    for index, knot in enumerate(knots):
        now = units_of(knot)
        if index == 0 and now[0] != 0:
            raise InputError(f"the first knot is at t = {knot.t:g} s: it must be the pose now, at 0")
        if index > 0:
            if now[0] <= last[0]:
                raise InputError(f"knot {index} is not at least {1 / TIME_UNITS:g} s later than the one before")
            _put(out, now[0] - last[0])
        _put(out, _fold(now[1] - last[1]))
        _put(out, _fold(now[2] - last[2]))
        _put(out, _fold(_wrap(now[3] - last[3])))
        _put(out, _fold(now[4] - last[4]))
        last = now
    return bytes(out)


def unpack_knots(data: bytes) -> tuple[Knot, ...]:
    """The knots of `pack_knots`.

    Raises:
        InputError: the bytes are not such, or a number is out of range.
    """
    numbers = _integers(data)
    if len(numbers) % 5 != 4:
        raise InputError(f"knots hold {len(numbers)} numbers: 4 for the first knot and 5 for each other one are needed")
    numbers.insert(0, 0)
    _check_count(len(numbers) // 5)
    knots = []
    t, x, y, yaw, radius = 0, 0, 0, 0, 0
    for i in range(0, len(numbers), 5):
        step, dx, dy, turn, spread = numbers[i : i + 5]
        if i > 0 and step == 0:
            raise InputError(f"knot {i // 5} is not later than the one before")
        t, x, y, radius = t + step, x + _unfold(dx), y + _unfold(dy), radius + _unfold(spread)
        if t > TIME_LIMIT * TIME_UNITS:
            raise InputError(f"knot {i // 5} is later than {TIME_LIMIT:g} s")
        if max(abs(x), abs(y)) > POSITION_LIMIT * LENGTH_UNITS:
            raise InputError(f"knot {i // 5} is further than {POSITION_LIMIT:g} m from the map's origin")
        if turn >= TURN:
            raise InputError(f"knot {i // 5} turns by more than half a turn")
        if not 0 <= radius <= RADIUS_LIMIT * LENGTH_UNITS:
            raise InputError(f"knot {i // 5} has a radius outside 0 to {RADIUS_LIMIT:g} m")
        yaw = _wrap(yaw + _unfold(turn))
        knots.append(knot_of((t, x, y, yaw, radius)))
    return tuple(knots)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_KNOTS:
        raise InputError(f"a plan with {count} knots: it must have 1 to {MAX_KNOTS}")


def _wrap(yaw: int) -> int:
    """The same direction in [-TURN / 2, TURN / 2)."""
    return (yaw + TURN // 2) % TURN - TURN // 2


def _fold(value: int) -> int:
    """0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ..."""
    return 2 * value if value >= 0 else -2 * value - 1


def _unfold(value: int) -> int:
    return -(value >> 1) - 1 if value & 1 else value >> 1


def _put(out: bytearray, value: int) -> None:
    while value > 127:
        out.append((value & 127) | 128)
        value >>= 7
    out.append(value)


def _integers(data: bytes) -> list[int]:
    """The non-negative integers in the bytes; each has one legal form only, the shortest."""
    numbers: list[int] = []
    value = length = 0
    for byte in data:
        value |= (byte & 127) << (7 * length)
        length += 1
        if byte > 127:
            if length == MAX_BYTES:
                raise InputError(f"knots hold an integer of more than {MAX_BYTES} bytes")
            continue
        if byte == 0 and length > 1:
            raise InputError("knots hold an integer that is longer than it need be")
        numbers.append(value)
        value = length = 0
    if length:
        raise InputError("knots end inside an integer")
    return numbers
