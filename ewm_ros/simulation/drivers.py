"""Who drives a robot in the lockstep runner: the agent of the real system, or a baseline that coordinates nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ewm_ros.geometry import Polyline
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Observation, Velocity
from ewm_ros.world_model.prediction_score import PredictionScore
from ewm_ros.world_model.predictor import Situation


@dataclass(slots=True)
class RouteDriver:
    """The policy `none`: follows its route, with nothing but the safety stop to keep it from the others."""

    follower: PathFollower
    predictor: NominalPredictor
    score: PredictionScore
    progress: float = 0.0

    @staticmethod
    def on(path: Polyline, robot_type: RobotType) -> RouteDriver:
        """A driver at the start of a path."""
        follower = PathFollower(path, robot_type)
        return RouteDriver(follower, NominalPredictor(robot_type), PredictionScore(robot_type.radius))

    def command(self, state: Observation) -> Velocity:
        """The velocity for the next period."""
        odometry, end = state.odometry, self.follower.path.length
        self.score.happened(odometry.stamp, odometry.pose)
        self.progress = self.follower.progress(odometry.pose, self.progress)
        situation = Situation(state, self.follower, self.progress, end)
        self.score.predicted(self.predictor.imagine(situation).most_probable)
        return self.follower.command(odometry.pose, Velocity(odometry.v, odometry.w), self.progress, end)
