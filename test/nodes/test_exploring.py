import math

import numpy as np
import pytest

from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import Intention, Knot, Outcome, Plan, Search, Standing
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes import topics
from ewm_ros.robot import incoming

pytestmark = pytest.mark.ros

NEAR, FAR = (2.0, 0.0), (0.0, 3.0)


def searches(intentions, robot: str = "robot_0") -> list[Search]:
    """What the robot has told of its search, message by message."""
    heard = [incoming.intention_from(msg) for msg in intentions]
    return [i.plan.search for i in heard if i.robot == robot and i.plan.search is not None]


def taking(goal, bid: float, seq: int) -> Intention:
    """Robot_1's word that it takes a goal."""
    knots = (Knot(0.0, 6.0, 6.0, 0.0, 0.1),)
    return Intention(
        "robot_1", 7, seq, 0.0, Plan("", Outcome.IDLE, math.inf, 1.0, knots, Search((goal,), bid)), Standing()
    )


def show(graph, *goals):
    """Robot_0 sees these goals from now on."""
    sightings = graph.publisher(topics.SIGHTINGS.under("robot_0"))
    graph.node.create_timer(0.1, lambda: sightings.publish(sensors.sightings_to(np.array(goals), 0.0)))


def test_a_robot_drives_to_the_nearest_goal_that_it_sees(graph, base):
    intentions = graph.collect(topics.INTENTIONS)
    graph.start("coordinator_node")
    graph.start("robot_node", "explore:=true", namespace="robot_0")
    show(graph, FAR, NEAR)
    graph.spin_until(lambda: any(search.bid == 0.0 for search in searches(intentions)), timeout=20.0)
    assert math.dist((base.pose.x, base.pose.y), NEAR) < 0.3
    assert searches(intentions)[-1].finds == (NEAR, FAR)


def test_it_leaves_a_goal_to_a_robot_that_it_hears_take_it_and_learns_of_others(graph, base):
    intentions, words = graph.collect(topics.INTENTIONS), iter(range(1, 10_000))
    sender = graph.publisher(topics.INTENTIONS)
    graph.node.create_timer(0.1, lambda: sender.publish(intention_bytes(taking(NEAR, 0.0, seq=next(words)))))
    graph.start("robot_node", "explore:=true", namespace="robot_0")
    show(graph, FAR)
    graph.spin_until(lambda: any(search.bid < math.inf for search in searches(intentions)))
    graph.spin_for(1.0)
    chosen = [search.finds[0] for search in searches(intentions) if search.bid < math.inf]
    assert set(chosen) == {FAR}
    assert any(NEAR in search.finds for search in searches(intentions))


def test_one_that_is_told_where_to_go_does_not_search(graph, base):
    intentions = graph.collect(topics.INTENTIONS)
    graph.start("robot_node", namespace="robot_0")
    show(graph, NEAR)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: len(intentions) > 5)
    assert not searches(intentions)


def test_the_simulation_shows_goals_in_view_and_sends_nobody_anywhere(graph):
    graph.publisher(topics.DIRECTIVES)
    for i in range(3):
        graph.publisher(topics.CMD_VEL.under(f"robot_{i}"))
        graph.collect(topics.ODOM.under(f"robot_{i}"))
    seen = [graph.collect(topics.SIGHTINGS.under(f"robot_{i}")) for i in range(3)]
    goals = [graph.collect(topics.GOAL_POSE.under(f"robot_{i}")) for i in range(3)]
    process = graph.start("simulation_node", "world:=allocation", "robots:=3", "time_limit:=1.0")
    graph.spin_until(lambda: not process.running, timeout=15.0)
    assert process.end() == (0, "")
    # No goal is in view from where robots start.
    assert all(len(own) >= 3 and not any(msg.poses for msg in own) for own in seen)
    assert goals == [[], [], []]
