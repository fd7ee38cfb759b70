"""What one robot publishes: commands to its motors, words to the other robots, pictures for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from geometry_msgs.msg import Twist
from rclpy.duration import Duration

from ewm_ros import names
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Route
from ewm_ros.nodes import conversions, topics
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.nodes.topics import Topic
from ewm_ros.robot.agent import Action
from ewm_ros.robot.command_bytes import command_bytes
from ewm_ros.sensing import STANDSTILL, Velocity

FLUSH = Duration(seconds=0.1)  # for the last zero velocity to arrive, before it is said again
REPEATED = 3  # times that it is waited for


class RobotOutputs:
    """Opens the publishers of one robot, that of its commands last.

    Args:
        host: the node that they are opened on.
        own: the topic as it is named for this robot, if it is not shared.
        settings: of the robot.
    """

    def __init__(self, host: TopicNode, own: Callable[[Topic], Topic], settings: RobotSettings) -> None:
        self._host, self._stamped = host, settings.cmd_vel_stamped
        best_effort = settings.intentions_best_effort
        self._intentions = host.offer(topics.INTENTIONS, names.INTENTIONS_OUT_BEST_EFFORT if best_effort else None)
        self._routes = host.offer(topics.ROUTES)
        self._plan = host.offer(own(topics.PLAN))
        self._imagined = host.offer(own(topics.IMAGINED))
        topic = own(topics.CMD_VEL)
        self._motors = topic if self._stamped else replace(topic, type=Twist)
        self._cmd_vel: Any = None
        self._shown: Polyline | None = None

    def take_motors(self) -> None:
        """Open cmd_vel. Whoever waits for this robot waits for that."""
        if self._cmd_vel is None:
            self._cmd_vel = self._host.offer(self._motors)

    def drive(self, velocity: Velocity) -> None:
        """Command the motors."""
        if self._stamped:
            self._cmd_vel.publish(command_bytes(velocity, self._host.ros_now()))
        else:
            self._cmd_vel.publish(sensors.twist_to(velocity))

    def flush(self) -> None:
        """Stand still, and wait until all who acknowledge commands have heard so."""
        if self._cmd_vel is None:
            return
        for _ in range(REPEATED):
            if self._cmd_vel.wait_for_all_acked(FLUSH):
                return
            self.drive(STANDSTILL)  # a second message asks for the acknowledgement of the first

    def tell(self, intention: bytes) -> None:
        """Publish an intention."""
        self._intentions.publish(intention)

    def send_route(self, route: Route) -> None:
        """Publish a route."""
        self._routes.publish(conversions.route_to(route))

    def show(self, action: Action) -> None:
        """Publish what only people look at: the path when it is new, the imagination if somebody looks."""
        if action.path is not None and action.path is not self._shown:
            self._shown = action.path
            self._plan.publish(sensors.path_to(action.path.points, action.intention.stamp))
        if self._imagined.get_subscription_count() > 0:
            trajectory = action.imagination.most_probable
            self._imagined.publish(sensors.path_to(trajectory.poses, trajectory.stamp))
