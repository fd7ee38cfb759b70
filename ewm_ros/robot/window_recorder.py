"""Writes a robot's life down as windows to learn from."""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.route_frame import RouteFrame
from ewm_ros.robot.state_vector import StateVector
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Velocity
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.data_set import EVERY, Windows
from ewm_ros.world_model.layout import ACTION_DIM, BASE_S, STATE_DIM
from ewm_ros.world_model.prediction_score import MOVED
from ewm_ros.world_model.predictor import Situation

STANDING_KEPT = 4  # of so many windows in which nothing moves one is kept


class WindowRecorder:
    """Takes one robot's situations and commands, step by step.

    Args:
        robot_type: of the robot.
        index: of the robot, to tell it from others of the same run.
    """

    def __init__(self, robot_type: RobotType, index: int) -> None:
        self._type = robot_type
        self._index = index
        self._vector = StateVector(robot_type)
        self._poses: dict[int, tuple[float, float, float]] = {}
        self._commands: dict[int, Velocity] = {}
        self._moments: list[tuple[int, FloatArray, RouteFrame]] = []
        self._tick = 0

    def observe(self, situation: Situation) -> None:
        """Take a situation; `commanded` tells what came of it."""
        odometry = situation.observation.odometry
        self._tick = tick = round(odometry.stamp / STEP)
        self._poses[tick] = (odometry.pose.x, odometry.pose.y, odometry.pose.yaw)
        self._vector.remember(situation)
        if tick % EVERY == 0:
            self._moments.append((tick, *self._vector.of(situation)))

    def commanded(self, velocity: Velocity) -> None:
        """Take what the base was told in the newest situation."""
        self._commands[self._tick] = velocity

    def windows(self) -> Windows:
        """All windows whose 5 s are known without a gap."""
        rows = [self._window(*moment) for moment in self._moments]
        known = [row for row in rows if row is not None]
        count = len(known)
        limits = (self._type.max_speed, self._type.radius)
        return Windows(
            np.array([row[1] for row in known], np.float16).reshape(count, STATE_DIM),
            np.array([row[2] for row in known], np.float16).reshape(count, HORIZON, 3),
            np.array([row[3] for row in known], np.float16).reshape(count, HORIZON, ACTION_DIM),
            np.tile(np.array(limits, np.float32), (count, 1)),
            np.array([(0, self._index, row[0]) for row in known], np.int32).reshape(count, 3),
        )

    def _window(
        self, tick: int, state: FloatArray, frame: RouteFrame
    ) -> tuple[int, FloatArray, FloatArray, FloatArray] | None:
        ahead = range(tick + 1, tick + HORIZON + 1)
        if any(t not in self._poses or t - 1 not in self._commands for t in ahead):
            return None
        full = self._type.max_speed
        poses = np.array([self._poses[t] for t in ahead])
        away = np.hypot(poses[:, 0] - frame.pose.x, poses[:, 1] - frame.pose.y).max()
        stands = max(float(away), full * float(state[BASE_S].max())) <= MOVED
        if stands and (tick // EVERY) % STANDING_KEPT:
            return None
        s, d = frame.place(poses[:, :2], 1.2 * full * HORIZON * STEP)
        turned = np.unwrap(np.append(frame.pose.yaw, poses[:, 2]))[1:] - frame.pose.yaw
        commands = [self._commands[t - 1] for t in ahead]
        actions = np.array([(c.v / full, c.w / self._type.max_turn_rate) for c in commands])
        future = np.stack([s / full, d, np.clip(turned, -4.0 * math.pi, 4.0 * math.pi)], axis=1)
        return tick, state, future, actions
