"""How a differential-drive robot moves: limits, lag, stopping. Shared by controller, predictor and safety stop."""

from __future__ import annotations

import math

from ewm_ros.geometry import Pose2D, wrap_angle
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Velocity

PERIOD = 0.1  # s between two commands


def stopping_speed(distance: float, deceleration: float, reaction: float) -> float:
    """The highest speed from which a body stands within `distance`: v * reaction + v^2 / (2 * deceleration) = distance.

    Near the end this becomes distance / reaction: an approach that slows down exponentially and does not overshoot
    as long as `reaction` covers the control period and the lag.

    Args:
        distance: m (or rad); zero and less give 0.
        deceleration: m/s^2 (or rad/s^2).
        reaction: s during which the speed is still kept.
    """
    if distance <= 0.0:
        return 0.0
    kept = deceleration * reaction
    return math.sqrt(kept * kept + 2.0 * deceleration * distance) - kept


def command_reach(acceleration: float, lag: float) -> float:
    """How far a command may lie from the measured velocity: so far that through the motors' lag the velocity changes
    by `acceleration` * PERIOD in one period (units of `acceleration` times s)."""
    return acceleration * PERIOD / -math.expm1(-PERIOD / lag)


class Unicycle:
    """A robot of this type on ideal ground: the reference follows commands within the limits, motors follow with lag.

    Args:
        robot_type: limits and lag.
        period: s of one step.
    """

    def __init__(self, robot_type: RobotType, period: float = PERIOD) -> None:
        self._period = period
        self._response = -math.expm1(-period / robot_type.lag)
        self._max_v = robot_type.max_speed
        self._max_w = robot_type.max_turn_rate
        self._max_dv = robot_type.max_acceleration * period
        self._max_dw = robot_type.max_turn_acceleration * period

    def step(
        self, pose: Pose2D, velocity: Velocity, reference: Velocity, command: Velocity
    ) -> tuple[Pose2D, Velocity, Velocity]:
        """Pose, velocity and reference one period later under a constant command.

        Args:
            reference: what the motors were steering for; the velocity itself where it is not known.
        """
        max_v, max_w, max_dv, max_dw = self._max_v, self._max_w, self._max_dv, self._max_dw
        v = min(max(command.v, -max_v, reference.v - max_dv), max_v, reference.v + max_dv)
        w = min(max(command.w, -max_w, reference.w - max_dw), max_w, reference.w + max_dw)
        # The reference moves in the course of the period; its mean acts on the motors.
        after_v = velocity.v + (0.5 * (reference.v + v) - velocity.v) * self._response
        after_w = velocity.w + (0.5 * (reference.w + w) - velocity.w) * self._response
        distance = 0.5 * (velocity.v + after_v) * self._period
        turned = 0.5 * (velocity.w + after_w) * self._period
        middle = pose.yaw + 0.5 * turned
        x, y = pose.x + distance * math.cos(middle), pose.y + distance * math.sin(middle)
        return Pose2D(x, y, wrap_angle(pose.yaw + turned)), Velocity(after_v, after_w), Velocity(v, w)
