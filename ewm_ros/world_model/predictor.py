"""The interface that every predictor of a robot's own motion fills, learned or closed-form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ewm_ros.geometry import Pose2D
from ewm_ros.messages import ConflictKind, Intention
from ewm_ros.sensing import Observation
from ewm_ros.trajectory import Imagination

if TYPE_CHECKING:  # robot/ imports this room, not the other way round; only the type is named here
    from ewm_ros.robot.path_follower import PathFollower
    from ewm_ros.world_model.validator import Validator


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """Another robot, by its newest word and its route.

    Attributes:
        radius: m, of its footprint.
        max_speed: m/s; 0 for one whose route is not known.
        shared: the next region that this robot's route shares with its, as far as neither is through.
        mine, theirs: m of progress at which the two routes enter and leave that region; this robot's own first.
    """

    intention: Intention
    radius: float
    max_speed: float = 0.0
    shared: ConflictKind | None = None
    mine: tuple[float, float] = (0.0, 0.0)
    theirs: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """All that a robot's next seconds hang on. Pose, velocity and the time it starts from are the odometry's.

    Attributes:
        observation: the newest odometry and scan.
        follower: the controller on the route that the robot follows; None for a robot without a route.
        progress: m along the route, now.
        hold: m along the route; the point that the robot was told not to pass.
        release: s from now until the robot expects to be let past `hold`: 0 while the hold point only runs ahead and
            will have moved on before it is reached, inf for a robot that waits it does not know how long.
        speed_limit: m/s; inf for none.
        robot: its name, by which others say that they wait for it.
        neighbours: the others that have been heard and are near.
        waits_for: robots that have to pass first.
        hindered: whether the command gate stops or slows the robot.
        changing: whether it stops because it is about to take another route.
    """

    observation: Observation
    follower: PathFollower | None
    progress: float = 0.0
    hold: float = math.inf
    release: float = 0.0
    speed_limit: float = math.inf
    robot: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    waits_for: tuple[str, ...] = ()
    hindered: bool = False
    changing: bool = False

    def hold_at(self, after: float) -> float:
        """m along the route beyond which the robot will not drive `after` s from now; inf for no such point."""
        return self.hold if after < self.release else math.inf


class Predictor(Protocol):
    """Foresees the robot's own next HORIZON steps of STEP seconds."""

    def imagine(self, situation: Situation) -> Imagination:
        """The possible futures from this situation, most probable first."""
        ...


class WatchedPredictor(Predictor, Protocol):
    """A predictor that is held against what then happens: what an agent foresees itself with."""

    @property
    def source(self) -> str:
        """What it foresees with at present: one of diagnostics_keys.PREDICTORS."""
        ...

    @property
    def drift(self) -> str:
        """What is wrong with it, in one line; empty if nothing is."""
        ...

    @property
    def validator(self) -> Validator:
        """The judge of what it foresees with at present."""
        ...

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """Take where the robot really was; to be told once a cycle, before it imagines."""
        ...
