"""How a simulated differential drive answers velocity commands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Velocity

LAG_SPREAD = 0.2  # each robot's lag is that of its type times 1 +- this
GAIN_SPREAD = 0.03  # forward and turning gain: 1 +- this
MASS_SPREAD = 0.1  # mass: that of its model times 1 +- this
SLIP_V = 0.01  # standard deviation of the forward gain, drawn anew each step
SLIP_W = 0.02  # the same of the turning gain


@dataclass(frozen=True, slots=True)
class Traits:
    """What makes one robot differ from others of its type; factors around 1."""

    lag: float
    gain_v: float
    gain_w: float
    mass: float


def draw_traits(rng: np.random.Generator) -> Traits:
    """The traits of one robot, evenly from the ranges above."""
    lag, gain_v, gain_w, mass = 1.0 + rng.uniform(-1.0, 1.0, 4) * [LAG_SPREAD, GAIN_SPREAD, GAIN_SPREAD, MASS_SPREAD]
    return Traits(float(lag), float(gain_v), float(gain_w), float(mass))


class Drive:
    """The velocity loop of one robot: a reference that follows commands within the limits, motors that follow with lag.

    The reference is clipped to the type's speed and turn rate and slewed at its accelerations; the velocity approaches
    gain x reference as a first-order lag. It starts from the measured velocity, so that a robot that was stopped by a
    wall pushes with what its motors reach in one step and no more.
    """

    def __init__(self, robot_type: RobotType, traits: Traits, dt: float) -> None:
        self._type = robot_type
        self._traits = traits
        self._dt = dt
        self._follow = 1.0 - math.exp(-dt / (robot_type.lag * traits.lag))
        self._reference = STANDSTILL

    def respond(self, command: Velocity, measured: Velocity, slip: tuple[float, float]) -> Velocity:
        """The velocity after one time step dt.

        Args:
            slip: factors on the forward and the turning gain.
        """
        limits, before = self._type, self._reference
        v = _slew(before.v, command.v, limits.max_speed, limits.max_acceleration * self._dt)
        w = _slew(before.w, command.w, limits.max_turn_rate, limits.max_turn_acceleration * self._dt)
        self._reference = Velocity(v, w)
        gain_v, gain_w = self._traits.gain_v * slip[0], self._traits.gain_w * slip[1]
        return Velocity(
            measured.v + self._follow * (gain_v * v - measured.v), measured.w + self._follow * (gain_w * w - measured.w)
        )


def _slew(value: float, target: float, limit: float, change: float) -> float:
    """The value moved towards the clipped target by at most `change`."""
    target = min(max(target, -limit), limit)
    return min(max(target, value - change), value + change)
