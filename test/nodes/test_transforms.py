"""The transforms of a robot: their names by either convention, and, where tf2_msgs is, that they arrive."""

import importlib.util

import pytest

from ewm_ros.geometry import Pose2D
from ewm_ros.nodes import topics
from ewm_ros.nodes.transforms import Transform, default_convention, frames_of

HAVE_TF = importlib.util.find_spec("tf2_msgs") is not None
needs_tf = pytest.mark.skipif(not HAVE_TF, reason="tf2_msgs is not here: it comes with ROS from apt, there is no wheel")

POSE = Pose2D(1.0, 2.0, 0.5)
HERE = Pose2D(0.0, 0.0, 0.0)


def test_namespaced_every_robot_has_the_same_frames_on_a_topic_of_its_own():
    frames = frames_of("robot_3", "namespaced")
    assert (frames.topic, frames.static_topic) == ("tf", "tf_static")
    assert frames.standing == Transform("map", "odom", HERE)
    assert frames.moving(POSE) == Transform("odom", "base_link", POSE)


def test_prefixed_all_robots_share_a_topic_and_the_map_and_nothing_else():
    three, four = frames_of("robot_3", "prefixed"), frames_of("robot_4", "prefixed")
    assert (three.topic, three.static_topic) == (four.topic, four.static_topic) == ("/tf", "/tf_static")
    assert three.standing == Transform("map", "robot_3/odom", HERE)
    assert three.moving(POSE) == Transform("robot_3/odom", "robot_3/base_link", POSE)
    assert {three.odom, three.base}.isdisjoint({four.odom, four.base})


def test_without_a_convention_there_are_none():
    assert frames_of("robot_3", "none") is None


def test_a_real_robot_leaves_them_to_its_drivers_unless_it_is_told():
    assert default_convention(simulated=False) == "none"
    assert default_convention(simulated=True) == ("namespaced" if HAVE_TF else "none")


@pytest.mark.ros
def test_an_unknown_convention_ends_the_node_with_one_line(graph):
    status, stderr = graph.start("robot_node", "tf:=both", namespace="robot_0").end()
    line = "robot_node: parameter 'tf' is 'both': it must be one of none, namespaced, prefixed\n"
    assert (status, stderr) == (2, line)


@pytest.mark.ros
@pytest.mark.skipif(HAVE_TF, reason="tf2_msgs is here")
def test_transforms_that_cannot_be_sent_end_the_node_with_one_line(graph):
    status, stderr = graph.start("robot_node", "tf:=prefixed", namespace="robot_0").end()
    assert status == 2
    assert "parameter 'tf' is 'prefixed', but tf2_msgs is not there" in stderr
    assert stderr.count("\n") == 1


@needs_tf
@pytest.mark.ros
@pytest.mark.parametrize(
    ("convention", "place", "odom"), [("namespaced", "/robot_0/tf", "odom"), ("prefixed", "/tf", "robot_0/odom")]
)
def test_the_transforms_follow_the_odometry(graph, base_of, convention, place, odom):
    from tf2_msgs.msg import TFMessage

    from ewm_ros import names

    body = base_of("robot_0", x=3.0, y=-1.0, yaw=0.0)
    graph.start("robot_node", f"tf:={convention}", namespace="robot_0")
    moving = graph.collect(topics.Topic(place, TFMessage, names.TF_QOS))
    graph.spin_until(lambda: moving)
    told = moving[-1].transforms[0]
    base = odom.replace("odom", "base_link")
    assert (told.header.frame_id, told.child_frame_id) == (odom, base)
    assert (told.transform.translation.x, told.transform.translation.y) == (body.pose.x, body.pose.y)
    assert told.transform.rotation.w == pytest.approx(1.0)
    standing = graph.collect(topics.Topic(f"{place}_static", TFMessage, names.LATCHED))
    graph.spin_until(lambda: standing)
    still = standing[-1].transforms[0]
    assert (still.header.frame_id, still.child_frame_id) == ("map", odom)
    assert (still.transform.translation.x, still.transform.rotation.w) == (0.0, 1.0)
