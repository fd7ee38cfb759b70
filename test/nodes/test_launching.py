"""The launch files with ROS's own launch, where it is: real runs, how they end, and that nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bag_maker import BagMaker
from processes import children, runs, wait_for
from wire_values import intention

from ewm_ros.bag_facts import BagFacts
from ewm_ros.deployment.processes import ProcessSpec
from ewm_ros.deployment.run_files import LAUNCH_FILES
from ewm_ros.deployment.steps import Start

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(
        importlib.util.find_spec("launch_ros") is None, reason="ROS's launch and launch_ros are on no package index"
    ),
]

LAUNCH = Path(__file__).parents[2] / "launch"
RUN = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
file, *arguments = sys.argv[1:]
included = IncludeLaunchDescription(
    PythonLaunchDescriptionSource(file), launch_arguments=[argument.split(":=", 1) for argument in arguments]
)
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""
DOORWAY = ("world:=doorway", "robots:=3", "seed:=1", "headless:=True")


class Launched:
    """A running launch file; what it prints is in a file."""

    def __init__(self, log: Path, file: str, *arguments: str) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(LAUNCH / file), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "AMENT_PREFIX_PATH": sys.prefix},
            )
        self.pid = self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def node(self, name: str) -> int:
        """Process id of the one that was started last of an executable's processes whose title begins so."""
        found = re.findall(rf"\[{name}[-\d]*\]: process started with pid \[(\d+)\]", self.said)
        return int(found[-1]) if found else 0

    def wait_until_driving(self) -> None:
        """Until the simulation has begun, and robots are under way."""
        wait_for(lambda: "process started" in self.said and self._recorded() > 15_000, 60.0)

    def _recorded(self) -> int:
        return sum(file.stat().st_size for file in self._log.parent.glob("bags/*/*.mcap"))

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def status(self, seconds: float) -> int:
        """Wait for its end."""
        return self._process.wait(seconds)

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: int) -> Iterator[Callable[..., Launched]]:
    """Launch a file, recorded into tmp_path/bags."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    launched: list[Launched] = []

    def start(file: str, *arguments: str) -> Launched:
        launched.append(Launched(tmp_path / "said.txt", file, *arguments))
        return launched[-1]

    yield start
    for one in launched:
        one.close()


@pytest.mark.parametrize("name", LAUNCH_FILES)
def test_ros_launch_reads_the_arguments_that_are_described(name: str) -> None:
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchContext

    description = PythonLaunchDescriptionSource(str(LAUNCH / name)).get_launch_description(LaunchContext())
    declared = {argument.name: argument.description for argument in description.get_launch_arguments()}
    assert declared == {argument.name: argument.help for argument in LAUNCH_FILES[name].arguments}


@pytest.mark.parametrize("composed", ["False", "True"])
def test_a_run_to_its_end_is_summed_up(launch: Callable[..., Launched], tmp_path: Path, composed: str) -> None:
    run = launch(
        "evaluate.launch.py", *DOORWAY, "realtime_factor:=3", f"record:={tmp_path}/bags", f"use_composition:={composed}"
    )
    assert run.status(90.0) == 0, run.said
    assert "3 of 3 robots at their goals, 0 collisions" in run.said
    assert run.said.count("process started") == (4 if composed == "True" else 6)


def test_of_a_run_that_never_began_there_is_nothing_to_sum_up(tmp_path: Path) -> None:
    from ewm_ros.nodes.launching import LaunchFailed, _sum_up

    with BagMaker(tmp_path / "bag", facts=BagFacts("doorway", robots=3, seed=1).as_text()) as bag:
        bag.intention(intention("robot_0"))
    recorder = ProcessSpec("recorder_node", "recorder", "", {"directory": str(tmp_path / "bag")})
    with pytest.raises(LaunchFailed, match=f"the simulation has said nothing in bag {tmp_path}/bag: it never began"):
        _sum_up(Start(recorder, judged=True))
    (said,) = _sum_up(Start(recorder))
    assert "it never began" in said.msg[0].text


def test_sigint_ends_all_of_it_within_3_s_and_the_bag_is_whole(launch: Callable[..., Launched], tmp_path: Path) -> None:
    run = launch("demo.launch.py", *DOORWAY, f"record:={tmp_path}/bags")
    run.wait_until_driving()
    started = children(run.pid)
    assert len(started) == 6
    run.send(signal.SIGINT)
    assert run.status(3.0) == 0, run.said
    assert not [pid for pid in started if runs(pid)]
    assert "the run was interrupted after" in run.said
    assert "Traceback" not in run.said


def test_a_killed_simulation_ends_everything_and_that_is_said(launch: Callable[..., Launched], tmp_path: Path) -> None:
    run = launch("demo.launch.py", *DOORWAY, "use_respawn:=True", f"record:={tmp_path}/bags")
    run.wait_until_driving()
    started = children(run.pid)
    os.kill(run.node("simulation_node"), signal.SIGKILL)
    assert run.status(10.0) == 1, run.said
    assert "the simulation was killed by SIGKILL: everything else is ended, too" in run.said
    assert not [pid for pid in started if runs(pid)]


@pytest.mark.parametrize("victim", ["robot_node", "coordinator_node"])
def test_who_is_killed_comes_back_and_the_run_completes(
    launch: Callable[..., Launched], tmp_path: Path, victim: str
) -> None:
    run = launch("evaluate.launch.py", *DOORWAY, "use_respawn:=True", f"record:={tmp_path}/bags")
    run.wait_until_driving()
    killed = run.node(victim)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: run.node(victim) != killed, 10.0)
    assert run.status(150.0) == 0, run.said
    assert "3 of 3 robots at their goals, 0 collisions" in run.said


def test_one_that_refuses_its_parameters_ends_everything_though_it_would_be_respawned(
    launch: Callable[..., Launched],
) -> None:
    run = launch("robot.launch.py", "namespace:=robot_0", "rate:=900", "use_respawn:=True")
    assert run.status(30.0) == 1
    assert "parameter 'rate' must be a number from 1 to 50" in run.said
    assert "robot_0 has refused to run, its own line says why" in run.said


def test_a_wrong_argument_is_one_line_and_nothing_is_started(launch: Callable[..., Launched]) -> None:
    run = launch("demo.launch.py", "robots:=six")
    assert run.status(30.0) == 1
    (line,) = [line for line in run.said.splitlines() if "ERROR" in line]
    assert line.endswith("argument 'robots' is 'six': it must be an integer")
    assert "process started" not in run.said
