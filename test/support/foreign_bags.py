"""Bags as other recorders write them: rosbag2's MCAP and sqlite3 plugins, rosbags; and what is in a bag, by mcap."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from rosbags.highlevel import AnyReader

from ewm_ros.bag_metadata import as_yaml, offered_qos
from ewm_ros.bag_types import message_types
from ewm_ros.names import SENSOR_DATA

TYPE = "std_msgs/msg/String"
QOS = as_yaml(offered_qos(SENSOR_DATA))
SECOND = 10**9  # ns
START = 1_700_000_000 * SECOND

_TYPES = message_types()
DEFINITION = _TYPES.generate_msgdef(TYPE, ros_version=2)[0]
HASH = _TYPES.hash_rihs01(TYPE)


class Sent(NamedTuple):
    """A message that was recorded."""

    topic: str
    time: int
    data: bytes


def sentences(count: int, topics: Sequence[str] = ("/a", "/b")) -> list[Sent]:
    """So many messages, a tenth of a second apart, of different lengths."""
    return [
        Sent(topics[i % len(topics)], START + i * SECOND // 10, cdr(f"message {i} " + "." * (i * 7 % 40)))
        for i in range(count)
    ]


def cdr(text: str) -> bytes:
    """A std_msgs/msg/String."""
    return bytes(_TYPES.serialize_cdr(_TYPES.types[TYPE](data=text), TYPE))


def write_mcap(
    path: Path,
    messages: Iterable[Sent],
    compression: CompressionType = CompressionType.NONE,
    *,
    chunk: int = 400,
    chunked: bool = True,
    checksums: bool = True,
    metadata: dict[str, str] | None = None,
) -> None:
    """A file as mcap's writers make it, with chunks of so many bytes."""
    with path.open("wb") as file:
        writer = Writer(file, chunk, compression, use_chunking=chunked, enable_crcs=checksums)
        writer.start("ros2", "somebody")
        if metadata:
            writer.add_metadata("ewm_ros", metadata)
        schema = writer.register_schema(TYPE, "ros2msg", DEFINITION.encode())
        channels: dict[str, int] = {}
        for topic, time, data in messages:
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, "cdr", schema, {"offered_qos_profiles": QOS})
            writer.add_message(channels[topic], time, data, time - 5)
        writer.finish()


def write_sqlite(path: Path, messages: Iterable[Sent], journal: str = "delete") -> sqlite3.Connection:
    """A file as rosbag2's sqlite3 plugin of Jazzy makes it; the connection is still open."""
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(
        """
        CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
        CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
        CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
          serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL, type_description_hash TEXT NOT NULL);
        CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
          encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
        CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
          data BLOB NOT NULL);
        CREATE INDEX timestamp_idx ON messages (timestamp ASC);
        INSERT INTO schema VALUES (4, 'jazzy');
        """
    )
    told = TYPE, "ros2msg", DEFINITION, HASH
    database.execute("INSERT INTO message_definitions VALUES (NULL, ?, ?, ?, ?)", told)
    topics: dict[str, int] = {}
    for topic, time, data in messages:
        if topic not in topics:
            row = topic, TYPE, "cdr", QOS, HASH
            topics[topic] = database.execute("INSERT INTO topics VALUES (NULL, ?, ?, ?, ?, ?)", row).lastrowid or 0
        database.execute("INSERT INTO messages VALUES (NULL, ?, ?, ?)", (topics[topic], time, data))
    database.commit()
    return database


def by_mcap(bag: Path) -> list[Sent]:
    """The messages of all MCAP files of a bag as mcap reads them."""
    found = []
    for path in sorted(bag.glob("*.mcap")) if bag.is_dir() else [bag]:
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            found += [Sent(c.topic, m.log_time, m.data) for _, c, m in reader.iter_messages()]
    return found


def by_rosbags(bag: Path) -> list[Sent]:
    """The messages of a bag as rosbags reads them; every one must be of the type that it says."""
    with AnyReader([bag]) as reader:
        found = [Sent(connection.topic, time, bytes(data)) for connection, time, data in reader.messages()]
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
        assert reader.message_count == len(found)
        assert sum(connection.msgcount for connection in reader.connections) == len(found)
    return found


def metadata(bag: Path) -> dict[str, object]:
    """What the metadata.yaml of a bag says."""
    told: dict[str, object] = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    return told
