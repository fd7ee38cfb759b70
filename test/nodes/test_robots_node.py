"""All robots of a fleet in one process: what they do is what they would do apart, and they hear each message once."""

from __future__ import annotations

import math

import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming

pytestmark = pytest.mark.ros

RADIUS = 0.3  # m, of a tinybot
FLEET = ("robot_0", "robot_1")


def values_of(messages, robot: str) -> dict[str, str]:
    """What the robot said last on /diagnostics."""
    for msg in reversed(messages):
        for status in msg.status:
            if status.name == keys.ROBOT_STATUS.format(robot=robot):
                return {pair.key: pair.value for pair in status.values}
    return {}


@pytest.fixture
def crossing(base_of):
    """The bodies of two robots whose ways cross at (1.5, 0)."""
    return base_of("robot_0"), base_of("robot_1", 1.5, -1.4, math.pi / 2.0)


def start(graph, *parameters: str):
    return graph.start("robots_node", "robots:=[robot_0, robot_1]", *parameters)


def test_two_whose_ways_cross_reach_their_goals_and_hear_every_shared_topic_once(graph, crossing):
    first, second = crossing
    graph.start("coordinator_node")
    start(graph)
    first.drive_to(3.0, 0.0)
    second.drive_to(1.5, 1.2)
    closest = []

    def both_there() -> bool:
        closest.append(math.dist((first.pose.x, first.pose.y), (second.pose.x, second.pose.y)))
        there = math.dist((first.pose.x, first.pose.y), (3.0, 0.0)) < 0.3
        return there and math.dist((second.pose.x, second.pose.y), (1.5, 1.2)) < 0.3

    graph.spin_until(both_there, 40.0)
    assert min(closest) > 2.0 * RADIUS
    for topic in (names.INTENTIONS, names.ROUTES, names.DIRECTIVES, names.MAP):
        readers = graph.node.get_subscriptions_info_by_topic(topic)
        assert [reader.node_name for reader in readers].count("robots") == 1, topic


def test_robots_of_one_process_hear_each_other_no_better_than_the_network_lets_them(graph, crossing):
    graph.start("coordinator_node")
    start(graph, "network_loss:=1.0")
    said = graph.collect(topics.DIAGNOSTICS)
    directives = graph.collect(topics.DIRECTIVES)
    graph.spin_until(lambda: any(len(msg.directives) == 2 for msg in directives), 20.0)
    graph.spin_until(lambda: all(values_of(said, name).get(keys.INTENTION_BYTES) for name in FLEET))
    told = [values_of(said, name) for name in FLEET]
    assert [values[keys.COORDINATOR] for values in told] == [keys.SILENT, keys.SILENT]
    assert [values[keys.CYCLE_MS] for values in told] == ["", ""]


def test_when_the_node_is_deactivated_all_stop_and_say_so(graph, crossing):
    start(graph)
    intentions = graph.collect(topics.INTENTIONS)
    for base in crossing:
        base.drive_to(base.pose.x + 4.0 * math.cos(base.pose.yaw), base.pose.y + 4.0 * math.sin(base.pose.yaw))
    graph.spin_until(lambda: any(base.moves for base in crossing), 15.0)
    fleet = graph.lifecycle("/robots")
    assert fleet.change("deactivate")
    graph.spin_for(2.5)
    assert not any(base.moves for base in crossing)
    last = {msg.robot: incoming.intention_from(msg).standing.hold for msg in intentions}
    assert last == {"robot_0": 0.0, "robot_1": 0.0}
    heard = len(intentions)
    graph.spin_for(0.5)
    assert len(intentions) == heard


def test_an_emergency_stop_stops_all_of_them_on_the_spot(graph, crossing):
    start(graph)
    estop = graph.publisher(topics.ESTOP)
    for base in crossing:
        base.drive_to(base.pose.x + 4.0 * math.cos(base.pose.yaw), base.pose.y + 4.0 * math.sin(base.pose.yaw))
    graph.spin_until(lambda: any(base.moves for base in crossing), 15.0)
    before = [len(base.commands) for base in crossing]
    estop.publish(topics.ESTOP.type(data=True))
    graph.spin_until(lambda: all(len(b.commands) > n + 10 for b, n in zip(crossing, before, strict=True)))
    for base, count in zip(crossing, before, strict=True):
        assert not any(incoming.velocity_from(msg.twist).v for msg in base.commands[count + 1 :])


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ((), "parameter 'robots' is missing: it lists the robots' names"),
        (("robots:=[robot_0, robot_0]",), "parameter 'robots' has a name twice"),
        (("robots:=[Robot]",), "robot name 'Robot'"),
        (("robots:=[a, b, c]", "robot_types:=[tinybot, husky]"), "has 2 types for 3 robots"),
        (("robots:=[a]", "robot_types:=[unicorn]"), "unknown robot type 'unicorn'"),
    ],
)
def test_bad_parameters_end_it_with_one_line(graph, parameters, complaint):
    status, stderr = graph.start("robots_node", *parameters).end()
    assert status == 2
    assert stderr.startswith("robots_node: ")
    assert complaint in stderr
    assert stderr.count("\n") == 1
