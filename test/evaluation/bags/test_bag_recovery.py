"""Whatever is left of a bag becomes a whole one; the old one stays as it is."""

from __future__ import annotations

import errno
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from bag_maker import BagMaker
from foreign_bags import (
    HASH,
    QOS,
    START,
    TYPE,
    Sent,
    by_mcap,
    by_rosbags,
    metadata,
    sentences,
    write_mcap,
    write_sqlite,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Rosbag2Writer

from ewm_ros.bag_facts import BagFacts
from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags import bag_recovery
from ewm_ros.evaluation.bags.bag_files import open_bag
from ewm_ros.evaluation.bags.bag_recovery import Recovered, recover
from ewm_ros.geometry import Pose2D
from ewm_ros.sensing import Odometry

MESSAGES = sentences(40)
STORAGES = pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])


def bag_of_files(folder: Path, *files: list[Sent], **options: object) -> Path:
    """A bag of MCAP files without metadata.yaml."""
    folder.mkdir()
    for number, messages in enumerate(files):
        write_mcap(folder / f"{folder.name}_{number}.mcap", messages, **options)
    return folder


def cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_whole(done: Recovered, messages: list[Sent]) -> None:
    """A new bag must be read alike by rosbags and mcap, have all these messages, and be whole by its own account."""
    assert done.out is not None
    assert by_rosbags(done.out) == by_mcap(done.out) == messages
    assert done.messages == len(messages)
    assert metadata(done.out)["message_count"] == len(messages)
    again = recover(done.out)
    assert again.out is None
    assert (again.messages, again.problems, again.unread, again.lost) == (len(messages), (), 0, 0)


# Bags that nobody completed


@STORAGES
def test_a_bag_without_its_metadata_becomes_a_whole_one_and_stays_as_it_is(tmp_path: Path, storage: StoragePlugin):
    bag = tmp_path / "bag"
    with BagMaker(bag, storage) as made:
        for i in range(50):
            made.odometry("/r", Odometry(i / 10, Pose2D(0.1 * i, 0.0, 0.0), 1.0, 0.0))
            made.goal("/r", 5.0, 0.0)
    wanted = by_rosbags(bag)
    with AnyReader([bag]) as reader:
        told = {(c.topic, c.msgtype, c.digest, c.msgdef, c.msgcount, str(c.ext)) for c in reader.connections}
    (bag / "metadata.yaml").unlink()
    before = contents(bag)

    done = recover(bag)
    assert done.out == tmp_path / "bag_recovered"
    assert (done.messages, done.topics, done.seconds, done.lost) == (100, 2, pytest.approx(0.099), 0)
    assert done.problems == ("it has no metadata.yaml: it was never completed",)
    check_whole(done, wanted)
    assert contents(bag) == before
    with AnyReader([done.out]) as reader:
        assert {(c.topic, c.msgtype, c.digest, c.msgdef, c.msgcount, str(c.ext)) for c in reader.connections} == told
    with open_bag(done.out) as messages:
        assert len([messages.decode(kind, data) for (_, kind), _, data in messages.raw()]) == 100


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_torn_file_of_any_compression_is_recovered_to_its_last_messages(tmp_path: Path, compression: CompressionType):
    bag = bag_of_files(tmp_path / "bag", MESSAGES, compression=compression)
    cut(bag / "bag_0.mcap", 0.6)
    done = recover(bag)
    check_whole(done, MESSAGES[: done.messages])
    assert done.messages > 15
    entries = metadata(done.out)["topics_with_message_count"]
    for topic, entry in zip(("/a", "/b"), entries, strict=True):
        told = entry["topic_metadata"]
        assert (told["name"], told["type"], told["type_description_hash"]) == (topic, TYPE, HASH)
        assert told["offered_qos_profiles"] == yaml.safe_load(QOS)
        assert entry["message_count"] == sum(message.topic == topic for message in MESSAGES[: done.messages])


def test_of_several_files_only_the_torn_one_loses_anything(tmp_path: Path):
    parts = [MESSAGES[i : i + 10] for i in range(0, 40, 10)]
    bag = bag_of_files(tmp_path / "bag", *parts)
    cut(bag / "bag_3.mcap", 0.4)
    done = recover(bag)
    check_whole(done, MESSAGES[: done.messages])
    assert 30 < done.messages < 40
    assert done.files == tuple(f"bag_{i}.mcap" for i in range(4))
    assert [file["message_count"] for file in metadata(done.out)["files"]] == [10, 10, 10, done.messages - 30]
    assert [file["path"] for file in metadata(done.out)["files"]] == [f"bag_recovered_{i}.mcap" for i in range(4)]


def test_the_tenth_file_comes_after_the_ninth(tmp_path: Path):
    bag = bag_of_files(tmp_path / "bag", *([message] for message in sentences(12)))
    done = recover(bag)
    assert [Sent(*message) for message in by_rosbags(done.out)] == sentences(12)
    assert done.files == tuple(f"bag_{i}.mcap" for i in range(12))


def test_a_file_that_came_to_nothing_is_left_out(tmp_path: Path):
    bag = bag_of_files(tmp_path / "bag", MESSAGES)
    (bag / "bag_1.mcap").touch()
    done = recover(bag)
    check_whole(done, MESSAGES)
    assert "bag_1.mcap is empty" in done.problems


def test_a_loose_file_is_recovered_beside_it(tmp_path: Path):
    write_mcap(tmp_path / "loose.mcap", MESSAGES)
    assert recover(tmp_path / "loose.mcap").out is None
    cut(tmp_path / "loose.mcap", 0.99)
    done = recover(tmp_path / "loose.mcap")
    assert done.out == tmp_path / "loose_recovered"
    check_whole(done, MESSAGES)


@pytest.mark.parametrize("text", ["", "rosbag2_bagfile_information: []", "a: [", "\x00", "- " * 2000])
def test_metadata_that_is_none_is_written_anew(tmp_path: Path, text: str):
    bag = bag_of_files(tmp_path / "bag", MESSAGES)
    (bag / "metadata.yaml").write_text(text)
    check_whole(recover(bag), MESSAGES)


def test_metadata_that_is_older_than_the_files_is_written_anew_but_its_facts_are_kept(tmp_path: Path):
    bag = recover(bag_of_files(tmp_path / "bag", MESSAGES[:20])).out
    told = (bag / "metadata.yaml").read_text()
    (bag / "metadata.yaml").write_text(told.replace("custom_data: {}", "custom_data:\n    seed: '7'"))
    write_mcap(bag / "bag_recovered_1.mcap", MESSAGES[20:])
    done = recover(bag)
    check_whole(done, MESSAGES)
    assert done.problems == (
        "its metadata.yaml does not list bag_recovered_1.mcap",
        "its metadata.yaml tells of 20 messages, and there are 40",
    )
    with open_bag(done.out) as messages:
        assert messages.facts().seed == 7


def test_the_facts_of_a_run_are_found_in_the_file_of_a_killed_recorder(tmp_path: Path):
    facts = BagFacts(world="doorway", seed=3, robots=4, world_file="name: doorway\nwalls: []\n", other={"site": "lab"})
    bag = bag_of_files(tmp_path / "bag", MESSAGES, metadata=facts.as_text())
    cut(bag / "bag_0.mcap", 0.5)
    out = recover(bag).out
    assert metadata(out)["custom_data"] == facts.as_text()
    with open_bag(out) as messages:
        assert messages.facts() == facts
    cut(out / "bag_recovered_0.mcap", 0.9)
    assert metadata(recover(out).out)["custom_data"] == facts.as_text()


def test_a_missing_file_is_named_and_its_messages_are_counted(tmp_path: Path):
    bag = recover(bag_of_files(tmp_path / "bag", MESSAGES[:30], MESSAGES[30:])).out
    (bag / "bag_recovered_1.mcap").unlink()
    done = recover(bag)
    check_whole(done, MESSAGES[:30])
    assert done.lost == 10
    assert done.problems[0] == "bag_recovered_1.mcap, which its metadata.yaml lists, is missing"


# Sqlite3


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_rows_that_are_still_in_the_journal_are_recovered_and_the_journal_stays(tmp_path: Path, journal: str):
    bag, copy = tmp_path / "bag", tmp_path / "copy"
    bag.mkdir()
    with closing(write_sqlite(bag / "bag_0.db3", MESSAGES, journal)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("PRAGMA cache_size = 1")
        database.execute("PRAGMA cache_spill = 1")
        blobs = [(1, START, bytes(5000)) for _ in range(100)]  # so many that they reach the file before they are kept
        database.executemany("INSERT INTO messages VALUES (NULL, ?, ?, ?)", blobs)
        shutil.copytree(bag, copy)  # what a kill leaves
        database.rollback()
    before = contents(copy)
    assert {"bag_0.db3-wal", "bag_0.db3-journal"} & before.keys()
    done = recover(copy)
    check_whole(done, MESSAGES)
    assert contents(copy) == before
    assert "was never completed" in done.problems[0]


def test_a_sqlite_file_that_is_cut_gives_the_rows_of_its_whole_pages(tmp_path: Path):
    many = sentences(3000)
    write_sqlite(tmp_path / "bag.db3", many).close()
    cut(tmp_path / "bag.db3", 0.501)
    done = recover(tmp_path / "bag.db3")
    check_whole(done, many[: done.messages])
    assert done.messages > 1000


def test_damaged_pages_in_the_middle_of_a_sqlite_file_are_stepped_over(tmp_path: Path):
    many = sentences(3000)
    write_sqlite(tmp_path / "bag.db3", many).close()
    with (tmp_path / "bag.db3").open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 4096 * 2)
    done = recover(tmp_path / "bag.db3")
    found = by_rosbags(done.out)
    assert set(found) < set(many)
    assert found[-1] == many[-1]
    assert len(found) + done.lost == 3000
    assert 0 < done.lost < 300


def test_a_sqlite_bag_of_an_old_ros_without_definitions_is_given_those_of_its_types(tmp_path: Path):
    with closing(write_sqlite(tmp_path / "bag.db3", MESSAGES)) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("DROP INDEX timestamp_idx")
        database.execute("ALTER TABLE topics DROP COLUMN type_description_hash")
        database.commit()
    (tmp_path / "bag.db3-journal").write_bytes(bytes(512))  # as a killed one of PERSIST leaves
    done = recover(tmp_path / "bag.db3")
    check_whole(done, MESSAGES)
    with AnyReader([done.out]) as reader:
        assert {connection.digest for connection in reader.connections} == {HASH}


# What bags can hold


def test_messages_that_are_compressed_one_by_one_stay_so(tmp_path: Path):
    bag = Rosbag2Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
    bag.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    with bag:
        connection = bag.add_connection("/a", TYPE, typestore=message_types())
        for _, time, data in MESSAGES:
            bag.write(connection, time, data)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    out = recover(tmp_path / "bag").out
    assert metadata(out)["compression_mode"] == "message"
    assert [message.data for message in by_rosbags(out)] == [message.data for message in MESSAGES]
    assert recover(out).out is None


def test_sequence_numbers_times_of_publishing_and_channels_are_kept(tmp_path: Path):
    path = tmp_path / "bag.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        schema = writer.register_schema("lab_msgs/msg/Own", "ros2msg", b"float64 x\nuint8[] data\n")
        told = {"offered_qos_profiles": QOS, "topic_type_hash": "RIHS01_x", "site": "lab"}
        channel = writer.register_channel("/own", "cdr", schema, told)
        for i in range(5):
            writer.add_message(channel, START + i, b"\x00\x01\x00\x00" + bytes(16), START - i, 70 + i)
        writer.finish()
    cut(path, 0.97)
    with (recover(path).out / "bag_recovered_0.mcap").open("rb") as file:
        for i, (kind, channel, message) in enumerate(make_reader(file).iter_messages()):
            assert (message.sequence, message.log_time, message.publish_time) == (70 + i, START + i, START - i)
            assert channel.metadata == told
            assert (kind.name, kind.encoding, kind.data) == (
                "lab_msgs/msg/Own",
                "ros2msg",
                b"float64 x\nuint8[] data\n",
            )
    assert i == 4


def test_a_definition_that_cannot_be_read_is_replaced_by_the_known_one(tmp_path: Path):
    write_mcap(tmp_path / "bag.mcap", MESSAGES, checksums=False)
    content = (tmp_path / "bag.mcap").read_bytes()
    (tmp_path / "bag.mcap").write_bytes(content.replace(b"string data", b"string d@@a")[:-20])
    check_whole(recover(tmp_path / "bag.mcap"), MESSAGES)


def test_messages_of_other_systems_are_left_out_and_named(tmp_path: Path):
    with (tmp_path / "bag.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start("")
        ours = writer.register_channel("/a", "cdr", writer.register_schema(TYPE, "ros2msg", b"string data\n"))
        json = writer.register_channel("/j", "json", writer.register_schema("J", "jsonschema", b"{}"))
        writer.add_message(ours, START, MESSAGES[0].data, START)
        writer.add_message(json, START, b"{}", START)
        writer.finish()
    done = recover(tmp_path / "bag.mcap")
    check_whole(done, [Sent("/a", START, MESSAGES[0].data)])
    assert any("no ROS 2 messages (json)" in problem for problem in done.problems)


def test_a_large_bag_passes_through_little_memory_and_tells_how_far_it_is(tmp_path: Path):
    data = bytes(20_000)
    write_mcap(tmp_path / "bag.mcap", (Sent("/a", START + i, data) for i in range(3000)), chunk=1 << 20)
    cut(tmp_path / "bag.mcap", 0.95)
    told: list[float] = []
    tracemalloc.start()
    try:
        done = recover(tmp_path / "bag.mcap", progress=told.append)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.messages > 2800
    assert peak < 20e6  # of 60 MB
    assert told == sorted(told)
    assert 0.0 <= told[0] < 0.1
    assert told[-1] == 1.0
    assert len(told) > 5


# Nothing to do, nothing left, no place


def test_of_a_whole_bag_nothing_is_written(tmp_path: Path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.goal("/r", 1.0, 2.0)
    done = recover(tmp_path / "bag")
    assert (done.out, done.messages, done.problems) == (None, 1, ())
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def broken(folder: Path) -> Iterator[tuple[Path, str]]:
    """Paths of which nothing can be recovered, and what is said of each."""
    (folder / "empty").mkdir()
    yield folder / "empty", "is no bag: no file of .mcap or .db3 is in it"
    yield folder / "nowhere", "does not exist"
    (folder / "zero.mcap").touch()
    yield folder / "zero.mcap", "is empty"
    (folder / "text.txt").write_text("no bag")
    yield folder / "text.txt", "neither a folder nor a file of .mcap or .db3"
    for suffix in (".mcap", ".db3"):
        (folder / f"text{suffix}").write_text("no bag" * 1000)
        yield folder / f"text{suffix}", "nothing is left of bag"
    write_mcap(folder / "header.mcap", [])
    cut(folder / "header.mcap", 0.3)
    yield folder / "header.mcap", "nothing is left of bag"
    (folder / "packed").mkdir()
    (folder / "packed" / "a.mcap.zstd").touch()
    yield folder / "packed", "zstd -d a.mcap.zstd"


def test_a_bag_of_which_nothing_is_left_is_refused_in_one_line(tmp_path: Path):
    for bag, complaint in broken(tmp_path):
        there = set(tmp_path.iterdir())
        with pytest.raises(InputError) as refusal:
            recover(bag)
        assert complaint in str(refusal.value)
        assert str(bag) in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert set(tmp_path.iterdir()) == there


def test_a_folder_that_exists_is_never_written_into(tmp_path: Path):
    bag = bag_of_files(tmp_path / "bag", MESSAGES)
    with pytest.raises(InputError, match="exists already"):
        recover(bag, tmp_path)
    assert contents(bag).keys() == {"bag_0.mcap"}


def test_nor_is_the_new_bag_put_into_the_old_one(tmp_path: Path):
    bag = bag_of_files(tmp_path / "bag", MESSAGES)
    for out in (bag / "new", bag / "new" / "run", tmp_path / "elsewhere" / ".." / "bag" / "new"):
        with pytest.raises(InputError, match=r"would lie in bag .* itself: choose another one with --out"):
            recover(bag, out)
    assert [path.name for path in bag.iterdir()] == ["bag_0.mcap"]


def test_what_a_full_disk_leaves_of_the_new_bag_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class FullDisk(Writer):
        def finish(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bag_recovery, "Writer", FullDisk)
    bag = bag_of_files(tmp_path / "bag", MESSAGES)
    with pytest.raises(InputError, match=r"bag_recovered cannot be written: No space left on device"):
        recover(bag)
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_to_a_bag_the_new_one_is_whole_and_has_only_true_messages(tmp_path, data):
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    storage = data.draw(st.sampled_from(["mcap", "db3"]))
    path = folder / f"bag.{storage}"
    if storage == "mcap":
        write_mcap(path, MESSAGES, data.draw(st.sampled_from(list(CompressionType))))
    else:
        write_sqlite(path, MESSAGES).close()
    content = bytearray(path.read_bytes())
    if storage == "mcap" and data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    try:
        done = recover(path)
    except InputError as refusal:
        assert "\n" not in str(refusal)
        return
    if done.out is not None:
        rest = iter(MESSAGES)
        assert all(message in rest for message in by_mcap(done.out))
        check_whole(done, by_mcap(done.out))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_of_a_sqlite_file_never_ends_it_with_anything_but_a_line(tmp_path, data):
    path = tmp_path / "bag.db3"
    path.unlink(missing_ok=True)
    write_sqlite(path, MESSAGES).close()
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    shutil.rmtree(tmp_path / "bag_recovered", ignore_errors=True)
    try:
        done = recover(path)
    except InputError as refusal:
        assert "\n" not in str(refusal)
        return
    if done.out is not None:
        with AnyReader([done.out]) as reader:  # which need not know the type, if that is what was changed
            assert len(by_mcap(done.out)) == len(list(reader.messages())) == done.messages
