"""Robots that come late, go early or take a name that is taken, as real processes on a real ROS graph."""

from __future__ import annotations

import math
import signal

import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros.messages import Intention
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming
from ewm_ros.robot.command_gate import STALE_ODOMETRY, STALE_SCAN

pytestmark = pytest.mark.ros

RADIUS = 0.3  # m, of a tinybot
TAKEN = "robot name 'robot_0' is already used by another running robot: choose another namespace\n"


def apart(a, b) -> float:
    """m between the centres of two bases."""
    return math.dist((a.pose.x, a.pose.y), (b.pose.x, b.pose.y))


def near(base, x: float, y: float) -> bool:
    return math.dist((base.pose.x, base.pose.y), (x, y)) < 0.3


@pytest.fixture
def crossing(base_of):
    """The bodies of two robots whose ways cross at (1.5, 0)."""
    return base_of("robot_0"), base_of("robot_1", 1.5, -1.4, math.pi / 2.0)


@pytest.fixture
def newest(graph) -> dict[str, Intention]:
    """The newest intention of each robot."""
    told: dict[str, Intention] = {}

    def take(msg) -> None:
        intention = incoming.intention_from(msg)
        told[intention.robot] = intention

    graph.node.create_subscription(topics.INTENTIONS.type, topics.INTENTIONS.name, take, 50)
    return told


def gates(said, fleet) -> dict[str, str]:
    """Why each robot's command gate stops it, as it told last."""
    told = {}
    for msg in said:
        for status in msg.status:
            told[status.name] = {pair.key: pair.value for pair in status.values}.get(keys.GATE, "")
    return {name: told.get(f"{name}: ewm", "") for name in fleet}


def test_when_the_simulation_is_killed_every_robot_stops_and_says_why(graph):
    fleet = [f"robot_{k}" for k in range(3)]
    commands = {name: graph.collect(topics.CMD_VEL.under(name)) for name in fleet}
    said = graph.collect(topics.DIAGNOSTICS)
    graph.start("coordinator_node", "use_sim_time:=true")
    graph.start("robots_node", f"robots:=[{', '.join(fleet)}]", "use_sim_time:=true")
    simulation = graph.start("simulation_node", "world:=intersection", "robots:=3")

    def all_drive() -> bool:
        return all(some and some[-1].twist.linear.x > 0.1 for some in commands.values())

    graph.spin_until(all_drive, 30.0)
    assert simulation.end(signal.SIGKILL)[0] == -signal.SIGKILL
    graph.spin_until(lambda: set(gates(said, fleet).values()) <= {STALE_ODOMETRY, STALE_SCAN}, 5.0)
    assert [some[-1].twist.linear.x for some in commands.values()] == [0.0, 0.0, 0.0]


def test_a_robot_that_comes_late_gets_its_way_across_that_of_one_that_drives(graph, crossing):
    first, late = crossing
    graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    first.drive_to(3.0, 0.0)
    late.drive_to(1.5, 1.2)
    graph.spin_until(lambda: first.pose.x > 0.3, 15.0)
    graph.start("robot_node", namespace="robot_1")
    closest = [apart(first, late)]

    def both_there() -> bool:
        closest.append(apart(first, late))
        return near(first, 3.0, 0.0) and near(late, 1.5, 1.2)

    graph.spin_until(both_there, 40.0)
    assert min(closest) > 2.0 * RADIUS


def test_a_robot_that_is_stopped_gives_its_way_back_and_others_pass(graph, crossing, newest):
    leaver, other = crossing
    graph.start("coordinator_node")
    process = graph.start("robot_node", namespace="robot_0")
    leaver.drive_to(3.0, 0.0)
    # It holds the crossing, which it is not in yet.
    graph.spin_until(lambda: leaver.moves and newest["robot_0"].standing.hold > 1.5, 15.0)
    process.send(signal.SIGINT)
    graph.spin_until(lambda: not process.running, 5.0)
    assert process.end() == (0, "")
    assert not leaver.moves
    assert leaver.pose.x < 0.8
    last = newest["robot_0"].standing
    assert (last.progress, last.hold) == (0.0, 0.0)
    graph.start("robot_node", namespace="robot_1")
    other.drive_to(1.5, 1.2)
    graph.spin_until(lambda: near(other, 1.5, 1.2), 25.0)


def test_one_that_is_killed_comes_back_under_its_name_and_goes_on(graph, base):
    graph.start("coordinator_node")
    process = graph.start("robot_node", namespace="robot_0")
    base.drive_to(2.0, 0.0)
    graph.spin_until(lambda: base.pose.x > 0.3, 15.0)
    assert process.end(signal.SIGKILL)[0] == -signal.SIGKILL
    base.commands.clear()  # a real base stops by itself
    again = graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: near(base, 2.0, 0.0), 25.0)
    assert again.running
    assert again.stderr == ""


def test_of_two_that_start_under_one_name_one_ends_with_a_line_that_says_what_to_do(graph, base):
    processes = [graph.start("robot_node", namespace="robot_0") for _ in range(2)]
    base.drive_to(3.0, 0.0)
    graph.spin_until(lambda: sum(process.running for process in processes) == 1)
    (refused,) = [process for process in processes if not process.running]
    assert refused.end() == (2, "robot_node: " + TAKEN)
    graph.spin_until(lambda: base.moves)


def test_one_that_comes_late_under_a_name_that_is_taken_ends_and_the_first_drives_on(graph, base):
    graph.start("coordinator_node")
    first = graph.start("robot_node", namespace="robot_0")
    base.drive_to(3.0, 0.0)
    graph.spin_until(lambda: base.pose.x > 0.3, 15.0)
    late = graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: not late.running)
    assert late.end() == (2, "robot_node: " + TAKEN)
    assert first.running
    graph.spin_until(lambda: near(base, 3.0, 0.0), 25.0)
    assert "Traceback" not in first.stderr
