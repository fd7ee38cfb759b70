"""What metadata.yaml says of a rosbag2 bag (version 9) of MCAP files, and how a bag tells qualities of service."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ewm_ros.names import QoS

# libyaml's is several times faster, but PyYAML can be installed without it.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
FOREVER = {"sec": 2**31 - 1, "nsec": 10**9 - 1}


@dataclass(frozen=True, slots=True)
class BagTopic:
    """A topic of a bag.

    Attributes:
        type_name: e.g. nav_msgs/msg/Path.
        type_hash: of the type as ROS hashes it, RIHS01_...
    """

    name: str
    type_name: str
    type_hash: str
    qos: QoS


@dataclass(frozen=True, slots=True)
class BagFile:
    """A file of a bag.

    Attributes:
        name: in the bag's folder.
        first, last: ns, times of its messages; 0 if there are none.
        counts: messages by topic.
    """

    name: str
    first: int = 0
    last: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """How many it holds."""
        return sum(self.counts.values())


def offered_qos(qos: QoS) -> list[dict[str, Any]]:
    """A quality of service as a bag keeps it, so that latched topics are latched again when the bag is played."""
    return [
        {
            "history": "keep_last",
            "depth": qos.depth,
            "reliability": "reliable" if qos.reliable else "best_effort",
            "durability": "transient_local" if qos.latched else "volatile",
            "deadline": FOREVER,
            "lifespan": FOREVER,
            "liveliness": "automatic",
            "liveliness_lease_duration": FOREVER,
            "avoid_ros_namespace_conventions": False,
        }
    ]


def metadata_yaml(topics: Sequence[BagTopic], files: Sequence[BagFile], facts: Mapping[str, str]) -> str:
    """The text of metadata.yaml.

    Args:
        files: in the order in which they were written.
        facts: what else is known, the bag's custom data.
    """
    return as_yaml({"rosbag2_bagfile_information": bag_information(topics, files, facts)})


def bag_information(
    topics: Sequence[BagTopic], files: Sequence[BagFile], facts: Mapping[str, str]
) -> dict[str, object]:
    """What a bag says of itself. See metadata_yaml."""
    counted = [
        topic_entry(
            topic.name,
            topic.type_name,
            topic.type_hash,
            offered_qos(topic.qos),
            sum(file.counts.get(topic.name, 0) for file in files),
        )
        for topic in topics
    ]
    return information(counted, files, facts)


def topic_entry(name: str, kind: str, type_hash: str, qos: object, count: int) -> dict[str, object]:
    """What a bag says of one topic with messages of ROS 2; qos: a list as offered_qos makes."""
    told = {
        "name": name,
        "type": kind,
        "serialization_format": "cdr",
        "offered_qos_profiles": qos,
        "type_description_hash": type_hash,
    }
    return {"topic_metadata": told, "message_count": count}


def information(
    topics: Sequence[Mapping[str, object]], files: Sequence[BagFile], facts: Mapping[str, str], packing: str = ""
) -> dict[str, object]:
    """What a bag says of itself.

    Args:
        topics: entries of topics.
        packing: what each message is compressed with; that of chunks inside the files is said by these.
    """
    return {
        "version": 9,
        "storage_identifier": "mcap",
        "relative_file_paths": [file.name for file in files],
        **_span(files),
        "topics_with_message_count": list(topics),
        "compression_format": packing,
        "compression_mode": "message" if packing else "",
        "files": [{"path": file.name, **_span([file])} for file in files],
        "custom_data": dict(facts),
        "ros_distro": os.environ.get("ROS_DISTRO", ""),
    }


def _span(files: Sequence[BagFile]) -> dict[str, object]:
    filled = [file for file in files if file.messages]
    first = min((file.first for file in filled), default=0)
    last = max((file.last for file in filled), default=0)
    return {
        "duration": {"nanoseconds": last - first},
        "starting_time": {"nanoseconds_since_epoch": first},
        "message_count": sum(file.messages for file in files),
    }


def as_yaml(content: object) -> str:
    """YAML that ROS reads, too: no anchors, keys in the order given."""
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(_Dumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True
