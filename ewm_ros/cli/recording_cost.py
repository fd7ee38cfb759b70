"""What `ewm bench record` measures: the CPU of a recorder process that hears what a driving fleet sends."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from ewm_ros.bag_facts import Profile
from ewm_ros.cli.demo import RunFailed
from ewm_ros.deployment.processes import ProcessSpec
from ewm_ros.evaluation.bags.bag_files import METADATA
from ewm_ros.names import DIAGNOSTICS, robot_name

WARM_UP = 1.0  # s


@dataclass(frozen=True, slots=True)
class RecordingCost:
    """What came of one measurement.

    Attributes:
        messages_per_s, bytes_per_s: that were sent.
        bag_bytes_per_s: that they took on the disk.
        cpu_share: of one core, all threads of the recorder.
        dropped: messages that were sent and are not in the bag, for whatever reason.
    """

    robots: int
    profile: Profile
    messages_per_s: float
    bytes_per_s: float
    bag_bytes_per_s: float
    cpu_share: float
    dropped: int

    def as_json(self) -> dict[str, object]:
        """The figures as `ewm bench record --json` prints them."""
        return {
            "robots": self.robots,
            "profile": self.profile,
            "messages_per_s": round(self.messages_per_s, 1),
            "bytes_per_s": round(self.bytes_per_s),
            "bag_bytes_per_s": round(self.bag_bytes_per_s),
            "cpu_share": round(self.cpu_share, 4),
            "dropped": self.dropped,
        }


def recording_cost(robots: int, seconds: float, profile: Profile, seed: int) -> RecordingCost:
    """Record the messages of this many robots for some seconds.

    Raises:
        InputError: there is no ROS 2.
        RunFailed: the recorder failed.
    """
    from ewm_ros.cli.fleet_processes import FleetProcesses, need_ros, use_private_domain

    need_ros()
    from ewm_ros.nodes.recording.recorder_profiles import recorded_topics
    from ewm_ros.nodes.recording.recording_load import RecordingLoad

    use_private_domain()
    names = [robot_name(index) for index in range(robots)]
    topics = [each.topic.name for each in recorded_topics(profile, (), names)]
    with tempfile.TemporaryDirectory(prefix="ewm-record-") as folder:
        bag = Path(folder, "bag")
        spec = ProcessSpec(
            "recorder_node", "recorder", "", {"directory": str(bag), "robots": names, "profile": profile}
        )
        with RecordingLoad(robots, topics, seed) as load, FleetProcesses([spec], Path(folder)) as processes:
            if not load.wait_for_listener():
                _, status, line = processes.first_failure() or ("", None, "it does not listen to all topics")
                raise RunFailed(f"the recorder has failed (status {status}): {line}")
            warm = load.publish(WARM_UP)
            cpu, size, began = cpu_seconds(processes.pid("recorder")), _size(bag), time.monotonic()
            sent = load.publish(seconds)
            elapsed = time.monotonic() - began
            cpu, size = cpu_seconds(processes.pid("recorder")) - cpu, _size(bag) - size
        kept = _kept(bag)
    every = {topic: count for topic, count in (warm.messages + sent.messages).items() if topic != DIAGNOSTICS}
    return RecordingCost(
        robots=robots,
        profile=profile,
        messages_per_s=sent.messages.total() / elapsed,
        bytes_per_s=sent.bytes / elapsed,
        bag_bytes_per_s=size / elapsed,
        cpu_share=cpu / elapsed,
        dropped=sum(count - kept[topic] for topic, count in every.items()),
    )


def cpu_seconds(pid: int) -> float:
    """CPU time that all threads of a process have taken so far, in user and in system mode (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _size(bag: Path) -> int:
    return sum(path.stat().st_size for path in bag.glob("*.mcap"))


def _kept(bag: Path) -> dict[str, int]:
    """Messages in a bag by topic."""
    try:
        told = yaml.safe_load((bag / METADATA).read_text(encoding="utf-8"))["rosbag2_bagfile_information"]
    except FileNotFoundError:
        raise RunFailed("the recorder has not completed its bag") from None
    return {topic["topic_metadata"]["name"]: topic["message_count"] for topic in told["topics_with_message_count"]}
