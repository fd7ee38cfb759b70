"""The launch files of whole simulated runs: the demo, which includes those of its nodes, and its evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from ewm_ros.bag_facts import DEFAULT_PROFILE, PROFILES
from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.deployment import node_files
from ewm_ros.deployment.arguments import Argument, written
from ewm_ros.deployment.demo import bag_folder, demo_processes
from ewm_ros.deployment.processes import RESPAWNED, ProcessSpec, Value
from ewm_ros.deployment.steps import LaunchFile, ShowInRviz, Step
from ewm_ros.errors import InputError
from ewm_ros.robot.guarded_predictor import DEFAULT
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.scenario import BODIES
from ewm_ros.simulation.worlds.world_file import load_world

NODE_FILES = {
    "robot_node": node_files.ROBOT,
    "coordinator_node": node_files.COORDINATOR,
    "simulation_node": node_files.SIMULATION,
}

RECORD = Argument("record", "Folder in which to record the run, in a new folder of its own.", otherwise="no bag")
RECORD_PROFILE = Argument("record_profile", "Topics that the bag has.", default=DEFAULT_PROFILE, choices=PROFILES)
JUDGE = Argument(
    "judge",
    "Whether a recorded run in which a robot collides, or one does not arrive, counts as failed: exit status 1.",
    "switch",
    default="False",
)
ARGUMENTS = (
    *node_files.WORLD,
    Argument("use_composition", "Whether all robots are in one process; else each is one.", "switch", default="False"),
    *node_files.LAUNCHING,
    node_files.AUTOSTART,
    *node_files.RESPAWNING,
    RECORD,
    RECORD_PROFILE,
    JUDGE,
    Argument("headless", "Whether to open no window, whatever else is said.", "switch", default="False"),
    Argument("use_rviz", "Whether to show the run in RViz, where it is installed.", "switch", default="True"),
    Argument("rviz_config", "Layout of RViz.", otherwise="config/rviz/ewm.rviz"),
    Argument(
        "world_model",
        "The robots' world model: a name in models/world_model, a folder's path, or none for the closed form.",
        default=DEFAULT,
    ),
    node_files.TF,
    *node_files.ADVISER,
    Argument("loss", "Share of shared messages lost, 0 to 1; for tests.", "number", default="0.0"),
    Argument(
        "delay",
        "Mean delay of shared messages in s, each takes 0.5 to 1.5 times this; for tests.",
        "number",
        default="0.0",
    ),
    Argument("duplication", "Share of shared messages that come twice, 0 to 1; for tests.", "number", default="0.0"),
)


def _demo(said: Mapping[str, Value]) -> list[Step]:
    steps: list[Step] = [_step(spec, said) for spec in _processes(said)]
    if said["use_rviz"] and not said["headless"]:
        steps.append(ShowInRviz(str(said.get("rviz_config", ""))))
    return steps


def _processes(said: Mapping[str, Value]) -> list[ProcessSpec]:
    """What `ewm demo` would start."""
    world, seed = str(said["world"]), cast(int, said["seed"])
    robots = cast(int, said.get("robots", load_world(world).robots.count.default))
    limit = said.get("time_limit")
    return demo_processes(
        world,
        robots,
        seed,
        cast(float, said["realtime_factor"]),
        _bag(said, world, robots, seed),
        record_profile=str(said["record_profile"]),
        simultaneous=bool(said["simultaneous"]),
        time_limit=None if limit is None else cast(float, limit),
        varied=bool(said["varied"]),
        bodies=next(kind for kind in BODIES if kind == said["bodies"]),
        model=str(said["world_model"]),
        faults=Faults(*(cast(float, said[name]) for name in ("loss", "delay", "duplication"))),
        advice=Advice(
            preset=str(said.get("arbiter", "")),
            url=str(said.get("arbiter_url", "")),
            model=str(said.get("arbiter_model", "")),
            key_file=str(said.get("arbiter_key_file", "")),
            cache=str(said.get("arbiter_cache", "")),
        ),
        autostart=bool(said["autostart"]),
        composition=bool(said["use_composition"]),
        tf=str(said.get("tf", "")),
    )


def _bag(said: Mapping[str, Value], world: str, robots: int, seed: int) -> Path | None:
    if "record" not in said:
        if said["judge"]:
            raise InputError("argument 'judge' is True without a bag to judge by: give 'record', too")
        return None
    folder = Path(str(said["record"])).expanduser()
    return bag_folder(folder, world, robots, seed, time.strftime("%Y%m%d-%H%M%S"))


def _step(spec: ProcessSpec, said: Mapping[str, Value]) -> Step:
    """How to start one of the demo's processes: by its own launch file, if it has one."""
    file = NODE_FILES.get(spec.executable)
    if file is None:
        started = node_files.start(spec, said, respawned=spec.executable in RESPAWNED)
        return replace(started, judged=bool(said["judge"])) if spec.executable == "recorder_node" else started
    names = {argument.name for argument in (*node_files.LAUNCHING, *node_files.RESPAWNING)}
    texts = {name: value for name, value in said.items() if name in names & file.names}
    if spec.namespace:
        texts["namespace"] = spec.namespace
    return file.include({name: written(value) for name, value in {**texts, **spec.parameters}.items()})


DEMO = LaunchFile("demo.launch.py", ARGUMENTS, _demo)


def _evaluate(said: Mapping[str, Value]) -> list[Step]:
    return [DEMO.include({name: written(value) for name, value in said.items()})]


EVALUATE = LaunchFile(
    "evaluate.launch.py",
    tuple(
        replace(argument, default={"record": "runs", "judge": "True"}.get(argument.name, argument.default))
        for argument in ARGUMENTS
    ),
    _evaluate,
)

LAUNCH_FILES: Mapping[str, LaunchFile] = {file.name: file for file in (*NODE_FILES.values(), DEMO, EVALUATE)}
