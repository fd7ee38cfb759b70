"""Writing serialized messages to a rosbag2 bag: a folder of MCAP files, which are split by size or time if wanted."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ewm_ros.bag_metadata import BagFile, BagTopic, metadata_yaml
from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.nodes.recording.mcap_file import Channel, Entry, McapFile, OpenFile, open_unbuffered
from ewm_ros.nodes.topics import Topic

METADATA = "metadata.yaml"


@dataclass(frozen=True, slots=True)
class Split:
    """When to go on in another file; 0: never.

    Attributes:
        size: bytes of a file.
        duration: ns from its first to its last message.
    """

    size: int = 0
    duration: int = 0

    def due(self, file: McapFile) -> bool:
        """Whether a file is full."""
        return bool(
            (self.size and file.size >= self.size) or (self.duration and file.last - file.first >= self.duration)
        )


class BagWriter:
    """One bag being written. It is complete, with its metadata.yaml, when it is closed.

    Args:
        folder: of the bag; must not exist.
        topics: whose messages may come; a message names its topic by the index in here.
        facts: what else is to be known of the run, kept as the bag's custom data.
        split: looked at after each flush, so that a file may be larger or longer by what one flush brings.
        open_file: opens a file of the bag unbuffered.

    Raises:
        InputError: the folder exists or cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        topics: Sequence[Topic],
        facts: Mapping[str, str],
        split: Split | None = None,
        open_file: OpenFile = open_unbuffered,
    ) -> None:
        if folder.exists():
            raise InputError(f"bag folder {folder} exists already: choose another one or remove it")
        self.folder = folder
        self._channels = _channels(topics)
        self._facts = facts
        self._split = split or Split()
        self._open_file = open_file
        self._done: list[BagFile] = []
        try:
            folder.mkdir(parents=True)
            self._file = self._open(0)
        except OSError as error:
            raise InputError(f"bag folder {folder} cannot be made: {error.strerror}") from error

    def _open(self, number: int) -> McapFile:
        path = self.folder / f"{self.folder.name}_{number}.mcap"
        return McapFile(path, self._channels, self._facts, self._open_file)

    @property
    def saved(self) -> int:
        """How many messages are in the files."""
        return sum(file.messages for file in self._done) + self._file.saved.total()

    @property
    def unsaved(self) -> Counter[int]:
        """How many messages of each topic no flush has brought to a file."""
        return Counter(entry.channel for entry in self._file.unsaved)

    def write(self, entry: Entry) -> None:
        """Take a message, which the next flush brings to the file."""
        self._file.write(entry)

    def flush(self) -> None:
        """Bring all that was taken to the file, so that it outlives this process.

        Raises:
            OSError: the disk refuses it; nothing is lost, the next flush tries again.
        """
        try:
            self._file.flush()
        except OSError as error:
            if error.errno != errno.EFBIG or not self._file.saved:
                raise
            self._go_on_in_another()  # this file cannot grow any more, but the disk may have room
            self._file.flush()
        if self._split.due(self._file):
            self._go_on_in_another()

    def _go_on_in_another(self) -> None:
        full, self._file = self._file, self._open(len(self._done) + 1)
        self._done.append(full.close())
        for entry in full.unsaved:
            self._file.write(entry)

    def close(self) -> None:
        """Complete the bag with what the disk takes.

        Raises:
            OSError: it does not take metadata.yaml.
        """
        told = [*self._done, self._file.close()]
        text = metadata_yaml([channel.topic for channel in self._channels], told, self._facts)
        part = self.folder / f"{METADATA}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / METADATA)


def _channels(topics: Sequence[Topic]) -> list[Channel]:
    types = message_types()
    definitions = {name: types.generate_msgdef(name, ros_version=2)[0] for name in {t.type_name for t in topics}}
    return [
        Channel(BagTopic(t.name, t.type_name, types.hash_rihs01(t.type_name), t.qos), definitions[t.type_name])
        for t in topics
    ]
