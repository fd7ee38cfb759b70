"""How a differential-drive robot moves: limits, lag, stopping. Shared by controller, predictor and safety stop."""

from __future__ import annotations

import math

from ewm_ros.geometry import wrap_angle
from ewm_ros.robot_type import RobotType

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


def towards(wanted: float, reference: float, reach: float, most: float) -> float:
    """The wanted speed, as far as it lies within `reach` of the reference and is no more than `most` either way."""
    # Comparisons in place of min and max: each prediction asks this 150 times.
    low, high = reference - reach, reference + reach
    low = -most if low < -most else low
    high = most if high > most else high
    wanted = low if low > wanted else wanted
    return high if high < wanted else wanted


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
        self,
        x: float,
        y: float,
        yaw: float,
        v: float,
        w: float,
        reference_v: float,
        reference_w: float,
        command_v: float,
        command_w: float,
    ) -> tuple[float, float, float, float, float, float, float]:
        """Pose, velocity and reference one period later under a constant command.

        Args:
            x, y, yaw: m, m, rad.
            v, w: m/s forward, rad/s to the left.
            reference_v, reference_w: what the motors were steering for; the velocity where it is not known.

        Returns:
            the first seven arguments of the next step.
        """
        to_v = towards(command_v, reference_v, self._max_dv, self._max_v)
        to_w = towards(command_w, reference_w, self._max_dw, self._max_w)
        # The reference moves in the course of the period; its mean acts on the motors.
        after_v = v + (0.5 * (reference_v + to_v) - v) * self._response
        after_w = w + (0.5 * (reference_w + to_w) - w) * self._response
        distance = 0.5 * (v + after_v) * self._period
        turned = 0.5 * (w + after_w) * self._period
        middle = yaw + 0.5 * turned
        x, y = x + distance * math.cos(middle), y + distance * math.sin(middle)
        return x, y, wrap_angle(yaw + turned), after_v, after_w, to_v, to_w
