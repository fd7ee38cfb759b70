"""What a robot imagines of its own next seconds: poses over time, several rollouts, how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray

HORIZON = 50  # steps of one imagination
STEP = 0.1  # s between two steps


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Poses of one robot at equal time steps, the first one step after `stamp`.

    Attributes:
        stamp: s, time of the observation it starts from.
        poses: (T, 3) m, m, rad in the map frame.
        radius: (T,) m, radius that should hold 90 % of what will really happen at each step.
        step: s between two poses.
    """

    stamp: float
    poses: FloatArray
    radius: FloatArray
    step: float = STEP

    def __post_init__(self) -> None:
        if self.poses.ndim != 2 or self.poses.shape[1] != 3 or self.radius.shape != self.poses.shape[:1]:
            shapes = f"{self.poses.shape}, {self.radius.shape}"
            raise InputError(f"a trajectory needs (T, 3) poses and (T,) radii, got {shapes}")


@dataclass(frozen=True, slots=True, eq=False)
class Imagination:
    """Several possible futures of one robot.

    Attributes:
        rollouts: most probable first.
        probabilities: one a rollout, they sum to 1.
    """

    rollouts: tuple[Trajectory, ...]
    probabilities: tuple[float, ...]

    @property
    def most_probable(self) -> Trajectory:
        """The future that is sent to the others."""
        return self.rollouts[0]
