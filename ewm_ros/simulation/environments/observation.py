"""What an agent of the environment observes, as one vector of fixed length: its parts, their bounds, how it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.sensing import Observation
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.worlds.scenario import Scenario

SPEED_MARGIN = 1.5  # times the type's limits: measured velocities are cut off there (a push can exceed the limits)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a vector: `low` and `high` bound each of its columns; `shape` is (columns,) or (rows, columns)."""

    name: str
    shape: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Layout:
    """Where each part lies in a flat vector.

    Attributes:
        box: the Gymnasium space of the vector, float32.
        slices: by the name of the part.
        shapes: by the name of the part.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        ends = np.cumsum([0, *(math.prod(part.shape) for part in parts)]).tolist()
        self.slices = {part.name: slice(a, b) for part, a, b in zip(parts, ends[:-1], ends[1:], strict=True)}
        self.shapes = {part.name: part.shape for part in parts}
        low = np.concatenate([np.resize(part.low, math.prod(part.shape)) for part in parts])
        high = np.concatenate([np.resize(part.high, math.prod(part.shape)) for part in parts])
        self.box = Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def split(self, vector: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The parts of a vector, each in its shape."""
        return {name: vector[where].reshape(self.shapes[name]) for name, where in self.slices.items()}

    def join(self, values: Sequence[FloatArray]) -> NDArray[np.float32]:
        """The vector of all parts in order, cut off at their bounds."""
        vector = np.empty(self.box.shape, dtype=np.float32)
        for where, value in zip(self.slices.values(), values, strict=True):
            vector[where] = value.reshape(-1)
        np.maximum(vector, self.box.low, out=vector)
        return np.minimum(vector, self.box.high, out=vector)


@dataclass(frozen=True, slots=True)
class Moment:
    """All that observations are made of; one entry or row a robot.

    Attributes:
        sensed: newest measurements.
        targets: (N, 2) m, where each is sent; None in the task `allocate`.
        loaded: (N,) whether each carries something.
        time_left: share of the time limit.
    """

    sensed: Sequence[Observation]
    targets: FloatArray | None
    loaded: NDArray[np.bool_]
    time_left: float


class Senses:
    """Makes the observations of all robots of a scenario. docs/environments.md describes the parts.

    Everything relative is seen from the pose that the robot measures, so that no observation holds more truth than a
    robot has.

    Attributes:
        layouts: of each robot's observation; the same for every seed.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._goals = np.asarray(scenario.goals, dtype=np.float64).reshape(-1, 2)
        stations = scenario.stations
        self._stations = np.array([*stations.pick, *stations.drop] if stations else []).reshape(-1, 2)
        self.layouts = [Layout(self._parts(index)) for index in range(len(scenario.names))]

    def _parts(self, index: int) -> list[Part]:
        scenario, robot = self._scenario, self._scenario.types[index]
        (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
        far, view = math.hypot(x1 - x0, y1 - y0), scenario.view
        v, w = SPEED_MARGIN * robot.max_speed, SPEED_MARGIN * robot.max_turn_rate
        most_v = SPEED_MARGIN * max(other.max_speed for other in scenario.types)
        most_w = SPEED_MARGIN * max(other.max_turn_rate for other in scenario.types)
        seen_low, seen_high = (0.0, -view, -view), (1.0, view, view)
        parts = [
            Part("scan", (robot.lidar.rays,), (0.0,), (robot.lidar.range_max,)),
            Part("velocity", (2,), (-v, -w), (v, w)),
            Part("pose", (4,), (x0, y0, -1.0, -1.0), (x1, y1, 1.0, 1.0)),
            Part("target", (3,), (0.0, -far, -far), (1.0, far, far)),
            Part(
                "peers",
                (len(scenario.names) - 1, 7),
                (*seen_low, -1.0, -1.0, -most_v, -most_w),
                (*seen_high, 1.0, 1.0, most_v, most_w),
            ),
            Part("time_left", (1,), (0.0,), (1.0,)),
        ]
        if scenario.task == "allocate":
            parts.append(Part("goals", (len(self._goals), 4), (*seen_low, 0.0), (*seen_high, 1.0)))
        if scenario.task == "deliver":
            parts.append(Part("loaded", (1,), (0.0,), (1.0,)))
            parts.append(Part("stations", (len(self._stations), 2), (-far, -far), (far, far)))
        return parts

    def observe(self, moment: Moment) -> list[NDArray[np.float32]]:
        """One vector for each robot."""
        poses, velocities = measured(moment.sensed)
        names = self._scenario.names
        targets = np.zeros((len(names), 3))
        if moment.targets is not None:
            targets[:, 0] = 1.0
            targets[:, 1:] = np.diagonal(_relative(poses, moment.targets)).T
        places = np.column_stack([poses[:, :2], np.cos(poses[:, 2]), np.sin(poses[:, 2])])
        peers = self._peers(poses, velocities)
        last: list[list[FloatArray]] = [[] for _ in names]
        if self._scenario.task == "allocate":
            last = [[rows] for rows in self._seen_goals(poses)]
        if self._scenario.task == "deliver":
            stations = _relative(poses, self._stations)
            last = [[moment.loaded[k : k + 1].astype(np.float64), stations[k]] for k in range(len(names))]
        time_left = np.array([moment.time_left])
        scans = [sensed.scan.ranges for sensed in moment.sensed if sensed.scan is not None]
        return [
            layout.join([scans[k], velocities[k], places[k], targets[k], peers[k], time_left, *last[k]])
            for k, layout in enumerate(self.layouts)
        ]

    def _peers(self, poses: FloatArray, velocities: FloatArray) -> FloatArray:
        """(N, N - 1, 7): for each robot the others in view, nearest first; rows of zeros for the rest."""
        n = len(poses)
        relative = _relative(poses, poses[:, :2])
        turned = poses[None, :, 2] - poses[:, None, 2]
        moving = np.broadcast_to(velocities, (n, n, 2))
        rows = np.concatenate([relative, np.cos(turned)[..., None], np.sin(turned)[..., None], moving], axis=2)
        others = ~np.eye(n, dtype=np.bool_)
        return _nearest_first(rows[others].reshape(n, n - 1, 6), self._scenario.view)

    def _seen_goals(self, poses: FloatArray) -> FloatArray:
        """(N, G, 4): for each robot the goals in view, nearest first, and whether it sees another robot there."""
        n = len(poses)
        gaps = np.hypot(*(poses[:, None, :2] - self._goals).transpose(2, 0, 1)) <= REACHED  # (robots, goals)
        apart = np.hypot(*(poses[:, None, :2] - poses[:, :2]).transpose(2, 0, 1))
        visible = (apart <= self._scenario.view) & ~np.eye(n, dtype=np.bool_)
        taken = (visible[:, :, None] & gaps[None]).any(axis=1)
        rows = np.concatenate([_relative(poses, self._goals), taken[..., None]], axis=2)
        return _nearest_first(rows, self._scenario.view)


def measured(sensed: Sequence[Observation]) -> tuple[FloatArray, FloatArray]:
    """(N, 3) poses in m, m, rad and (N, 2) velocities in m/s, rad/s by the robots' own odometry."""
    odometries = [one.odometry for one in sensed]
    poses = np.array([(o.pose.x, o.pose.y, o.pose.yaw) for o in odometries])
    return poses, np.array([(o.v, o.w) for o in odometries])


def _relative(poses: FloatArray, points: FloatArray) -> FloatArray:
    """(N, M, 2) m: points (M, 2) of the map in the base_link of each pose (N, 3)."""
    d = points - poses[:, None, :2]
    c, s = np.cos(poses[:, None, 2]), np.sin(poses[:, None, 2])
    return np.stack([c * d[..., 0] + s * d[..., 1], c * d[..., 1] - s * d[..., 0]], axis=2)


def _nearest_first(rows: FloatArray, view: float) -> FloatArray:
    """(N, M, K) rows that begin with a relative x, y (m) -> (N, M, 1 + K): 1 before each that is in view, sorted."""
    distances = np.hypot(rows[..., 0], rows[..., 1])
    order = np.argsort(distances, axis=1, kind="stable")[..., None]
    seen = np.take_along_axis(distances[..., None] <= view, order, axis=1)
    return np.concatenate([seen, seen * np.take_along_axis(rows, order, axis=1)], axis=2)
