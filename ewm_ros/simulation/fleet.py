"""The lockstep fleet runner: robots, coordinator, network and world as plain objects, without ROS, as fast as it goes.

The same scenario, seed and settings give the same run, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.errors import InputError
from ewm_ros.intention.codec import decode_intention, encode_payload
from ewm_ros.messages import DirectiveSet, Intention, Route
from ewm_ros.randomness import stream
from ewm_ros.robot.agent import Action, Goal, IntegratedAgent
from ewm_ros.robot.command_gate import CommandGate
from ewm_ros.robot.route_planner import RoutePlanner
from ewm_ros.sensing import Observation, Velocity
from ewm_ros.simulation.drivers import RouteDriver
from ewm_ros.simulation.network import Faults, Network
from ewm_ros.simulation.occupancy import occupancy_grid
from ewm_ros.simulation.scenario import Scenario
from ewm_ros.world_model.prediction_score import ScoreSums

COORDINATOR = "coordinator"
POLICIES = ("intention", "none")


def goal_name(x: float, y: float) -> str:
    """A goal's name by its place."""
    return f"{x:.1f},{y:.1f}"


@dataclass(slots=True)
class _Robot:
    """One agent and its goal; `starts` counts its process's starts."""

    agent: IntegratedAgent
    goal: Goal
    starts: int = 1
    action: Action | None = None


class Fleet:
    """A scenario in motion.

    Args:
        scenario: world, robots, seed.
        policy: "intention" for the whole system, "none" for route following with the safety stop only.
        faults: of the network.
        only: index of the one robot that takes part.

    Raises:
        InputError: unknown policy, or there is no way to a goal.
    """

    def __init__(
        self, scenario: Scenario, policy: str = "intention", faults: Faults | None = None, only: int | None = None
    ) -> None:
        if policy not in POLICIES:
            raise InputError(f"unknown policy {policy!r}: there are {', '.join(POLICIES)}")
        # PyBullet is slow to import: not before the input has been found to be fine.
        from ewm_ros.simulation.physics import PhysicsWorld

        self.scenario = scenario
        self.world = PhysicsWorld(scenario, only)
        self.names = tuple(scenario.names[i] for i in self.world.indices)
        self.intentions: dict[str, Intention] = {}
        self.dropped: list[str] = []
        self.coordinator: Coordinator | None = None
        self._network = Network(faults or Faults(), stream(scenario.seed, 0, "network"))
        self._grid = occupancy_grid(scenario)
        self._coordinators = 0
        self._robots: dict[str, _Robot] = {}
        self._drivers: dict[str, RouteDriver] = {}
        self._gates: dict[str, CommandGate] = {}
        for index, name in zip(self.world.indices, self.names, strict=True):
            self._gates[name] = gate = CommandGate(scenario.types[index])
            gate.active = True
            if policy == "none":
                planner = RoutePlanner(self._grid, scenario.types[index].radius)
                start = scenario.starts[index]
                path = planner.plan((start.x, start.y), scenario.goals[index])
                self._drivers[name] = RouteDriver.on(path, scenario.types[index])
            else:
                x, y = scenario.goals[index]
                self._robots[name] = _Robot(self._new_agent(name, 1), Goal(goal_name(x, y), x, y))
        if policy == "intention":
            self.start_coordinator()

    def _new_agent(self, name: str, starts: int) -> IntegratedAgent:
        index = self.scenario.names.index(name)
        boot = int(stream(self.scenario.seed, index, f"boot {starts}").integers(1, 2**32))
        agent = IntegratedAgent(name, self.scenario.types[index], boot=boot)
        agent.set_map(self._grid)
        return agent

    def start_coordinator(self) -> None:
        """Start a coordinator, or a new one in place of the one there is."""
        self._coordinators += 1
        nonce = int(stream(self.scenario.seed, self._coordinators, "coordinator").integers(1, 2**32))
        self.coordinator = Coordinator(nonce=nonce)
        self._network.forget(COORDINATOR)

    def stop_coordinator(self) -> None:
        """The coordinator's process dies."""
        self.coordinator = None

    def restart_robot(self, name: str) -> None:
        """A robot's process dies and is started again: it knows nothing of what was."""
        robot = self._robots[name]
        robot.starts += 1
        robot.agent = self._new_agent(name, robot.starts)
        self._network.forget(name)

    def step(self) -> None:
        """One period of 0.1 s: everybody senses, speaks, hears and acts, then the world moves."""
        self.world.step(self.decide())

    def decide(self) -> list[Velocity]:
        """What all robots command now, after everybody has sensed, spoken and heard."""
        now = self.world.time
        commands = []
        for index, name in zip(self.world.indices, self.names, strict=True):
            state = self.world.observe(index)
            gate = self._gates[name]
            gate.on_odometry(state.odometry, now)
            if state.scan is not None:
                gate.on_scan(state.scan, now)
            wanted = self._drivers[name].command(state) if name in self._drivers else self._think(name, state, now)
            gated = gate.filter(wanted, now)
            if name in self._robots:
                self._robots[name].agent.hindrance = gated.reason
            commands.append(gated.velocity)
        if self.coordinator is not None and self._robots:
            self._coordinate(self.coordinator, now)
        return commands

    def _think(self, name: str, state: Observation, now: float) -> Velocity:
        robot = self._robots[name]
        for message in self._network.receive(name, now):
            self._hear(robot.agent, message, now)
        robot.action = action = robot.agent.think_and_act(state, robot.goal)
        others = [other for other in (*self.names, COORDINATOR) if other != name]
        if action.route is not None:
            self._network.send(others, action.route, now)
        sent = action.intention
        # Through the wire format, so that its rounding is part of what is tested and measured.
        heard = decode_intention(sent.robot, sent.boot, sent.seq, sent.stamp, encode_payload(sent.plan, sent.standing))
        self.intentions[name] = heard
        self._network.send(others, heard, now)
        return action.command

    def _coordinate(self, coordinator: Coordinator, now: float) -> None:
        for message in self._network.receive(COORDINATOR, now):
            self._hear(coordinator, message, now)
        self._network.send(self.names, coordinator.decide(now), now)

    def _hear(self, listener: IntegratedAgent | Coordinator, message: object, now: float) -> None:
        try:
            if isinstance(message, Intention):
                listener.receive_intention(message, now)
            elif isinstance(message, Route):
                listener.receive_route(message, now)
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
        self._robots[name].goal = replace(self._robots[name].goal, name=goal_name(x, y), x=x, y=y)

    @property
    def prediction(self) -> ScoreSums:
        """How well the robots foresaw themselves, summed over the fleet."""
        sums = ScoreSums()
        for score in [r.agent.score for r in self._robots.values()] + [d.score for d in self._drivers.values()]:
            sums.add(score.sums)
        return sums

    def close(self) -> None:
        """Give the world's memory back."""
        self.world.close()
