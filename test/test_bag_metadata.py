import yaml

from ewm_ros.bag_metadata import BagFile, BagTopic, metadata_yaml
from ewm_ros.names import LATCHED, SENSOR_DATA

TOPICS = [
    BagTopic("/map", "nav_msgs/msg/OccupancyGrid", "RIHS01_1", LATCHED),
    BagTopic("/a/odom", "b", "c", SENSOR_DATA),
]


def told(*files: BagFile, **facts: str) -> dict:
    return yaml.safe_load(metadata_yaml(TOPICS, files, facts))["rosbag2_bagfile_information"]


def test_a_bag_of_several_files_spans_them_all():
    information = told(
        BagFile("a_0.mcap", 100, 300, {"/map": 1, "/a/odom": 2}), BagFile("a_1.mcap", 350, 500, {"/map": 4})
    )
    assert information["relative_file_paths"] == ["a_0.mcap", "a_1.mcap"]
    assert information["starting_time"] == {"nanoseconds_since_epoch": 100}
    assert information["duration"] == {"nanoseconds": 400}
    assert [topic["message_count"] for topic in information["topics_with_message_count"]] == [5, 2]
    assert [file["message_count"] for file in information["files"]] == [3, 4]
    assert information["files"][1]["starting_time"] == {"nanoseconds_since_epoch": 350}


def test_files_without_messages_have_no_part_in_its_times():
    information = told(BagFile("a_0.mcap", 100, 300, {"/map": 1}), BagFile("a_1.mcap"))
    assert (information["starting_time"], information["duration"]) == (
        {"nanoseconds_since_epoch": 100},
        {"nanoseconds": 200},
    )
    assert told(BagFile("a_0.mcap"))["message_count"] == 0


def test_facts_are_kept_to_the_letter_and_qualities_are_written_out_for_each_topic():
    text = "name: x  # ü\n\ttwo\r\n"
    assert told(BagFile("a_0.mcap"), world_file=text, seed="7")["custom_data"] == {"world_file": text, "seed": "7"}
    assert "&id" not in metadata_yaml(TOPICS * 2, [], {})  # ROS reads no anchors
