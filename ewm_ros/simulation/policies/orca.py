"""The baseline `orca`: optimal reciprocal collision avoidance along the same routes as the real system.

J. van den Berg, S. J. Guy, M. Lin, D. Manocha, "Reciprocal n-Body Collision Avoidance" (ISRR 2011), by pyrvo. The
velocity that it asks for is holonomic; a differential drive turns towards it, with a larger radius for what it errs
meanwhile, after J. Alonso-Mora et al., "Optimal Reciprocal Collision Avoidance for Multiple Non-Holonomic Robots" (DARS
2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyrvo

from ewm_ros.geometry import FloatArray, Pose2D, wrap_angle
from ewm_ros.randomness import stream
from ewm_ros.robot.motion import stopping_speed
from ewm_ros.robot.path_follower import END_REACHED
from ewm_ros.sensing import STANDSTILL, Observation, Velocity
from ewm_ros.simulation.policies.route_following import Guide
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_format import Point
from ewm_ros.trajectory import STEP

EXTRA_RADIUS = 0.05  # m, for the error of a robot that cannot move sideways
NEIGHBOUR_DISTANCE = 4.0  # m within which others count
MOST_NEIGHBOURS = 10
HORIZON_ROBOTS, HORIZON_WALLS = 4.0, 1.0  # s
AHEAD = 0.6  # m along the route, of the point that a robot heads for
TURN_TIME = 0.4  # s in which a robot would turn to the velocity it wants
SWERVE = 0.1  # m/s, of the random part that keeps robots from mirroring each other for ever
PILLAR_SIDES = 12
REACTION = 0.2  # s until a robot brakes
CREEP = 0.003  # m/s; what is slower has no direction


class Orca:
    """Drives all robots by ORCA; they know each other's positions and velocities as each measures its own.

    Args:
        scenario: for its walls, people and seed.
        indices: of the robots that take part.
        guides: of the same robots.
    """

    def __init__(self, scenario: Scenario, indices: Sequence[int], guides: Sequence[Guide]) -> None:
        self._types = [scenario.types[i] for i in indices]
        self._guides = guides
        self._swerves = [stream(scenario.seed, i, "orca") for i in indices]
        self._people_before: FloatArray | None = None
        self._crowd = pyrvo.RVOSimulator(
            STEP, NEIGHBOUR_DISTANCE, MOST_NEIGHBOURS, HORIZON_ROBOTS, HORIZON_WALLS, 0.3, 0.5
        )
        for kind in self._types:
            self._add(kind.radius + EXTRA_RADIUS, kind.max_speed)
        for walker in scenario.people:
            self._add(walker.radius, walker.speed)
        for box in scenario.boxes:
            self._crowd.add_obstacle([tuple(corner) for corner in box.corners().tolist()])
        for disc in scenario.discs:
            angles = np.arange(PILLAR_SIDES) * 2.0 * math.pi / PILLAR_SIDES
            rim = np.stack([disc.x + disc.radius * np.cos(angles), disc.y + disc.radius * np.sin(angles)], axis=1)
            self._crowd.add_obstacle([tuple(corner) for corner in rim.tolist()])
        self._crowd.process_obstacles()

    def _add(self, radius: float, max_speed: float) -> None:
        self._crowd.add_agent(
            (0.0, 0.0), NEIGHBOUR_DISTANCE, MOST_NEIGHBOURS, HORIZON_ROBOTS, HORIZON_WALLS, radius, max_speed
        )

    def commands(
        self, observations: Sequence[Observation], targets: Sequence[Point], people: FloatArray
    ) -> list[Velocity]:
        """See Baseline."""
        for k, state in enumerate(observations):
            self._place(k, state, targets[k])
        self._place_people(people)
        self._crowd.do_step()
        return [self._command(k, state) for k, state in enumerate(observations)]

    def _place(self, k: int, state: Observation, target: Point) -> None:
        """Tell the crowd where a robot is, how it moves and how it would like to."""
        pose, v = state.odometry.pose, state.odometry.v
        self._guides[k].update(state, target)
        self._crowd.set_agent_position(k, (pose.x, pose.y))
        self._crowd.set_agent_velocity(k, (v * math.cos(pose.yaw), v * math.sin(pose.yaw)))
        self._crowd.set_agent_pref_velocity(k, self._preferred(k, pose))

    def _preferred(self, k: int, pose: Pose2D) -> tuple[float, float]:
        """m/s towards the route ahead, slower at its end."""
        guide, kind = self._guides[k], self._types[k]
        sway, swerve = self._swerves[k].normal(0.0, SWERVE, 2).tolist()
        if guide.follower is None:
            return sway, swerve
        x, y = guide.follower.path.point_at(guide.progress + AHEAD)
        dx, dy = x - pose.x, y - pose.y
        distance = max(math.hypot(dx, dy), 1e-9)
        speed = min(kind.max_speed, stopping_speed(guide.end - guide.progress, 0.7 * kind.max_acceleration, REACTION))
        return speed * dx / distance + sway, speed * dy / distance + swerve

    def _place_people(self, people: FloatArray) -> None:
        before = people if self._people_before is None else self._people_before
        self._people_before = people.copy()
        for k, (now, then) in enumerate(zip(people, before, strict=True), start=len(self._types)):
            velocity = tuple(((now[:2] - then[:2]) / STEP).tolist())
            self._crowd.set_agent_position(k, tuple(now[:2].tolist()))
            self._crowd.set_agent_velocity(k, velocity)
            self._crowd.set_agent_pref_velocity(k, velocity)

    def _command(self, k: int, state: Observation) -> Velocity:
        """Turn towards the velocity that the crowd leaves to this robot, and drive as far as it looks that way."""
        guide = self._guides[k]
        if guide.follower is None or guide.end - guide.progress < END_REACHED:
            return STANDSTILL
        wanted = self._crowd.get_agent_velocity(k)
        speed = math.hypot(wanted.x, wanted.y)
        if speed < CREEP:
            return STANDSTILL
        off = wrap_angle(math.atan2(wanted.y, wanted.x) - state.odometry.pose.yaw)
        limit = self._types[k].max_turn_rate
        return Velocity(speed * max(math.cos(off), 0.0), min(max(off / TURN_TIME, -limit), limit))
