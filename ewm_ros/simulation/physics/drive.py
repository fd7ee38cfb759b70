"""How simulated differential drives answer velocity commands."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.physics.compiled import compiled
from ewm_ros.simulation.physics.variation import Traits


class Drives:
    """The velocity loops of some robots: references that follow commands within limits, motors that follow with lag.

    A command takes effect after the robot's delay. The reference is clipped to the type's speed and turn rate and
    slewed at its accelerations; the velocity approaches gain x reference as a first-order lag. It starts from the
    measured velocity, so that a robot that was stopped by a wall pushes with what its motors reach in one time step and
    no more.

    Args:
        types, traits: one for each robot.
        dt: s, time step of `respond`; delays are rounded to it.

    Attributes:
        references: (N, 2) m/s, rad/s.
    """

    def __init__(self, types: Sequence[RobotType], traits: Sequence[Traits], dt: float) -> None:
        count = len(types)
        self._limits = np.array([[t.max_speed, t.max_turn_rate] for t in types])
        self._changes = np.array([[t.max_acceleration, t.max_turn_acceleration] for t in types]) * dt
        self._gains = np.array([[own.gain_v, own.gain_w] for own in traits])
        lags = [t.lag * own.lag for t, own in zip(types, traits, strict=True)]
        self._follow = np.array([1.0 - math.exp(-dt / lag) for lag in lags])
        self._delays: NDArray[np.int64] = np.array([round(own.delay / dt) for own in traits], dtype=np.int64)
        self._commands, self._previous = np.zeros((count, 2)), np.zeros((count, 2))
        self._waited = 0  # time steps since the newest commands came
        self.references: FloatArray = np.zeros((count, 2))

    def command(self, commands: FloatArray) -> None:
        """Take new commands, (N, 2) m/s and rad/s. One that has not taken effect by now never will."""
        arrived = (self._waited >= self._delays)[:, None]
        self._previous = np.where(arrived, self._commands, self._previous)
        self._commands = np.array(commands, dtype=np.float64)
        self._waited = 0

    def respond(self, measured: FloatArray, slip: FloatArray) -> FloatArray:
        """The velocities after one time step dt.

        Args:
            measured: (N, 2) m/s, rad/s, the velocities now.
            slip: (N, 2) factors on the forward and the turning gain.
        """
        answer = np.empty_like(measured)
        _respond(
            self._commands,
            self._previous,
            self._delays,
            self._waited,
            self._limits,
            self._changes,
            self._gains,
            self._follow,
            self.references,
            measured,
            slip,
            answer,
        )
        self._waited += 1
        return answer

    @property
    def state(self) -> bytes:
        """All that changes, bit by bit."""
        return b"".join(array.tobytes() for array in (self.references, self._commands, self._previous))


@compiled
def _respond(
    commands: FloatArray,
    previous: FloatArray,
    delays: NDArray[np.int64],
    waited: int,
    limits: FloatArray,
    changes: FloatArray,
    gains: FloatArray,
    follow: FloatArray,
    references: FloatArray,
    measured: FloatArray,
    slip: FloatArray,
    answer: FloatArray,
) -> None:
    for n in range(len(commands)):
        for k in range(2):
            target = commands[n, k] if waited >= delays[n] else previous[n, k]
            target = min(max(target, -limits[n, k]), limits[n, k])
            reference = min(max(target, references[n, k] - changes[n, k]), references[n, k] + changes[n, k])
            references[n, k] = reference
            wanted = gains[n, k] * slip[n, k] * reference
            answer[n, k] = measured[n, k] + follow[n] * (wanted - measured[n, k])
