"""One MCAP file of a bag, which stays readable whatever happens to the disk or to the process that writes it.

The library's writer writes into memory; the file is given whole records only, with each flush. What a disk refuses is
kept for the next flush. A file whose end is refused is cut to whole records and closed without an index.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mcap.writer import CompressionType, Writer

from ewm_ros import __version__
from ewm_ros.bag_facts import METADATA_NAME
from ewm_ros.bag_metadata import BagFile, BagTopic, as_yaml, bag_information, offered_qos

MAGIC = b"\x89MCAP0\r\n"
# The records DataEnd and Footer, which say that there is no index, and the magic.
SHORT_END = struct.pack("<BQI", 0x0F, 4, 0) + struct.pack("<BQQQI", 0x02, 20, 0, 0, 0) + MAGIC

OpenFile = Callable[[Path], BinaryIO]


class Entry(NamedTuple):
    """A message to be written; channel: index of its topic; time: ns."""

    channel: int
    time: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic of the file, with the definition of its messages as .msg text."""

    topic: BagTopic
    definition: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is in the file.

    Attributes:
        size: bytes.
        first, last: ns, times of the messages; 0 if there are none.
        counts: messages by channel.
    """

    size: int = 0
    first: int = 0
    last: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def and_then(self, size: int, entries: Sequence[Entry]) -> _Kept:
        """With more bytes and entries."""
        times = [entry.time for entry in entries] + ([self.first, self.last] if self.counts else [])
        counts = self.counts + Counter(entry.channel for entry in entries)
        return _Kept(self.size + size, min(times, default=0), max(times, default=0), counts)


class _Spool:
    """What the library writes to: memory, from which the file is fed."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self._passed = 0

    def write(self, data: bytes) -> int:
        self.waiting += data
        return len(data)

    def tell(self) -> int:
        return self._passed + len(self.waiting)

    def flush(self) -> None:
        pass

    def passed_on(self) -> None:
        """What waited is in the file."""
        self._passed += len(self.waiting)
        self.waiting = bytearray()


def open_unbuffered(path: Path) -> BinaryIO:
    """A new file, every write to which is known to have succeeded or not."""
    return path.open("xb", buffering=0)


class McapFile:
    """One file being written. Its beginning and the facts are in the file at once.

    Args:
        path: of a file that does not exist.
        channels: all topics, also those of which nothing will come.
        facts: kept in a metadata record of their own, and in rosbag2's.
        open_file: opens the file unbuffered.

    Raises:
        OSError: the disk refuses the file.
    """

    def __init__(
        self,
        path: Path,
        channels: Sequence[Channel],
        facts: Mapping[str, str],
        open_file: OpenFile = open_unbuffered,
    ) -> None:
        self._path = path
        self._channels = channels
        self._facts = facts
        self._spool = _Spool()
        self._writer = Writer(self._spool, compression=CompressionType.ZSTD)
        self._writer.start("ros2", f"ewm_ros-{__version__}")
        self._writer.add_metadata(METADATA_NAME, dict(facts))
        self._ids = self._register(channels)
        self.unsaved: list[Entry] = []  # what no flush has brought to the file
        self._newest: list[Entry] = []  # what the newest flush has
        self._kept = _Kept()
        self._file = open_file(path)
        try:
            self.flush()
        except OSError:
            self._file.close()
            with suppress(OSError):
                path.unlink()
            raise
        self._before = self._kept  # without the newest entries

    def _register(self, channels: Sequence[Channel]) -> list[int]:
        schemas: dict[str, int] = {}
        ids = []
        for channel in channels:
            topic = channel.topic
            if topic.type_name not in schemas:
                definition = channel.definition.encode()
                schemas[topic.type_name] = self._writer.register_schema(topic.type_name, "ros2msg", definition)
            told = {"offered_qos_profiles": as_yaml(offered_qos(topic.qos)), "topic_type_hash": topic.type_hash}
            ids.append(self._writer.register_channel(topic.name, "cdr", schemas[topic.type_name], told))
        return ids

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._kept.size

    @property
    def first(self) -> int:
        """Time of the first message in the file, ns; 0 if there is none."""
        return self._kept.first

    @property
    def last(self) -> int:
        """Time of the last message in the file, ns; 0 if there is none."""
        return self._kept.last

    @property
    def saved(self) -> Counter[int]:
        """How many messages of each channel are in the file."""
        return self._kept.counts

    def write(self, entry: Entry) -> None:
        """Take a message, which the next flush brings to the file."""
        self._writer.add_message(self._ids[entry.channel], entry.time, entry.data, entry.time)
        self.unsaved.append(entry)

    def flush(self) -> None:
        """Bring all that was taken to the file, so that it outlives this process.

        Raises:
            OSError: the disk refuses it; nothing is lost, the next flush tries again.
        """
        self._writer.flush()
        self._feed(bytes(self._spool.waiting))
        if self.unsaved:
            self._before, self._newest = self._kept, self.unsaved
        self._kept = self._kept.and_then(len(self._spool.waiting), self.unsaved)
        self._spool.passed_on()
        self.unsaved = []

    def _feed(self, data: bytes) -> None:
        """Write all of it, or cut off what was written of it."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._cut(self._kept.size)
            raise

    def _cut(self, size: int) -> None:
        with suppress(OSError):  # of a disk that refuses this, too, the torn record stays
            self._file.seek(size)
            self._file.truncate()

    def close(self) -> BagFile:
        """Complete the file; what it holds. What the disk still refuses is left in `unsaved`."""
        with suppress(OSError):
            self.flush()
        try:
            if self.unsaved:
                self._end_short()
            else:
                self._end()
        finally:
            self._file.close()
        return self._told()

    def _end(self) -> None:
        channels = [channel.topic for channel in self._channels]
        told = as_yaml(bag_information(channels, [self._told()], self._facts))
        self._writer.add_metadata("rosbag2", {"serialized_metadata": told})
        self._writer.finish()
        try:
            self._feed(bytes(self._spool.waiting))
        except OSError:
            self._end_short()

    def _end_short(self) -> None:
        """End without an index; if not even that has room, in the place of the newest messages."""
        try:
            self._feed(SHORT_END)
        except OSError:
            self._kept, self.unsaved = self._before, self._newest + self.unsaved
            self._cut(self._kept.size)
            with suppress(OSError):  # torn, then: for `ewm bag recover`
                self._feed(SHORT_END)

    def _told(self) -> BagFile:
        counts = {self._channels[channel].topic.name: count for channel, count in self._kept.counts.items()}
        return BagFile(self._path.name, self._kept.first, self._kept.last, counts)
