"""What several robots of one process do in a cycle, without any network: how often each thing is looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_rooms import room
from wire_values import intention

from ewm_ros.coordination.hearing import Hearing
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.fewest_links import LinkGraph
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import DirectiveSet, Intention
from ewm_ros.nodes import robot_unit, topics
from ewm_ros.nodes.duplicates import YOUNG
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.robot_unit import LISTENING, Phase, RobotUnit
from ewm_ros.nodes.shared_topics import SharedTopics
from ewm_ros.nodes.think_together import think_together
from ewm_ros.robot import bystanders
from ewm_ros.robot.agent import IntegratedAgent
from ewm_ros.robot.off_the_map import BareFloor, off_the_map
from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
from ewm_ros.sensing import Odometry, Scan
from ewm_ros.simulation.network import NO_FAULTS

FLEET = ("robot_0", "robot_1", "robot_2")


class Publisher:
    def __init__(self) -> None:
        self.sent: list[object] = []

    def publish(self, msg: object) -> None:
        self.sent.append(msg)

    def get_subscription_count(self) -> int:
        return 0


class Host:
    """A node with nobody around it."""

    ending = None

    def __init__(self) -> None:
        self.heard: dict[str, object] = {}
        self.offered: dict[str, Publisher] = {}

    def offer(self, topic, qos=None) -> Publisher:
        return self.offered.setdefault(topic.name, Publisher())

    def listen(self, topic, callback, *args, **kinds) -> None:
        self.heard[topic.name] = callback

    def guarded(self, topic, callback, drops=None):
        return callback

    def ros_now(self) -> float:
        return 0.0

    def get_logger(self):
        return self

    def warning(self, line: str) -> None:
        raise AssertionError(line)


class Robots:
    """Some robots on the same host, side by side on a free floor, and a clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(robot_unit, "steady_now", lambda: self.now)
        self.host = Host()
        self.settings = settings = RobotSettings(
            world_model="none",
            priority=0,
            rate=10.0,
            time_scale=1.0,
            odometry_timeout=0.5,
            scan_timeout=0.5,
            command_timeout=0.5,
            odometry_frame="map",
            explore=False,
            view=3.0,
            cmd_vel_stamped=True,
            intentions_best_effort=False,
            fleet_size_max=8,
            faults=NO_FAULTS,
            tf="none",
        )
        self.stirred: list[RobotUnit] = []
        self.units = [
            RobotUnit(self.host, name, "tinybot", settings, self.stirred.append, namespace=name) for name in FLEET
        ]
        for unit in self.units:
            unit.begin()
        for wait in (0.0, LISTENING):
            self.now += wait
            for unit in self.units:
                unit.watch()
        assert all(unit.phase is Phase.DRIVING for unit in self.units)

    def sense(self) -> None:
        """Each gets odometry and a scan, as bytes."""
        self.now += 0.1
        for k, name in enumerate(FLEET):
            place = Odometry(self.now, Pose2D(0.0, 3.0 * k, 0.0), 0.0, 0.0)
            view = Scan(self.now, 0.0, math.tau / 90, 8.0, np.full(90, 8.0))
            for topic, raw in (
                (topics.ODOM, odometry_bytes(place)),
                (topics.SCAN, scan_bytes(view, 0.1)),
            ):
                self.host.heard[topic.under(name).name](raw)

    def think(self) -> None:
        think_together([(unit, due) for unit in self.units if (due := unit.due()) is not None])


@pytest.fixture
def robots(monkeypatch: pytest.MonkeyPatch) -> Robots:
    return Robots(monkeypatch)


def test_each_robot_thinks_once_about_its_sensors_and_says_one_thing(robots: Robots) -> None:
    for _ in range(3):
        robots.sense()
        robots.think()
        robots.think()
    assert len(robots.host.offered[topics.INTENTIONS.name].sent) == 3 * len(FLEET)
    for name in FLEET:
        assert len(robots.host.offered[topics.CMD_VEL.under(name).name].sent) == 3


def test_of_the_orders_that_come_between_two_cycles_a_robot_applies_the_newest_only(
    robots: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[tuple[str, int, float]] = []
    monkeypatch.setattr(
        IntegratedAgent,
        "receive_directives",
        lambda agent, directives, now: applied.append((agent.name, directives.epoch, now)),
    )
    robots.sense()
    robots.think()
    for epoch in range(1, 21):
        for unit in robots.units:
            unit.hear_directives(DirectiveSet(3, epoch, 0.0, 1.0, ()), robots.now + 0.001 * epoch)
    assert applied == [] and all(unit.hears_coordinator for unit in robots.units)
    came = robots.now + 0.02
    robots.sense()
    robots.think()
    assert applied == [(name, 20, pytest.approx(came)) for name in FLEET]
    robots.sense()
    robots.think()
    assert len(applied) == len(FLEET)


def test_a_word_is_examined_once_for_all_robots_and_every_other_robot_hears_it(
    robots: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[str] = []
    accepts = Hearing.accepts

    def counted(hearing: Hearing, word: Intention, now: float, clock: float | None = None) -> bool:
        examined.append(word.robot)
        return accepts(hearing, word, now, clock)

    monkeypatch.setattr(Hearing, "accepts", counted)
    SharedTopics(robots.host, robots.units, robots.settings)
    said = [intention("robot_9"), intention("robot_1", boot=robots.units[1].boot)]
    for word in (said[0], said[0], said[1]):
        robots.host.heard[topics.INTENTIONS.name](intention_bytes(word))
    assert examined == ["robot_9", "robot_9", "robot_1"]
    heard = [{name for name, _ in unit.agent.right_of_way.peers} for unit in robots.units]
    assert heard == [{"robot_9", "robot_1"}, {"robot_9"}, {"robot_9", "robot_1"}]


def test_of_another_robot_under_its_name_only_the_robot_itself_complains(robots: Robots) -> None:
    SharedTopics(robots.host, robots.units, robots.settings)
    one = robots.units[1]
    for _ in range(YOUNG + 1):
        robots.sense()
        robots.think()
    with pytest.raises(AssertionError, match="a second robot is named 'robot_1'"):  # the host's log
        robots.host.heard[topics.INTENTIONS.name](intention_bytes(intention("robot_1", boot=one.boot ^ 2)))
    assert [sum(unit.drops.counts.values()) for unit in robots.units] == [0, 1, 0]


def test_the_scans_of_all_are_held_against_the_map_at_once(robots: Robots, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(floor: BareFloor, seen: list[tuple[Scan, Pose2D]]) -> list[FloatArray]:
        looked_at.append(len(seen))
        return off_the_map(floor, seen)

    monkeypatch.setattr(bystanders, "off_the_map", counted)
    grid = room(20, 20)
    for unit in robots.units:
        unit.hear_map(grid)
    for _ in range(2):
        robots.sense()
        robots.think()
    assert looked_at == 2 * [len(FLEET)]


def test_the_plans_of_all_are_compressed_at_once(robots: Robots, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[int] = []
    paths = LinkGraph.paths

    def counted(graph: LinkGraph) -> list[list[int]]:
        compressed.append(len(graph._begins))
        return paths(graph)

    monkeypatch.setattr(LinkGraph, "paths", counted)
    robots.sense()
    robots.think()
    assert compressed == [len(FLEET)]
