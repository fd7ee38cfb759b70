"""One robot's goals on its topics: what comes in as goal_pose and cancel_goal, what is told of it as goal_state."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Empty

from ewm_ros import names
from ewm_ros.nodes import conversions, topics
from ewm_ros.nodes.drops import DropCounter
from ewm_ros.nodes.process import steady_now
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.nodes.topics import Topic
from ewm_ros.robot import incoming
from ewm_ros.robot.agent import Action
from ewm_ros.robot.goal_keeper import GoalKeeper
from ewm_ros.robot.way_finder import Goal
from ewm_ros.sensing import Odometry

if TYPE_CHECKING:
    from ewm_ros.nodes.navigate_server import NavigateServer


class GoalDesk:
    """Hands goals to a GoalKeeper and tells what becomes of them; offers Nav2's NavigateToPose too where that is known.

    Args:
        host: the node that the topics are opened on.
        robot: its name.
        namespace: where the robot's topics are; where the host is if empty.
        drops: counts what is refused.
        ready: whether the robot may be sent anywhere by the action now; what comes as a topic is kept for later.
    """

    def __init__(
        self, host: TopicNode, robot: str, namespace: str, drops: DropCounter, ready: Callable[[], bool]
    ) -> None:
        self._host = host
        self._keeper = GoalKeeper(robot)
        self._odometry: Odometry | None = None

        def own(topic: Topic) -> Topic:
            return topic.under(namespace) if namespace else topic

        self._states = host.offer(own(topics.GOAL_STATE))
        for topic in (topics.GOAL_POSE, topics.GOAL_POSE.volatile):
            host.listen(own(topic), self._on_goal, drops=drops)
        host.listen(own(topics.CANCEL_GOAL), self._on_cancel, drops=drops)
        self._action: NavigateServer | None = None
        if importlib.util.find_spec("nav2_msgs") is not None:
            from ewm_ros.nodes.navigate_server import NavigateServer

            name = f"/{namespace}/{names.NAVIGATE_TO_POSE}" if namespace else names.NAVIGATE_TO_POSE
            self._action = NavigateServer(host, name, self._keeper, ready, lambda: self._odometry)

    @property
    def goal(self) -> Goal | None:
        """Where the robot was sent, None if nowhere."""
        return self._keeper.goal

    def follow(self, action: Action, odometry: Odometry, no_way: str) -> None:
        """Take what came of a cycle in which the robot was told to go to `goal`; see GoalKeeper.follow."""
        self._odometry = odometry
        self._keeper.follow(action, odometry, no_way)

    def tell(self, boot: int, hindrance: str) -> None:
        """Publish what there is to tell; to be called several times a second.

        Args:
            boot: of the robot.
            hindrance: why the robot is kept from driving; empty if it is not.
        """
        state = self._keeper.tell(boot, self._host.ros_now(), steady_now(), hindrance)
        if state is not None:
            self._states.publish(conversions.goal_state_to(state))
            if self._action is not None:
                self._action.hear(state)

    def close(self) -> None:
        """Give the action up; the topics are the host's."""
        if self._action is not None:
            self._action.close()

    def _on_goal(self, msg: PoseStamped) -> None:
        self._keeper.send(incoming.goal_from(msg), incoming.nanoseconds(msg.header.stamp), steady_now())

    def _on_cancel(self, msg: Empty) -> None:
        self._keeper.cancel()
