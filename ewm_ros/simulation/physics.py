"""The physical world: PyBullet bodies driven by velocity commands, with sensors and a referee's ground truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.randomness import stream
from ewm_ros.sensing import STANDSTILL, Observation, Odometry, Scan, Velocity
from ewm_ros.simulation.bodies import add_floor_things, load_robot
from ewm_ros.simulation.contacts import NEAR, NEAR_END, TOUCH_END, Contact, Episodes, Gaps
from ewm_ros.simulation.drive import SLIP_V, SLIP_W, Drive, draw_traits
from ewm_ros.simulation.engine import EngineClient, pybullet
from ewm_ros.simulation.lidar import RayCaster
from ewm_ros.simulation.scenario import Scenario
from ewm_ros.trajectory import STEP

SUBSTEPS = 6
RANGE_NOISE = 0.01  # m, standard deviation of a measured range


class PhysicsWorld(EngineClient):
    """One running scenario. Robots are named by their index in the scenario throughout.

    Everything random comes from streams of (seed, robot index, purpose), and as many numbers are drawn each step
    whatever is observed, so that a robot alone (`only`) meets the same slip and noise as in company.

    Args:
        only: index of the one robot that takes part, e.g. to measure what it needs without the others.

    Raises:
        InputError: `only` is no robot of the scenario, or a robot type has no model in models/robots.

    Attributes:
        scenario: what is being run.
        indices: of the robots that take part.
        time: s since the start.
        new_contacts: contacts that began in the last step.
        near_misses: near misses that began in the last step.
        collisions, near_miss_count: how many began since the start.
    """

    def __init__(self, scenario: Scenario, only: int | None = None) -> None:
        if only is not None and not 0 <= only < len(scenario.names):
            raise InputError(f"there is no robot {only} among the {len(scenario.names)} of this scenario")
        self.scenario = scenario
        self.indices = tuple(range(len(scenario.names))) if only is None else (only,)
        self.time = 0.0
        self.collisions = 0
        self.near_miss_count = 0
        self.new_contacts: tuple[Contact, ...] = ()
        self.near_misses: tuple[Contact, ...] = ()
        self._steps = 0
        self._prepare_robots()
        super().__init__()
        try:
            self._fill_world()
        except InputError:
            self.close()
            raise

    def _prepare_robots(self) -> None:
        """All state of the robots outside the physics engine; lists and arrays have one entry for each in `indices`."""
        scenario, indices, seed = self.scenario, self.indices, self.scenario.seed
        types = [scenario.types[i] for i in indices]
        self._slots = {index: k for k, index in enumerate(indices)}
        self._radii: FloatArray = np.array([robot.radius for robot in types])
        self._poses = [scenario.starts[i] for i in indices]
        self._velocities = [STANDSTILL for _ in indices]
        self._traits = [draw_traits(stream(seed, i, "traits")) for i in indices]
        self._drives = [Drive(t, own, STEP / SUBSTEPS) for t, own in zip(types, self._traits, strict=True)]
        self._slip = [stream(seed, i, "slip") for i in indices]
        self._scan_noise = [stream(seed, i, "scan") for i in indices]
        self._casters = {robot.lidar: RayCaster(scenario, robot.lidar) for robot in types}
        self._touching = Episodes()
        self._gaps = Gaps(scenario, tuple(scenario.names[i] for i in indices), self._radii)
        self._close = Episodes(self._gaps.within(self._positions(), NEAR)[0])
        self._draw_noise()

    def _fill_world(self) -> None:
        """Put walls, pillars and robots into the physics engine."""
        client, scenario = self._client, self.scenario
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=STEP / SUBSTEPS,
            numSubSteps=0,
            numSolverIterations=50,
            deterministicOverlappingPairs=1,
            physicsClientId=client,
        )
        pybullet.setGravity(0.0, 0.0, 0.0, physicsClientId=client)
        self._names = add_floor_things(client, scenario)
        self._bodies: list[int] = []
        self._heights: list[float] = []
        for index, pose, traits in zip(self.indices, self._poses, self._traits, strict=True):
            body, height = load_robot(client, scenario.types[index], pose, traits.mass)
            self._bodies.append(body)
            self._heights.append(height)
            self._names[body] = scenario.names[index]

    def observe(self, index: int) -> Observation:
        """What one robot senses now; asked again before the next step it answers the same.

        Raises:
            InputError: the robot does not take part.
        """
        if index not in self._slots:
            raise InputError(f"there is no robot {index} in this run, only {', '.join(map(str, self.indices))}")
        k = self._slots[index]
        known = self._observations[k]
        if known is None:
            known = self._observations[k] = self._sense(k)
        return known

    def pose(self, index: int) -> Pose2D:
        """True pose of one robot in the map frame."""
        return self._poses[self._slots[index]]

    def step(self, commands: Sequence[Velocity]) -> None:
        """Let 0.1 s pass.

        Args:
            commands: one for each robot of `indices`, in that order; held over the step.

        Raises:
            InputError: too many or too few commands, or one that is not a number.
        """
        if len(commands) != len(self.indices):
            raise InputError(f"{len(commands)} commands for {len(self.indices)} robots")
        for index, command in zip(self.indices, commands, strict=True):
            if not (math.isfinite(command.v) and math.isfinite(command.w)):
                raise InputError(f"the command of {self.scenario.names[index]} is not a finite velocity: {command}")
        slips = [1.0 + rng.standard_normal(2) * (SLIP_V, SLIP_W) for rng in self._slip]
        factors = [(float(v), float(w)) for v, w in slips]
        touching: set[Contact] = set()
        still: set[Contact] = set()
        for _ in range(SUBSTEPS):
            self._drive(commands, factors)
            pybullet.stepSimulation(physicsClientId=self._client)
            pushed = self._read_contacts(touching, still)
            self._read_bodies(pushed)
        self._steps += 1
        self.time = self._steps * STEP
        self._judge(touching, still)
        self._draw_noise()

    def _drive(self, commands: Sequence[Velocity], factors: Sequence[tuple[float, float]]) -> None:
        """Give each body the velocity that its motors make of its command: forward and turning, never sideways."""
        for k, body in enumerate(self._bodies):
            velocity = self._drives[k].respond(commands[k], self._velocities[k], factors[k])
            yaw = self._poses[k].yaw
            pybullet.resetBaseVelocity(
                body,
                (velocity.v * math.cos(yaw), velocity.v * math.sin(yaw), 0.0),
                (0.0, 0.0, velocity.w),
                physicsClientId=self._client,
            )

    def _read_contacts(self, touching: set[Contact], still: set[Contact]) -> set[int]:
        """Add the engine's contacts of this substep; returns the bodies that touch something."""
        pushed: set[int] = set()
        for point in pybullet.getContactPoints(physicsClientId=self._client):
            a, b, distance, force = point[1], point[2], point[8], point[9]
            # Robots have higher ids than walls, and among themselves in the order of their indices.
            robot, other = (min(a, b), max(a, b)) if min(a, b) >= self._bodies[0] else (max(a, b), min(a, b))
            contact = Contact(self._names[robot], self._names[other])
            if distance <= 0.0 or force > 0.0:
                touching.add(contact)
                pushed.update((a, b))
            if distance <= TOUCH_END:
                still.add(contact)
        return pushed

    def _read_bodies(self, pushed: set[int]) -> None:
        """Take poses and velocities over from the engine; bodies that were pushed are set level on the floor again."""
        client = self._client
        for k, body in enumerate(self._bodies):
            (x, y, _), (qx, qy, qz, qw) = pybullet.getBasePositionAndOrientation(body, physicsClientId=client)
            (vx, vy, _), (_, _, w) = pybullet.getBaseVelocity(body, physicsClientId=client)
            yaw = math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))
            self._poses[k] = Pose2D(x, y, yaw)
            self._velocities[k] = Velocity(vx * math.cos(yaw) + vy * math.sin(yaw), w)
            if body in pushed:
                level = (0.0, 0.0, math.sin(yaw / 2.0), math.cos(yaw / 2.0))
                pybullet.resetBasePositionAndOrientation(body, (x, y, self._heights[k]), level, physicsClientId=client)

    def _judge(self, touching: set[Contact], still: set[Contact]) -> None:
        """The referee's report on this step."""
        self.new_contacts = self._touching.update(touching, still | touching)
        near, lasting = self._gaps.within(self._positions(), NEAR, NEAR_END)
        began = self._close.update(near | touching, lasting | touching)
        self.near_misses = tuple(pair for pair in began if pair not in touching)
        self.collisions += len(self.new_contacts)
        self.near_miss_count += len(self.near_misses)

    def _positions(self) -> FloatArray:
        """(N, 2) m of the robots that take part."""
        return np.array([[pose.x, pose.y] for pose in self._poses])

    def _draw_noise(self) -> None:
        """Draw the noise of the scans of this moment and forget the observations of the last."""
        rays = [self.scenario.types[i].lidar.rays for i in self.indices]
        self._noise = [rng.standard_normal(n) * RANGE_NOISE for rng, n in zip(self._scan_noise, rays, strict=True)]
        self._observations: list[Observation | None] = [None] * len(self.indices)

    def _sense(self, k: int) -> Observation:
        pose, velocity = self._poses[k], self._velocities[k]
        lidar = self.scenario.types[self.indices[k]].lidar
        others = np.column_stack([self._positions(), self._radii])[np.arange(len(self.indices)) != k]
        true = self._casters[lidar].cast(pose.x, pose.y, pose.yaw, others)
        noisy = np.where(true < lidar.range_max, np.clip(true + self._noise[k], 0.0, lidar.range_max), true)
        scan = Scan(self.time, 0.0, lidar.angle_increment, lidar.range_max, noisy)
        return Observation(Odometry(self.time, pose, velocity.v, velocity.w), scan)
