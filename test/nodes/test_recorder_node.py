from pathlib import Path

import pytest
from rosbags.highlevel import AnyReader

from ewm_ros.errors import InputError
from ewm_ros.nodes.recorder_node import recorded_topics


def test_by_default_it_records_what_evaluation_needs_but_no_scans():
    recorded = [topic.name for topic in recorded_topics([], ["robot_0"], scans=False)]
    assert {"/intentions", "/directives", "/diagnostics", "/robot_0/odom", "/robot_0/goal_pose"} <= set(recorded)
    assert "/robot_0/scan" not in recorded
    assert "/robot_0/scan" in [topic.name for topic in recorded_topics([], ["robot_0"], scans=True)]


def test_topics_may_be_named_for_one_robot_or_for_each():
    recorded = recorded_topics(["/map", "odom", "/robot_1/scan"], ["robot_0", "robot_1"], scans=False)
    assert [topic.name for topic in recorded] == ["/map", "/robot_0/odom", "/robot_1/odom", "/robot_1/scan"]


def test_an_unknown_topic_is_refused():
    with pytest.raises(InputError, match="unknown topic '/nonsense'"):
        recorded_topics(["/nonsense"], ["robot_0"], scans=False)


@pytest.mark.ros
def test_its_bag_is_complete_after_a_signal(graph, base, tmp_path: Path, ending_signal):
    bag = tmp_path / "bag"
    process = graph.start("recorder_node", f"directory:={bag}", "robots:=[robot_0]", 'facts:=["seed=7", "world=none"]')
    graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    graph.spin_for(0.3)
    assert process.end(ending_signal) == (0, "")
    with AnyReader([bag]) as reader:
        counts = {connection.topic: connection.msgcount for connection in reader.connections}
        for topic in ("/map", "/robot_0/goal_pose", "/robot_0/plan", "/routes"):
            assert counts[topic] >= 1, topic
        for topic in ("/intentions", "/directives", "/robot_0/odom", "/robot_0/cmd_vel"):
            assert counts[topic] > 3, topic
        intentions = [c for c in reader.connections if c.topic == "/intentions"]
        seqs = [reader.deserialize(raw, c.msgtype).seq for c, _, raw in reader.messages(intentions)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert "seed: '7'" in (bag / "metadata.yaml").read_text()


@pytest.mark.ros
@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ((), "parameter 'directory' is missing"),
        (("directory:=/",), "bag folder / exists already"),
        (("directory:=bag", "topics:=[/nonsense]"), "unknown topic '/nonsense'"),
        (("directory:=bag", "robots:=[R2-D2]"), "robot name 'R2-D2'"),
        (("directory:=bag", "facts:=[seed]"), "parameter 'facts' has 'seed'"),
    ],
)
def test_bad_parameters_end_it_with_one_line(graph, parameters, complaint):
    status, stderr = graph.start("recorder_node", *parameters).end()
    assert status == 2
    assert complaint in stderr
    assert stderr.count("\n") == 1
