"""Rosbags on disk: finding them, telling them apart by their content, and reading their messages without ROS."""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import apsw
from mcap.exceptions import McapError
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError
from rosbags.typesys.store import Typestore

from ewm_ros.bag_facts import METADATA_NAME, BagFacts
from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.names import PACKAGE

if sys.version_info >= (3, 14):  # as rosbags does
    from compression import zstd
else:
    from backports import zstd

METADATA = "metadata.yaml"
STORAGES = (".mcap", ".db3")
PACKED = ".zstd"  # of files that `ros2 bag record --compression-mode file` has compressed
BLOCK = 1 << 20  # bytes read at once

# What damaged bags make rosbags and the libraries under it raise, as found by flipping bytes and by reading them.
DAMAGED = (
    AnyReaderError,
    McapError,
    ReaderError,
    SerdeError,
    TypesysError,
    zstd.ZstdError,
    apsw.Error,
    struct.error,
    AssertionError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


class DamagedBag(InputError):
    """What is in a bag cannot be read."""


def find_bags(folder: Path) -> list[Path]:
    """All bags in a folder and below it: folders with a metadata.yaml, and .mcap or .db3 files in other folders.

    Raises:
        InputError: there is no such folder, or no bag in it.
    """
    if not folder.is_dir():
        raise InputError(f"bag folder {folder} {'is not a folder' if folder.exists() else 'does not exist'}")
    recorded = {path.parent for path in folder.rglob(METADATA)}
    loose = {
        path for path in folder.rglob("*") if path.suffix in STORAGES and path.is_file() and path.parent not in recorded
    }
    if not recorded and not loose:
        raise InputError(f"{folder} holds no rosbag: neither a folder with {METADATA} nor an .mcap or .db3 file")
    return sorted(recorded | loose)


def content_hash(bag: Path) -> str:
    """SHA-256 of a bag's messages as they are stored; metadata.yaml, which may be written anew, does not count.

    Raises:
        InputError: a file cannot be read.
    """
    files = (
        sorted(path for path in bag.iterdir() if path.is_file() and path.name != METADATA) if bag.is_dir() else [bag]
    )
    digest = hashlib.sha256()
    try:
        for path in files:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}") from error
    return digest.hexdigest()


class BagMessages:
    """The messages of an open bag.

    Attributes:
        topics: (name, message type) of each; one name may have several types.
        outdated: those of this package's types that mean something else in the bag than here.
    """

    def __init__(self, bag: Path, reader: AnyReader, known: Typestore) -> None:
        self._bag = bag
        self._reader = reader
        self.topics = {(c.topic, c.msgtype) for c in reader.connections}
        own = {kind for _, kind in self.topics if kind.startswith(f"{PACKAGE}/") and kind in known.fielddefs}
        self.outdated = {kind for kind in own if reader.typestore.fielddefs[kind] != known.fielddefs[kind]}

    @property
    def span(self) -> tuple[int, int]:
        """ns from the first message to the last one, as the recorder's clock showed them; equal if there is none."""
        return (self._reader.start_time, self._reader.end_time) if self._reader.message_count else (0, 0)

    def facts(self) -> BagFacts:
        """What the bag was told of the run that it holds, in its metadata.yaml or in its MCAP files.

        Raises:
            InputError: it is damaged, or a fact is not what its key means.
        """
        with _intact(self._bag):
            told = _facts_in_files(self._bag)
            for reader in self._reader.readers:
                if isinstance(reader, Reader):
                    told.update(reader.storage.metadata.custom or {})
        return BagFacts.parse(told)

    def raw(self, topics: Collection[tuple[str, str]] | None = None) -> Iterator[tuple[tuple[str, str], int, bytes]]:
        """(name, type), ns and serialized message of all messages, of some topics if they are given.

        Raises:
            InputError: the bag is damaged.
        """
        connections = [c for c in self._reader.connections if topics is None or (c.topic, c.msgtype) in topics]
        with _intact(self._bag):  # what the reader of these messages raises does not come by here
            for connection, heard, data in self._reader.messages(connections) if connections else ():
                yield (connection.topic, connection.msgtype), heard, data

    def decode(self, kind: str, data: bytes) -> Any:
        """A message of a type.

        Raises:
            DamagedBag: it is none.
        """
        with _intact(self._bag):
            return self._reader.deserialize(data, kind)

    def read(self, topics: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], Any]]:
        """(name, type) and message of all messages of some topics, in the order in which they were recorded.

        Raises:
            InputError: the bag is damaged.
        """
        wanted = set(topics)
        connections = [c for c in self._reader.connections if (c.topic, c.msgtype) in wanted]
        if not connections:
            return
        messages = self._reader.messages(connections)
        while True:
            with _intact(self._bag):
                found = next(messages, None)
                if found is None:
                    return
                connection, _, data = found
                message = self._reader.deserialize(data, connection.msgtype)
            yield (connection.topic, connection.msgtype), message


def _facts_in_files(bag: Path) -> dict[str, str]:
    """What the MCAP files of a bag hold of facts."""
    told: dict[str, str] = {}
    for path in sorted(bag.glob("*.mcap")) if bag.is_dir() else [bag]:
        if path.suffix == ".mcap":
            with path.open("rb") as file:
                for record in make_reader(file).iter_metadata():
                    if record.name == METADATA_NAME:
                        told.update(record.metadata)
    return told


def no_bag(bag: Path) -> str:
    """Why a path cannot be a bag, for a line that begins with its name; empty if it can."""
    if not bag.exists():
        return "does not exist"
    if not bag.is_dir():
        if bag.suffix not in STORAGES:
            return f"is no bag: neither a folder nor a file of {' or '.join(STORAGES)}"
        return "" if bag.stat().st_size else "is empty: nothing was recorded"
    if any(path.suffix in STORAGES for path in bag.iterdir()):
        return ""
    packed = sorted(path.name for path in bag.iterdir() if path.suffix == PACKED)
    if packed:
        return f"holds files that are compressed as a whole: unpack them (`zstd -d {packed[0]}`)"
    return f"is no bag: no file of {' or '.join(STORAGES)} is in it"


@contextmanager
def open_bag(bag: Path) -> Iterator[BagMessages]:
    """A bag to read; types that it does not define are those of ROS 2 Jazzy and this package.

    Raises:
        InputError: the bag is damaged, was never completed, or is of a kind that rosbags does not read.
    """
    known = message_types()
    if not (bag / METADATA).is_file():
        if complaint := no_bag(bag):
            raise InputError(f"it {complaint}")
        if bag.is_dir():
            raise InputError(f"it was never completed: {remedy(bag)}")
    with ExitStack() as stack:
        with _intact(bag):
            messages = BagMessages(bag, stack.enter_context(AnyReader([bag], default_typestore=known)), known)
        yield messages


def remedy(bag: Path) -> str:
    """What to do with a bag that is not whole, for the end of a line."""
    return f"`ewm bag recover {bag}` makes a whole one of what is left"


@contextmanager
def _intact(bag: Path) -> Iterator[None]:
    """Whatever rosbags stumbles over in here is the bag's fault."""
    try:
        yield
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedBag(f"it is damaged or was never completed: {reason}; {remedy(bag)}") from error
