"""What is to be started for a run, said once: `ewm demo` and launch/demo.launch.py both read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ewm_ros import __version__
from ewm_ros.coordination.arbitration.advice import NO_ADVICE, Advice
from ewm_ros.coordination.arbitration.api_key import VARIABLE
from ewm_ros.errors import InputError
from ewm_ros.names import robot_name
from ewm_ros.robot.guarded_predictor import DEFAULT, check_model
from ewm_ros.simulation.network import NO_FAULTS, Faults
from ewm_ros.simulation.worlds.scenario import VIEW, Bodies
from ewm_ros.simulation.worlds.world_file import load_world

Value = bool | int | float | str | Sequence[str]

SENSOR_TIMEOUT = 0.5  # s of simulated time
RESPAWNED = ("robot_node", "coordinator_node")  # may be started again while it runs; a new simulation is another run


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: the module ewm_ros.nodes.<executable>, its node's name, namespace (empty: none) and parameters."""

    executable: str
    name: str
    namespace: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def kept_from(self) -> tuple[str, ...]:
        """Variables of the environment that it must not get: only a coordinator that has an arbiter needs a key."""
        return () if {"arbiter", "arbiter_url"} & self.parameters.keys() else (VARIABLE,)


def demo_processes(
    world: str,
    robots: int,
    seed: int,
    realtime_factor: float = 1.0,
    record: Path | None = None,
    *,
    simultaneous: bool = False,
    time_limit: float | None = None,
    varied: bool = True,
    bodies: Bodies = "driven",
    model: str = DEFAULT,
    faults: Faults = NO_FAULTS,
    advice: Advice = NO_ADVICE,
) -> list[ProcessSpec]:
    """The processes of a simulated run, in the order in which to start them; the simulation comes last.

    The run is over when the simulation ends: status 0 for a finished episode, whether or not everybody arrived.

    Args:
        world: name or path of the world.
        realtime_factor: simulated s per s.
        record: folder of the bag to write; must not exist.
        simultaneous: whether all robots get their sensor messages at once; else staggered.
        time_limit: s of simulated time; that of the world if None.
        varied: False for ideal robots.
        bodies: what the simulated robots are made of.
        model: the robots' world model; see robot_node's parameter world_model.
        faults: of what robots and coordinator hear of each other.
        advice: whom the coordinator asks about what the world's words decide; nobody if nothing is said of that.

    Raises:
        InputError: no such world, model or arbiter, or the world does not take this number of robots.
    """
    loaded = load_world(world)
    check_model(model)
    asking: dict[str, Value] = {}
    if advice.wanted:
        advice.lacking()  # refuses what the coordinator would refuse, before anything is started
        asking = {**advice.parameters, "site": world}
    count = loaded.robots.count
    if not count.min <= robots <= count.max:
        raise InputError(f"world {loaded.name!r} takes {count.min} to {count.max} robots, not {robots}")
    fleet = [robot_name(index) for index in range(robots)]
    hearing = _hearing(robots, realtime_factor, faults)
    specs = []
    if record is not None:
        facts = {"world": world, "robots": robots, "seed": seed, "realtime_factor": realtime_factor}
        facts["version"] = __version__
        specs.append(_recorder(record, fleet, facts))
    specs.append(ProcessSpec("coordinator_node", "coordinator", "", {**hearing, **asking}))
    for index, name in enumerate(fleet):
        robot = _robot(loaded.robots.model_of(index), realtime_factor, model)
        if loaded.task == "allocate":
            robot |= {"explore": True, "view": float(loaded.view or VIEW)}
        specs.append(ProcessSpec("robot_node", "robot", name, {**hearing, **robot}))
    simulation: dict[str, Value] = {
        "world": world,
        "robots": robots,
        "seed": seed,
        "realtime_factor": float(realtime_factor),
        "simultaneous": simultaneous,
        "recorded": record is not None,
        "varied": varied,
        "bodies": bodies,
    }
    if time_limit is not None:
        simulation["time_limit"] = float(time_limit)
    specs.append(ProcessSpec("simulation_node", "simulation", "", simulation))
    return specs


def _hearing(fleet: int, realtime_factor: float, faults: Faults) -> dict[str, Value]:
    """What robots and coordinator have in common."""
    return {
        "use_sim_time": True,
        "fleet_size_max": fleet,
        "time_scale": float(realtime_factor),
        "network_loss": float(faults.loss),
        "network_delay": float(faults.delay),
        "network_duplication": float(faults.duplication),
    }


def _robot(robot_type: str, realtime_factor: float, model: str) -> dict[str, Value]:
    # Faster than real time, the machine's jitter of some ms is a greater part of the simulated second.
    timeout = SENSOR_TIMEOUT * max(realtime_factor, 1.0)
    return {
        "robot_type": robot_type,
        "world_model": model,
        "odometry_timeout": timeout,
        "scan_timeout": timeout,
        "command_timeout": timeout,
    }


def _recorder(folder: Path, fleet: Sequence[str], facts: Mapping[str, object]) -> ProcessSpec:
    parameters: dict[str, Value] = {
        "directory": str(folder),
        "robots": list(fleet),
        "facts": [f"{key}={value}" for key, value in facts.items()],
    }
    return ProcessSpec("recorder_node", "recorder", "", parameters)


def command_line(spec: ProcessSpec) -> list[str]:
    """The command that starts the process with this Python, without any ROS 2 tool."""
    command = [sys.executable, "-m", f"ewm_ros.nodes.{spec.executable}", "--ros-args", "-r", f"__node:={spec.name}"]
    if spec.namespace:
        command += ["-r", f"__ns:=/{spec.namespace}"]
    for key, value in spec.parameters.items():
        # JSON is YAML, and quoted strings stay strings whatever is in them.
        command += ["-p", f"{key}:={json.dumps(value)}"]
    return command
