"""Nav2's action in front of a running robot, where nav2_msgs is; what judges the goals is tested without it."""

import math

import pytest

pytest.importorskip("nav2_msgs", reason="nav2_msgs is not here: it comes with Nav2 from apt, there is no wheel")

from action_msgs.msg import GoalStatus as ActionStatus
from nav2_msgs.action import NavigateToPose
from rclpy.action import ActionClient

from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes import topics

pytestmark = pytest.mark.ros


class Client:
    """A program that navigates robot_0 by the action."""

    def __init__(self, graph):
        self._graph = graph
        self._client = ActionClient(graph.node, NavigateToPose, "/robot_0/navigate_to_pose")
        self.feedback = []

    def send(self, x, y, stamp=1.0, frame="map"):
        self._graph.spin_until(self._client.server_is_ready)
        pose = sensors.goal_to(x, y, stamp)
        pose.header.frame_id = frame
        future = self._client.send_goal_async(
            NavigateToPose.Goal(pose=pose), feedback_callback=lambda msg: self.feedback.append(msg.feedback)
        )
        return self._graph_result(future)

    def result(self, handle, timeout=20.0):
        return self._graph_result(handle.get_result_async(), timeout)

    def cancel(self, handle):
        return self._graph_result(handle.cancel_goal_async())

    def _graph_result(self, future, timeout=8.0):
        self._graph.spin_until(future.done, timeout)
        return future.result()


@pytest.fixture
def client(graph, base):
    made = Client(graph)
    graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: base.commands)
    return made


def test_a_goal_of_the_action_is_driven_to_and_succeeds(graph, base, client):
    handle = client.send(1.5, 0.0)
    assert handle.accepted
    result = client.result(handle)
    assert result.status == ActionStatus.STATUS_SUCCEEDED
    assert math.dist((base.pose.x, base.pose.y), (1.5, 0.0)) <= 0.3
    distances = [told.distance_remaining for told in client.feedback if told.distance_remaining > 0.0]
    assert distances[0] == pytest.approx(1.5, abs=0.3)
    assert distances == sorted(distances, reverse=True)
    assert client.feedback[-1].current_pose.pose.position.x > 0.2


def test_a_cancelled_action_stops_the_robot(graph, base, client):
    handle = client.send(6.0, 0.0)
    graph.spin_until(lambda: base.moves)
    assert len(client.cancel(handle).goals_canceling) == 1
    assert client.result(handle).status == ActionStatus.STATUS_CANCELED
    graph.spin_until(lambda: not base.moves)


def test_a_newer_goal_takes_the_place_of_the_older_by_action_and_by_topic(graph, base, client):
    first = client.send(6.0, 0.0)
    second = client.send(0.0, 6.0, stamp=2.0)
    assert client.result(first).status == ActionStatus.STATUS_ABORTED
    assert len(client.cancel(first).goals_canceling) == 0
    base.drive_to(-6.0, 0.0)
    result = client.result(second)
    assert (result.status, result.result.error_msg) == (ActionStatus.STATUS_ABORTED, "robot_0 was sent elsewhere")
    graph.spin_until(lambda: base.moves)


def test_a_goal_without_a_way_is_aborted_with_the_reason_and_given_up(graph, base, client):
    result = client.result(client.send(500.0, 0.0))
    assert result.status == ActionStatus.STATUS_ABORTED
    assert result.result.error_msg
    states = graph.collect(topics.GOAL_STATE.under("robot_0"))
    graph.spin_until(lambda: states and states[-1].status == states[-1].CANCELLED)


def test_a_goal_in_another_frame_is_refused(client):
    assert not client.send(1.0, 0.0, frame="odom").accepted
