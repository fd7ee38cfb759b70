"""Sends a robot to a place from within another program, and follows what becomes of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from ewm_ros.errors import InputError
from ewm_ros.messages import GoalState, check_robot_name
from ewm_ros.nodes import topics
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.process import TURN, NodeExecutor, steady_now
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.sensor_conversions import exact_stamp, goal_to
from ewm_ros.robot import incoming
from ewm_ros.robot.goal_keeper import Ending, ending_of

FOUND_IN = 4.0  # s in which a robot that is there has been found
HEARD_IN = 3.0  # s in which it has said that it takes the goal, or gives one up
SILENT = 5.0  # s without a word of a goal that is under way, of which there should be one a second


class NotDone(Exception):
    """The robot is not at its goal, and will not come there; the text says why, on one line."""


class GoalSender:
    """Talks to one robot on the current ROS domain. Use as a context manager.

    Args:
        robot: its name.

    Raises:
        InputError: that is no name of a robot.
    """

    def __init__(self, robot: str) -> None:
        self.robot = check_robot_name(robot)
        self.state: GoalState | None = None
        self._heard_at = steady_now()
        quicken_discovery()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("goal_sender", context=self._context)
        self._executor = NodeExecutor(context=self._context)
        self._executor.add_node(self._node)
        states = topics.GOAL_STATE.under(robot)
        self._node.create_subscription(states.type, states.name, self._on_state, profile(states.qos))
        self._goals = self._publisher(topics.GOAL_POSE)
        self._cancels = self._publisher(topics.CANCEL_GOAL)

    def __enter__(self) -> GoalSender:
        return self

    def __exit__(self, *error: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def send(self, x: float, y: float) -> GoalState:
        """Send the robot to a place (m, map frame); returns the first that it says of that.

        Raises:
            InputError: there is no such robot.
            NotDone: it does not take the goal.
        """
        self._find()
        sent = time.time_ns()
        goal = goal_to(x, y, 0.0)
        goal.header.stamp = exact_stamp(sent)
        self._goals.publish(goal)
        return self._answer(lambda state: state.sent == sent, "does not take the goal")

    def cancel(self) -> GoalState:
        """Have the robot give its goal up; returns what it says then.

        Raises:
            InputError: there is no such robot.
            NotDone: it does not say that it has none any more.
        """
        self._find()
        self._cancels.publish(topics.CANCEL_GOAL.type())
        return self._answer(
            lambda state: state.number == 0 or ending_of(state, state.number, state.sent) is not None,
            "does not give its goal up",
        )

    def follow(self, taken: GoalState, timeout: float, show: Callable[[GoalState], None]) -> Ending:
        """Wait until something has become of a goal.

        Args:
            taken: what the robot said of it first.
            timeout: s.
            show: told all that it says.

        Raises:
            NotDone: the time is over, or the robot has fallen silent.
        """
        end, shown = steady_now() + timeout, None
        while True:
            state = self.state or taken
            if state is not shown:
                show(state)
                shown = state
            ending = ending_of(state, taken.number, taken.sent)
            if ending is not None:
                return ending
            if steady_now() >= end:
                raise NotDone(f"{self.robot} is not there after {timeout:g} s: {state.text}")
            if steady_now() - self._heard_at > SILENT:
                raise NotDone(f"{self.robot} has said nothing for {SILENT:g} s")
            self._turn()

    def _find(self) -> None:
        """Wait until the robot hears what is published. Goals are heard by recorders too, cancelling by robots only."""
        both = (self._goals, self._cancels)
        if not self._wait(lambda: all(publisher.get_subscription_count() > 0 for publisher in both), FOUND_IN):
            there = ", ".join(self._robots()) or "none"
            raise InputError(f"no robot {self.robot!r} on this ROS domain: there are {there}")

    def _robots(self) -> list[str]:
        """Who there is: the namespaces in which somebody can be told to give a goal up."""
        suffix = f"/{topics.CANCEL_GOAL.name}"
        named = [name for name, _ in self._node.get_topic_names_and_types() if name.endswith(suffix)]
        heard = [name for name in named if self._node.count_subscribers(name) > 0]
        return sorted(name.removesuffix(suffix).strip("/") for name in heard)

    def _answer(self, fits: Callable[[GoalState], bool], failing: str) -> GoalState:
        if not self._wait(lambda: self.state is not None and fits(self.state), HEARD_IN):
            raise NotDone(f"{self.robot} {failing}: it has said nothing of it for {HEARD_IN:g} s")
        assert self.state is not None
        return self.state

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = steady_now() + seconds
        while not condition():
            if steady_now() >= end:
                return False
            self._turn()
        return True

    def _turn(self) -> None:
        self._executor.spin_until_future_complete(Future(), TURN)

    def _publisher(self, topic: topics.Topic) -> Any:
        named = topic.under(self.robot)
        return self._node.create_publisher(named.type, named.name, profile(named.qos))

    def _on_state(self, msg: Any) -> None:
        with suppress(InputError):  # it is as good as silent then
            self.state = incoming.goal_state_from(msg)
            self._heard_at = steady_now()
