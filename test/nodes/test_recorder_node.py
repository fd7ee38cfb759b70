import hashlib
import resource
from pathlib import Path

import pytest
import yaml
from geometry_msgs.msg import PoseStamped
from rosbags.highlevel import AnyReader

from ewm_ros import __version__
from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import BagFacts
from ewm_ros.names import QoS
from ewm_ros.nodes import topics
from ewm_ros.nodes.qos import profile

WORLD = "name: lab\nrobots: {min: 1}  # of ours\n"


def counts(bag: Path) -> dict[str, int]:
    with AnyReader([bag]) as reader:
        return {connection.topic: connection.msgcount for connection in reader.connections}


@pytest.mark.ros
def test_its_bag_is_complete_after_a_signal(graph, base, tmp_path: Path, ending_signal):
    bag = tmp_path / "bag"
    (tmp_path / "lab.yaml").write_text(WORLD)
    process = graph.start(
        *("recorder_node", f"directory:={bag}", "robots:=[robot_0]", 'facts:=["seed=7", "site=lab"]'),
        *("split_duration:=1.0", f"world_file:={tmp_path}/lab.yaml"),
    )
    graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves, 30.0)
    graph.spin_for(0.3)
    assert process.end(ending_signal) == (0, "")
    kept = counts(bag)
    for topic in ("/map", "/robot_0/plan", "/routes"):
        assert kept[topic] >= 1, topic
    assert kept["/robot_0/goal_pose"] == 1  # though it is listened to twice
    for topic in ("/intentions", "/directives", "/robot_0/odom", "/robot_0/cmd_vel"):
        assert kept[topic] > 3, topic
    with AnyReader([bag]) as reader:
        intentions = [c for c in reader.connections if c.topic == "/intentions"]
        seqs = [reader.deserialize(raw, c.msgtype).seq for c, _, raw in reader.messages(intentions)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    told = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert len(told["files"]) >= 2
    facts = BagFacts.parse(told["custom_data"])
    assert (facts.seed, facts.robots, facts.other, facts.world_file) == (7, 1, {"site": "lab"}, WORLD)
    assert (facts.version, facts.profile) == (__version__, "evaluation")
    assert facts.world_sha256 == hashlib.sha256(WORLD.encode()).hexdigest()


@pytest.mark.ros
def test_goals_of_who_does_not_latch_them_are_recorded_too(graph, tmp_path: Path):
    process = graph.start("recorder_node", f"directory:={tmp_path}/bag", "robots:=[robot_0]")
    goals = graph.node.create_publisher(PoseStamped, "/robot_0/goal_pose", profile(QoS(True, False, 1)))
    graph.spin_until(lambda: goals.get_subscription_count() == 1)  # the other one listens to latched ones only
    goals.publish(PoseStamped())
    graph.spin_for(0.3)
    assert process.end(15)[0] == 0
    assert counts(tmp_path / "bag")["/robot_0/goal_pose"] == 1


@pytest.mark.ros
def test_where_nothing_can_be_written_any_more_it_says_so_and_goes_on_when_there_is_room(graph, tmp_path: Path):
    """Files that may not grow, as by `ulimit -f`, are the full disk that a test can have."""
    process = graph.start("recorder_node", f"directory:={tmp_path}/bag")
    told = graph.collect(topics.DIAGNOSTICS)
    graph.spin_until(lambda: bool(told))
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

    def status() -> tuple[bytes, str, int]:
        (newest,) = (each for each in told[-1].status if each.name == keys.RECORDER_STATUS)
        written = {pair.key: pair.value for pair in newest.values}[keys.WRITTEN]
        return newest.level, newest.message, int(written)

    graph.spin_until(lambda: status()[:2] == (b"\1", "the disk refuses to be written (File too large)"))
    stuck = status()[2]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
    graph.spin_until(lambda: status()[0] == b"\0" and status()[2] > stuck)
    code, said = process.end(15)
    assert code == 0
    assert said.count("the disk refuses to be written (File too large)") == 1
    assert counts(tmp_path / "bag")["/diagnostics"] >= status()[2]


@pytest.mark.ros
@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ((), "parameter 'directory' is missing"),
        (("directory:=/",), "bag folder / exists already"),
        (("directory:=bag", "topics:=[/nonsense]"), "unknown topic '/nonsense'"),
        (("directory:=bag", "robots:=[R2-D2]"), "robot name 'R2-D2'"),
        (("directory:=bag", "facts:=[seed]"), "parameter 'facts' has 'seed'"),
        (("directory:=bag", "facts:=[seed=x]"), "fact 'seed' is 'x': must be a whole number"),
        (("directory:=bag", "profile:=some"), "parameter 'profile' is 'some'"),
        (("directory:=bag", "world_file:=/none.yaml"), "parameter 'world_file': /none.yaml cannot be read"),
    ],
)
def test_bad_parameters_end_it_with_one_line(graph, parameters, complaint):
    status, stderr = graph.start("recorder_node", *parameters).end()
    assert status == 2
    assert complaint in stderr
    assert stderr.count("\n") == 1
