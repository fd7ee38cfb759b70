"""What a plan keeps of a trajectory: its fewest knots, in the whole numbers of the wire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.checks import POSITION_LIMIT, RADIUS_LIMIT, YAW_LIMIT
from ewm_ros.intention.fewest_links import LinkGraph
from ewm_ros.intention.knots import LENGTH_UNITS, MAX_KNOTS, TIME_LIMIT, TIME_UNITS, TURN, knot_of
from ewm_ros.messages import Knot
from ewm_ros.trajectory import Trajectory

POSITION_TOLERANCE = 0.05  # m between a step of the trajectory and the decoded plan; of the radius too, or
RADIUS_TOLERANCE = 0.15  # of the radius, where that is more: it is an estimate
ANGLE_TOLERANCE = 0.05  # rad
MAX_STEPS = 200  # of one trajectory: time and memory grow with their square

# Strips along x, y and both diagonals make an octagon in the circle of the tolerance: each axis is checked by itself.
_STRIP = POSITION_TOLERANCE * math.cos(math.pi / 8.0) - 1e-9
_TOLERANCE = np.array([_STRIP, _STRIP, _STRIP, _STRIP, ANGLE_TOLERANCE - 1e-9, POSITION_TOLERANCE - 1e-9])[
    :, None, None
]
_X, _Y, _YAW, _RADIUS = 0, 1, 4, 5  # among the six values of a sample
_DIAGONAL = math.sqrt(0.5)
_UNITS = np.array([LENGTH_UNITS, LENGTH_UNITS, TURN / math.tau, LENGTH_UNITS])[:, None, None]  # of x, y, yaw, radius
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
    if not samples.placed[0]:
        raise InputError(f"a trajectory with a pose that is not finite or beyond {POSITION_LIMIT:g} m")
    if not samples.spread[0]:
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
        legal = samples.placed & samples.spread
        for k, one in zip(np.array(rows)[legal].tolist(), _outlined(samples.of_those(legal)), strict=True):
            made[k] = one if len(one.knots) <= MAX_KNOTS else None
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """The start and every step of B trajectories of the same times.

    Attributes:
        ticks: in the units of the wire, from one sample to the next.
        poses: (B, N, 3) m, m, rad.
        radius: (B, N) m.
    """

    ticks: int
    poses: FloatArray
    radius: FloatArray

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
        poses, radius = np.empty((len(trajectories), count + 1, 3)), np.empty((len(trajectories), count + 1))
        for k, (trajectory, start) in enumerate(zip(trajectories, starts, strict=True)):
            poses[k, 0] = trajectory.poses[0] if start is None else (start.x, start.y, start.yaw)
            poses[k, 1:], radius[k, 1:] = trajectory.poses, trajectory.radius
        # There is no radius for the pose now: it grows from there as it does in the first step.
        begun = 2.0 * radius[:, 1] - radius[:, 2] if count > 1 else radius[:, 1]
        radius[:, 0] = np.minimum(np.maximum(begun, 0.0), radius[:, 1])
        return cls(round(ticks), poses, radius)

    def of_those(self, rows: NDArray[np.bool_]) -> _Samples:
        """Of some of the trajectories."""
        return self if rows.all() else _Samples(self.ticks, self.poses[rows], self.radius[rows])

    # Comparisons with nan are false, so both refuse it too.

    @property
    def placed(self) -> NDArray[np.bool_]:
        """(B,) whether all poses are on the map."""
        legal = np.abs(self.poses) <= (POSITION_LIMIT, POSITION_LIMIT, YAW_LIMIT)
        return np.asarray(legal.all(axis=(1, 2)))

    @property
    def spread(self) -> NDArray[np.bool_]:
        """(B,) whether all radii are such."""
        return np.asarray(((self.radius >= 0.0) & (self.radius <= RADIUS_LIMIT)).all(axis=1))


def _outlined(samples: _Samples) -> list[Outline]:
    """The fewest knots of each, however many those are."""
    yaw, radius = _unwrapped(samples.poses[..., 2]), samples.radius
    times = samples.ticks * np.arange(radius.shape[1]) / TIME_UNITS
    values = _values(samples.poses[..., 0], samples.poses[..., 1], yaw, radius)
    units = values[[_X, _Y, _YAW, _RADIUS]] * _UNITS
    np.rint(units, out=units)
    units[3] += units[3] / LENGTH_UNITS < radius  # never too small
    # What a receiver makes of the rounded samples.
    x, y, spread = units[[0, 1, 3]] / LENGTH_UNITS
    meant = _values(x, y, units[2] * (math.tau / TURN), spread)
    tolerance = np.empty(values.shape)
    tolerance[:] = _TOLERANCE
    tolerance[_RADIUS] = np.maximum(tolerance[_RADIUS], RADIUS_TOLERANCE * radius)
    paths = LinkGraph(times, values, meant, tolerance, (_YAW, _HALF_TURN)).paths()
    away = np.abs(values - values[..., :1]).max(axis=2)
    moves = (np.hypot(away[0], away[1]) >= POSITION_TOLERANCE) | (away[_YAW] >= POSITION_TOLERANCE)
    wire = units.transpose(1, 2, 0).astype(np.int64)
    return [
        Outline(_knots(samples.ticks, path, rows[path].tolist()), moved)
        for path, rows, moved in zip(paths, wire, moves.tolist(), strict=True)
    ]


def _knots(ticks: int, path: Sequence[int], units: Sequence[tuple[int, int, int, int]]) -> tuple[Knot, ...]:
    """The knots at these samples, whose x, y, yaw and radius are these whole numbers."""
    return tuple(knot_of((ticks * at, *whole)) for at, whole in zip(path, units, strict=True))


def _values(x: FloatArray, y: FloatArray, yaw: FloatArray, radius: FloatArray) -> FloatArray:
    """What a line has to keep to: places along four axes, heading and radius, (B, N) each -> (6, B, N)."""
    values: FloatArray = np.empty((6, *x.shape))
    values[_X], values[_Y], values[_YAW], values[_RADIUS] = x, y, yaw, radius
    across = _DIAGONAL * values[:2]
    np.add(across[0], across[1], out=values[2])
    np.subtract(across[0], across[1], out=values[3])
    return values


def _unwrapped(yaw: FloatArray) -> FloatArray:
    """Headings (B, N) without jumps of a full turn; most have none."""
    jumps = (np.abs(yaw[:, 1:] - yaw[:, :-1]) >= math.pi).any(axis=1)
    if jumps.any():
        yaw = yaw.copy()
        yaw[jumps] = np.unwrap(yaw[jumps], axis=1)
    return yaw
