"""What a plan keeps of a trajectory: its fewest knots, in the whole numbers of the wire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.checks import POSITION_LIMIT, RADIUS_LIMIT, YAW_LIMIT
from ewm_ros.intention.fewest_links import LinkGraph
from ewm_ros.intention.knots import LENGTH_UNITS, MAX_KNOTS, TIME_LIMIT, TIME_UNITS, TURN, knots_of
from ewm_ros.messages import Knot
from ewm_ros.trajectory import Trajectory

POSITION_TOLERANCE = 0.05  # m between a step of the trajectory and the decoded plan; of the radius too, or
RADIUS_TOLERANCE = 0.15  # of the radius, where that is more: it is an estimate
ANGLE_TOLERANCE = 0.05  # rad
MAX_STEPS = 200  # of one trajectory: time and memory grow with their square

# What a line has to keep to: the four numbers of a sample, and its place along both diagonals.
_X, _Y, _YAW, _RADIUS = range(4)
_NUMBERS, _VALUES = 4, 6
# Strips along x, y and both diagonals make an octagon in the circle of the tolerance: each axis is checked by itself.
_STRIP = POSITION_TOLERANCE * math.cos(math.pi / 8.0) - 1e-9
_TOLERANCE = np.array([_STRIP, _STRIP, ANGLE_TOLERANCE - 1e-9, POSITION_TOLERANCE - 1e-9, _STRIP, _STRIP])[
    :, None, None
]
_DIAGONAL = math.sqrt(0.5)
_UNITS = np.array([LENGTH_UNITS, LENGTH_UNITS, TURN / math.tau, LENGTH_UNITS])[:, None, None]  # of a sample's numbers
_MOST = np.array([POSITION_LIMIT, POSITION_LIMIT, YAW_LIMIT, RADIUS_LIMIT])[:, None]
_LEAST = np.array([-POSITION_LIMIT, -POSITION_LIMIT, -YAW_LIMIT, 0.0])[:, None]
# Half a turn and more would be decoded the other way round.
_HALF_TURN = math.pi * (1.0 - 1.0 / TURN)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Knots of a trajectory, the first of them the pose at its stamp.

    Attributes:
        knots: rounded to what the wire carries.
        moves: whether the trajectory leads away from its start.
    """

    knots: tuple[Knot, ...]
    moves: bool


def outline(trajectory: Trajectory, start: Pose2D | None = None) -> Outline:
    """The fewest knots with which no step of the trajectory is off by more than 5 cm, 0.05 rad.

    The radius is held to 5 cm or 15 %, and never too small at a knot.

    Args:
        start: pose at the trajectory's stamp; the first pose if not given.

    Raises:
        InputError: a number is out of range, or no 51 knots can follow the trajectory.
    """
    samples = _Samples.of([trajectory], [start])
    placed, spread = samples.legal
    if not placed[0]:
        raise InputError(f"a trajectory with a pose that is not finite or beyond {POSITION_LIMIT:g} m")
    if not spread[0]:
        raise InputError(f"a trajectory with a radius outside 0 to {RADIUS_LIMIT:g} m")
    (made,) = _outlined(samples)
    if len(made.knots) > MAX_KNOTS:
        raise InputError(f"the trajectory needs {len(made.knots)} knots: a plan has at most {MAX_KNOTS}")
    return made


def outlines(trajectories: Sequence[Trajectory], starts: Sequence[Pose2D]) -> list[Outline | None]:
    """`outline` of several trajectories at once, None where it would raise; those of one step and length cost less."""
    alike: dict[tuple[int, float], list[int]] = {}
    for k, trajectory in enumerate(trajectories):
        alike.setdefault((len(trajectory.poses), trajectory.step), []).append(k)
    made: list[Outline | None] = [None] * len(trajectories)
    for rows in alike.values():
        try:
            samples = _Samples.of([trajectories[k] for k in rows], [starts[k] for k in rows])
        except InputError:
            continue
        legal = np.logical_and(*samples.legal)
        if not legal.any():
            continue
        for k, one in zip(np.array(rows)[legal].tolist(), _outlined(samples.of_those(legal)), strict=True):
            made[k] = one if len(one.knots) <= MAX_KNOTS else None
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """The start and every step of B trajectories of the same times.

    Attributes:
        ticks: in the units of the wire, from one sample to the next.
        numbers: (4, B, N) m, m, rad, m: x, y, yaw and radius.
    """

    ticks: int
    numbers: FloatArray

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory], starts: Sequence[Pose2D | None]) -> _Samples:
        """Of trajectories of the same step and length.

        Raises:
            InputError: the step or the length is illegal.
        """
        count, ticks = len(trajectories[0].poses), trajectories[0].step * TIME_UNITS
        if not 1 <= count <= MAX_STEPS:
            raise InputError(f"a trajectory of {count} steps: it must have 1 to {MAX_STEPS}")
        if not 1.0 <= ticks <= TIME_LIMIT * TIME_UNITS / count or abs(ticks - round(ticks)) > 1e-6:
            step = trajectories[0].step
            raise InputError(f"a trajectory with a step of {step:g} s: it must be whole 0.01 s, 60 s in all")
        poses = np.array([trajectory.poses for trajectory in trajectories])
        numbers = np.empty((_NUMBERS, len(poses), count + 1))
        first = zip(poses[:, 0], starts, strict=True)
        numbers[:_RADIUS, :, 0] = np.array([p if s is None else (s.x, s.y, s.yaw) for p, s in first]).T
        numbers[:_RADIUS, :, 1:] = poses.transpose(2, 0, 1)
        radius = numbers[_RADIUS]
        radius[:, 1:] = [trajectory.radius for trajectory in trajectories]
        # There is no radius for the pose now: it grows from there as it does in the first step.
        before = 2.0 * radius[:, 1] - radius[:, 2] if count > 1 else radius[:, 1]
        radius[:, 0] = np.minimum(np.maximum(before, 0.0), radius[:, 1])
        return cls(round(ticks), numbers)

    def of_those(self, rows: NDArray[np.bool_]) -> _Samples:
        """Of some of the trajectories."""
        return self if rows.all() else _Samples(self.ticks, self.numbers[:, rows])

    @property
    def legal(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(B,) each, whether all poses are on the map, and whether all radii are such."""
        # The least and the greatest of numbers with a nan are nan, and comparisons with that are false.
        held = (self.numbers.min(axis=2) >= _LEAST) & (self.numbers.max(axis=2) <= _MOST)
        return held[:_RADIUS].all(axis=0), held[_RADIUS]


def _outlined(samples: _Samples) -> list[Outline]:
    """The fewest knots of each, however many those are."""
    values = np.empty((_VALUES, *samples.numbers.shape[1:]))
    values[:_NUMBERS] = samples.numbers
    _unwrap(values[_YAW])
    radius = values[_RADIUS]
    units = np.rint(values[:_NUMBERS] * _UNITS)
    units[_RADIUS] += units[_RADIUS] / LENGTH_UNITS < radius  # never too small
    # What a receiver makes of the rounded samples.
    meant = np.empty(values.shape)
    np.divide(units, LENGTH_UNITS, out=meant[:_NUMBERS])
    np.multiply(units[_YAW], math.tau / TURN, out=meant[_YAW])
    _add_diagonals(values)
    _add_diagonals(meant)
    tolerance = np.empty(values.shape)
    tolerance[:] = _TOLERANCE
    np.maximum(tolerance[_RADIUS], RADIUS_TOLERANCE * radius, out=tolerance[_RADIUS])
    times = samples.ticks * np.arange(radius.shape[1]) / TIME_UNITS
    paths = LinkGraph(times, values, meant, tolerance, (_YAW, _HALF_TURN)).paths()
    away = np.abs(values[:_RADIUS] - values[:_RADIUS, :, :1]).max(axis=2)
    moves = (np.hypot(away[_X], away[_Y]) >= POSITION_TOLERANCE) | (away[_YAW] >= POSITION_TOLERANCE)
    return list(map(Outline, _knots(samples.ticks, paths, units), moves.tolist()))


def _knots(ticks: int, paths: Sequence[Sequence[int]], units: FloatArray) -> list[tuple[Knot, ...]]:
    """The knots at the samples of these paths, whose x, y, yaw and radius are whole numbers (4, B, N)."""
    lengths = [len(path) for path in paths]
    at = np.array(list(chain.from_iterable(paths)))
    row = np.arange(len(paths)).repeat(lengths)
    whole = np.empty((len(at), 5), np.int64)
    whole[:, 0] = ticks * at
    whole[:, 1:] = units[:, row, at].T
    knots = iter(knots_of(whole))
    return [tuple(islice(knots, length)) for length in lengths]


def _add_diagonals(values: FloatArray) -> None:
    """Fill in the places along both diagonals, the last two of the values (6, B, N)."""
    x, y = _DIAGONAL * values[:2]
    np.add(x, y, out=values[_NUMBERS])
    np.subtract(x, y, out=values[_NUMBERS + 1])


def _unwrap(yaw: FloatArray) -> None:
    """What np.unwrap would make of headings (B, N), at the cost of the few jumps of half a turn and more."""
    steps = yaw[:, 1:] - yaw[:, :-1]
    jumps = np.abs(steps) >= math.pi
    if not jumps.any():
        return
    jumped = steps[jumps]
    meant = (jumped + math.pi) % math.tau - math.pi
    meant[(meant == -math.pi) & (jumped > 0.0)] = math.pi
    off = np.zeros(steps.shape)
    off[jumps] = meant - jumped
    yaw[:, 1:] += off.cumsum(axis=1)
