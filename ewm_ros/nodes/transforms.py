"""Which transforms a robot publishes under which names: map -> odom -> base_link (REP 105), by either convention.

No message is needed to know that. tf_sender.py, which sends them, needs tf2_msgs, which not everybody has.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.sensing import Odometry

if TYPE_CHECKING:
    from ewm_ros.nodes.topic_node import TopicNode
    from ewm_ros.nodes.topics import Topic

Convention = Literal["none", "namespaced", "prefixed"]
CONVENTIONS: tuple[Convention, ...] = ("none", "namespaced", "prefixed")
NONE: Convention = "none"


@dataclass(frozen=True, slots=True)
class Transform:
    """The pose of one frame in another: m, m, rad."""

    parent: str
    child: str
    pose: Pose2D


@dataclass(frozen=True, slots=True)
class Frames:
    """One robot's tree of frames, and the topics that it is told on.

    The odometry that a robot is given is its pose in the map: `odom` lies where `map` lies.

    Attributes:
        topic, static_topic: in the robot's namespace unless they begin with a slash.
        odom, base: names of the frames; `map` is shared by all robots.
    """

    topic: str
    static_topic: str
    odom: str
    base: str

    @property
    def standing(self) -> Transform:
        """What never changes."""
        return Transform(names.MAP_FRAME, self.odom, Pose2D(0.0, 0.0, 0.0))

    def moving(self, pose: Pose2D) -> Transform:
        """What changes with the robot's pose."""
        return Transform(self.odom, self.base, pose)


def frames_of(robot: str, convention: Convention) -> Frames | None:
    """The frames of a robot; None if it is to publish none.

    `namespaced`: every robot has a tf topic and frames of its own, as with Nav2. `prefixed`: all share /tf, on which
    the frames are told apart by the robots' names.
    """
    if convention == "namespaced":
        return Frames(names.TF, names.TF_STATIC, names.ODOM_FRAME, names.BASE_FRAME)
    if convention == "prefixed":
        odom, base = f"{robot}/{names.ODOM_FRAME}", f"{robot}/{names.BASE_FRAME}"
        return Frames(f"/{names.TF}", f"/{names.TF_STATIC}", odom, base)
    return None


def can_be_sent() -> bool:
    """Whether tf2_msgs is there."""
    return importlib.util.find_spec("tf2_msgs") is not None


def default_convention(simulated: bool) -> Convention:
    """What a robot does that is not told.

    A real one has drivers and a localization that publish these very transforms: two sources of one of them would
    mislead whoever reads it, the localization first of all.
    """
    return "namespaced" if simulated and can_be_sent() else NONE


def open_transforms(
    host: TopicNode, robot: str, own: Callable[[Topic], Topic], convention: Convention
) -> Callable[[Odometry], None]:
    """What sends a robot's transforms, to be called with every odometry.

    Args:
        host: the node that the topics are opened on.
        own: a topic as it is named for this robot.

    Raises:
        InputError: transforms are wanted and cannot be sent.
    """
    frames = frames_of(robot, convention)
    if frames is None:
        return lambda odometry: None
    if not can_be_sent():
        raise InputError(
            f"parameter 'tf' is {convention!r}, but tf2_msgs is not there: "
            "apt install ros-$ROS_DISTRO-tf2-msgs, or leave it at none"
        )
    from ewm_ros.nodes.tf_sender import TfSender

    return TfSender(host, own, frames).send
