"""Which topics a recorder records, and which of them it gives up first when the disk cannot take them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from ewm_ros import names
from ewm_ros.bag_facts import Profile
from ewm_ros.errors import InputError
from ewm_ros.nodes import topics
from ewm_ros.nodes.topics import Topic
from ewm_ros.nodes.transforms import can_be_sent


class Priority(IntEnum):
    """How long messages are kept while not all can be: the least first to go."""

    BULK = 0
    STREAM = 1
    MOTION = 2
    INTENTION = 3
    EVENT = 4


@dataclass(frozen=True, slots=True)
class Recorded:
    """A topic to record; first_priority: of its first message."""

    topic: Topic
    priority: Priority
    first_priority: Priority


def _transforms(prefix: str = "") -> tuple[Topic, ...]:
    """The topics of transforms, where there are any."""
    if not can_be_sent():
        return ()
    from tf2_msgs.msg import TFMessage

    moving = Topic(prefix + names.TF, TFMessage, names.TF_QOS)
    return moving, Topic(prefix + names.TF_STATIC, TFMessage, names.LATCHED)


SHARED = (*topics.SHARED, *_transforms("/"))
ROBOT = (*topics.ROBOT, *_transforms())
# By their names without a robot's, as the profiles have them.
_MINIMAL = {
    *(names.INTENTIONS, names.ROUTES, names.DIAGNOSTICS, names.ODOM, names.GOAL_POSE, names.CANCEL_GOAL),
    *(names.GOAL_STATE, names.TF, names.TF_STATIC, f"/{names.TF}", f"/{names.TF_STATIC}"),
}
_EVALUATION = {
    *_MINIMAL,
    *(names.DIRECTIVES, names.CONFLICTS, names.ARBITRATIONS, names.MAP, names.CLOCK, names.ESTOP),
    *(names.CMD_VEL, names.PLAN),
}
_PRIORITIES = {
    **dict.fromkeys((names.SCAN, names.IMAGINED, names.MARKERS, names.SIGHTINGS), Priority.BULK),
    **dict.fromkeys((names.CMD_VEL, names.PLAN, names.CONFLICTS, names.MAP), Priority.STREAM),
    **dict.fromkeys((names.ODOM, names.TF, f"/{names.TF}", names.CLOCK), Priority.MOTION),
    names.INTENTIONS: Priority.INTENTION,
}


def recorded_topics(profile: Profile, wanted: Sequence[str], robots: Sequence[str]) -> list[Recorded]:
    """The topics to record.

    Args:
        wanted: names in place of the profile's, absolute or relative to each robot's namespace; empty for the profile.
        robots: namespaces.

    Raises:
        InputError: a name is unknown.
    """
    shared = {topic.name: _recorded(topic) for topic in SHARED}
    own = {topic.name: [_recorded(topic, robot) for robot in robots] for topic in ROBOT}
    if not wanted:
        kept = {"minimal": _MINIMAL, "evaluation": _EVALUATION, "everything": {*shared, *own}}[profile]
        chosen = [each for name, each in shared.items() if name in kept]
        return chosen + [each for name, some in own.items() if name in kept for each in some]
    absolute = shared | {each.topic.name: each for some in own.values() for each in some}
    found: dict[str, Recorded] = {}
    for name in wanted:
        if name not in own and name not in absolute:
            raise InputError(f"unknown topic {name!r}: there are {', '.join([*absolute, *own])}")
        for each in own.get(name) or [absolute[name]]:
            found[each.topic.name] = each
    return list(found.values())


def _recorded(topic: Topic, robot: str = "") -> Recorded:
    priority = _PRIORITIES.get(topic.name, Priority.EVENT)
    # What is latched is told once or rarely: without its first message the others mean little.
    first = Priority.EVENT if topic.qos.latched else priority
    return Recorded(topic.under(robot) if robot else topic, priority, first)


def reading(topic: Topic, depth: int) -> Topic:
    """The topic as it is to be read: as it is offered, but with a queue of this depth.

    Intentions, which may be offered either way, are read as best effort.
    """
    reliable = topic.qos.reliable and topic.name != names.INTENTIONS
    return replace(topic, qos=replace(topic.qos, reliable=reliable, depth=depth))
