"""An intention's message, written and read by hand, is the one that ROS libraries write and read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_values import intention

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.intention.codec import MAX_PAYLOAD
from ewm_ros.intention.wire import intention_bytes, intention_in, sender_in
from ewm_ros.messages import Intention
from ewm_ros.robot import incoming

TYPES, INTENTION = message_types(), "ewm_ros/msg/Intention"
NAMES = st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True)
UINT32 = st.integers(1, 2**32 - 1)
STAMPS = st.integers(0, 2_000_000_000_000_000).map(lambda micros: micros / 1e6)
INTENTIONS = st.builds(
    lambda robot, boot, seq, stamp, waits: replace(
        intention(robot, boot=boot, seq=seq, place=(1.0, 2.0), waits_for=tuple(waits)), stamp=stamp
    ),
    NAMES,
    UINT32,
    UINT32,
    STAMPS,
    st.lists(NAMES, max_size=3),
)


@given(INTENTIONS)
def test_what_is_written_is_what_a_ros_library_writes_and_reads(told: Intention) -> None:
    data = intention_bytes(told)
    msg = TYPES.deserialize_cdr(data, INTENTION)
    assert bytes(TYPES.serialize_cdr(msg, INTENTION)) == data
    assert (msg.header.frame_id, msg.robot, msg.boot, msg.seq) == ("map", told.robot, told.boot, told.seq)
    assert repr(incoming.intention_from(msg)) == repr(intention_in(data))  # nan is nan here


@given(INTENTIONS)
def test_what_is_read_is_what_was_written(told: Intention) -> None:
    data = intention_bytes(told)
    got = intention_in(data)
    assert got is not None
    assert got.stamp == pytest.approx(told.stamp, abs=1e-6)
    assert repr(replace(got, stamp=0.0)) == repr(replace(told, stamp=0.0))
    assert sender_in(data) == (told.robot, told.boot, told.seq)


@given(st.binary(max_size=400))
def test_nonsense_is_refused_and_does_no_harm(data: bytes) -> None:
    with suppress(InputError):  # all else fails the test
        intention_in(b"\0\1\0\0" + data)


def test_a_message_that_is_too_long_is_refused_unread() -> None:
    msg = TYPES.deserialize_cdr(intention_bytes(intention("r0")), INTENTION)
    long = replace(msg, payload=np.zeros(MAX_PAYLOAD + 1, np.uint8))
    with pytest.raises(InputError, match="'r0': a payload of 513 bytes"):
        intention_in(bytes(TYPES.serialize_cdr(long, INTENTION)))


@given(st.integers(0, 30))
def test_a_message_that_is_cut_off_is_left_to_who_can_say_what_is_wrong(length: int) -> None:
    cut = intention_bytes(intention("r0"))[:length]
    assert intention_in(cut) is None
    assert sender_in(cut) is None


def test_so_is_what_is_encoded_otherwise() -> None:
    msg = TYPES.deserialize_cdr(intention_bytes(intention("r0")), INTENTION)
    data = bytes(TYPES.serialize_cdr(msg, INTENTION, little_endian=False))
    assert intention_in(data) is None
    assert sender_in(data) is None
