"""The parts of messages that are read and written by hand, beside what rosbags makes of them."""

from __future__ import annotations

from struct import error

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from ewm_ros.cdr import aligned, header_bytes, header_in, padded, rounded_stamp, text_bytes, text_in

STORE = get_typestore(Stores.ROS2_JAZZY)
HEADER = "std_msgs/msg/Header"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
MICROSECONDS = st.integers(0, 2**31 * 1_000_000 - 1)


@given(MICROSECONDS, TEXTS)
def test_a_header_is_read_as_it_was_written_and_by_others_too(microseconds: int, frame: str) -> None:
    data = header_bytes(microseconds * 1e-6, frame)
    msg = STORE.deserialize_cdr(data, HEADER)
    stamp = msg.stamp.sec + 1e-9 * msg.stamp.nanosec
    assert msg.frame_id == frame
    assert stamp == pytest.approx(microseconds * 1e-6, abs=1e-6)
    assert header_in(data) == (stamp, frame, len(data))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_texts_follow_each_other(texts: list[str]) -> None:
    data = header_bytes(0.0, "map")
    at = len(data)
    data += b"".join(map(text_bytes, texts))
    for text in texts:
        got, at = text_in(data, at)
        assert got == text
    assert at == len(data)


@given(st.binary(max_size=40))
def test_nonsense_raises_nothing_but_what_is_said(data: bytes) -> None:
    try:
        header_in(b"\0\1\0\0" + data)
    except (error, ValueError):
        return
    assert len(data) >= 12


def test_a_number_lies_at_a_multiple_of_its_size_after_the_first_four_bytes() -> None:
    assert [aligned(at, 8) for at in (4, 5, 12, 13)] == [4, 12, 12, 20]
    assert [aligned(at, 4) for at in (4, 5, 8, 9)] == [4, 8, 8, 12]
    assert padded(b"\0" * 13) == b"\0" * 20


def test_times_are_rounded_to_a_microsecond() -> None:
    assert rounded_stamp(1.9999999) == (2, 0)
    assert rounded_stamp(12.345) == (12, 345_000_000)
