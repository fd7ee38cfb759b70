"""The node that records a run: serialized messages as they come, into a rosbag2 bag (MCAP)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.messages import check_robot_name
from ewm_ros.names import QoS
from ewm_ros.nodes import topics
from ewm_ros.nodes.bag_writer import BagWriter
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import ProcessNode, run_node
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.topics import Topic

FLUSH_PERIOD = 1.0  # s
DEPTH = 1000  # of every queue: the disk may keep the recorder waiting
DEFAULT_ROBOT_TOPICS = (topics.ODOM, topics.CMD_VEL, topics.GOAL_POSE, topics.PLAN)


def reading(qos: QoS) -> QoS:
    """The quality of service to record a topic with: what it is offered with, but with a long queue."""
    return replace(qos, depth=DEPTH)


def recorded_topics(wanted: Sequence[str], robots: Sequence[str], scans: bool) -> list[Topic]:
    """The topics to record.

    Args:
        wanted: names, absolute or relative to each robot's namespace; empty for all that evaluation needs.
        robots: namespaces.
        scans: whether lidar scans, by far the largest part, are wanted too.

    Raises:
        InputError: a name is unknown.
    """
    own = [*DEFAULT_ROBOT_TOPICS, *([topics.SCAN] if scans else [])]
    if not wanted:
        return [*topics.SHARED, *(topic.under(robot) for robot in robots for topic in own)]
    relative = {topic.name: topic for topic in topics.ROBOT}
    absolute = (topic.under(robot) for robot in robots for topic in topics.ROBOT)
    known = {topic.name: topic for topic in (*topics.SHARED, *absolute)}
    found: dict[str, Topic] = {}
    for name in wanted:
        some = [relative[name].under(robot) for robot in robots] if name in relative else [known.get(name)]
        for topic in some:
            if topic is None:
                raise InputError(f"unknown topic {name!r}: there are {', '.join([*known, *relative])}")
            found[topic.name] = topic
    return list(found.values())


class RecorderNode(ProcessNode):
    """Subscribes to the topics of a run and writes what comes; stamps are the recording machine's time of day.

    Raises:
        InputError: a parameter is wrong, or the bag's folder exists already.
    """

    def __init__(self) -> None:
        super().__init__("recorder")
        parameters = Parameters(self)
        directory = parameters.text("directory", "", "Folder of the bag; must not exist.")
        wanted = parameters.texts("topics", "Topics to record; all that evaluation needs if not given.")
        robots = parameters.texts("robots", "Namespaces of the robots to record.")
        scans = parameters.switch("scans", False, "Record lidar scans, too.")
        facts = parameters.texts("facts", "Facts to keep in the bag, each as key=value.")
        if not directory:
            raise InputError("parameter 'directory' is missing: it names the folder of the bag")
        chosen = recorded_topics(wanted, [check_robot_name(robot) for robot in robots], scans)
        self._bag = BagWriter(Path(directory).expanduser(), dict(map(_fact, facts)))
        for topic in chosen:
            keep = self._keeping(self._bag.add(topic))
            qos = names.QoS(False, False, DEPTH) if topic.name == names.INTENTIONS else reading(topic.qos)
            self.create_subscription(topic.type, topic.name, keep, profile(qos), raw=True)
        self.every(FLUSH_PERIOD, self._bag.flush)

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _keeping(self, connection: Any) -> Callable[[bytes], None]:
        def keep(data: bytes) -> None:
            self._bag.write(connection, self._now(), data)

        return keep

    def stop(self) -> None:
        """Complete the bag."""
        self._bag.close()


def _fact(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise InputError(f"parameter 'facts' has {text!r}: each entry must be key=value")
    return key, value


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(RecorderNode, args)


if __name__ == "__main__":
    sys.exit(main())
