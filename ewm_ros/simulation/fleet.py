"""The lockstep fleet runner: robots, coordinator, network and world as plain objects, without ROS, as fast as it goes.

The same scenario, seed and settings give the same run, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.intention.codec import decode_intention, encode_payload
from ewm_ros.intention.outline import Outline
from ewm_ros.messages import Arbitration, DirectiveSet, Intention, Route
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.randomness import stream
from ewm_ros.robot.agent import FAREWELL, Action, IntegratedAgent
from ewm_ros.robot.bystanders import notice_together
from ewm_ros.robot.command_gate import CommandGate
from ewm_ros.robot.explorer import Explorer
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot.shared_imagination import imagine_together, outline_together
from ewm_ros.robot.way_finder import Goal
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Observation, Velocity
from ewm_ros.simulation.network import Faults, Network
from ewm_ros.simulation.policies.route_following import Baseline, Guide, RouteFollowing
from ewm_ros.simulation.tasks import make_task
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import Bodies, Scenario
from ewm_ros.simulation.worlds.world_format import Point
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.prediction_score import ScoreSums
from ewm_ros.world_model.predictor import Situation, WatchedPredictor

COORDINATOR = "coordinator"
PredictorMaker = Callable[[RobotType], WatchedPredictor]
ArbiterMaker = Callable[[Site], Arbiter]

POLICIES = ("intention", "none", "orca")


def goal_name(x: float, y: float) -> str:
    """A goal's name by its place."""
    return f"{x:.1f},{y:.1f}"


@dataclass(slots=True)
class _Robot:
    """One agent.

    Attributes:
        ordered: a goal that it has been sent to in place of its task's.
        starts: of its process.
        running: whether its process is; else its body stands.
        farewells: intentions that it still sends once it stands, because it has been asked to end.
    """

    agent: IntegratedAgent
    explorer: Explorer | None  # where robots have to find goals by themselves
    ordered: Point | None = None
    starts: int = 1
    running: bool = True
    farewells: float = math.inf
    action: Action | None = None


class Fleet:
    """A scenario in motion.

    Args:
        scenario: world, robots, seed.
        policy: "intention" for the whole system, "none" for route following with the safety stop only, "orca" for
            reciprocal collision avoidance along the same routes.
        faults: of the network.
        only: index of the one robot that takes part.
        bodies: see PhysicsWorld.
        predictor: makes what a robot of a type foresees itself with; the shipped model if not given.
        arbiter: makes the one that each coordinator of the run asks; the words of the world's file are for it.
        coordinator: the kind of coordinators.

    Raises:
        InputError: unknown policy.

    Attributes:
        task: sends the robots to their goals.
        arbitrations: what the coordinator has told of questions so far.
    """

    def __init__(
        self,
        scenario: Scenario,
        policy: str = "intention",
        faults: Faults | None = None,
        only: int | None = None,
        bodies: Bodies = "driven",
        predictor: PredictorMaker = load_predictor,
        arbiter: ArbiterMaker | None = None,
        coordinator: type[Coordinator] = Coordinator,
    ) -> None:
        if policy not in POLICIES:
            raise InputError(f"unknown policy {policy!r}: there are {', '.join(POLICIES)}")
        # PyBullet is slow to import: not before the input has been found to be fine.
        from ewm_ros.simulation.physics.physics_world import PhysicsWorld

        self.scenario = scenario
        self._make_predictor = predictor
        self._make_arbiter, self._make_coordinator = arbiter, coordinator
        self.arbitrations: list[Arbitration] = []
        self.world = PhysicsWorld(scenario, only, bodies)
        self.names = tuple(scenario.names[i] for i in self.world.indices)
        self.task = make_task(scenario, self.world.indices, telling=policy == "intention")
        self._send_on()
        self.intentions: dict[str, Intention] = {}
        self.dropped: list[str] = []
        self.coordinator: Coordinator | None = None
        self._network = Network(faults or Faults(), stream(scenario.seed, 0, "network"))
        self._grid = occupancy_grid(scenario)
        self._coordinators = 0
        self._robots: dict[str, _Robot] = {}
        self._guides: list[Guide] = []
        self._baseline: Baseline | None = None
        self._gates = [CommandGate(scenario.types[i]) for i in self.world.indices]
        for gate in self._gates:
            gate.active = True
        if policy == "intention":
            self._robots = {name: _Robot(self._new_agent(name, 1), self._new_explorer(name)) for name in self.names}
            self.start_coordinator()
        else:
            self._baseline = self._new_baseline(policy)

    def _new_baseline(self, policy: str) -> Baseline:
        scenario, indices = self.scenario, self.world.indices
        types = [scenario.types[i] for i in indices]
        planners = {radius: RoutePlanner(self._grid, radius) for radius in {robot.radius for robot in types}}
        self._guides = [Guide(planners[robot.radius], robot) for robot in types]
        if policy == "none":
            return RouteFollowing(self._guides)
        from ewm_ros.simulation.policies.orca import Orca  # pyrvo belongs to this policy only

        return Orca(scenario, indices, self._guides)

    def _new_agent(self, name: str, starts: int) -> IntegratedAgent:
        index = self.scenario.names.index(name)
        boot = int(stream(self.scenario.seed, index, f"boot {starts}").integers(1, 2**32))
        robot_type = self.scenario.types[index]
        agent = IntegratedAgent(name, robot_type, boot=boot, predictor=self._make_predictor(robot_type))
        agent.set_map(self._grid)
        return agent

    def _new_explorer(self, name: str) -> Explorer | None:
        if self.scenario.task != "allocate":
            return None
        radius = self.scenario.types[self.scenario.names.index(name)].radius
        explorer = Explorer(name, radius, self.scenario.view)
        explorer.set_map(self._grid)
        return explorer

    def start_coordinator(self) -> None:
        """Start a coordinator, or a new one in place of the one there is."""
        self._coordinators += 1
        nonce = int(stream(self.scenario.seed, self._coordinators, "coordinator").integers(1, 2**32))
        self._close_arbiter()
        arbiter = self._make_arbiter(self.scenario.site) if self._make_arbiter is not None else None
        self.coordinator = self._make_coordinator(nonce=nonce, arbiter=arbiter)
        self.coordinator.set_map(self._grid)
        self._network.forget(COORDINATOR)

    def stop_coordinator(self) -> None:
        """The coordinator's process dies."""
        self._close_arbiter()
        self.coordinator = None

    def _close_arbiter(self) -> None:
        if self.coordinator is not None and self.coordinator.arbiter is not None:
            self.coordinator.arbiter.close()

    def kill_robot(self, name: str) -> None:
        """A robot's process dies, or is not there yet: `restart_robot` starts it."""
        self._robots[name].running = False

    def stop_robot(self, name: str) -> None:
        """A robot's process is asked to end: the robot stops, gives its way back and says so, before it is gone."""
        self._robots[name].farewells = FAREWELL

    def restart_robot(self, name: str) -> None:
        """A robot's process dies, unless it is dead already, and is started again: it knows nothing of what was."""
        robot = self._robots[name]
        robot.starts += 1
        robot.running, robot.farewells = True, math.inf
        robot.agent = self._new_agent(name, robot.starts)
        robot.explorer = self._new_explorer(name)
        self._network.forget(name)

    def step(self) -> list[Velocity]:
        """One period of 0.1 s: everybody senses, speaks, hears and acts, then the world moves.

        Returns:
            what each robot's base was told.
        """
        commands = self.decide()
        self.world.step(commands)
        self._send_on()
        return commands

    def _send_on(self) -> None:
        """Let the task see where everybody is."""
        self.task.update(self.poses[:, :2])

    @property
    def poses(self) -> FloatArray:
        """(N, 3) m, m, rad: where the robots really are."""
        return np.array([(pose.x, pose.y, pose.yaw) for pose in map(self.world.pose, self.world.indices)])

    def decide(self) -> list[Velocity]:
        """What all robots command now, after everybody has sensed, spoken and heard."""
        world, now = self.world, self.world.time
        observations = [world.observe(index) for index in world.indices]
        if self._baseline is not None:
            wanted = self._baseline.commands(observations, self.task.targets, world.people)
        else:
            wanted = self._think(observations, now)
        commands = [self._gated(k, *robot, now) for k, robot in enumerate(zip(observations, wanted, strict=True))]
        if self.coordinator is not None and self._robots:
            self._coordinate(self.coordinator, now)
        return commands

    def _gated(self, k: int, state: Observation, wanted: Velocity, now: float) -> Velocity:
        """What the robot's command gate lets through of what it wants."""
        gate = self._gates[k]
        gate.on_odometry(state.odometry, now)
        if state.scan is not None:
            gate.on_scan(state.scan, now)
        gated = gate.filter(wanted, now)
        if self._robots:
            self._robots[self.names[k]].agent.hindrance = gated.reason
        return gated.velocity

    def _think(self, observations: Sequence[Observation], now: float) -> list[Velocity]:
        """What all robots want: they hear what has arrived before anybody speaks, and imagine together."""
        running = [k for k, name in enumerate(self.names) if self._robots[name].running]
        notice_together([self.agent(self.names[k]).bystanders for k in running], [observations[k] for k in running])
        situations = [self._perceive(k, observations[k], now) for k in running]
        imaginations = imagine_together([self.agent(self.names[k]).predictor for k in running], situations)
        outlines = outline_together(situations, imaginations)
        wanted = [STANDSTILL] * len(self.names)
        for k, situation, imagination, outline in zip(running, situations, imaginations, outlines, strict=True):
            wanted[k] = self._act(self.names[k], situation, imagination, outline, now)
        return wanted

    def _perceive(self, k: int, state: Observation, now: float) -> Situation:
        name = self.names[k]
        robot = self._robots[name]
        for message in self._network.receive(name, now):
            self._hear(robot.agent, message, now, robot.explorer)
        return robot.agent.perceive(state, self._goal(robot, k, state, now))

    def _act(
        self, name: str, situation: Situation, imagination: Imagination, outline: Outline | None, now: float
    ) -> Velocity:
        robot = self._robots[name]
        robot.action = action = robot.agent.act(situation, imagination, outline=outline)
        others = [other for other in (*self.names, COORDINATOR) if other != name]
        if action.route is not None:
            self._network.send(others, action.route, now)
        sent = action.intention
        # Through the wire format, so that its rounding is part of what is tested and measured.
        heard = decode_intention(sent.robot, sent.boot, sent.seq, sent.stamp, encode_payload(sent.plan, sent.standing))
        self.intentions[name] = heard
        self._network.send(others, heard, now)
        robot.farewells -= action.state == "idle"
        robot.running = robot.farewells > 0
        return action.command

    def _goal(self, robot: _Robot, k: int, state: Observation, now: float) -> Goal | None:
        """Where the robot is to go: sent there, or by its own choice of what it knows."""
        if robot.farewells < math.inf:
            return None
        x, y = robot.ordered or self.task.targets[k]
        if robot.explorer is not None:
            pose = state.odometry.pose
            robot.agent.search = robot.explorer.look((pose.x, pose.y), self.task.sightings[k], now)
            if robot.ordered is None:
                return robot.explorer.goal
        return Goal(goal_name(x, y), x, y)

    def _coordinate(self, coordinator: Coordinator, now: float) -> None:
        for message in self._network.receive(COORDINATOR, now):
            self._hear(coordinator, message, now)
        self._network.send(self.names, coordinator.decide(now), now)
        coordinator.think()
        if coordinator.arbiter is not None:
            self.arbitrations += coordinator.arbiter.take_records()

    def _hear(
        self, listener: IntegratedAgent | Coordinator, message: object, now: float, explorer: Explorer | None = None
    ) -> None:
        try:
            if isinstance(message, Intention):
                listener.receive_intention(message, now)
                if explorer is not None:
                    explorer.receive_intention(message, now)
            elif isinstance(message, Route):
                listener.receive_route(message, now)
                if explorer is not None:
                    explorer.receive_route(message)
            elif isinstance(message, DirectiveSet):
                listener.receive_directives(message, now)
        except InputError as error:
            self.dropped.append(str(error))

    @property
    def waits_for(self) -> Mapping[str, tuple[str, ...]]:
        """For each robot, whom it has been told to wait for."""
        return {name: intention.standing.waits_for for name, intention in self.intentions.items()}

    def action(self, name: str) -> Action | None:
        """What the robot's last cycle came to; None before the first and under the policy `none`."""
        return self._robots[name].action if name in self._robots else None

    def agent(self, name: str) -> IntegratedAgent:
        """The robot's agent."""
        return self._robots[name].agent

    def set_goal(self, name: str, x: float, y: float) -> None:
        """Send a robot somewhere else."""
        self._robots[name].ordered = (x, y)

    @property
    def prediction(self) -> ScoreSums:
        """How well the robots foresaw themselves, summed over the fleet."""
        sums = ScoreSums()
        for judge in [r.agent.predictor.validator for r in self._robots.values()] + [g.score for g in self._guides]:
            sums.add(judge.sums)
        return sums

    def close(self) -> None:
        """Give back the world's memory and what an arbiter holds."""
        self._close_arbiter()
        self.world.close()
