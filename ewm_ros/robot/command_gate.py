"""The last thing before the motors: every velocity command, whoever made it, passes this gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ewm_ros.robot.motion import PERIOD, command_reach
from ewm_ros.robot.safety_stop import SafetyStop
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Odometry, Scan, Velocity

INACTIVE = "inactive"
ESTOP = "estop"
STALE_ODOMETRY = "stale odometry"
STALE_SCAN = "stale scan"
NOT_FINITE = "command not finite"
NO_COMMAND = "no command"
OBSTACLE = "obstacle"


@dataclass(frozen=True, slots=True)
class Gated:
    """What to send to the motors.

    Attributes:
        velocity: finite and within the robot's limits.
        reason: why it is not what was commanded; empty if it is, or is merely limited in speed or acceleration.
            "obstacle": the safety stop slowed the command down or stopped it.
    """

    velocity: Velocity
    reason: str = ""


class CommandGate:
    """Lets commands through only while all is well: lifecycle, emergency stop, fresh sensors, limits, free floor.

    Every `now` is in s of a steady clock that no simulation can stop: what counts is when a message arrived. A message
    that repeats the stamp of the one before is no news and keeps nothing fresh.

    Args:
        robot_type: limits of the robot.
        odometry_timeout, scan_timeout, command_timeout: s.

    Attributes:
        active: whether the lifecycle lets the robot move; false at first.
        estop: emergency stop; stays until it is set to False.
    """

    def __init__(
        self,
        robot_type: RobotType,
        *,
        odometry_timeout: float = 0.5,
        scan_timeout: float = 0.5,
        command_timeout: float = 0.5,
    ) -> None:
        self.active = False
        self.estop = False
        self._type = robot_type
        self._odometry_timeout = odometry_timeout
        self._scan_timeout = scan_timeout
        self._command_timeout = command_timeout
        self._safety_stop = SafetyStop(robot_type)
        self._reach_v = command_reach(robot_type.max_acceleration, robot_type.lag)
        self._reach_w = command_reach(robot_type.max_turn_acceleration, robot_type.lag)
        self._odometry: Odometry | None = None
        self._scan_stamp = math.nan
        self._odometry_at = self._scan_at = self._command_at = -math.inf
        self._last = STANDSTILL
        self._last_at = -math.inf

    def on_odometry(self, odometry: Odometry, now: float) -> None:
        """Take the measured velocity; one that is not finite is not taken."""
        if not (math.isfinite(odometry.v) and math.isfinite(odometry.w)):
            return
        if self._odometry is None or odometry.stamp != self._odometry.stamp:
            self._odometry, self._odometry_at = odometry, now

    def on_scan(self, scan: Scan, now: float) -> None:
        """Take what the lidar sees."""
        if scan.stamp != self._scan_stamp:
            self._safety_stop.look(scan)
            self._scan_stamp, self._scan_at = scan.stamp, now

    def filter(self, command: Velocity, now: float) -> Gated:
        """What may be sent of a command."""
        finite = math.isfinite(command.v) and math.isfinite(command.w)
        if finite:
            self._command_at = now
        reason = self._stopped(now)
        if not reason and not finite:
            reason = NOT_FINITE
        if reason or self._odometry is None:
            return self._send(STANDSTILL, reason, now)
        measured = Velocity(self._odometry.v, self._odometry.w)
        limited = self._limit(command, measured, now)
        safe = self._safety_stop.limit(limited, measured, max(now - self._scan_at, 0.0))
        return self._send(safe, "" if safe is limited else OBSTACLE, now)

    def watchdog(self, now: float) -> Gated | None:
        """Zero, if the motors must stop although nobody commands it; None while all is well.

        For a timer on the steady clock. An inactive robot's motors are not ours, so nothing is sent then: send
        `filter`'s zero before deactivation.
        """
        if not self.active:
            return None
        reason = self._stopped(now)
        if not reason and now - self._command_at > self._command_timeout:
            reason = NO_COMMAND
        return self._send(STANDSTILL, reason, now) if reason else None

    def _stopped(self, now: float) -> str:
        """Why the robot must stand, whatever is commanded; empty if it may drive."""
        if not self.active:
            return INACTIVE
        if self.estop:
            return ESTOP
        if now - self._odometry_at > self._odometry_timeout:
            return STALE_ODOMETRY
        if now - self._scan_at > self._scan_timeout:
            return STALE_SCAN
        return ""

    def _limit(self, command: Velocity, measured: Velocity, now: float) -> Velocity:
        """The command within the limits of speed and, relative to the last one sent, of acceleration."""
        since = now - self._last_at
        last = self._last if since <= self._command_timeout else STANDSTILL
        period = min(max(since, 0.0), 2.0 * PERIOD) if since <= self._command_timeout else PERIOD
        kind = self._type
        step_v, step_w = kind.max_acceleration * period, kind.max_turn_acceleration * period
        return Velocity(
            _ramp(command.v, last.v, measured.v, kind.max_speed, step_v, self._reach_v),
            _ramp(command.w, last.w, measured.w, kind.max_turn_rate, step_w, self._reach_w),
        )

    def _send(self, velocity: Velocity, reason: str, now: float) -> Gated:
        self._last, self._last_at = velocity, now
        return Gated(velocity, reason)


def _ramp(wanted: float, last: float, measured: float, most: float, step: float, reach: float) -> float:
    """The wanted speed up to `most`, as far as the acceleration allows.

    Speeding up is relative to the last command. Slowing down is relative to the measured speed where that gives more,
    because a command that ran ahead of the motors would otherwise delay the braking.

    Args:
        step, reach: how far it may lie from the last command, and from the measured speed.
    """
    if last < 0.0:
        return -_ramp(-wanted, -last, -measured, most, step, reach)
    # Comparisons in place of min and max: this is done in each cycle of each robot.
    low, high, slower = last - step, last + step, measured - reach
    low = slower if slower < low else low
    low = -step if low < -step else low
    wanted = -most if wanted < -most else most if wanted > most else wanted
    wanted = low if low > wanted else wanted
    return high if high < wanted else wanted
