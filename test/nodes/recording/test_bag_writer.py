import errno
import random
from pathlib import Path

import pytest
import yaml
from full_disk import Disk
from mcap.reader import make_reader
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Route
from ewm_ros.nodes import conversions, topics
from ewm_ros.nodes.recording.bag_writer import BagWriter, Split
from ewm_ros.nodes.recording.mcap_file import Entry

ROUTE = serialize_message(conversions.route_to(Route("robot_1", 5, 1, 2.5, Polyline([(0, 0), (3, 4)]), 0.3, 0.5, 0.75)))
SECOND = 10**9  # ns
NOISE = [random.Random(k).randbytes(500) for k in range(20)]  # no compression makes that smaller


def information(bag: Path) -> dict:
    return yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]


def test_a_bag_keeps_messages_definitions_qualities_of_service_and_facts(tmp_path: Path):
    folder = tmp_path / "run" / "bag"
    facts = {"world": "doorway", "seed": "1", "world_file": "a: 1\nb: 2\n"}
    bag = BagWriter(folder, [topics.ROUTES, topics.ESTOP], facts)
    bag.write(Entry(0, SECOND, ROUTE))
    bag.close()
    with AnyReader([folder]) as reader:
        assert (reader.message_count, reader.start_time) == (1, SECOND)
        kept = next(connection for connection in reader.connections if connection.topic == "/routes")
        assert kept.ext.offered_qos_profiles[0].durability.name == "TRANSIENT_LOCAL"
        assert kept.digest == message_types().hash_rihs01("ewm_ros/msg/Route")
        assert "float32[<=4096] x" in kept.msgdef.data
        (_, _, raw) = next(reader.messages())
        route = reader.deserialize(raw, kept.msgtype)
    assert (route.robot, route.x.tolist(), route.y.tolist()) == ("robot_1", [0.0, 3.0], [0.0, 4.0])
    assert information(folder)["custom_data"] == facts


def test_a_bag_of_which_nothing_came_can_be_read(tmp_path: Path):
    BagWriter(tmp_path / "bag", [topics.ROUTES], {}).close()
    with AnyReader([tmp_path / "bag"]) as reader:
        assert (reader.message_count, [c.topic for c in reader.connections]) == (0, ["/routes"])


@pytest.mark.parametrize("split", [Split(size=3000), Split(duration=3 * SECOND)], ids=["by size", "by time"])
def test_a_split_bag_is_read_as_one_and_each_file_by_itself(tmp_path: Path, split: Split):
    folder = tmp_path / "bag"
    bag = BagWriter(folder, [topics.ROUTES, topics.MAP], {"world": "doorway"}, split)
    for second in range(10):
        bag.write(Entry(0, (second + 1) * SECOND, NOISE[second]))
        bag.flush()
    bag.close()
    told = information(folder)
    files = told["relative_file_paths"]
    assert len(files) > 2
    assert files == [f"bag_{k}.mcap" for k in range(len(files))] == [file["path"] for file in told["files"]]
    times = []
    for file in told["files"]:
        with (folder / file["path"]).open("rb") as stream:
            reader = make_reader(stream)
            own = [message.log_time for _, _, message in reader.iter_messages()]
            (facts,) = [record.metadata for record in reader.iter_metadata() if record.name == "ewm_ros"]
            channels = reader.get_summary().channels.values()
        assert file["message_count"] == len(own)
        if own:
            assert file["starting_time"]["nanoseconds_since_epoch"] == own[0]
            assert file["duration"]["nanoseconds"] == own[-1] - own[0]
        assert facts == {"world": "doorway"}
        assert {channel.topic for channel in channels} == {"/routes", "/map"}
        assert all("transient_local" in channel.metadata["offered_qos_profiles"] for channel in channels)
        times += own
    assert times == [(second + 1) * SECOND for second in range(10)]
    assert told["message_count"] == 10
    with AnyReader([folder]) as reader:
        assert [time for _, time, _ in reader.messages()] == times


def test_where_a_file_may_not_grow_the_bag_goes_on_in_another(tmp_path: Path):
    """As on FAT, whose files have 4 GB at most, or under a limit of the process."""
    disk = Disk(room=6000, error=errno.EFBIG)
    folder = tmp_path / "bag"
    bag = BagWriter(folder, [topics.MAP], {}, open_file=disk.file)
    for second in range(20):
        bag.write(Entry(0, second * SECOND, NOISE[second]))
        bag.flush()
    bag.close()
    assert len(information(folder)["files"]) > 2
    with AnyReader([folder]) as reader:
        assert [data for _, _, data in reader.messages()] == NOISE


def test_a_full_disk_does_not_send_the_bag_from_file_to_file(tmp_path: Path):
    disk = Disk(room=4000)
    bag = BagWriter(tmp_path / "bag", [topics.MAP], {}, open_file=disk.file)
    for second in range(20):
        bag.write(Entry(0, second * SECOND, NOISE[second]))
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            bag.flush()
    assert len(list((tmp_path / "bag").iterdir())) == 1


def test_a_bag_is_never_written_over(tmp_path: Path):
    with pytest.raises(InputError, match=f"{tmp_path} exists already"):
        BagWriter(tmp_path, [], {})


def test_a_bag_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        BagWriter(tmp_path / "file" / "bag", [], {})


def test_every_topics_type_is_known_and_hashed_as_ros_does():
    types = message_types()
    for topic in (*topics.SHARED, *topics.ROBOT):
        definition, _ = types.generate_msgdef(topic.type_name, ros_version=2)
        assert definition or not topic.type.get_fields_and_field_types()
    assert types.hash_rihs01("std_msgs/msg/Header").startswith("RIHS01_f49fb3ae")


def test_the_library_reads_what_ros_serializes():
    msg = message_types().deserialize_cdr(ROUTE, "ewm_ros/msg/Route")
    assert msg.robot == deserialize_message(ROUTE, topics.ROUTES.type).robot == "robot_1"
