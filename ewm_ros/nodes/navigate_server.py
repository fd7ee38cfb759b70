"""Nav2's action NavigateToPose for one robot. To be imported only where nav2_msgs is: see goal_desk.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nav2_msgs.action import NavigateToPose
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.duration import Duration
from rclpy.task import Future

from ewm_ros.errors import InputError
from ewm_ros.messages import GoalState
from ewm_ros.nodes.process import steady_now
from ewm_ros.nodes.sensor_conversions import header, pose_to
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.robot import incoming
from ewm_ros.robot.goal_keeper import Ending, GoalKeeper, ending_of
from ewm_ros.sensing import Odometry


@dataclass(frozen=True, slots=True, eq=False)
class _Errand:
    """A goal of the action: its number and stamp, when it was begun (s of the node's clock), and what will be."""

    handle: ServerGoalHandle
    number: int
    sent: int
    begun: float
    ending: Future


class NavigateServer:
    """Takes goals of the action as if they had come as goal_pose, and tells the client what became of them.

    A goal that comes later, by the action or as goal_pose, takes the place of the one before, which is aborted.

    Args:
        host: the node.
        name: of the action.
        keeper: of the robot's goals.
        ready: whether the robot may be sent anywhere now.
        odometry: the newest one, None before the first.
    """

    def __init__(
        self,
        host: TopicNode,
        name: str,
        keeper: GoalKeeper,
        ready: Callable[[], bool],
        odometry: Callable[[], Odometry | None],
    ) -> None:
        self._host, self._keeper, self._ready, self._odometry = host, keeper, ready, odometry
        self._errands: list[_Errand] = []
        self._server = ActionServer(
            host,
            NavigateToPose,
            name,
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=self._cancel,
        )

    def hear(self, state: GoalState) -> None:
        """Take what the robot has just told of its goal."""
        for errand in tuple(self._errands):
            ending = ending_of(state, errand.number, errand.sent)
            if ending is None:
                errand.handle.publish_feedback(self._feedback(errand, state))
                continue
            self._errands.remove(errand)
            errand.ending.set_result(ending)
            if self._is_newest(errand) and not ending.reached:
                self._keeper.cancel()  # or it would drive there unexpectedly, should a way be found one day

    def close(self) -> None:
        """Give the action up."""
        self._server.destroy()

    def _accept(self, request: Any) -> GoalResponse:
        try:
            incoming.goal_from(request.pose)
        except InputError as error:
            self._host.get_logger().warning(f"a goal is refused: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT if self._ready() else GoalResponse.REJECT

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        for errand in self._errands:
            if errand.handle is handle and self._is_newest(errand):
                self._keeper.cancel()
                return CancelResponse.ACCEPT
        return CancelResponse.REJECT

    def _is_newest(self, errand: _Errand) -> bool:
        return self._keeper.newest == (errand.number, errand.sent)

    async def _execute(self, handle: ServerGoalHandle) -> Any:
        pose = handle.request.pose
        stamp = incoming.nanoseconds(pose.header.stamp)
        number, sent = self._keeper.send(incoming.goal_from(pose), stamp, steady_now())
        errand = _Errand(handle, number, sent, self._host.ros_now(), Future())
        self._errands.append(errand)
        ending: Ending = await errand.ending
        result = NavigateToPose.Result()
        if ending.reached:
            handle.succeed()
        elif ending.cancelled and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        if hasattr(result, "error_msg"):  # not before Nav2 of ROS 2 Kilted
            result.error_msg = ending.why
        return result

    def _feedback(self, errand: _Errand, state: GoalState) -> Any:
        feedback = NavigateToPose.Feedback()
        odometry = self._odometry()
        if odometry is not None:
            feedback.current_pose.header = header(odometry.stamp)
            feedback.current_pose.pose = pose_to(odometry.pose)
        feedback.navigation_time = Duration(seconds=max(0.0, self._host.ros_now() - errand.begun)).to_msg()
        if not math.isnan(state.eta):
            feedback.estimated_time_remaining = Duration(seconds=state.eta).to_msg()
        if not math.isnan(state.distance_remaining):
            feedback.distance_remaining = state.distance_remaining
        return feedback
