"""The physical world: PyBullet bodies driven by velocity commands, with sensors and a referee's ground truth."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.sensing import Observation, Odometry, Scan, Velocity
from ewm_ros.simulation.physics.bodies import PERSON_HEIGHT, add_floor_things, add_person, turned
from ewm_ros.simulation.physics.contacts import NEAR, NEAR_END, TOUCH_END, Contact, Episodes, Gaps
from ewm_ros.simulation.physics.drive import Drives
from ewm_ros.simulation.physics.engine import EngineClient, pybullet
from ewm_ros.simulation.physics.motion import DrivenBodies, Motion
from ewm_ros.simulation.physics.people import People
from ewm_ros.simulation.physics.sensors import Lidars
from ewm_ros.simulation.physics.variation import IDEAL, VARIED, OdometryNoise, Slip, draw_traits
from ewm_ros.simulation.physics.wheels import WheeledBodies
from ewm_ros.simulation.worlds.scenario import BODIES, Bodies, Scenario
from ewm_ros.trajectory import STEP


class PhysicsWorld(EngineClient):
    """One running scenario. Robots are named by their index in the scenario throughout.

    Everything random comes from streams of (seed, robot index, purpose), and as many numbers are drawn each step
    whatever is observed, so that a robot alone (`only`) meets the same slip and noise as in company.

    Args:
        only: index of the one robot that takes part, e.g. to measure what it needs without the others.
        bodies: "driven" for one rigid body a robot that is given its velocity, "wheels" for motors that turn wheels on
            a floor, which takes many times as long.

    Raises:
        InputError: `only` is no robot of the scenario, there are no such bodies, or a robot type has no usable model in
            models/robots.

    Attributes:
        scenario: what is being run.
        indices: of the robots that take part.
        time: s since the start.
        new_contacts: contacts that began in the last step.
        near_misses: near misses that began in the last step.
        collisions, near_miss_count: how many began since the start.
    """

    def __init__(self, scenario: Scenario, only: int | None = None, bodies: Bodies = "driven") -> None:
        if only is not None and not 0 <= only < len(scenario.names):
            raise InputError(f"there is no robot {only} among the {len(scenario.names)} of this scenario")
        if bodies not in BODIES:
            raise InputError(f"unknown bodies {bodies!r}: there are {', '.join(BODIES)}")
        self.scenario = scenario
        self.indices = tuple(range(len(scenario.names))) if only is None else (only,)
        self.time = 0.0
        self.collisions = 0
        self.near_miss_count = 0
        self.new_contacts: tuple[Contact, ...] = ()
        self.near_misses: tuple[Contact, ...] = ()
        self._steps = 0
        self._people = People(scenario.people)
        super().__init__()
        try:
            self._fill_world(bodies)
        except InputError:
            self.close()
            raise
        self._prepare_senses()

    def _fill_world(self, bodies: Bodies) -> None:
        """Put walls, pillars, people and robots into the physics engine, and give the robots their drives."""
        client, scenario, indices = self._client, self.scenario, self.indices
        ranges = VARIED if scenario.varied else IDEAL
        traits = [draw_traits(ranges, scenario.seed, i) for i in indices]
        types, starts = [scenario.types[i] for i in indices], [scenario.starts[i] for i in indices]
        self._names = add_floor_things(client, scenario)
        self._walkers = [
            add_person(client, x, y, walker.radius)
            for (x, y, _), walker in zip(self._people.poses.tolist(), scenario.people, strict=True)
        ]
        self._names |= dict(zip(self._walkers, (walker.name for walker in scenario.people), strict=True))
        self._motion: Motion
        if bodies == "driven":
            self._motion = DrivenBodies(client, types, starts, traits)
        else:
            self._motion = WheeledBodies(client, types, starts, traits)
        self._names |= dict(zip(self._motion.bodies, (scenario.names[i] for i in indices), strict=True))
        self._dt = STEP / self._motion.substeps
        self._drives = Drives(types, traits, self._dt)
        # In the world of wheels slip is what the contact of wheels and floor makes of it.
        self._slip = Slip(ranges if bodies == "driven" else IDEAL, scenario.seed, indices)
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=self._dt,
            numSubSteps=0,
            numSolverIterations=50,
            deterministicOverlappingPairs=1,
            physicsClientId=client,
        )

    def _prepare_senses(self) -> None:
        """Sensors of the robots and of the referee."""
        scenario, indices = self.scenario, self.indices
        ranges = VARIED if scenario.varied else IDEAL
        self._slots = {index: k for k, index in enumerate(indices)}
        self._radii: FloatArray = np.array([scenario.types[i].radius for i in indices])
        self._odometry_noise = OdometryNoise(ranges, scenario.seed, indices)
        self._lidars = Lidars(scenario, ranges, indices)
        # The first look compiles, or loads, what casts the rays: that is part of making a world, not of its first step.
        self._observations: list[Observation] | None = self._sense()
        names, walkers = tuple(scenario.names[i] for i in indices), tuple(walker.name for walker in scenario.people)
        self._touching = Episodes()
        self._gaps = Gaps(scenario, names, self._radii, walkers)
        self._close = Episodes(self._gaps.within(self._motion.poses[:, :2], self._people.discs, NEAR)[0])

    @property
    def people(self) -> FloatArray:
        """(P, 3) m, m, rad: where everybody is and looks."""
        return np.array(self._people.poses)

    def observe(self, index: int) -> Observation:
        """What one robot senses now; asked again before the next step it answers the same.

        Raises:
            InputError: the robot does not take part.
        """
        if index not in self._slots:
            raise InputError(f"there is no robot {index} in this run, only {', '.join(map(str, self.indices))}")
        if self._observations is None:
            self._observations = self._sense()
        return self._observations[self._slots[index]]

    def pose(self, index: int) -> Pose2D:
        """True pose of one robot in the map frame."""
        x, y, yaw = self._motion.poses[self._slots[index]].tolist()
        return Pose2D(x, y, yaw)

    def state_hash(self) -> str:
        """SHA-256 over all that moves and drives, bit by bit; equal for runs that are equal up to now."""
        motion, noise = self._motion, self._odometry_noise
        digest = hashlib.sha256(repr((self._steps, self.collisions, self.near_miss_count)).encode())
        for state in (motion.state, noise.pose.tobytes(), noise.velocity.tobytes()):
            digest.update(state)
        digest.update(self._drives.state)
        digest.update(self._people.state)
        return digest.hexdigest()

    def step(self, commands: Sequence[Velocity]) -> None:
        """Let 0.1 s pass.

        Args:
            commands: one for each robot of `indices`, in that order; held over the step.

        Raises:
            InputError: too many or too few commands, or one that is not a number.
        """
        self._drives.command(self._checked(commands))
        slip = self._slip.draw()
        touching: set[Contact] = set()
        still: set[Contact] = set()
        if self._walkers:
            self._people.decide(self._robot_discs())
        for _ in range(self._motion.substeps):
            self._motion.drive(self._drives.respond(self._motion.motors, slip))
            self._move_people()
            pybullet.stepSimulation(self._client)
            self._motion.follow(*self._read_contacts(touching, still))
        self._motion.settle()
        self._steps += 1
        self.time = self._steps * STEP
        self._judge(touching, still)
        self._odometry_noise.advance()
        self._lidars.advance()
        self._observations = None

    def _checked(self, commands: Sequence[Velocity]) -> FloatArray:
        """The commands as (N, 2) m/s, rad/s."""
        if len(commands) != len(self.indices):
            raise InputError(f"{len(commands)} commands for {len(self.indices)} robots")
        for index, command in zip(self.indices, commands, strict=True):
            if not (math.isfinite(command.v) and math.isfinite(command.w)):
                raise InputError(f"the command of {self.scenario.names[index]} is not a finite velocity: {command}")
        return np.array([(command.v, command.w) for command in commands], dtype=np.float64)

    def _move_people(self) -> None:
        self._people.walk(self._dt)
        for body, (x, y, yaw) in zip(self._walkers, self._people.poses.tolist(), strict=True):
            pybullet.resetBasePositionAndOrientation(body, (x, y, PERSON_HEIGHT / 2), turned(yaw), self._client)

    def _read_contacts(self, touching: set[Contact], still: set[Contact]) -> tuple[set[int], set[int]]:
        """Add the engine's contacts of this substep; returns the bodies that touch something, nearly or really."""
        near: set[int] = set()
        pushed: set[int] = set()
        nearest: dict[tuple[int, int], float] = {}
        for point in pybullet.getContactPoints(physicsClientId=self._client):
            pair, distance, force = point[1:3], point[8], point[9]
            gap = 0.0 if force > 0.0 else distance
            if gap < nearest.get(pair, math.inf):
                nearest[pair] = gap
        for (a, b), gap in nearest.items():
            if a not in self._names or b not in self._names:
                continue  # wheels on the floor
            # Robots have higher ids than all else, and among themselves in the order of their indices.
            first = self._motion.bodies[0]
            robot, other = (min(a, b), max(a, b)) if min(a, b) >= first else (max(a, b), min(a, b))
            contact = Contact(self._names[robot], self._names[other])
            near.update((a, b))
            if gap <= 0.0:
                touching.add(contact)
                pushed.update((a, b))
            if gap <= TOUCH_END:
                still.add(contact)
        return near, pushed

    def _judge(self, touching: set[Contact], still: set[Contact]) -> None:
        """The referee's report on this step."""
        self.new_contacts = self._touching.update(touching, still | touching)
        near, lasting = self._gaps.within(self._motion.poses[:, :2], self._people.discs, NEAR, NEAR_END)
        began = self._close.update(near | touching, lasting | touching)
        self.near_misses = tuple(pair for pair in began if pair not in touching)
        self.collisions += len(self.new_contacts)
        self.near_miss_count += len(self.near_misses)

    def _robot_discs(self) -> FloatArray:
        """(N, 3) m: x, y, radius of the robots that take part."""
        return np.column_stack([self._motion.poses[:, :2], self._radii])

    def _sense(self) -> list[Observation]:
        """What all robots sense now: for all together it costs little more than for one."""
        motion, noise, stamp = self._motion, self._odometry_noise, self.time
        scans = self._lidars.scans(motion.poses, np.concatenate([self._robot_discs(), self._people.discs]))
        poses, velocities = (motion.poses + noise.pose).tolist(), (motion.velocities + noise.velocity).tolist()
        observations = []
        for k, index in enumerate(self.indices):
            lidar = self.scenario.types[index].lidar
            (x, y, yaw), (v, w) = poses[k], velocities[k]
            odometry = Odometry(stamp, Pose2D(x, y, math.remainder(yaw, 2.0 * math.pi)), v, w)
            scan = Scan(stamp, 0.0, lidar.angle_increment, lidar.range_max, scans[k])
            observations.append(Observation(odometry, scan))
        return observations
