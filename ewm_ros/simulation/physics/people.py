"""People who walk to and fro, and stop for whoever is in their way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.simulation.physics.compiled import compiled
from ewm_ros.simulation.worlds.scenario import Walker
from ewm_ros.trajectory import STEP

LOOK_AHEAD = 0.4  # m of a person's way that must be free of bodies
MARGIN = 0.08  # m to each side of it: a robot that brakes for somebody still rolls on a little
PATIENCE = 5.0  # s that somebody stands before they turn round
_TINY = 1e-9


class People:
    """Everybody's walk in steps of 0.1 s; whether to walk, stand or turn is decided at the beginning of each.

    A person walks at constant speed and stands while a body is in the next 0.4 m of their way, so that who stands is
    never walked into. Whoever has stood for 5 s turns round if that way is free; else a robot that waits for a person
    and a person who waits for the robot would stand for ever.

    Attributes:
        poses: (P, 3) m, m, rad: where everybody is and looks.
    """

    def __init__(self, walkers: Sequence[Walker]) -> None:
        self._strolls = [_Stroll(walker) for walker in walkers]
        self._radii = np.array([walker.radius for walker in walkers])
        self._walking: list[_Stroll] = []
        self.poses: FloatArray = np.zeros((len(walkers), 3))
        self._note_poses()

    @property
    def discs(self) -> FloatArray:
        """(P, 3) m: x, y, radius."""
        return np.column_stack([self.poses[:, :2], self._radii])

    @property
    def state(self) -> bytes:
        """All that changes, bit by bit."""
        walks = np.array([[stroll.s, stroll.direction, stroll.stood] for stroll in self._strolls])
        return self.poses.tobytes() + walks.tobytes()

    def decide(self, robots: FloatArray) -> None:
        """Let everybody look where they go.

        Args:
            robots: (N, 3) m: x, y, radius.
        """
        bodies = np.concatenate([robots, self.discs])
        self._walking = [
            stroll
            for i, stroll in enumerate(self._strolls)
            if stroll.wants_to_walk(np.delete(bodies, len(robots) + i, axis=0))
        ]

    def walk(self, duration: float) -> None:
        """Let everybody who walks go on for this long (s), at most until the next decision is due."""
        for stroll in self._walking:
            stroll.s, stroll.direction = stroll.after(stroll.speed * duration)
        if self._walking:
            self._note_poses()

    def _note_poses(self) -> None:
        self.poses = np.array([stroll.pose for stroll in self._strolls]).reshape(-1, 3)


class _Stroll:
    """One person's way: s (m) along the path, direction 1 or -1, steps stood so far."""

    def __init__(self, walker: Walker) -> None:
        self.speed = walker.speed
        self.s = walker.begin
        self.direction = 1
        self.stood = 0
        self._path = Polyline(walker.path)
        self._radius = walker.radius
        # The margin is around all of the way, its end too. Who runs looks further.
        self._look = LOOK_AHEAD - MARGIN + max(walker.speed * STEP - LOOK_AHEAD / 2, 0.0)

    @property
    def pose(self) -> tuple[float, float, float]:
        x, y = self._path.point_at(self.s)
        heading = self._path.heading_at(self.s)
        return x, y, heading if self.direction > 0 else math.remainder(heading + math.pi, 2.0 * math.pi)

    def wants_to_walk(self, bodies: FloatArray) -> bool:
        """Whether to walk in this step, round if need be; bodies: (M, 3) m, x, y, radius of all others."""
        if self._path.length == 0.0:  # corners less than a nanometre apart
            return False
        if self._is_free(self.direction, bodies):
            self.stood = 0
            return True
        self.stood += 1
        if self.stood * STEP > PATIENCE and self._is_free(-self.direction, bodies):
            self.stood = 0
            self.direction = -self.direction
            return True
        return False

    def after(self, distance: float) -> tuple[float, int]:
        """(s, direction) after walking on so far; who comes to an end of the path turns round there."""
        length, along = self._path.length, self.s if self.direction > 0 else 2.0 * self._path.length - self.s
        along = (along + distance) % (2.0 * length)
        return (along, 1) if along < length else (2.0 * length - along, -1)

    def _is_free(self, direction: int, bodies: FloatArray) -> bool:
        return not _in_the_way(self._way(direction), bodies, self._radius + MARGIN)

    def _way(self, direction: int) -> FloatArray:
        """(K, 2) m: the corners of the next stretch, the place of now first; past an end it leads back."""
        s, left = self.s, min(self._look, 2.0 * self._path.length)
        points = [self._path.point_at(s)]
        while left > _TINY:
            ahead = self._path.s[self._path.s > s + _TINY] if direction > 0 else self._path.s[self._path.s < s - _TINY]
            if len(ahead) == 0:
                direction = -direction
                continue
            corner = float(ahead[0] if direction > 0 else ahead[-1])
            run = min(left, abs(corner - s))
            s, left = s + direction * run, left - run
            points.append(self._path.point_at(s))
        return np.array(points)


@compiled
def _in_the_way(way: FloatArray, bodies: FloatArray, radius: float) -> bool:
    """Whether a disc of this radius, moved along the way, comes to touch a body; those it only leaves do not count."""
    for n in range(len(bodies)):
        x, y, reach = bodies[n, 0], bodies[n, 1], radius + bodies[n, 2]
        now = math.hypot(x - way[0, 0], y - way[0, 1])
        for k in range(len(way) - 1):
            ax, ay = way[k, 0], way[k, 1]
            dx, dy = way[k + 1, 0] - ax, way[k + 1, 1] - ay
            along = ((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, _TINY * _TINY)
            along = min(max(along, 0.0), 1.0)
            nearest = math.hypot(x - ax - along * dx, y - ay - along * dy)
            if nearest < reach and nearest < now - _TINY:
                return True
    return False
