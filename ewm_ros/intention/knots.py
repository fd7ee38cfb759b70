"""Knots as bytes: whole numbers of fixed units, delta coded, as variable-length integers.

The integers are those of Protocol Buffers: base 128, low bits first, signed ones zigzag-folded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

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

_HALF_TURN = TURN // 2
_TIME_END = int(TIME_LIMIT) * TIME_UNITS
_MAP_END = int(POSITION_LIMIT) * LENGTH_UNITS
_RADIUS_END = int(RADIUS_LIMIT) * LENGTH_UNITS
_PER_UNIT = np.array([TIME_UNITS, LENGTH_UNITS, LENGTH_UNITS, TURN, LENGTH_UNITS])


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
    turned = ((yaw + _HALF_TURN) % TURN - _HALF_TURN) * math.tau / TURN
    return Knot(t / TIME_UNITS, x / LENGTH_UNITS, y / LENGTH_UNITS, turned, radius / LENGTH_UNITS)


def knots_of(units: NDArray[np.int64]) -> list[Knot]:
    """`knot_of` of each row of whole numbers (K, 5)."""
    numbers = units.astype(np.float64)
    numbers[:, 3] = ((units[:, 3] + _HALF_TURN) % TURN - _HALF_TURN) * math.tau
    return list(map(Knot._make, (numbers / _PER_UNIT).tolist()))


def units_of(knot: Knot) -> Units:
    """The whole numbers that stand for a knot; the radius is rounded up, and the yaw is not wrapped.

    Raises:
        InputError: a number is not finite or out of range.
    """
    t, x, y, yaw, radius = knot
    return (
        round(number(t, 0.0, TIME_LIMIT, "t of a knot") * TIME_UNITS),
        round(number(x, -POSITION_LIMIT, POSITION_LIMIT, "x of a knot") * LENGTH_UNITS),
        round(number(y, -POSITION_LIMIT, POSITION_LIMIT, "y of a knot") * LENGTH_UNITS),
        round(number(yaw, -YAW_LIMIT, YAW_LIMIT, "yaw of a knot") * TURN / math.tau),
        round_up(number(radius, 0.0, RADIUS_LIMIT, "radius of a knot"), LENGTH_UNITS),
    )


def pack_knots(knots: Sequence[Knot]) -> bytes:
    """Bytes of 1 to 51 knots, the first at t = 0, the others later and later.

    Raises:
        InputError: the knots are none of that, or a number is out of range.
    """
    _check_count(len(knots))
    numbers: list[int] = []
    last_t, last_x, last_y, last_yaw, last_radius = -1, 0, 0, 0, 0
    for index, knot in enumerate(knots):
        t, x, y, yaw, radius = units_of(knot)
        if index == 0 and t != 0:
            raise InputError(f"the first knot is at t = {knot.t:g} s: it must be the pose now, at 0")
        if t <= last_t:
            raise InputError(f"knot {index} is not at least {1 / TIME_UNITS:g} s later than the one before")
        dx, dy, spread = x - last_x, y - last_y, radius - last_radius
        turn = (yaw - last_yaw + _HALF_TURN) % TURN - _HALF_TURN
        numbers.append(t - last_t)
        # Folded: 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ...
        numbers += (dx << 1 ^ dx >> 31, dy << 1 ^ dy >> 31, turn << 1 ^ turn >> 31, spread << 1 ^ spread >> 31)
        last_t, last_x, last_y, last_yaw, last_radius = t, x, y, yaw, radius
    return _packed(numbers[1:])  # the first t is known


def unpack_knots(data: bytes) -> tuple[Knot, ...]:
    """The knots of `pack_knots`.

    Raises:
        InputError: the bytes are not such, or a number is out of range.
    """
    numbers = _integers(data)
    if len(numbers) % 5 != 4:
        raise InputError(f"knots hold {len(numbers)} numbers: 4 for the first knot and 5 for each other one are needed")
    _check_count(len(numbers) // 5 + 1)
    knots: list[Knot] = []
    t, x, y, yaw, radius = 0, 0, 0, 0, 0
    each = chain((0,), numbers)
    for step, dx, dy, turn, spread in zip(each, each, each, each, each, strict=True):
        t += step
        x += dx >> 1 ^ -(dx & 1)  # unfolded
        y += dy >> 1 ^ -(dy & 1)
        yaw += turn >> 1 ^ -(turn & 1)
        radius += spread >> 1 ^ -(spread & 1)
        if step == 0 and knots:
            raise InputError(f"knot {len(knots)} is not later than the one before")
        if t > _TIME_END:
            raise InputError(f"knot {len(knots)} is later than {TIME_LIMIT:g} s")
        if not (-_MAP_END <= x <= _MAP_END and -_MAP_END <= y <= _MAP_END):
            raise InputError(f"knot {len(knots)} is further than {POSITION_LIMIT:g} m from the map's origin")
        if turn >= TURN:
            raise InputError(f"knot {len(knots)} turns by more than half a turn")
        if not 0 <= radius <= _RADIUS_END:
            raise InputError(f"knot {len(knots)} has a radius outside 0 to {RADIUS_LIMIT:g} m")
        knots.append(knot_of((t, x, y, yaw, radius)))
    return tuple(knots)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_KNOTS:
        raise InputError(f"a plan with {count} knots: it must have 1 to {MAX_KNOTS}")


def _packed(numbers: Sequence[int]) -> bytes:
    out = bytearray()
    for value in numbers:
        while value > 127:
            out.append((value & 127) | 128)
            value >>= 7
        out.append(value)
    return bytes(out)


def _integers(data: bytes) -> list[int]:
    """The non-negative integers in the bytes; each has one legal form only, the shortest."""
    numbers: list[int] = []
    value = shift = 0
    for byte in data:
        if byte > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift == 7 * MAX_BYTES:
                raise InputError(f"knots hold an integer of more than {MAX_BYTES} bytes")
        elif shift == 0:
            numbers.append(byte)
        elif byte == 0:
            raise InputError("knots hold an integer that is longer than it need be")
        else:
            numbers.append(value | byte << shift)
            value = shift = 0
    if shift:
        raise InputError("knots end inside an integer")
    return numbers
