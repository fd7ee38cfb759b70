from pathlib import Path

import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Route
from ewm_ros.nodes import conversions, topics
from ewm_ros.nodes.bag_writer import BagWriter

ROUTE = serialize_message(conversions.route_to(Route("robot_1", 5, 1, 2.5, Polyline([(0, 0), (3, 4)]), 0.3, 0.5, 0.75)))


def test_a_bag_keeps_messages_definitions_qualities_of_service_and_facts(tmp_path: Path):
    bag = BagWriter(tmp_path / "run" / "bag", {"world": "doorway", "seed": "1"})
    connection = bag.add(topics.ROUTES)
    bag.write(connection, 10**9, ROUTE)
    bag.close()
    with AnyReader([tmp_path / "run" / "bag"]) as reader:
        assert (reader.message_count, reader.start_time) == (1, 10**9)
        kept = reader.connections[0]
        assert kept.ext.offered_qos_profiles[0].durability.name == "TRANSIENT_LOCAL"
        assert "float32[<=4096] x" in kept.msgdef.data
        (_, _, raw) = next(reader.messages())
        route = reader.deserialize(raw, kept.msgtype)
    assert (route.robot, route.x.tolist(), route.y.tolist()) == ("robot_1", [0.0, 3.0], [0.0, 4.0])
    assert "world: doorway" in (tmp_path / "run" / "bag" / "metadata.yaml").read_text()


def test_what_was_flushed_is_in_the_file_though_the_bag_was_never_closed(tmp_path: Path):
    """Guards the private calls of rosbags that flush() makes: a killed recorder must lose one second at most."""
    bag = BagWriter(tmp_path / "bag", {})
    connection = bag.add(topics.ROUTES)
    bag.flush()
    bag.write(connection, 10**9, ROUTE)
    assert ROUTE not in (tmp_path / "bag" / "bag.mcap").read_bytes()
    bag.flush()
    assert ROUTE in (tmp_path / "bag" / "bag.mcap").read_bytes()
    bag.write(connection, 2 * 10**9, ROUTE)
    bag.close()
    with AnyReader([tmp_path / "bag"]) as reader:
        assert reader.message_count == 2


def test_a_bag_is_never_written_over(tmp_path: Path):
    with pytest.raises(InputError, match=f"{tmp_path} exists already"):
        BagWriter(tmp_path, {})


def test_a_bag_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        BagWriter(tmp_path / "file" / "bag", {})


def test_every_topics_type_is_known_and_hashed_as_ros_does():
    types = message_types()
    for topic in (*topics.SHARED, *topics.ROBOT):
        definition, _ = types.generate_msgdef(topic.type_name, ros_version=2)
        assert definition or not topic.type.get_fields_and_field_types()
    assert types.hash_rihs01("std_msgs/msg/Header").startswith("RIHS01_f49fb3ae")


def test_the_library_reads_what_ros_serializes():
    msg = message_types().deserialize_cdr(ROUTE, "ewm_ros/msg/Route")
    assert msg.robot == deserialize_message(ROUTE, topics.ROUTES.type).robot == "robot_1"
