"""The messages that are left in a sqlite3 file of `ros2 bag record`, with those in the journal of a killed writer."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ewm_ros.evaluation.bags.bag_storage import HASH_KEY, QOS_KEY, Channel, Damage, Message, unreadable

JOURNALS = ("-wal", "-journal")  # what sqlite leaves beside a file that was not closed
LARGEST_ID = 2**62


class SqliteScan:
    """One pass over a sqlite3 file; see bag_storage.Storage.

    Sqlite itself puts the journal's rows into the file when it opens it, and takes what is missing of its last page for
    zeros. So a file with a journal, or of no whole number of pages, is copied first; any other is opened as one that
    nobody changes. Rows on pages that are damaged are stepped over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = Damage()
        self.facts: dict[str, str] = {}
        self.compression = ""
        self._channels: dict[int, Channel] = {}
        self._share = 0.0

    @property
    def position(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self._share

    @property
    def channels(self) -> dict[int, Channel]:
        """The topics."""
        return self._channels

    def messages(self) -> Iterator[Message]:
        """All messages that are left, in the order in which they were written.

        Raises:
            InputError: the operating system does not let it be read.
        """
        try:
            with self._opened() as database:
                yield from self._scan(database)
        except OSError as error:
            raise unreadable(self.path, error) from error
        except sqlite3.Error as error:
            self.damage.tell(f"{self.path.name} is damaged: {error}")
        self._share = 1.0

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        size = self.path.stat().st_size
        if not size:
            raise sqlite3.DatabaseError("it is empty")
        torn = size % self._page()
        journals = [Path(f"{self.path}{end}") for end in JOURNALS]
        journals = [path for path in journals if path.exists() and path.stat().st_size]
        if torn:
            self.damage.unread += torn
            self.damage.tell(f"{self.path.name} ends in the middle of a page")
        if journals:
            self.damage.tell(f"{self.path.name} was never completed: {journals[0].name} holds the end of it")
        if not self.damage.problems:
            uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as database:
                self.damage.complete = True
                yield database
            return
        with TemporaryDirectory(prefix="ewm_bag_") as folder:
            copy = Path(folder, self.path.name)
            for path in (self.path, *journals):
                shutil.copyfile(path, Path(folder, path.name))
            os.truncate(copy, size - torn)
            with closing(sqlite3.connect(copy)) as database:
                yield database

    def _page(self) -> int:
        """Bytes of one of its pages, as its header says."""
        with self.path.open("rb") as file:
            size = int.from_bytes(file.read(18)[16:], "big")
        return {0: 1, 1: 65536}.get(size, size)  # 1 stands for 65536, which has no room there

    def _scan(self, database: sqlite3.Connection) -> Iterator[Message]:
        database.text_factory = lambda text: text.decode("utf-8", "replace")  # one wrong letter is not the whole file
        database.execute("PRAGMA writable_schema = ON")  # else a file that was cut off is refused as a whole
        self._channels = dict(_channels(database))
        self.facts = _facts(database)
        ends = _readable(database, LARGEST_ID)
        last = ends and database.execute("SELECT max(id) FROM messages").fetchone()[0]
        begin = 0
        while True:
            try:
                for message, number in _rows(database, begin):
                    begin = number
                    self._share = min(begin / last, 1.0) if last else 0.0
                    yield message
                break
            except sqlite3.Error as error:
                after = _after_gap(database, begin)
                self.damage.tell(f"{self.path.name} is damaged after message {begin}: {error}")
                if after is None:
                    break
                self.damage.lost += after - begin
                begin = after
        self._check(database)

    def _check(self, database: sqlite3.Connection) -> None:
        """Damage that reading all rows does not show, as that of the index of times."""
        (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok" and not self.damage.problems:
            self.damage.tell(f"{self.path.name} is damaged: {' '.join(said.split())}")


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _channels(database: sqlite3.Connection) -> Iterator[tuple[int, Channel]]:
    """The topics by their numbers; what older versions of the format lack is empty."""
    definitions: dict[str, tuple[str, str]] = {}
    if _columns(database, "message_definitions"):
        wanted = "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions"
        definitions = {name: (encoding, text) for name, encoding, text in map(_texts, database.execute(wanted))}
    there = _columns(database, "topics")
    extra = [name if name in there else "''" for name in (QOS_KEY, "type_description_hash")]
    topics = database.execute(
        f"SELECT id, name, type, serialization_format, {', '.join(extra)} FROM topics ORDER BY id"
    )
    for number, *told in topics:
        name, kind, serialization, qos, digest = _texts(told)
        encoding, text = definitions.get(kind, ("", ""))
        metadata = ((QOS_KEY, qos), *(((HASH_KEY, digest),) if digest else ()))
        yield number, Channel(name, kind, serialization, encoding if text else "", text.encode(), metadata)


def _texts(row: Iterable[object]) -> Iterator[str]:
    """A row of texts; sqlite holds a damaged one to nothing."""
    for value in row:
        if not isinstance(value, str):
            raise sqlite3.DatabaseError("a topic or type is no text")
        yield value


def _facts(database: sqlite3.Connection) -> dict[str, str]:
    """Custom data, which a bag that was completed keeps a copy of in here."""
    if not _columns(database, "metadata"):
        return {}
    try:
        row = database.execute("SELECT metadata FROM metadata ORDER BY id DESC LIMIT 1").fetchone()
        told: Any = yaml.safe_load(row[0]) if row else None
    except yaml.YAMLError:
        return {}
    custom = told.get("custom_data") if isinstance(told, dict) else None
    return {str(key): str(value) for key, value in custom.items()} if isinstance(custom, dict) else {}


def _rows(database: sqlite3.Connection, begin: int) -> Iterator[tuple[Message, int]]:
    """The messages after the one with this number, each with its own."""
    wanted = "SELECT id, topic_id, timestamp, data FROM messages WHERE id > ? ORDER BY id"
    for number, topic, time, data in database.execute(wanted, (begin,)):
        kinds = isinstance(topic, int), isinstance(time, int), isinstance(data, bytes)
        if number <= begin or not all(kinds) or time < 0:  # what a page that is half zeros gives
            raise sqlite3.DatabaseError(f"what follows message {begin} is none")
        begin = number
        yield Message(topic, 0, time, time, data), number


def _readable(database: sqlite3.Connection, number: int) -> bool:
    """Whether the first message after this one can be read, or there is none."""
    try:
        next(_rows(database, number), None)
    except sqlite3.Error:
        return False
    return True


def _after_gap(database: sqlite3.Connection, number: int) -> int | None:
    """From which number on messages can be read again, of those after this one that cannot; None if from none.

    Sought in steps that double, then by halving: as if all that lies between were damaged.
    """
    bad, step = number, 1
    while not _readable(database, bad + step):
        bad, step = bad + step, step * 2
        if bad + step > LARGEST_ID:
            return None
    good = bad + step
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _readable(database, middle) else (good, middle)
    return good
