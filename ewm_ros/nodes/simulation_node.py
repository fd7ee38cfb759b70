"""The node of the simulated world: commands in; clock, odometry, scans, the map and goals, or sights of them, out."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
from rclpy.duration import Duration
from rosgraph_msgs.msg import Clock

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.bag_facts import BagFacts
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.geometry import FloatArray
from ewm_ros.nodes import reporting, topics
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes.pacing import Pacer
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import run_node, steady_now
from ewm_ros.nodes.readers import read_command
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.randomness import LARGEST_SEED
from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.tasks import make_task
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import BODIES, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world, world_text
from ewm_ros.simulation.worlds.world_format import MAX_ROBOTS, Point
from ewm_ros.trajectory import STEP

PATIENCE = 30.0  # s until all nodes must have been discovered
COMMAND_TIMEOUT = 0.5  # s of simulated time after which a base stops that hears no command
SPREAD = 0.8  # of a period over which the robots' sensor messages are staggered; the rest is for the last one's answer
# s between two looks at what is due. To wake up for each of many robots alone would take more time than to serve it.
FINEST, COARSEST = 0.005, 0.01
FLUSH = Duration(seconds=1.0)


class SimulationNode(TopicNode):
    """Runs a PhysicsWorld against real time and ends the process when the episode is over.

    Raises:
        InputError: a parameter is wrong, or the world cannot be run with it.
    """

    def __init__(self) -> None:
        super().__init__("simulation")
        parameters = Parameters(self)
        name = parameters.text("world", "intersection", "World, a name in worlds or a YAML file's path.")
        world = load_world(name)
        robots = parameters.integer("robots", world.robots.count.default, "Number of robots.", 1, MAX_ROBOTS)
        seed = parameters.integer("seed", 0, "Seed of everything random.", 0, LARGEST_SEED)
        factor = parameters.number("realtime_factor", 1.0, "Simulated s per s, at most.", 0.01, 100.0)
        simultaneous = parameters.switch(
            "simultaneous", False, "All robots' sensor messages at once; else staggered over the period."
        )
        self._recorded = parameters.switch("recorded", False, "Wait for a recorder, too, before starting.")
        limit = parameters.number("time_limit", 0.0, "Simulated s after which it ends; 0: the world's own.", 0.0, 1e6)
        varied = parameters.switch("varied", True, "Robots differ, slip and measure with noise; else ideal ones.")
        bodies = parameters.choice("bodies", "driven", BODIES, "driven: one body a robot; wheels: that are turned.")
        scenario = make_scenario(world, robots, seed, varied)
        with PhysicsWorld(scenario, bodies=bodies) as rehearsal:  # functions are compiled when they are first used:
            rehearsal.step([STANDSTILL] * robots)  # not while robots wait for their sensors
            rehearsal.observe(0)
        self._world = PhysicsWorld(scenario, bodies=bodies)
        self._names = scenario.names
        sha256 = hashlib.sha256(text.encode()).hexdigest() if (text := world_text(name)) else ""
        self._facts = BagFacts(
            world=name,
            world_sha256=sha256,
            robots=robots,
            seed=seed,
            bodies=bodies,
            varied=varied,
            time_limit=limit or None,
        ).as_text()
        self._task = make_task(scenario, range(robots), telling=True)
        self._episode = Episode.of(scenario, time_limit=limit or None)
        self._commands = [STANDSTILL] * robots
        self._commanded_at = [0.0] * robots
        self._waiting_since = steady_now()
        self._started_at = 0.0
        offsets = [0.0] * robots if simultaneous else [SPREAD * i / robots for i in range(robots)]
        self._pacer = Pacer(STEP / factor, offsets)
        self._connect(robots)
        self._publish_map_and_goals()
        self.every(min(max(STEP / factor / (2 * robots), FINEST), COARSEST), self._tick)

    def _connect(self, robots: int) -> None:
        self._clock_out = self.offer(topics.CLOCK)
        self._diagnostics = self.offer(topics.DIAGNOSTICS)
        self._odometry = [self.offer(topics.ODOM.under(name)) for name in self._names]
        self._scans = [self.offer(topics.SCAN.under(name)) for name in self._names]
        self._told_goals = self._world.scenario.task != "allocate"
        sighted = topics.GOAL_POSE if self._told_goals else topics.SIGHTINGS
        self._goals = [self.offer(sighted.under(name)) for name in self._names]
        for index in range(robots):
            topic, take = topics.CMD_VEL.under(self._names[index]), self._taking_command(index)
            self.listen(topic, take, names.COMMANDS_IN, raw=True)

    def _publish_map_and_goals(self) -> None:
        self._map = self.offer(topics.MAP)
        self._map.publish(sensors.grid_to(occupancy_grid(self._world.scenario), 0.0))
        self._told: list[Point | None] = [None] * len(self._names)
        self._send_on()

    def _send_on(self) -> None:
        """Tell each robot where it is to go, whenever that changes."""
        self._task.update(self._places())
        if not self._told_goals:
            return
        for k, target in enumerate(self._task.targets):
            if target != self._told[k]:
                self._told[k] = target
                self._goals[k].publish(sensors.goal_to(*target, self._world.time))

    def _places(self) -> FloatArray:
        """(N, 2) m, where the robots are."""
        return np.array([(pose.x, pose.y) for pose in map(self._world.pose, range(len(self._names)))])

    def _taking_command(self, index: int) -> Callable[[bytes], None]:
        def take(raw: bytes) -> None:
            self._commands[index] = read_command(raw)
            self._commanded_at[index] = self._world.time

        return take

    def _missing(self) -> list[str]:
        """What has not been discovered yet."""
        missing = [] if self.count_publishers(names.DIRECTIVES) else [f"the coordinator's {names.DIRECTIVES}"]
        readers = 2 if self._recorded else 1
        for name in self._names:
            if not self.count_publishers(f"/{name}/{names.CMD_VEL}"):
                missing.append(f"the publisher of /{name}/{names.CMD_VEL}")
            if self.count_subscribers(f"/{name}/{names.ODOM}") < readers:
                missing.append(f"{readers} reader{'s'[: readers - 1]} of /{name}/{names.ODOM}")
        return missing

    def _tick(self) -> None:
        now = steady_now()
        if self.ending is not None:
            return
        if not self._pacer.started:
            self._start_if_complete(now)
            return
        for due in self._pacer.due(now):
            if due is None:
                self._step()
            else:
                self._publish_sensors(due)

    def _start_if_complete(self, now: float) -> None:
        # Asking the graph is not free: ten times a second is enough.
        if self._pacer.waiting(now):
            return
        missing = self._missing()
        if not missing:
            self._started_at = now
            self._pacer.start(now)
        elif now - self._waiting_since > PATIENCE:
            self.end(1, f"after {PATIENCE:.0f} s there is still no sign of {', '.join(missing)}")

    def _step(self) -> None:
        """Let a period pass. The first turn only shows the world as it is."""
        world = self._world
        if self._pacer.turns > 1:
            world.step([self._command(index) for index in range(len(self._names))])
        self._clock_out.publish(Clock(clock=sensors.to_stamp(world.time)))
        self._send_on()
        self._episode.update(world.time, self._places(), orders=self._task.orders)
        if self._pacer.turns % round(1.0 / STEP) == 1:
            self._report()
        if self._episode.finished:
            self.end(0)

    def _command(self, index: int) -> Velocity:
        """The newest command, as long as it is fresh: a real base stops without, too."""
        fresh = self._world.time - self._commanded_at[index] <= COMMAND_TIMEOUT
        return self._commands[index] if fresh else STANDSTILL

    def _publish_sensors(self, index: int) -> None:
        observation = self._world.observe(index)
        self._odometry[index].publish(odometry_bytes(observation.odometry))
        if observation.scan is not None:
            self._scans[index].publish(scan_bytes(observation.scan, STEP))
        if not self._told_goals:
            self._goals[index].publish(sensors.sightings_to(self._task.sightings[index], self._world.time))

    def _report(self) -> None:
        world, episode = self._world, self._episode
        passed = steady_now() - self._started_at
        values = {
            keys.TIME: f"{world.time:.1f}",
            keys.COLLISIONS: str(world.collisions),
            keys.NEAR_MISSES: str(world.near_miss_count),
            keys.REACHED: str(episode.reached),
            keys.ORDERS: keys.join_numbers(episode.orders),
            keys.FINISHED: str(episode.finished).lower(),
            keys.REALTIME_FACTOR: f"{world.time / passed if passed > 0.0 else 0.0:.3f}",
            keys.DROPPED: keys.join_counts(self.drops.counts),
            **self._facts,
        }
        level = reporting.WARN if world.collisions else reporting.OK
        text = f"{episode.reached} of {len(self._names)} robots at their goals"
        name = keys.SIMULATION_STATUS
        self._diagnostics.publish(reporting.diagnostics(name, name, level, text, values, world.time))

    def stop(self) -> None:
        """Say how it ended."""
        if self._pacer.started:
            self._report()
            self._diagnostics.wait_for_all_acked(FLUSH)
        self._world.close()


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(SimulationNode, args)


if __name__ == "__main__":
    sys.exit(main())
