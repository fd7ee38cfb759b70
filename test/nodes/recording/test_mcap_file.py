import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import Disk
from mcap.reader import make_reader
from mcap.records import Message, Metadata
from mcap.stream_reader import StreamReader
from rosbags.rosbag2 import Reader

from ewm_ros.bag_metadata import BagTopic
from ewm_ros.names import LATCHED, SENSOR_DATA
from ewm_ros.nodes.recording.mcap_file import Channel, Entry, McapFile

CHANNELS = [
    Channel(BagTopic("/a", "std_msgs/msg/Bool", "RIHS01_1", LATCHED), "bool data"),
    Channel(BagTopic("/b", "std_msgs/msg/Bool", "RIHS01_1", SENSOR_DATA), "bool data"),
]
FACTS = {"world": "doorway", "world_file": "name: doorway\nrobots: 3\n"}


def noise(k: int) -> bytes:
    """A message that no compression makes smaller."""
    state, data = k + 1, bytearray()
    for _ in range(400):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        data.append(state >> 56)
    return bytes(data)


ENTRIES = [Entry(k % 2, 100 + k, noise(k)) for k in range(40)]


@pytest.fixture
def file_on(tmp_path: Path) -> Callable[..., McapFile]:
    return lambda disk: McapFile(tmp_path / "a.mcap", CHANNELS, FACTS, disk.file)


def records(path: Path) -> list:
    """All records up to the break, if there is one."""
    found = []
    with path.open("rb") as stream:
        for record in StreamReader(stream, skip_magic=False).records:
            found.append(record)
            if stream.tell() == path.stat().st_size:
                break
    return found


def messages(path: Path) -> list[bytes]:
    with Reader(path) as reader:
        return [data for _, _, data in reader.messages()]


def test_the_facts_are_in_the_file_before_any_message(file_on, tmp_path: Path):
    file = file_on(Disk())
    (found,) = [record for record in records(tmp_path / "a.mcap") if isinstance(record, Metadata)]
    assert (found.name, found.metadata) == ("ewm_ros", FACTS)
    file.close()


def test_what_was_flushed_is_in_the_file_though_it_was_never_closed(file_on, tmp_path: Path):
    """A killed recorder must lose one second at most."""
    file = file_on(Disk())
    for k, entry in enumerate(ENTRIES[:10]):
        file.write(entry)
        if k % 3 == 0:
            file.flush()
            told = [record.data for record in records(tmp_path / "a.mcap") if isinstance(record, Message)]
            assert told == [entry.data for entry in ENTRIES[: k + 1]]
    assert (len(file.unsaved), file.first, file.last, file.saved) == (0, 100, 109, {0: 5, 1: 5})


def test_a_closed_file_is_indexed_and_says_all_of_itself(file_on, tmp_path: Path):
    file = file_on(Disk())
    for entry in ENTRIES:
        file.write(entry)
    told = file.close()
    assert (told.name, told.first, told.last, told.counts) == ("a.mcap", 100, 139, {"/a": 20, "/b": 20})
    with (tmp_path / "a.mcap").open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary.statistics.message_count == 40
    assert summary.schemas[1].encoding == "ros2msg"
    assert summary.channels[1].metadata["topic_type_hash"] == "RIHS01_1"
    assert [index.name for index in summary.metadata_indexes] == ["ewm_ros", "rosbag2"]
    assert messages(tmp_path / "a.mcap") == [entry.data for entry in ENTRIES]


def test_what_a_full_disk_refuses_is_written_once_there_is_room_again(file_on, tmp_path: Path):
    disk = Disk()
    file = file_on(disk)
    file.write(ENTRIES[0])
    file.flush()
    disk.room = file.size + 300
    for entry in ENTRIES[1:20]:
        file.write(entry)
    size = file.size
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            file.flush()
        assert (tmp_path / "a.mcap").stat().st_size == size  # nothing torn is left
    disk.room = None
    file.write(ENTRIES[20])
    file.flush()
    file.close()
    assert messages(tmp_path / "a.mcap") == [entry.data for entry in ENTRIES[:21]]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EFBIG])
@pytest.mark.parametrize("room", range(0, 16_000, 317))
def test_wherever_the_room_ends_the_file_is_closed_whole(file_on, tmp_path: Path, room: int, error: int):
    disk = Disk()
    file = file_on(disk)
    disk.room = file.size + room
    disk.error = error
    for entry in ENTRIES:
        file.write(entry)
        try:
            file.flush()
        except OSError:
            break
    told = file.close()
    kept = ENTRIES[: told.messages]
    assert [*kept, *file.unsaved] == ENTRIES[: len(kept) + len(file.unsaved)]
    if room > 1000:  # else there may be no message to cut off for the end
        assert len(file.unsaved) <= 2
        assert messages(tmp_path / "a.mcap") == [entry.data for entry in kept]


def test_a_file_that_cannot_even_begin_leaves_nothing_behind(file_on, tmp_path: Path):
    with pytest.raises(OSError, match="No space left"):
        file_on(Disk(room=20))
    assert list(tmp_path.iterdir()) == []
