"""What a robot imagines of its own next seconds: poses over time, several rollouts, how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray

HORIZON = 50  # steps of one imagination
STEP = 0.1  # s between two steps
MEDIAN_SHARE = 0.4  # of the radius of 90 % is that of 50 %, as in errors with heavy tails


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Poses of one robot at equal time steps, the first one step after `stamp`.

    Attributes:
        stamp: s, time of the observation it starts from.
        poses: (T, 3) m, m, rad in the map frame.
        radius: (T,) m, radius that should hold 90 % of what will really happen at each step.
        step: s between two poses.
        median: (T,) m, radius that should hold 50 %; MEDIAN_SHARE of the other if the predictor has no better idea.
    """

    stamp: float
    poses: FloatArray
    radius: FloatArray
    step: float = STEP
    median: FloatArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.median is None:
            object.__setattr__(self, "median", MEDIAN_SHARE * self.radius)
        if self.poses.ndim != 2 or self.poses.shape[1] != 3:
            raise InputError(f"a trajectory needs (T, 3) poses, got {self.poses.shape}")
        if not self.radius.shape == self.median.shape == self.poses.shape[:1]:
            raise InputError(f"a trajectory needs (T,) radii, got {self.radius.shape} and {self.median.shape}")


class Rollouts(Sequence[Trajectory]):
    """Trajectories of one robot that begin together, kept as arrays: most of them nobody looks at one by one.

    Attributes:
        stamp: s.
        poses: (R, T, 3) m, m, rad.
        radius, median: (R, T) m, see Trajectory.
        step: s.
    """

    __slots__ = ("median", "poses", "radius", "stamp", "step")

    def __init__(
        self, stamp: float, poses: FloatArray, radius: FloatArray, median: FloatArray, step: float = STEP
    ) -> None:
        self.stamp, self.poses, self.radius, self.median, self.step = stamp, poses, radius, median, step

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> Rollouts:
        """Trajectories of the same stamp and step; themselves if they are kept so.

        Raises:
            ValueError: they are not of equally many steps.
        """
        if isinstance(trajectories, cls):
            return trajectories
        poses, radius, median = (
            np.array([getattr(trajectory, part) for trajectory in trajectories])
            for part in ("poses", "radius", "median")
        )
        return cls(trajectories[0].stamp, poses, radius, median, trajectories[0].step)

    def __len__(self) -> int:
        return len(self.poses)

    @overload
    def __getitem__(self, which: int) -> Trajectory: ...

    @overload
    def __getitem__(self, which: slice) -> Rollouts: ...

    def __getitem__(self, which: int | slice) -> Trajectory | Rollouts:
        poses, radius, median = self.poses[which], self.radius[which], self.median[which]
        if isinstance(which, slice):
            return Rollouts(self.stamp, poses, radius, median, self.step)
        return Trajectory(self.stamp, poses, radius, self.step, median)


@dataclass(frozen=True, slots=True, eq=False)
class Imagination:
    """Several possible futures of one robot.

    Attributes:
        rollouts: most probable first.
        probabilities: one a rollout, they sum to 1.
    """

    rollouts: Sequence[Trajectory]
    probabilities: tuple[float, ...]

    @property
    def most_probable(self) -> Trajectory:
        """The future that is sent to the others."""
        return self.rollouts[0]
