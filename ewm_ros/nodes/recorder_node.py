"""The node that records a run: serialized messages as they come, into a rosbag2 bag (MCAP)."""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ewm_ros import __version__, names
from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import DEFAULT_PROFILE, PROFILES, BagFacts
from ewm_ros.errors import InputError
from ewm_ros.messages import check_robot_name
from ewm_ros.nodes import reporting, topics
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import ProcessNode, run_node
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.recording.bag_recording import BagRecording
from ewm_ros.nodes.recording.bag_writer import BagWriter, Split
from ewm_ros.nodes.recording.heard_once import HeardOnce
from ewm_ros.nodes.recording.recorder_profiles import Recorded, reading, recorded_topics
from ewm_ros.yaml_files import MAX_BYTES

REPORT_PERIOD = 1.0  # s
DEPTH = 1000  # of every queue: a burst may come while Python does something else
MB = 1_000_000  # bytes
MAX_MB = 1e9
# Of these, who does not latch them is to be heard, too, as the robots do.
ALSO_VOLATILE = (names.GOAL_POSE, names.ESTOP)


class RecorderNode(ProcessNode):
    """Subscribes to the topics of a run and writes what comes; stamps are the recording machine's time of day.

    Raises:
        InputError: a parameter is wrong, or the bag's folder exists already.
    """

    def __init__(self) -> None:
        super().__init__("recorder")
        parameters = Parameters(self)
        directory = parameters.text("directory", "", "Folder of the bag; must not exist.")
        chosen = parameters.choice("profile", DEFAULT_PROFILE, PROFILES, "Which topics to record.")
        wanted = parameters.texts("topics", "Topics to record in place of the profile's.")
        robots = parameters.texts("robots", "Namespaces of the robots to record.")
        told = parameters.texts("facts", "Facts to keep in the bag, each as key=value.")
        world_file = parameters.text("world_file", "", "File of the world or site, whose text is kept in the bag.")
        size = parameters.number("split_size", 0.0, "MB after which to go on in another file; 0: never.", 0.0, MAX_MB)
        duration = parameters.number("split_duration", 0.0, "s, likewise.", 0.0, 1e9)
        reserve = parameters.number("disk_reserve", 500.0, "MB of the disk that are to stay free.", 0.0, MAX_MB)
        queue = parameters.number("queue_size", 64.0, "MB that may wait for a slow disk.", 0.1, 10_000.0)
        if not directory:
            raise InputError("parameter 'directory' is missing: it names the folder of the bag")
        recorded = recorded_topics(chosen, wanted, [check_robot_name(robot) for robot in robots])
        facts = _facts(told, world_file, "" if wanted else chosen, len(robots))
        split = Split(int(size * MB), int(duration * 1e9))
        folder = Path(directory).expanduser()
        bag = BagWriter(folder, [each.topic for each in recorded], facts.as_text(), split)
        self._folder = folder
        self._recording = BagRecording(bag, recorded, int(queue * MB), int(reserve * MB))
        self._dropped: Counter[str] = Counter()
        self._warned: set[str] = set()
        self._diagnostics = self.create_publisher(
            topics.DIAGNOSTICS.type, names.DIAGNOSTICS, profile(topics.DIAGNOSTICS.qos)
        )
        for channel, each in enumerate(recorded):
            self._listen(channel, each)
        self.every(REPORT_PERIOD, self._report)

    def _listen(self, channel: int, recorded: Recorded) -> None:
        put = self._recording.put

        def keep(data: bytes) -> None:
            put(channel, time.time_ns(), data)

        topic = reading(recorded.topic, DEPTH)
        if topic.name.endswith(ALSO_VOLATILE):
            once = HeardOnce(keep)
            self._subscribe(topic, once.by(first=True))
            self._subscribe(topic.volatile, once.by(first=False))
        else:
            self._subscribe(topic, keep)

    def _subscribe(self, topic: topics.Topic, callback: Callable[[bytes], None]) -> None:
        self.create_subscription(topic.type, topic.name, callback, profile(topic.qos), raw=True)

    def _report(self) -> None:
        """Say on /diagnostics how it goes; in the log, say each cause of trouble once."""
        if not self._recording.alive:
            self.end(
                1, f"the thread that writes the bag has failed; `ewm bag recover {self._folder}` saves what it has"
            )
            return
        state = self._recording.state
        too_slow = "the disk is too slow" if state.dropped != self._dropped else ""
        self._dropped = state.dropped
        problem = state.problem or too_slow
        if problem and problem not in self._warned:
            self._warned.add(problem)
            self.get_logger().warning(f"{problem}: messages of the bag are held back, then dropped by their priority")
        values = {
            keys.BAG: str(self._folder),
            keys.WRITTEN: str(state.written),
            keys.DROPPED: keys.join_counts(state.dropped),
            keys.QUEUE: str(state.waiting),
            keys.FREE: str(state.free),
        }
        level = reporting.WARN if problem else reporting.OK
        status = reporting.status(keys.RECORDER_STATUS, "", level, problem or "recording", values)
        self._diagnostics.publish(reporting.together([status], self.ros_now()))

    def stop(self) -> None:
        """Complete the bag."""
        complete = self._recording.close()
        state = self._recording.state
        if not complete:
            reason = state.problem or "the disk is too slow"
            self.end(1, f"bag {self._folder} is not complete: {reason}; try `ewm bag recover`")
        elif lost := state.dropped.total():
            self.get_logger().warning(f"{lost} messages are not in the bag: {keys.join_counts(state.dropped)}")


def _facts(told: Sequence[str], world_file: str, chosen: str, robots: int) -> BagFacts:
    """What is told of the run, and what the recorder knows itself."""
    facts = BagFacts.parse(dict(map(_fact, told)))
    if world_file:
        text = _text(Path(world_file).expanduser())
        facts = replace(facts, world_file=text, world_sha256=hashlib.sha256(text.encode()).hexdigest())
    if facts.robots is None:
        facts = replace(facts, robots=robots)
    return replace(facts, version=__version__, profile=chosen)


def _fact(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise InputError(f"parameter 'facts' has {text!r}: each entry must be key=value")
    return key, value


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"parameter 'world_file': {path} is larger than {MAX_BYTES // 1024} KiB")
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"parameter 'world_file': {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"parameter 'world_file': {path} is not UTF-8 text") from error


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(RecorderNode, args)


if __name__ == "__main__":
    sys.exit(main())
