"""A private ROS 2 graph for each test: real node processes, and a node of the test's own to talk to them."""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

HAVE_ROS = all(importlib.util.find_spec(module) for module in ("rclpy", "ewm_ros.msg"))


class NeedsRos(pytest.Module):
    """A test file that can not even be imported here."""

    def collect(self):
        pytest.skip("needs rclpy and the built messages: pip install -e '.[ros]'", allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    return None if HAVE_ROS else NeedsRos.from_parent(parent, path=module_path)


if HAVE_ROS:
    import rclpy
    from geometry_msgs.msg import TwistStamped
    from lifecycle_msgs.srv import ChangeState, GetState
    from rcl_interfaces.srv import SetParameters
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.parameter import Parameter
    from rclpy.signals import SignalHandlerOptions

    from ewm_ros.geometry import Pose2D
    from ewm_ros.nodes import sensor_conversions as sensors
    from ewm_ros.nodes import topics
    from ewm_ros.nodes.discovery import quicken_discovery
    from ewm_ros.nodes.qos import profile
    from ewm_ros.occupancy_grid import OccupancyGrid
    from ewm_ros.robot import incoming
    from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
    from ewm_ros.sensing import Odometry, Scan, Velocity

    quicken_discovery()

_numbers = itertools.count()


class Process:
    """One node of the system, really running."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as stderr:
            self._popen = subprocess.Popen(command, env=env, stderr=stderr, stdout=subprocess.DEVNULL)

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Exit status and stderr, after a signal if one is given."""
        if number is not None:
            self.send(number)
        return self._popen.wait(timeout=10), self.stderr

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def stderr(self) -> str:
        """All that it said."""
        return self._log.read_text()

    def clean_up(self) -> None:
        # Politely first: a killed process leaves its shared memory behind.
        self._popen.terminate()
        try:
            self._popen.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class Graph:
    """A ROS domain of the test's own."""

    def __init__(self, domain: int, folder: Path) -> None:
        self._folder = folder
        self._env = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
        self._processes: list[Process] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node("test", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def start(self, executable: str, *parameters: str, namespace: str = "") -> Process:
        command = [sys.executable, "-m", f"ewm_ros.nodes.{executable}"]
        arguments = ["-r", f"__ns:=/{namespace}"] if namespace else []
        for parameter in parameters:
            arguments += ["-p", parameter]
        command += ["--ros-args", *arguments] if arguments else []
        process = Process(command, self._env, self._folder / f"{executable}{len(self._processes)}.log")
        self._processes.append(process)
        return process

    def spin_until(self, condition: Callable[[], bool], timeout: float = 8.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "timed out: " + "; ".join(p.stderr for p in self._processes)
            self._executor.spin_once(timeout_sec=0.05)

    def spin_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self.spin_until(lambda: time.monotonic() >= deadline, seconds + 1.0)

    def collect(self, topic) -> list:
        """All messages of a topic from now on."""
        messages: list = []
        self.node.create_subscription(topic.type, topic.name, messages.append, profile(topic.qos))
        return messages

    def publisher(self, topic):
        return self.node.create_publisher(topic.type, topic.name, profile(topic.qos))

    def lifecycle(self, node: str) -> Lifecycle:
        """The lifecycle of a node by its full name."""
        return Lifecycle(self, node)

    def call(self, service, name: str, request):
        """The answer of a service."""
        client = self.node.create_client(service, name)
        self.spin_until(client.service_is_ready, 15.0)
        answer = client.call_async(request)
        self.spin_until(answer.done)
        self.node.destroy_client(client)
        return answer.result()

    def close(self) -> None:
        for process in self._processes:
            process.clean_up()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()


class Lifecycle:
    """What `ros2 lifecycle` and `ros2 param` do with one node."""

    def __init__(self, graph: Graph, node: str) -> None:
        self._graph, self._node = graph, node

    @property
    def state(self) -> str:
        return self._graph.call(GetState, f"{self._node}/get_state", GetState.Request()).current_state.label

    def change(self, transition: str) -> bool:
        """Whether a transition by this name was done."""
        request = ChangeState.Request()
        request.transition.label = transition
        return self._graph.call(ChangeState, f"{self._node}/change_state", request).success

    def set(self, name: str, value) -> str:
        """Set a parameter; why it could not be set, if so."""
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        (result,) = self._graph.call(SetParameters, f"{self._node}/set_parameters", request).results
        return "" if result.successful else result.reason or "refused"


class Base:
    """The body of one robot on an empty floor, for a robot node to drive: drives as commanded, lidar sees 8 m far."""

    PERIOD = 0.1

    def __init__(self, graph: Graph, name: str, x: float = 0.0, y: float = 0.0, yaw: float = 0.0) -> None:
        self.graph = graph
        self.commands: list = []
        self.pose = Pose2D(x, y, yaw)
        self.sensing = True
        self._odometry = graph.publisher(topics.ODOM.under(name))
        self._scan = graph.publisher(topics.SCAN.under(name))
        self._goal = graph.publisher(topics.GOAL_POSE.under(name))
        self._map = graph.publisher(topics.MAP)
        self._map.publish(sensors.grid_to(OccupancyGrid(0.1, (-10.0, -10.0), FREE_FLOOR), 0.0))
        topic = topics.CMD_VEL.under(name)
        graph.node.create_subscription(topic.type, topic.name, self._on_command, profile(topic.qos))
        graph.node.create_timer(self.PERIOD, self._sense)

    def drive_to(self, x: float, y: float) -> None:
        self._goal.publish(sensors.goal_to(x, y, 0.0))

    @property
    def velocity(self) -> Velocity:
        return incoming.velocity_from(self.commands[-1].twist) if self.commands else Velocity(0.0, 0.0)

    @property
    def moves(self) -> bool:
        return abs(self.velocity.v) > 0.05

    def _on_command(self, msg: TwistStamped) -> None:
        self.commands.append(msg)

    def _sense(self) -> None:
        velocity, pose = self.velocity, self.pose
        yaw = pose.yaw + velocity.w * self.PERIOD
        step = velocity.v * self.PERIOD
        self.pose = Pose2D(pose.x + step * math.cos(yaw), pose.y + step * math.sin(yaw), yaw)
        if self.sensing:
            now = self.graph.node.get_clock().now().nanoseconds * 1e-9
            self._odometry.publish(odometry_bytes(Odometry(now, self.pose, velocity.v, velocity.w)))
            self._scan.publish(scan_bytes(Scan(now, 0.0, math.tau / 180, 8.0, CLEAR), self.PERIOD))


if HAVE_ROS:
    import numpy as np

    FREE_FLOOR = np.zeros((200, 200), dtype=bool)
    CLEAR = np.full(180, 8.0)


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """A ROS_DOMAIN_ID that no other test uses at the same time, and no discovery beyond this machine."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    return 1 + (10 * os.getpid() + next(_numbers)) % 100


@pytest.fixture
def graph(domain: int, tmp_path: Path) -> Iterator[Graph]:
    """A graph with nothing in it but the test's own node."""
    made = Graph(domain, tmp_path)
    yield made
    made.close()


@pytest.fixture
def base_of(graph: Graph) -> Callable[..., Base]:
    """Makes the body of a robot: name, x, y, yaw."""
    return partial(Base, graph)


@pytest.fixture
def base(base_of: Callable[..., Base]) -> Base:
    """The body of robot_0."""
    return base_of("robot_0")


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def ending_signal(request: pytest.FixtureRequest) -> int:
    """What a supervisor or a terminal sends."""
    return request.param
