import pytest

from ewm_ros.bag_facts import PROFILES
from ewm_ros.errors import InputError
from ewm_ros.nodes import topics
from ewm_ros.nodes.recording.recorder_profiles import Priority, reading, recorded_topics


def names(*args) -> list[str]:
    return [each.topic.name for each in recorded_topics(*args)]


def test_each_profile_has_what_the_one_before_it_has_and_more():
    minimal, evaluation, everything = (set(names(profile, [], ["robot_0"])) for profile in PROFILES)
    assert minimal < evaluation < everything
    assert {"/intentions", "/routes", "/diagnostics", "/robot_0/odom", "/robot_0/goal_pose"} <= minimal
    assert {"/directives", "/map", "/robot_0/cmd_vel", "/robot_0/plan"} <= evaluation - minimal
    assert {"/robot_0/scan", "/robot_0/imagined", "/markers"} <= everything - evaluation


def test_everything_is_everything_there_is():
    assert {topic.name for topic in topics.SHARED} <= set(names("everything", [], []))
    assert {f"/a/{topic.name}" for topic in topics.ROBOT} <= set(names("everything", [], ["a"]))


def test_topics_may_be_named_for_one_robot_or_for_each():
    wanted = ["/map", "odom", "/robot_1/scan"]
    recorded = names("minimal", wanted, ["robot_0", "robot_1"])
    assert recorded == ["/map", "/robot_0/odom", "/robot_1/odom", "/robot_1/scan"]


def test_an_unknown_topic_is_refused():
    with pytest.raises(InputError, match="unknown topic '/nonsense'"):
        recorded_topics("evaluation", ["/nonsense"], ["robot_0"])


def test_the_first_message_of_a_latched_topic_matters_more_than_those_after_it():
    priorities = {
        each.topic.name: (each.first_priority, each.priority) for each in recorded_topics("everything", [], ["a"])
    }
    assert priorities["/map"] == (Priority.EVENT, Priority.STREAM)
    assert priorities["/a/plan"] == (Priority.EVENT, Priority.STREAM)
    assert priorities["/a/scan"] == (Priority.BULK, Priority.BULK)
    assert priorities["/a/goal_pose"] == (Priority.EVENT, Priority.EVENT)


def test_topics_are_read_as_they_are_offered_but_intentions_as_best_effort():
    assert reading(topics.MAP, 7).qos == topics.MAP.qos.__class__(reliable=True, latched=True, depth=7)
    assert not reading(topics.INTENTIONS, 7).qos.reliable
