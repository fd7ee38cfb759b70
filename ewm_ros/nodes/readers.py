"""Messages that are heard as bytes: read straight from them or, if they are encoded in another way, by rclpy.

Raises, of all: InputError, anything in the message is impossible.
"""

from __future__ import annotations

from rclpy.serialization import deserialize_message

from ewm_ros import names
from ewm_ros.intention.wire import intention_in, sender_in
from ewm_ros.messages import Intention
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming
from ewm_ros.robot.command_bytes import command_in
from ewm_ros.robot.sensor_bytes import odometry_in, scan_in
from ewm_ros.sensing import Odometry, Scan, Velocity


def read_odometry(raw: bytes, frame: str = names.MAP_FRAME) -> Odometry:
    """Odometry in that frame."""
    return odometry_in(raw, frame) or incoming.odometry_from(deserialize_message(raw, topics.ODOM.type), frame)


def read_scan(raw: bytes) -> Scan:
    """A scan."""
    return scan_in(raw) or incoming.scan_from(deserialize_message(raw, topics.SCAN.type))


def read_command(raw: bytes) -> Velocity:
    """A stamped velocity command."""
    return command_in(raw) or incoming.velocity_from(deserialize_message(raw, topics.CMD_VEL.type).twist)


def read_intention(raw: bytes) -> Intention:
    """An intention."""
    return intention_in(raw) or incoming.intention_from(deserialize_message(raw, topics.INTENTIONS.type))


def read_sender(raw: bytes) -> tuple[str, int, int]:
    """Robot, boot and seq of an intention, for those who do not care what it says."""
    if (sender := sender_in(raw)) is not None:
        return sender
    msg = deserialize_message(raw, topics.INTENTIONS.type)
    return msg.robot, msg.boot, msg.seq
