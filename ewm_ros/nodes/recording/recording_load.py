"""The messages of a driving fleet, without the fleet: what a recorder is measured with.

Rates and sizes are those of real runs of ten robots; what the messages say is drawn at random.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rclpy
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions

from ewm_ros import diagnostics_keys as keys
from ewm_ros.geometry import Pose2D
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import Directive, DirectiveSet, Intention, Knot, Outcome, Plan, Standing
from ewm_ros.names import robot_name
from ewm_ros.nodes import conversions, reporting, topics
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.markers import markers
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.topics import Topic
from ewm_ros.randomness import stream
from ewm_ros.robot.command_bytes import command_bytes
from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import Odometry, Scan, Velocity
from ewm_ros.trajectory import HORIZON

TICK = 0.1  # s: the period of sensors and robots
# Different messages of a topic. More than one second holds, or compression would find them again.
DRAWN = 120
FLOOR = 20.0  # m
SEARCH = 10.0  # s for the recorder to be found

Draw = Callable[[np.random.Generator, int], Any]  # a message of the robot with an index, or its bytes


@dataclass(frozen=True, slots=True)
class Source:
    """One publisher.

    Attributes:
        every: ticks between two messages.
        phase: s after the tick.
        messages: to be sent in turn, serialized.
        first: index of the first one.
    """

    topic: Topic
    every: int
    phase: float
    messages: Sequence[bytes]
    first: int


@dataclass(slots=True)
class Sent:
    """What has been published: messages by topic, bytes of them all."""

    messages: Counter[str] = field(default_factory=Counter)
    bytes: int = 0


class RecordingLoad:
    """Publishes what a fleet does. Use as a context manager.

    Args:
        robots: how many.
        recorded: names of the topics that somebody listens to; nothing is sent on others.
    """

    def __init__(self, robots: int, recorded: Sequence[str], seed: int) -> None:
        quicken_discovery()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("fleet", context=self._context)
        wanted = set(recorded)
        sources = sorted((s for s in _sources(robots, seed) if s.topic.name in wanted), key=lambda s: s.phase)
        self._sources = [(source, self._publisher(source.topic)) for source in sources]
        self._tick = 0

    def _publisher(self, topic: Topic) -> Any:
        return self._node.create_publisher(topic.type, topic.name, profile(topic.qos))

    def __enter__(self) -> RecordingLoad:
        return self

    def __exit__(self, *error: object) -> None:
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_for_listener(self) -> bool:
        """Whether somebody listens to all of it before SEARCH is over."""
        until = time.monotonic() + SEARCH
        while not all(publisher.get_subscription_count() for _, publisher in self._sources):
            if time.monotonic() > until:
                return False
            time.sleep(TICK)
        return True

    def publish(self, seconds: float) -> Sent:
        """Publish for some time."""
        sent = Sent()
        began = time.monotonic()
        for tick in range(round(seconds / TICK)):
            for source, publisher in self._sources:
                if (self._tick + tick) % source.every == 0:
                    _sleep_until(began + tick * TICK + source.phase)
                    data = source.messages[(source.first + self._tick + tick) % len(source.messages)]
                    publisher.publish(data)
                    sent.messages[source.topic.name] += 1
                    sent.bytes += len(data)
        _sleep_until(began + seconds)
        self._tick += tick + 1
        return sent


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0.0:
        time.sleep(left)


def _sources(robots: int, seed: int) -> Iterator[Source]:
    each: list[tuple[Topic, int, Draw]] = [
        (topics.ODOM, 1, _odometry),
        (topics.SCAN, 1, _scan),
        (topics.CMD_VEL, 1, _command),
        (topics.IMAGINED, 1, _imagined),
        (topics.INTENTIONS, 1, lambda rng, robot: intention_bytes(_intention(rng, robot))),
        (topics.DIRECTIVES, 1, lambda rng, robot: conversions.directives_to(_directives(rng, robots))),
        (topics.DIAGNOSTICS, 10, _diagnostics),
    ]
    shared: list[tuple[Topic, int, Draw]] = [
        (topics.CLOCK, 1, lambda rng, robot: topics.CLOCK.type(clock=sensors.to_stamp(_moment(rng)))),
        (topics.MARKERS, 5, lambda rng, robot: markers([_intention(rng, k) for k in range(robots)], (), _moment(rng))),
    ]
    for topic, every, draw in each:
        drawn = _drawn(topic, draw, robots, seed)
        for robot in range(robots):
            own = topic if topic.name.startswith("/") else topic.under(robot_name(robot))
            # Robots take turns, as their sensors do.
            yield Source(own, every, robot * TICK / robots, drawn[robot::robots], robot)
    for topic, every, draw in shared:
        yield Source(topic, every, 0.0, _drawn(topic, draw, 1, seed), 0)


def _drawn(topic: Topic, draw: Draw, robots: int, seed: int) -> list[bytes]:
    rng = stream(seed, 0, topic.name)
    drawn = [draw(rng, k % robots) for k in range(max(DRAWN, 12 * robots))]
    return [msg if isinstance(msg, bytes) else serialize_message(msg) for msg in drawn]


def _moment(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, 1000.0))


def _place(rng: np.random.Generator) -> Pose2D:
    return Pose2D(rng.uniform(0.0, FLOOR), rng.uniform(0.0, FLOOR), rng.uniform(-math.pi, math.pi))


def _odometry(rng: np.random.Generator, robot: int) -> bytes:
    return odometry_bytes(Odometry(_moment(rng), _place(rng), rng.uniform(), rng.uniform()))


def _scan(rng: np.random.Generator, robot: int) -> bytes:
    lidar = load_robot_type("tinybot").lidar
    ranges = rng.uniform(0.0, lidar.range_max, lidar.rays)
    return scan_bytes(Scan(_moment(rng), 0.0, math.tau / lidar.rays, lidar.range_max, ranges), TICK)


def _command(rng: np.random.Generator, robot: int) -> bytes:
    return command_bytes(Velocity(rng.uniform(), rng.uniform()), _moment(rng))


def _imagined(rng: np.random.Generator, robot: int) -> Any:
    return sensors.path_to(np.cumsum(rng.uniform(0.0, 0.05, (HORIZON, 3)), axis=0), _moment(rng))


def _intention(rng: np.random.Generator, robot: int) -> Intention:
    knots = tuple(Knot(k, rng.uniform(0.0, FLOOR), rng.uniform(0.0, FLOOR), 0.1, 0.05) for k in range(5))
    plan = Plan("goal", Outcome.ARRIVE, rng.uniform(5.0, 30.0), rng.uniform(), knots)
    return Intention(robot_name(robot), 1, int(rng.integers(1, 10_000)), _moment(rng), plan, Standing(1, 2, 3))


def _directives(rng: np.random.Generator, robots: int) -> DirectiveSet:
    orders = tuple(Directive(robot_name(k), 1, 1, 1, rng.uniform(0.0, FLOOR)) for k in range(robots))
    return DirectiveSet(1, int(rng.integers(1, 10_000)), _moment(rng), 1.0, orders)


def _diagnostics(rng: np.random.Generator, robot: int) -> Any:
    name = robot_name(robot)
    values = {
        keys.STATE: "follow",
        keys.CYCLE_MS: keys.join_samples(rng.uniform(5.0, 50.0, 10)),
        keys.OBSERVE_TO_INTENTION_MS: keys.join_samples(rng.uniform(5.0, 50.0, 10)),
        keys.INTENTION_BYTES: keys.join_samples(rng.uniform(90.0, 110.0, 10)),
        keys.PREDICTOR: keys.PREDICTORS[0],
    }
    return reporting.diagnostics(keys.ROBOT_STATUS.format(robot=name), name, reporting.OK, "ok", values, _moment(rng))
