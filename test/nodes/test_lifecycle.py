"""Robots and coordinators as lifecycle nodes: what they do in each state, and on the way from one to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming

pytestmark = pytest.mark.ros


def status_of(messages, name: str) -> dict[str, str]:
    """Values of the newest status with this name."""
    for msg in reversed(messages):
        for status in msg.status:
            if status.name == name:
                return {pair.key: pair.value for pair in status.values}
    return {}


@pytest.fixture
def robot(graph):
    return graph.lifecycle("/robot_0/robot")


def test_a_robot_that_is_not_to_start_by_itself_drives_when_it_is_told_to(graph, base, robot):
    graph.start("robot_node", "autostart:=false", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    intentions = graph.collect(topics.INTENTIONS)
    base.drive_to(5.0, 0.0)
    assert robot.state == "unconfigured"
    assert robot.change("configure")
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.LIFECYCLE) == "inactive")
    graph.spin_for(1.5)
    assert (base.commands, intentions) == ([], [])
    assert robot.change("activate")
    graph.spin_until(lambda: base.moves)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.LIFECYCLE) == "active")


def test_a_deactivated_robot_stops_first_then_gives_its_way_back_and_leaves_the_motors_alone(graph, base, robot):
    process = graph.start("robot_node", namespace="robot_0")
    graph.start("coordinator_node")
    intentions = graph.collect(topics.INTENTIONS)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves and base.pose.x > 0.3, 15.0)
    assert robot.change("deactivate")
    moving = [k for k, msg in enumerate(base.commands) if incoming.velocity_from(msg.twist).v != 0.0]
    graph.spin_until(lambda: incoming.intention_from(intentions[-1]).standing.hold == 0.0)
    graph.spin_for(0.5)
    assert [k for k, msg in enumerate(base.commands) if incoming.velocity_from(msg.twist).v != 0.0] == moving
    assert incoming.intention_from(intentions[-1]).standing.progress == 0.0
    silent = len(base.commands), len(intentions)
    graph.spin_for(1.0)
    assert (len(base.commands), len(intentions)) == silent
    boot = intentions[-1].boot
    assert robot.change("activate")
    graph.spin_until(lambda: base.moves, 10.0)
    assert intentions[-1].boot != boot  # nothing that was granted to the one that left is granted to it
    assert process.stderr == ""


def test_one_that_is_cleaned_up_can_be_configured_anew_while_its_sensors_go_on(graph, base, robot):
    process = graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    assert "clean" in robot.set("rate", 5.0)
    for _ in range(3):
        assert robot.change("deactivate")
        assert robot.change("cleanup")
        graph.spin_until(lambda: not graph.node.count_publishers("/robot_0/cmd_vel"))
        graph.spin_until(lambda: not graph.node.count_subscribers("/robot_0/odom"))
        assert robot.set("rate", 5.0) == ""
        assert robot.change("configure")
        assert robot.change("activate")
    graph.spin_until(lambda: base.moves, 10.0)
    assert process.running


def test_a_bad_parameter_fails_the_transition_with_one_line_until_it_is_set_right(graph, robot):
    process = graph.start("robot_node", "autostart:=false", "priority:=256", "rate:=fast", namespace="robot_0")
    assert not robot.change("configure")
    assert robot.state == "unconfigured"
    graph.spin_until(lambda: "parameter 'priority' must be an integer from 0 to 255" in process.stderr)
    assert robot.set("priority", 255) == ""
    assert not robot.change("configure")
    graph.spin_until(lambda: "parameter 'rate' is 'fast': it must be a number from 1 to 50" in process.stderr)
    assert process.stderr.count("\n") == 2
    assert robot.set("rate", 10.0) == ""
    assert robot.change("configure")


def test_a_transition_that_is_not_possible_is_refused_and_nothing_else_happens(graph, base, robot):
    process = graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    assert not robot.change("activate")
    assert not robot.change("fly")
    assert robot.state == "active"
    assert process.running
    assert base.moves


def test_a_robot_that_is_shut_down_stops_and_ends_its_process(graph, base, robot):
    process = graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    assert robot.change("shutdown")
    graph.spin_until(lambda: not process.running)
    graph.spin_for(0.3)
    assert process.end() == (0, "")
    assert not base.moves


@pytest.mark.parametrize("latched", [True, False])
def test_an_emergency_stop_lets_no_command_through_and_outlasts_the_configuration(graph, base, robot, latched):
    graph.start("robot_node", namespace="robot_0")
    estop = graph.publisher(replace(topics.ESTOP, qos=replace(topics.ESTOP.qos, latched=latched)))
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    before = len(base.commands)
    estop.publish(topics.ESTOP.type(data=True))
    graph.spin_until(lambda: len(base.commands) > before + 20)
    later = [incoming.velocity_from(msg.twist).v for msg in base.commands[before:]]
    # One cycle may have been over before the stop arrived.
    assert len([v for v in later if v != 0.0]) <= 1
    assert all(v == 0.0 for v in later[1:])
    for transition in ("deactivate", "cleanup", "configure", "activate"):
        assert robot.change(transition)
    again = len(base.commands)
    graph.spin_until(lambda: len(base.commands) > again + 20, 10.0)
    assert not any(incoming.velocity_from(msg.twist).v for msg in base.commands[before + 1 :])
    estop.publish(topics.ESTOP.type(data=False))
    graph.spin_until(lambda: base.moves)


def test_a_robot_that_starts_after_an_emergency_stop_stands(graph, base):
    estop = graph.publisher(topics.ESTOP)
    estop.publish(topics.ESTOP.type(data=True))
    graph.start("robot_node", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.GATE) == "estop", 15.0)
    graph.spin_until(lambda: len(base.commands) > 20)
    assert not any(incoming.velocity_from(msg.twist).v for msg in base.commands)
    estop.publish(topics.ESTOP.type(data=False))
    graph.spin_until(lambda: base.moves)


def test_an_inactive_coordinator_is_silent_and_is_another_one_when_it_is_active_again(graph, base):
    process = graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    coordinator = graph.lifecycle("/coordinator")
    sets, said = graph.collect(topics.DIRECTIVES), graph.collect(topics.DIAGNOSTICS)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.COORDINATOR) == keys.HEARD, 15.0)
    assert coordinator.change("deactivate")
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.COORDINATOR) == keys.SILENT)
    heard = len(sets)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)  # by the local rule
    assert len(sets) == heard
    former = sets[-1].coordinator
    assert coordinator.change("activate")
    graph.spin_until(lambda: sets[-1].coordinator != former, 10.0)
    said.clear()
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.MODE) == keys.COORDINATED, 10.0)
    for transition in ("deactivate", "cleanup", "configure", "activate"):
        assert coordinator.change(transition)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.COORDINATOR) == keys.HEARD, 10.0)
    assert process.running


def test_the_coordinator_names_robots_that_it_does_not_hear_any_more(graph, base):
    graph.start("coordinator_node")
    process = graph.start("robot_node", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    graph.spin_until(lambda: status_of(said, "coordinator").get(keys.ROBOTS) == "1", 15.0)
    assert status_of(said, "coordinator")[keys.SILENT_ROBOTS] == ""
    process.end(9)
    graph.spin_until(lambda: status_of(said, "coordinator")[keys.SILENT_ROBOTS] == "robot_0", 15.0)
