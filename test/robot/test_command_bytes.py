"""Velocity commands as bytes are the messages that ROS libraries read and write."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from ewm_ros.errors import InputError
from ewm_ros.robot import incoming
from ewm_ros.robot.command_bytes import command_bytes, command_in
from ewm_ros.sensing import Velocity

STORE = get_typestore(Stores.ROS2_JAZZY)
COMMAND = "geometry_msgs/msg/TwistStamped"
speeds = st.floats(-20.0, 20.0)


@given(speeds, speeds)
def test_a_command_is_what_a_ros_library_writes_and_reads(v: float, w: float) -> None:
    data = command_bytes(Velocity(v, w), 12.5)
    msg = STORE.deserialize_cdr(data, COMMAND)
    assert bytes(STORE.serialize_cdr(msg, COMMAND)) == data
    assert (incoming.seconds(msg.header.stamp), msg.header.frame_id) == (12.5, "base_link")
    assert command_in(data) == incoming.velocity_from(msg.twist) == Velocity(v, w)


@pytest.mark.parametrize("velocity", [Velocity(math.nan, 0.0), Velocity(0.0, math.inf), Velocity(1e9, 0.0)])
def test_an_impossible_command_is_refused(velocity: Velocity) -> None:
    with pytest.raises(InputError, match="of the command"):
        command_in(command_bytes(velocity, 0.0))


def test_what_is_encoded_otherwise_or_breaks_off_is_left_to_others() -> None:
    data = command_bytes(Velocity(0.5, 0.1), 1.0)
    msg = STORE.deserialize_cdr(data, COMMAND)
    assert command_in(bytes(STORE.serialize_cdr(msg, COMMAND, little_endian=False))) is None
    assert all(command_in(data[:length]) is None for length in range(len(data)))
