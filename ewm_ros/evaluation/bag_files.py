"""Rosbags on disk: finding them, telling them apart by their content, and reading their messages without ROS."""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import apsw
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError
from rosbags.typesys.store import Typestore

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.names import PACKAGE

if sys.version_info >= (3, 14):  # as rosbags does
    from compression import zstd
else:
    from backports import zstd

METADATA = "metadata.yaml"
STORAGES = (".mcap", ".db3")
BLOCK = 1 << 20  # bytes read at once

# What damaged bags make rosbags and the libraries under it raise, as found by flipping bytes and by reading them.
DAMAGED = (
    AnyReaderError,
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

    def __init__(self, reader: AnyReader, known: Typestore) -> None:
        self._reader = reader
        self.topics = {(c.topic, c.msgtype) for c in reader.connections}
        own = {kind for _, kind in self.topics if kind.startswith(f"{PACKAGE}/") and kind in known.fielddefs}
        self.outdated = {kind for kind in own if reader.typestore.fielddefs[kind] != known.fielddefs[kind]}

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
            with _intact():
                found = next(messages, None)
                if found is None:
                    return
                connection, _, data = found
                message = self._reader.deserialize(data, connection.msgtype)
            yield (connection.topic, connection.msgtype), message


@contextmanager
def open_bag(bag: Path) -> Iterator[BagMessages]:
    """A bag to read; types that it does not define are those of ROS 2 Jazzy and this package.

    Raises:
        InputError: the bag is damaged, was never completed, or is of a kind that rosbags does not read.
    """
    known = message_types()
    with ExitStack() as stack:
        with _intact():
            messages = BagMessages(stack.enter_context(AnyReader([bag], default_typestore=known)), known)
        yield messages


@contextmanager
def _intact() -> Iterator[None]:
    """Whatever rosbags stumbles over in here is the bag's fault."""
    try:
        yield
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"it is damaged or was never completed: {reason}") from error
