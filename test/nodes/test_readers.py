"""Messages heard as bytes, whichever way they are encoded: by rclpy itself, as ours, and big endian."""

from __future__ import annotations

import math

import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry as OdometryMsg
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import LaserScan
from wire_values import intention

from ewm_ros.bag_types import message_types
from ewm_ros.geometry import Pose2D
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.msg import Intention as IntentionMsg
from ewm_ros.nodes.readers import read_command, read_intention, read_odometry, read_scan, read_sender
from ewm_ros.robot.command_bytes import command_bytes
from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
from ewm_ros.sensing import Odometry, Scan, Velocity

TYPES = message_types()
SCAN = scan_bytes(Scan(2.5, -math.pi, 0.5, 8.0, np.array([1.0, 2.5, 8.0])), 0.1)
SAID = (
    (odometry_bytes(Odometry(1.5, Pose2D(1.0, 2.0, 0.5), 0.25, 0.125)), OdometryMsg, "nav_msgs/msg/Odometry"),
    (SCAN, LaserScan, "sensor_msgs/msg/LaserScan"),
    (command_bytes(Velocity(0.5, 0.25), 3.5), TwistStamped, "geometry_msgs/msg/TwistStamped"),
    (intention_bytes(intention("r0", seq=7, stamp=4.5)), IntentionMsg, "ewm_ros/msg/Intention"),
)
KINDS = [kind for _, _, kind in SAID]
READERS = (read_odometry, read_scan, read_command, read_intention)


def big_endian(data: bytes, kind: str) -> bytes:
    return bytes(TYPES.serialize_cdr(TYPES.deserialize_cdr(data, kind), kind, little_endian=False))


@pytest.mark.parametrize(("data", "msg_type", "kind"), SAID, ids=KINDS)
def test_what_is_written_by_hand_is_what_rclpy_writes(data, msg_type, kind) -> None:
    msg = deserialize_message(data, msg_type)
    theirs = bytes(serialize_message(msg))
    assert len(theirs) == len(data)  # the bytes between, for alignment, are whatever rclpy's memory holds
    assert deserialize_message(theirs, msg_type) == msg
    assert bytes(TYPES.serialize_cdr(TYPES.deserialize_cdr(theirs, kind), kind)) == data


@pytest.mark.parametrize(("said", "read"), list(zip(SAID, READERS, strict=True)), ids=KINDS)
def test_what_is_encoded_otherwise_is_read_all_the_same(said, read) -> None:
    data, _, kind = said
    assert repr(read(big_endian(data, kind))) == repr(read(data))  # nan is nan here


def test_the_sender_of_an_intention_is_known_without_the_rest() -> None:
    data, _, kind = SAID[3]
    assert read_sender(data) == read_sender(big_endian(data, kind)) == ("r0", 1, 7)
