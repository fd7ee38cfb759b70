"""The way that a recorded robot follows: its route, else the plan it published, else straight to its goal."""

from __future__ import annotations

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.messages import Route
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import RobotType

SAME_WAY = 0.1  # m, within which a new plan repeats what is left of the old one
COMPARED = 100  # points of the new plan, about

_GOAL, _PLAN, _ROUTE = 1, 2, 3  # what knows the way, the best last


class RecordedWay:
    """Where the robot is going, and how far it has come on it.

    Args:
        robot_type: limits of the robot.

    Attributes:
        follower: None while no way is known.
        progress: m along it.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self.follower: PathFollower | None = None
        self.progress = 0.0
        self._type = robot_type
        self._source = 0
        self._goal: FloatArray | None = None  # (2,) m, while the robot's place is not known
        self._lost = False

    def follow_route(self, route: Route) -> None:
        """Change to a route of ours, at its beginning."""
        self._source = _ROUTE
        self._take(route.path)

    def follow_plan(self, points: FloatArray) -> None:
        """Take a plan: (N, 2) m, in the odometry's frame. Planners repeat theirs about once a second."""
        if self._source > _PLAN or len(points) == 0 or self._repeats(points):
            return
        self._source = _PLAN
        self._take(Polyline(points))
        self._lost = True

    def head_for(self, goal: FloatArray) -> None:
        """Take a goal: (2,) m, in the odometry's frame."""
        if self._source <= _GOAL:
            self._source, self._goal = _GOAL, goal

    def move(self, pose: Pose2D, told: float = 0.0) -> None:
        """Go with the robot.

        Args:
            pose: of the robot, now.
            told: m of progress that the robot itself says it has made at least.
        """
        if self._goal is not None:
            self._take(Polyline([(pose.x, pose.y), self._goal]))
        if self.follower is None:
            return
        if self._lost:
            self.progress, self._lost = self.follower.path.project(pose.x, pose.y)[0], False
        self.progress = self.follower.progress(pose, max(self.progress, told))

    def _take(self, path: Polyline) -> None:
        self.follower = PathFollower(path, self._type) if path.length > 0.0 else None
        self.progress, self._goal, self._lost = 0.0, None, False

    def _repeats(self, points: FloatArray) -> bool:
        """Whether a plan is no other than what is left of the one that is followed."""
        if self.follower is None or self._source != _PLAN:
            return False
        path = self.follower.path
        if float(np.hypot(*(path.points[-1] - points[-1]))) > SAME_WAY:
            return False
        left = path.sample(np.linspace(0.0, path.length, int(path.length / SAME_WAY) + 2))
        some = points[:: max(len(points) // COMPARED, 1)]
        distances = np.hypot(*(some[:, None] - left).transpose(2, 0, 1)).min(axis=1)
        return bool((distances <= SAME_WAY).all())
