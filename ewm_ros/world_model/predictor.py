"""The interface that every predictor of a robot's own motion fills, learned or closed-form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ewm_ros.sensing import Observation
from ewm_ros.trajectory import Imagination

if TYPE_CHECKING:  # robot/ imports this room, not the other way round; only the type is named here
    from ewm_ros.robot.path_follower import PathFollower


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
    """

    observation: Observation
    follower: PathFollower | None
    progress: float = 0.0
    hold: float = math.inf
    release: float = 0.0
    speed_limit: float = math.inf

    def hold_at(self, after: float) -> float:
        """m along the route beyond which the robot will not drive `after` s from now; inf for no such point."""
        return self.hold if after < self.release else math.inf


class Predictor(Protocol):
    """Foresees the robot's own next HORIZON steps of STEP seconds."""

    def imagine(self, situation: Situation) -> Imagination:
        """The possible futures from this situation, most probable first."""
        ...
