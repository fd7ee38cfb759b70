"""Sends a robot's transforms. To be imported only where tf2_msgs is: see transforms.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import TransformStamped
from tf2_msgs.msg import TFMessage

from ewm_ros import names
from ewm_ros.nodes.sensor_conversions import header, pose_to
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.nodes.topics import Topic
from ewm_ros.nodes.transforms import Frames, Transform
from ewm_ros.sensing import Odometry


class TfSender:
    """Tells what stands still at once, latched, and what moves with every odometry.

    Args:
        host: the node that the topics are opened on.
        own: the topic as it is named for this robot, if it is not shared.
        frames: of the robot.
    """

    def __init__(self, host: TopicNode, own: Callable[[Topic], Topic], frames: Frames) -> None:
        self._frames = frames
        self._moving = _offered(host, own, frames.topic, names.TF_QOS)
        self._standing = _offered(host, own, frames.static_topic, names.LATCHED)
        self._standing.publish(TFMessage(transforms=[_message(frames.standing, host.ros_now())]))

    def send(self, odometry: Odometry) -> None:
        """Tell where the robot is."""
        self._moving.publish(TFMessage(transforms=[_message(self._frames.moving(odometry.pose), odometry.stamp)]))


def _offered(host: TopicNode, own: Callable[[Topic], Topic], name: str, qos: names.QoS) -> Any:
    topic = Topic(name, TFMessage, qos)
    return host.offer(topic if name.startswith("/") else own(topic))


def _message(transform: Transform, time: float) -> TransformStamped:
    pose = pose_to(transform.pose)
    msg = TransformStamped(header=header(time, transform.parent), child_frame_id=transform.child)
    msg.transform.translation.x, msg.transform.translation.y = pose.position.x, pose.position.y
    msg.transform.rotation = pose.orientation
    return msg
