"""The baselines of the lockstep runner: robots on the same routes as the real system that tell nobody anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.way_finder import ASTRAY
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Observation, Velocity
from ewm_ros.simulation.worlds.world_format import Point
from ewm_ros.world_model.prediction_score import PredictionScore
from ewm_ros.world_model.predictor import Situation

PATIENCE = 2.0  # s until a way is looked for again where there was none


class Baseline(Protocol):
    """Drives a whole fleet without any messages."""

    def commands(
        self, observations: Sequence[Observation], targets: Sequence[Point], people: FloatArray
    ) -> list[Velocity]:
        """The velocities for the next period.

        Args:
            observations: of each robot.
            targets: where each is to go, m.
            people: (P, 3) x, y, heading of everybody who walks about, for who can see them.
        """


class Guide:
    """Keeps one robot on a route to where it is sent, and scores what its own controller would have foreseen.

    Attributes:
        follower: of the present route; None while there is none.
        progress: m along it.
        score: of the closed-form predictor.
    """

    def __init__(self, planner: RoutePlanner, robot_type: RobotType) -> None:
        self.follower: PathFollower | None = None
        self.progress = 0.0
        self.score = PredictionScore(robot_type.radius)
        self._planner = planner
        self._type = robot_type
        self._predictor = NominalPredictor(robot_type)
        self._target: Point | None = None
        self._retry = math.inf

    @property
    def end(self) -> float:
        """m, length of the route; 0 while there is none."""
        return self.follower.path.length if self.follower else 0.0

    def update(self, state: Observation, target: Point) -> None:
        """Take what the robot senses; plan anew if it is sent elsewhere, has strayed, or had no way."""
        odometry = state.odometry
        self.score.happened(odometry.stamp, odometry.pose)
        if target != self._target or odometry.stamp >= self._retry or self._astray(odometry.pose):
            self._plan(odometry.pose, target, odometry.stamp)
        if self.follower is not None:
            self.progress = self.follower.progress(odometry.pose, self.progress)
        situation = Situation(state, self.follower, self.progress, self.end)
        self.score.predicted(self._predictor.imagine(situation).most_probable)

    def _astray(self, pose: Pose2D) -> bool:
        if self.follower is None:
            return False
        _, distance = self.follower.path.project(pose.x, pose.y, self.progress - ASTRAY, self.progress + 1.0)
        return distance > ASTRAY

    def _plan(self, pose: Pose2D, target: Point, now: float) -> None:
        self._target, self.progress, self.follower = target, 0.0, None
        try:
            path = self._planner.plan((pose.x, pose.y), target)
        except InputError:  # pushed into a corner, say: it stands, and tries again
            self._retry = now + PATIENCE
            return
        self._retry = math.inf
        if path.length > 0.0:
            self.follower = PathFollower(path, self._type)


class RouteFollowing:
    """The policy `none`: everybody follows its route, with nothing but the safety stop to keep it from the others."""

    def __init__(self, guides: Sequence[Guide]) -> None:
        self._guides = guides

    def commands(
        self, observations: Sequence[Observation], targets: Sequence[Point], people: FloatArray
    ) -> list[Velocity]:
        """See Baseline."""
        return [self._command(*robot) for robot in zip(self._guides, observations, targets, strict=True)]

    def _command(self, guide: Guide, state: Observation, target: Point) -> Velocity:
        guide.update(state, target)
        if guide.follower is None:
            return STANDSTILL
        odometry = state.odometry
        return guide.follower.command(odometry.pose, Velocity(odometry.v, odometry.w), guide.progress, guide.end)
