"""`ewm demo`: the real thing on one machine: a process a robot, a coordinator and a simulation over DDS."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.table import Column, Table

from ewm_ros.cli.common import (
    ArbiterKeyFile,
    ArbiterModel,
    ArbiterUrl,
    AsJson,
    BodyKind,
    Delay,
    Duplication,
    Ideal,
    Loss,
    Model,
    RecordProfile,
    Seed,
    Wheels,
    err,
    out,
    print_json,
    shown,
)
from ewm_ros.cli.live_view import live_view
from ewm_ros.coordination.arbitration.advice import NO_ADVICE, Advice
from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.simulation.network import NO_FAULTS, Faults

if TYPE_CHECKING:  # rclpy is slow to import, and not there for the other commands
    from ewm_ros.cli.fleet_processes import FleetProcesses
    from ewm_ros.nodes.monitor import Monitor
    from ewm_ros.simulation.worlds.scenario import Bodies

REFRESH = 0.25  # s between two looks at processes and figures
SETTLE = 0.5  # s for the last messages to arrive after the simulation has ended


def demo(
    world: Annotated[str, typer.Option(help="A world's name, or the path of a world file.")] = "intersection",
    robots: Annotated[int | None, typer.Option(help="How many; the world's default if not given.")] = None,
    seed: Seed = 0,
    seconds: Annotated[float | None, typer.Option(min=1.0, max=1e6, help="Simulated s after which to end.")] = None,
    realtime_factor: Annotated[float, typer.Option(min=0.05, max=20.0, help="Simulated s per s, at most.")] = 1.0,
    view: Annotated[bool, typer.Option("--view/--no-view", help="Show a live table.")] = True,
    record: Annotated[
        Path | None, typer.Option(help="Folder in which to write a rosbag2 bag (MCAP) of the run.")
    ] = None,
    record_profile: Annotated[RecordProfile, typer.Option(help="Topics that the bag has.")] = RecordProfile.EVALUATION,
    simultaneous: Annotated[bool, typer.Option("--simultaneous", help="All robots sense at the same moment.")] = False,
    ideal: Ideal = False,
    bodies: Wheels = BodyKind.DRIVEN,
    model: Model = "default",
    composition: Annotated[bool, typer.Option("--composition", help="All robots in one process.")] = False,
    loss: Loss = 0.0,
    delay: Delay = 0.0,
    duplication: Duplication = 0.0,
    respawn: Annotated[
        float | None,
        typer.Option(min=0.0, max=1e6, help="s after which a robot or coordinator that was killed is started again."),
    ] = None,
    arbiter: Annotated[
        str, typer.Option(help="Preset of config/integration_config.yaml: the model asked about what words decide.")
    ] = "",
    arbiter_url: ArbiterUrl = "",
    arbiter_model: ArbiterModel = "",
    arbiter_key_file: ArbiterKeyFile = "",
    arbiter_cache: Annotated[str, typer.Option(help="File in which answers are kept; none: not at all.")] = "",
    as_json: AsJson = False,
) -> int:
    """Run robots in a simulated world on real ROS 2, and print what came of it."""
    from ewm_ros.deployment.demo import bag_folder
    from ewm_ros.simulation.worlds.world_file import load_world

    advice = Advice(
        preset=arbiter, url=arbiter_url, model=arbiter_model, key_file=arbiter_key_file, cache=arbiter_cache
    )
    if advice.wanted and (lacking := advice.lacking()):
        print(f"ewm: {lacking}", file=sys.stderr)
    count = load_world(world).robots.count.default if robots is None else robots
    bag = bag_folder(record, world, count, seed, time.strftime("%Y%m%d-%H%M%S")) if record is not None else None
    run = DemoRun(
        world,
        count,
        seed,
        realtime_factor,
        bag,
        seconds,
        simultaneous,
        record_profile=record_profile.value,
        varied=not ideal,
        bodies=bodies.value,
        model=model,
        faults=Faults(loss, delay / 1000.0, duplication),
        respawn=respawn,
        advice=advice,
        composition=composition,
    )
    figures = run.play(view and not as_json)
    if as_json:
        print_json(figures)
    else:
        _print_summary(figures)
    whole = figures["reached"] == count or seconds is not None
    return 0 if whole and not figures["collisions"] and not figures["deadlocks"] else 1


class DemoRun:
    """One run of the real ROS graph, watched to its end.

    Args:
        bag: folder to record into; None for no recording.
        record_profile: topics that it has; the recorder's default if empty.
        seconds: simulated s after which it ends; None for the world's time limit.
        faults: of what robots and coordinator hear of each other.
        respawn: s (real ones) after which a robot or coordinator that died is started again; None: the run has failed.
        advice: whom the coordinator asks about what the world's words decide.
        composition: whether all robots are in one process.

    Attributes:
        processes: what it starts.

    Raises:
        InputError: no such world, a number of robots that it does not take, or no ROS 2.
    """

    def __init__(
        self,
        world: str,
        robots: int,
        seed: int,
        realtime_factor: float = 1.0,
        bag: Path | None = None,
        seconds: float | None = None,
        simultaneous: bool = False,
        record_profile: str = "",
        varied: bool = True,
        bodies: Bodies = "driven",
        model: str = "default",
        faults: Faults = NO_FAULTS,
        respawn: float | None = None,
        advice: Advice = NO_ADVICE,
        composition: bool = False,
    ) -> None:
        from ewm_ros.cli.fleet_processes import need_ros
        from ewm_ros.deployment.demo import demo_processes
        from ewm_ros.evaluation.campaigns.runs import RunSpec

        self.bag = bag
        self._respawn = respawn
        self._spec = RunSpec(world, robots, seed, "intention", varied=varied, bodies=bodies)
        scenario = self._spec.scenario()
        need_ros()
        self.processes = demo_processes(
            world,
            robots,
            seed,
            realtime_factor,
            bag,
            record_profile=record_profile,
            simultaneous=simultaneous,
            time_limit=seconds,
            varied=varied,
            bodies=bodies,
            model=model,
            faults=faults,
            advice=advice,
            composition=composition,
        )
        radii = [robot_type.radius for robot_type in scenario.types]
        self.collected = FleetFigures(Episode.of(scenario, time_limit=seconds), radii)

    def play(self, view: bool = False) -> dict[str, object]:
        """Run to the end and return the figures of measures.

        Raises: what `run` does.
        """
        from ewm_ros.nodes.monitor import FleetMonitor

        self.run(lambda: FleetMonitor(self.collected), view)
        return self.recorded_figures() or self.live_figures()

    def run(self, open_monitor: Callable[[], Monitor], view: bool = False) -> None:
        """Run to the end.

        Args:
            open_monitor: who listens meanwhile; called when the run's ROS domain is known.
            view: whether the live table shows what has been collected.

        Raises:
            RunFailed: a process failed; the line names it and says what it said last.
            KeyboardInterrupt: the user interrupted; all processes have been ended.
        """
        from ewm_ros.cli.fleet_processes import FleetProcesses, use_private_domain

        use_private_domain()
        logs = Path(tempfile.mkdtemp(prefix="ewm-demo-"))
        before = signal.signal(signal.SIGTERM, _interrupt)
        failed = False
        try:
            with open_monitor() as monitor, FleetProcesses(self.processes, logs, self._respawn) as processes:
                self._watch(monitor, processes, view)
        except RunFailed as error:
            failed = True
            raise RunFailed(f"{error} (what all processes said is in {logs}){self._torn()}") from error
        finally:
            signal.signal(signal.SIGTERM, before)
            if not failed:
                shutil.rmtree(logs, ignore_errors=True)

    def _watch(self, monitor: Monitor, processes: FleetProcesses, view: bool) -> None:
        live = Live(console=err, auto_refresh=False, transient=True) if view and err.is_terminal else None
        with live or nullcontext():
            while processes.ended("simulation") is None:
                processes.revive(time.monotonic())
                _check(processes)
                time.sleep(REFRESH)
                if live is not None:
                    with monitor.lock:
                        live.update(live_view(self.collected), refresh=True)
        _check(processes)
        time.sleep(SETTLE)

    def _torn(self) -> str:
        """What to do with the bag, if a recorder that has died left one."""
        from ewm_ros.evaluation.bags.bag_files import METADATA, remedy

        if self.bag is None or not self.bag.is_dir() or (self.bag / METADATA).is_file():
            return ""
        return f"; bag {self.bag}: {remedy(self.bag)}"

    def recorded_figures(self) -> dict[str, object] | None:
        """What `ewm eval` makes of the bag; None without a bag, or without one that it can read."""
        if self.bag is None:
            return None
        from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag

        try:
            return evaluate_bag(self.bag).demo_figures()
        except InputError as error:
            print(f"ewm: {error}; the figures are those of the live table", file=sys.stderr)
            return None

    def live_figures(self) -> dict[str, object]:
        """What the live table has come to."""
        from ewm_ros.evaluation.campaigns.runs import free_flow_arrivals

        figures = self.collected.figures()
        delays = None
        if self.collected.episode.makespan is not None:
            delays = self.collected.episode.sum_of_delays(free_flow_arrivals(self._spec))
        spec = self._spec
        head: dict[str, object] = {"world": Path(spec.world).stem, "robots": spec.robots, "seed": spec.seed}
        for key, value in figures.items():
            head[key] = value
            if key == "makespan_s":
                head["sum_of_delays_s"] = None if delays is None else round(delays, 3)
        head["realtime_factor"] = round(self.collected.realtime_factor, 3)
        head["bag"] = str(self.bag) if self.bag is not None else None
        return head


class RunFailed(RuntimeError):
    """A process of the run failed; the text says which and why."""


def _check(processes: FleetProcesses) -> None:
    failure = processes.first_failure()
    if failure is not None:
        name, status, line = failure
        raise RunFailed(f"{name} ended with status {status}: {line}")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _print_summary(figures: dict[str, object]) -> None:
    table = Table("figure", Column("value", overflow="fold"), title="What came of it")
    for key, value in figures.items():
        if isinstance(value, dict):
            table.add_row(key, "   ".join(f"{name} {shown(part)}" for name, part in value.items()))
        else:
            table.add_row(key, shown(value))
    out.print(table)
