import pytest
from rclpy.qos import DurabilityPolicy, HistoryPolicy, ReliabilityPolicy

from ewm_ros import names
from ewm_ros.nodes import topics
from ewm_ros.nodes.qos import profile


@pytest.mark.parametrize("topic", [*topics.SHARED, *topics.ROBOT], ids=lambda topic: topic.name)
def test_every_profile_says_what_its_name_says(topic):
    made = profile(topic.qos)
    assert made.history == HistoryPolicy.KEEP_LAST
    assert made.depth == topic.qos.depth
    assert (made.reliability == ReliabilityPolicy.RELIABLE) == topic.qos.reliable
    assert (made.durability == DurabilityPolicy.TRANSIENT_LOCAL) == topic.qos.latched


def test_the_table_of_topics_is_complete():
    named = {value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)}
    others = {names.PACKAGE, names.MAP_FRAME, names.BASE_FRAME, names.TF, names.TF_STATIC, names.NAVIGATE_TO_POSE}
    assert {topic.name for topic in (*topics.SHARED, *topics.ROBOT)} == named - others


def test_a_topic_knows_its_type_and_its_absolute_name():
    topic = topics.PLAN.under("robot_3")
    assert (topic.name, topic.type_name) == ("/robot_3/plan", "nav_msgs/msg/Path")
    assert topics.INTENTIONS.type_name == "ewm_ros/msg/Intention"
