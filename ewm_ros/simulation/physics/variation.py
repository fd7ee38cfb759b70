"""In what simulated robots differ from their type and from one another, and the noise they meet while they run.

All of it is drawn from each robot's own streams of the seed. As many numbers are drawn each step whatever happens, so
that a robot alone meets the same slip and noise, bit for bit, as in company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream
from ewm_ros.trajectory import STEP

BLOCK = 16  # steps whose numbers are drawn at once: one call for many costs a fraction of many calls


@dataclass(frozen=True, slots=True)
class Ranges:
    """How much varies. Traits are drawn once per robot, evenly; noise is normal, given by standard deviations.

    Attributes:
        lag: a robot's motor lag is that of its type times 1 +- this.
        gain: its forward and its turning velocity are those asked for times 1 +- this.
        mass: its mass is that of its model times 1 +- this.
        delay: s from a command to the motors, from 0 to this.
        slip_v, slip_w: of the forward and the turning gain, drawn anew each step.
        reach: m, of each measured range.
        place: m, of x and y in the odometry: a localisation error that wanders.
        heading: rad, likewise.
        wander: s, correlation time of the localisation error, an Ornstein-Uhlenbeck process.
        speed, turn: m/s and rad/s, of the velocities in the odometry, drawn anew each step.
    """

    lag: float = 0.2
    gain: float = 0.03
    mass: float = 0.1
    delay: float = 0.05
    slip_v: float = 0.01
    slip_w: float = 0.02
    reach: float = 0.01
    place: float = 0.01
    heading: float = 0.004
    wander: float = 10.0
    speed: float = 0.005
    turn: float = 0.005


VARIED = Ranges()
# The correlation time is a divisor and stays: an error of size 0 does not wander.
IDEAL = Ranges(**{field.name: 0.0 for field in fields(Ranges) if field.name != "wander"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What makes one robot differ from others of its type: factors around 1, and its command delay in s."""

    lag: float = 1.0
    gain_v: float = 1.0
    gain_w: float = 1.0
    mass: float = 1.0
    delay: float = 0.0


def draw_traits(ranges: Ranges, seed: int, index: int) -> Traits:
    """The traits of one robot."""
    spreads = [ranges.lag, ranges.gain, ranges.gain, ranges.mass]
    lag, gain_v, gain_w, mass = (1.0 + stream(seed, index, "traits").uniform(-1.0, 1.0, 4) * spreads).tolist()
    return Traits(lag, gain_v, gain_w, mass, ranges.delay * stream(seed, index, "delay").random())


class _Normals:
    """Standard normal numbers, `size` a step for each of some robots, each from its own stream."""

    def __init__(self, seed: int, indices: Sequence[int], purpose: str, size: int) -> None:
        self._streams = [stream(seed, i, purpose) for i in indices]
        self._block = np.empty((len(indices), BLOCK, size))
        self._used = BLOCK

    def draw(self) -> FloatArray:
        """(N, size), the numbers of the next step; overwritten in later steps."""
        if self._used == BLOCK:
            for numbers, rng in zip(self._block, self._streams, strict=True):
                rng.standard_normal(out=numbers)
            self._used = 0
        self._used += 1
        return self._block[:, self._used - 1]


class Slip:
    """Factors on the forward and the turning gain of some robots, new in each step."""

    def __init__(self, ranges: Ranges, seed: int, indices: Sequence[int]) -> None:
        self._normals = _Normals(seed, indices, "slip", 2)
        self._spread = np.array([ranges.slip_v, ranges.slip_w])

    def draw(self) -> FloatArray:
        """(N, 2) factors around 1."""
        return 1.0 + self._spread * self._normals.draw()


class OdometryNoise:
    """Errors of the odometry of some robots.

    The error of the pose is an Ornstein-Uhlenbeck process (Uhlenbeck and Ornstein, Physical Review 36, 1930), sampled
    exactly at the steps; it starts in its stationary distribution. A localisation errs like this: by about a
    centimetre, by nearly the same a moment later, and never by more and more.

    Attributes:
        pose: (N, 3) m, m, rad.
        velocity: (N, 2) m/s, rad/s.
    """

    def __init__(self, ranges: Ranges, seed: int, indices: Sequence[int]) -> None:
        self._normals = _Normals(seed, indices, "odometry", 5)
        self._keep = math.exp(-STEP / ranges.wander)
        self._pose_spread = np.array([ranges.place, ranges.place, ranges.heading])
        self._velocity_spread = np.array([ranges.speed, ranges.turn])
        self._new = math.sqrt(1.0 - self._keep * self._keep) * self._pose_spread
        numbers = self._normals.draw()
        self.pose: FloatArray = self._pose_spread * numbers[:, :3]
        self.velocity: FloatArray = self._velocity_spread * numbers[:, 3:]

    def advance(self) -> None:
        """Go on to the errors of the next step."""
        numbers = self._normals.draw()
        self.pose = self._keep * self.pose + self._new * numbers[:, :3]
        self.velocity = self._velocity_spread * numbers[:, 3:]


class ScanNoise:
    """Errors of the ranges that some robots with equal lidars measure."""

    def __init__(self, ranges: Ranges, seed: int, indices: Sequence[int], rays: int) -> None:
        self._normals = _Normals(seed, indices, "scan", rays)
        self._spread = ranges.reach
        self._numbers = self._normals.draw()

    def advance(self) -> None:
        """Go on to the errors of the next step."""
        self._numbers = self._normals.draw()

    def measured(self, ranges: FloatArray, range_max: float) -> FloatArray:
        """True ranges (N, R) m as measured: rays that meet nothing still read range_max."""
        noisy = np.clip(ranges + self._spread * self._numbers, 0.0, range_max)
        return np.where(ranges < range_max, noisy, ranges)
