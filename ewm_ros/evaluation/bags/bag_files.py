"""Rosbags on disk: finding them, telling them apart by their content, and reading their messages without ROS."""

from __future__ import annotations

import hashlib
import re
import shlex
import struct
import sys
from collections.abc import Collection, Iterator
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
from ewm_ros.evaluation.bags.mcap_frames import HEADER_SIZE, MAGIC
from ewm_ros.names import PACKAGE

if sys.version_info >= (3, 14):  # as rosbags does
    from compression import zstd
else:
    from backports import zstd

METADATA = "metadata.yaml"
# Of each kind of storage file its name, how it begins, and bytes without which there is no message in it.
FORMATS = {".mcap": ("MCAP", MAGIC, len(MAGIC) + HEADER_SIZE), ".db3": ("sqlite3", b"SQLite format 3\0", 100)}
STORAGES = tuple(FORMATS)
PACKED = ".zstd"  # of files that `ros2 bag record --compression-mode file` has compressed
RECOVERED = "_recovered"  # at the end of the name of what `ewm bag recover` makes of a bag, if no other is asked for
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


def bag_path(path: Path) -> Path:
    """The bag that a user names: by its metadata.yaml, too."""
    return path.parent if path.name == METADATA else path


def find_bags(folder: Path) -> list[Path]:
    """All bags in a folder and below it: folders with a metadata.yaml, and .mcap or .db3 files in other folders.

    Files `<folder>_N` without a metadata.yaml beside them are the parts of one bag that was never completed: their
    folder stands for them. Such a bag, or a single file, is left out if what was recovered of it lies beside it, under
    the name that `ewm bag recover` gives. Of a bag that was completed, what was recovered before is left out instead:
    so no run counts twice.

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
    parts = {path for path in loose if _is_part(path)}
    uncompleted = {path.parent for path in parts} | (loose - parts)
    left = {path for path in uncompleted if _recovered(path) not in recorded}
    return sorted(left | recorded - {_recovered(path) for path in recorded})


def _is_part(path: Path) -> bool:
    """Whether a file is called as one of the files of a bag in its folder is."""
    return re.fullmatch(rf"{re.escape(path.parent.resolve().name)}_[0-9]+", path.stem) is not None


def _recovered(bag: Path) -> Path:
    """Where `ewm bag recover` puts what it makes of a bag."""
    return bag.parent / f"{bag.stem if bag.is_file() else bag.name}{RECOVERED}"


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
            InputError: it is none. The bag may be whole nevertheless: its messages are kept as they were published.
        """
        try:
            return self._reader.deserialize(data, kind)
        except DAMAGED as error:
            raise InputError(f"what was published as {kind} cannot be decoded") from error


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
    if packed := _packed(bag):
        return f"holds files that are compressed as a whole: unpack them (`zstd -d {packed[0]}`)"
    return f"is no bag: no file of {' or '.join(STORAGES)} is in it"


def _packed(bag: Path) -> list[str]:
    """Names of the files in a folder that are compressed as a whole."""
    return sorted(path.name for path in bag.iterdir() if path.suffix == PACKED)


def _hollow(bag: Path) -> str:
    """Why none of a bag's storage files can hold a message, for a line; empty if one may."""
    if bag.is_file():
        return f"it {flaw}" if (flaw := _flaw(bag)) else ""
    files = sorted(path for path in bag.iterdir() if path.suffix in STORAGES and path.is_file())
    flaws = [_flaw(path) for path in files]
    return f"its {files[0].name} {flaws[0]}" if flaws and all(flaws) else ""


def _flaw(path: Path) -> str:
    """Why a storage file cannot hold a message, as far as its first and last bytes show it; empty if it may."""
    name, magic, smallest = FORMATS[path.suffix]
    size = path.stat().st_size
    with path.open("rb") as file:
        marked = file.read(len(magic)) == magic
        if not marked:  # what follows a damaged beginning can be recovered, and MCAP files end as they begin
            file.seek(max(0, size - len(magic)))
            marked = file.read() == magic
    if size and not marked:
        return f"is no {name} file"
    return "is empty: nothing was recorded" if size < smallest else ""


@contextmanager
def open_bag(bag: Path) -> Iterator[BagMessages]:
    """A bag to read; types that it does not define are those of ROS 2 Jazzy and this package.

    Raises:
        InputError: the bag is damaged, was never completed, or is of a kind that rosbags does not read.
    """
    known = message_types()
    completed = (bag / METADATA).is_file()
    if (complaint := no_bag(bag)) and not (completed and _packed(bag)):  # rosbags unpacks what metadata.yaml lists
        raise InputError(f"it {complaint}")
    with _intact(bag):
        complaint = _hollow(bag)
    if complaint:
        raise InputError(complaint)
    if bag.is_dir() and not completed:
        raise InputError(f"it was never completed: {remedy(bag)}")
    with ExitStack() as stack:
        with _intact(bag):
            messages = BagMessages(bag, stack.enter_context(AnyReader([bag], default_typestore=known)), known)
        yield messages


def remedy(bag: Path) -> str:
    """What to do with a bag that is not whole, for the end of a line."""
    return f"`ewm bag recover {shlex.quote(str(bag))}` makes a whole one of what is left"


@contextmanager
def _intact(bag: Path) -> Iterator[None]:
    """Whatever rosbags stumbles over in here is the bag's fault."""
    try:
        yield
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"it is damaged or was never completed: {reason}; {remedy(bag)}") from error
