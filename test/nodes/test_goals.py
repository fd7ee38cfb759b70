"""Goals of a running robot: sent, followed, given up; by topic and by `ewm goal`."""

import json
import math
import os
import subprocess
import sys

import pytest

from ewm_ros.messages import GoalStatus
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming
from ewm_ros.robot.goal_keeper import REACHED

pytestmark = pytest.mark.ros

EWM = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()"]


class States:
    """What a robot has told of its goals."""

    def __init__(self, graph, name="robot_0"):
        self._messages = graph.collect(topics.GOAL_STATE.under(name))

    @property
    def newest(self):
        return incoming.goal_state_from(self._messages[-1]) if self._messages else None

    @property
    def statuses(self):
        """Each once, in the order in which they came."""
        return list(dict.fromkeys(GoalStatus(msg.status) for msg in self._messages))

    def is_now(self, status):
        return self.newest is not None and self.newest.status is status


@pytest.fixture
def states(graph):
    return States(graph)


@pytest.fixture
def ewm_goal(graph, domain, monkeypatch):
    """Runs `ewm goal` while the robot's body lives on; returns exit status, stdout and stderr."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    started = []

    def run(*args, meanwhile=lambda: None, timeout=25.0):
        process = subprocess.Popen(
            [*EWM, "goal", *args], env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)

        def over():
            meanwhile()
            return process.poll() is not None

        graph.spin_until(over, timeout)
        out, err = process.communicate()
        return process.returncode, out, err

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_a_robot_tells_how_far_it_is_and_when_it_is_there(graph, base, states):
    graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE))
    base.drive_to(1.5, 0.0)
    graph.spin_until(lambda: states.is_now(GoalStatus.REACHED), timeout=15.0)
    assert states.statuses == [GoalStatus.NONE, GoalStatus.ACTIVE, GoalStatus.REACHED]
    assert (states.newest.number, states.newest.x, states.newest.y) == (1, 1.5, 0.0)
    assert math.dist((base.pose.x, base.pose.y), (1.5, 0.0)) <= REACHED
    late = States(graph)
    graph.spin_until(lambda: late.is_now(GoalStatus.REACHED))


@pytest.mark.parametrize("latched", [True, False])
def test_a_cancelled_goal_leaves_the_robot_standing_where_it_was(graph, base, states, latched):
    graph.start("robot_node", namespace="robot_0")
    goal = topics.GOAL_POSE.under("robot_0")
    goals = graph.publisher(goal if latched else goal.volatile)
    cancels = graph.publisher(topics.CANCEL_GOAL.under("robot_0"))
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE) and goals.get_subscription_count() > 0)
    goals.publish(sensors.goal_to(6.0, 0.0, 3.0))
    graph.spin_until(lambda: base.moves)
    cancels.publish(topics.CANCEL_GOAL.type())
    graph.spin_until(lambda: states.is_now(GoalStatus.CANCELLED) and not base.moves)
    assert states.newest.sent == 3_000_000_000
    graph.spin_for(0.5)
    stood = (base.pose.x, base.pose.y)
    graph.spin_for(1.0)
    assert math.dist(stood, (base.pose.x, base.pose.y)) < 0.01
    assert base.pose.x < 5.0


def test_an_emergency_stop_is_named_in_the_state_of_the_goal(graph, base, states):
    graph.start("robot_node", namespace="robot_0")
    estop = graph.publisher(topics.ESTOP)
    base.drive_to(6.0, 0.0)
    graph.spin_until(lambda: base.moves)
    estop.publish(topics.ESTOP.type(data=True))
    graph.spin_until(lambda: states.newest.text == "estop")
    assert states.newest.status is GoalStatus.ACTIVE


def test_ewm_goal_waits_until_the_robot_is_there(graph, base, states, ewm_goal):
    graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE))
    status, out, err = ewm_goal("robot_0", "-1.2", "-0.5", "--wait", "--timeout", "20")
    assert (status, out) == (0, "robot_0 is at (-1.2, -0.5)\n"), err
    assert "driving" in err and "m to go" in err
    assert math.dist((base.pose.x, base.pose.y), (-1.2, -0.5)) <= REACHED


def test_ewm_goal_without_waiting_and_its_cancelling(graph, base, states, ewm_goal):
    graph.start("robot_node", namespace="robot_0")
    status, out, err = ewm_goal("robot_0", "6", "0", "--json")
    assert status == 0, err
    told = json.loads(out)
    assert (told["robot"], told["status"], told["x"], told["why"]) == ("robot_0", "active", 6.0, "")
    graph.spin_until(lambda: base.moves)
    status, out, err = ewm_goal("robot_0", "--cancel")
    assert (status, out) == (0, "robot_0 has no goal to drive to\n"), err
    graph.spin_until(lambda: states.is_now(GoalStatus.CANCELLED) and not base.moves)


def test_ewm_goal_says_why_the_robot_will_not_come(graph, base, states, ewm_goal):
    graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE))
    status, out, err = ewm_goal("robot_0", "500", "0", "--wait")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == f"ewm: {states.newest.text}"
    status, _, err = ewm_goal("robot_0", "6", "0", "--wait", "--timeout", "0.5")
    assert status == 1
    assert err.splitlines()[-1].startswith("ewm: robot_0 is not there after 0.5 s: ")


def test_ewm_goal_notices_that_somebody_else_sends_the_robot_elsewhere(graph, base, states, ewm_goal):
    graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE))
    diverted = []

    def divert():
        if base.moves and not diverted:
            diverted.append(True)
            base.drive_to(0.0, 5.0)

    status, _, err = ewm_goal("robot_0", "6", "0", "--wait", meanwhile=divert)
    assert status == 1
    assert err.splitlines()[-1] == "ewm: robot_0 was sent elsewhere"


def test_ewm_goal_does_not_wait_for_a_robot_that_has_died(graph, base, states, ewm_goal):
    process = graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: states.is_now(GoalStatus.NONE))
    status, _, err = ewm_goal("robot_0", "6", "0", "--wait", meanwhile=lambda: base.moves and process.send(9))
    assert status == 1
    assert err.splitlines()[-1] == "ewm: robot_0 has said nothing for 5 s"


def test_ewm_goal_names_the_robots_there_are(graph, base_of, ewm_goal):
    for name in ("robot_0", "robot_1"):
        graph.start("robot_node", namespace=name)
    # A recorder hears goals too, and is no robot.
    goal = topics.GOAL_POSE.under("robot_7")
    graph.collect(goal)
    status, out, err = ewm_goal("robot_7", "1", "1")
    assert (status, out) == (2, "")
    assert err == "ewm: no robot 'robot_7' on this ROS domain: there are robot_0, robot_1\n"
