"""What a bag really holds, whatever its metadata.yaml says and whether it was ever completed: every message is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.metadata import parse_qos

from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import METADATA, STORAGES, no_bag
from ewm_ros.evaluation.bags.bag_storage import Channel, Message, Storage
from ewm_ros.evaluation.bags.mcap_scan import McapScan
from ewm_ros.evaluation.bags.sqlite_scan import SqliteScan

CDR = "cdr"  # how ROS 2 serializes
ZSTD = b"\x28\xb5\x2f\xfd"  # what each message begins with if they are compressed one by one; no CDR begins so
STRIDE = 1000  # messages between two tellings of progress

# Loaded by libyaml where PyYAML has it: a recorder keeps whole world files in metadata.yaml.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Progress = Callable[[float], None]


@dataclass(slots=True)
class Tally:
    """Messages that were counted.

    Attributes:
        size: bytes of their data.
        first, last: ns, of their times.
    """

    count: int = 0
    size: int = 0
    first: int = 2**64
    last: int = 0

    @classmethod
    def of(cls, tallies: Iterable[Tally]) -> Tally:
        """Several together."""
        total = cls()
        for tally in tallies:
            total.include(tally)
        return total

    def add(self, size: int, time: int) -> None:
        """Count a message."""
        self.count += 1
        self.size += size
        self.first, self.last = min(self.first, time), max(self.last, time)

    def include(self, other: Tally) -> None:
        """Count what another one has."""
        self.count += other.count
        self.size += other.size
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)

    @property
    def seconds(self) -> float:
        """From the first one to the last."""
        return (self.last - self.first) * 1e-9 if self.count else 0.0


class Topic(NamedTuple):
    """A topic as readers tell them apart; qos: YAML."""

    name: str
    type: str
    qos: str


@dataclass(frozen=True, slots=True)
class FileSurvey:
    """What one storage file holds.

    Attributes:
        channels: those of ROS 2 messages, by the number that their messages have.
        tallies: of their messages, by the same number.
        read: how many messages there are of any channel.
        packed: how many of them are compressed one by one.
    """

    storage: Storage
    channels: Mapping[int, Channel]
    tallies: Mapping[int, Tally]
    read: int
    packed: int

    @property
    def total(self) -> Tally:
        """All its messages together."""
        return Tally.of(self.tallies.values())


@dataclass(frozen=True, slots=True)
class BagSurvey:
    """What a bag holds.

    Attributes:
        facts: its custom data.
        problems: what is wrong, each in one line; none of a whole bag.
        told: how many messages its metadata.yaml tells of; 0 if that says nothing.
    """

    bag: Path
    files: tuple[FileSurvey, ...]
    facts: Mapping[str, str]
    problems: tuple[str, ...] = ()
    topics: Mapping[Topic, Tally] = field(default_factory=dict)
    told: int = 0

    @property
    def total(self) -> Tally:
        """All messages together."""
        return Tally.of(self.topics.values())

    @property
    def unread(self) -> int:
        """Bytes that are neither records nor rows."""
        return sum(file.storage.damage.unread for file in self.files)

    @property
    def lost(self) -> int:
        """Messages that are known to be missing; there may be more."""
        return max(sum(file.storage.damage.lost for file in self.files), self.told - self.total.count)

    @property
    def packing(self) -> str:
        """What each message is compressed with; empty if it is not."""
        packed = sum(file.packed for file in self.files)
        return "zstd" if packed and packed == self.total.count else ""


def open_storage(path: Path) -> Storage:
    """A storage file, to be read once."""
    return McapScan(path) if path.suffix == ".mcap" else SqliteScan(path)


def storage_files(bag: Path) -> list[Path]:
    """The storage files of a bag, in the order in which they were written: `bag_9` comes before `bag_10`.

    Raises:
        InputError: there are none.
    """
    if complaint := no_bag(bag):
        raise InputError(f"{bag} {complaint}")
    if bag.is_file():
        return [bag]
    return sorted(
        (path for path in bag.iterdir() if path.suffix in STORAGES and path.is_file()),
        key=lambda path: [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", path.stem))],
    )


def survey(bag: Path, progress: Progress | None = None) -> BagSurvey:
    """Read a whole bag, a folder or a single file.

    Args:
        progress: told how much has been done, 0 to 1.

    Raises:
        InputError: it is no bag, or the operating system does not let it be read.
    """
    paths = storage_files(bag)
    sizes = [path.stat().st_size for path in paths]
    files: list[FileSurvey] = []
    for path, size in zip(paths, sizes, strict=True):
        begin = sum(sizes[: len(files)])
        of = max(1, sum(sizes))
        files.append(_survey_file(path, part(progress, begin / of, size / of)))
    problems = tuple(problem for file in files for problem in file.storage.damage.problems)
    facts = {key: value for file in files for key, value in file.storage.facts.items()}
    found = BagSurvey(bag, tuple(files), facts, problems, topics_of(files))
    return _with_metadata(found) if bag.is_dir() else found


def part(progress: Progress | None, begin: float, share: float) -> Progress | None:
    """Progress of a part of the work, that begins when so much is done and is so much of it."""
    return None if progress is None else lambda done: progress(begin + share * done)


def told_messages(storage: Storage, progress: Progress | None) -> Iterator[Message]:
    """A file's messages, with progress told from time to time."""
    for number, message in enumerate(storage.messages()):
        if progress is not None and number % STRIDE == 0:
            progress(storage.position)
        yield message
    if progress is not None:
        progress(1.0)


def _survey_file(path: Path, progress: Progress | None) -> FileSurvey:
    storage = open_storage(path)
    tallies: dict[int, Tally] = {}
    packed = 0
    for message in told_messages(storage, progress):
        tally = tallies.get(message.channel)
        if tally is None:
            tally = tallies[message.channel] = Tally()
        tally.add(len(message.data), message.time)
        packed += message.data[:4] == ZSTD
    channels = {number: channel for number, channel in storage.channels.items() if channel.serialization == CDR}
    usable = {number: tally for number, tally in tallies.items() if number in channels}
    damage, name = storage.damage, path.name
    if undefined := sum(tally.count for number, tally in tallies.items() if number not in storage.channels):
        damage.lost += undefined
        damage.tell(f"{name}: {undefined} messages are lost, since the definition of their topics is")
    if foreign := {c.serialization for n, c in storage.channels.items() if n not in channels}:
        damage.tell(f"{name}: messages that are no ROS 2 messages ({', '.join(sorted(foreign))}) are left out")
    read = sum(tally.count for tally in tallies.values())
    return FileSurvey(storage, channels, usable, read, packed)


def topics_of(files: Iterable[FileSurvey]) -> dict[Topic, Tally]:
    """The topics of some files of a bag, also those without messages."""
    topics: dict[Topic, Tally] = {}
    for file in files:
        for number, channel in file.channels.items():
            tally = topics.setdefault(Topic(channel.topic, channel.type, channel.qos), Tally())
            if more := file.tallies.get(number):
                tally.include(more)
    return topics


def _with_metadata(found: BagSurvey) -> BagSurvey:
    """With what metadata.yaml knows, and with what is wrong with it."""
    told, complaint = _metadata(found.bag)
    wrong = [complaint] if complaint else _wrong(told, found)
    custom, count = told.get("custom_data"), told.get("message_count")
    more = {str(key): str(value) for key, value in custom.items()} if isinstance(custom, dict) else {}
    return replace(
        found,
        facts={**found.facts, **more},
        problems=(*found.problems, *wrong),
        told=count if isinstance(count, int) else 0,
    )


def _metadata(bag: Path) -> tuple[dict[str, Any], str]:
    """What metadata.yaml says, and what is wrong with it."""
    path = bag / METADATA
    if not path.exists():
        return {}, f"it has no {METADATA}: it was never completed"
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), _Loader)["rosbag2_bagfile_information"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError, yaml.YAMLError) as error:
        return {}, f"its {METADATA} cannot be read: {' '.join(str(error).split())[:100]}"
    return (told, "") if isinstance(told, dict) else ({}, f"its {METADATA} says nothing")


def _wrong(told: Mapping[str, Any], found: BagSurvey) -> list[str]:
    """What metadata.yaml says that is not so."""
    try:
        listed = {Path(name).name for name in told["relative_file_paths"]}
        there = {file.storage.path.name for file in found.files}
        wrong = [f"{name}, which its {METADATA} lists, is missing" for name in sorted(listed - there)]
        wrong += [f"its {METADATA} does not list {name}" for name in sorted(there - listed)]
        if (count := told["message_count"]) != found.total.count:
            wrong.append(f"its {METADATA} tells of {count} messages, and there are {found.total.count}")
        entries = [entry["topic_metadata"] for entry in told["topics_with_message_count"]]
        listed_topics = [(e["name"], e["type"], parse_qos(e.get("offered_qos_profiles", []))) for e in entries]
        for topic, tally in found.topics.items():
            if tally.count and (topic.name, topic.type, parse_qos(topic.qos)) not in listed_topics:
                wrong.append(f"its {METADATA} does not have topic {topic.name} as the files do")
    except (LookupError, TypeError, AttributeError, ReaderError):
        return [f"its {METADATA} does not say what it should"]
    return wrong
