"""What a simulated run consists of: a coordinator, the robots, the simulation, and a recorder if a bag is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ewm_ros.bag_facts import BagFacts
from ewm_ros.coordination.arbitration.advice import NO_ADVICE, Advice
from ewm_ros.deployment.processes import ProcessSpec, Value
from ewm_ros.errors import InputError
from ewm_ros.names import robot_name
from ewm_ros.robot.guarded_predictor import DEFAULT, check_model, model_sha256
from ewm_ros.simulation.network import NO_FAULTS, Faults
from ewm_ros.simulation.worlds.scenario import VIEW, Bodies
from ewm_ros.simulation.worlds.world_file import load_world, world_path

SENSOR_TIMEOUT = 0.5  # s of simulated time
KEY_FILE = "arbiter_key_file"  # a parameter


def demo_processes(
    world: str,
    robots: int,
    seed: int,
    realtime_factor: float = 1.0,
    record: Path | None = None,
    *,
    record_profile: str = "",
    simultaneous: bool = False,
    time_limit: float | None = None,
    varied: bool = True,
    bodies: Bodies = "driven",
    model: str = DEFAULT,
    faults: Faults = NO_FAULTS,
    advice: Advice = NO_ADVICE,
    autostart: bool = True,
    composition: bool = False,
    tf: str = "",
) -> list[ProcessSpec]:
    """The processes of a simulated run, in the order in which to start them; the simulation comes last.

    The run is over when the simulation ends: status 0 for a finished episode, whether or not everybody arrived.

    Args:
        world: name or path of the world.
        realtime_factor: simulated s per s.
        record: folder of the bag to write; must not exist.
        record_profile: which topics it is to have; see recorder_node's parameter profile, whose default holds if empty.
        simultaneous: whether all robots get their sensor messages at once; else staggered.
        time_limit: s of simulated time; that of the world if None.
        varied: False for ideal robots.
        bodies: what the simulated robots are made of.
        model: the robots' world model; see robot_node's parameter world_model.
        faults: of what robots and coordinator hear of each other.
        advice: whom the coordinator asks about what the world's words decide; nobody if nothing is said of that.
        autostart: whether robots and coordinator activate themselves; else they wait for `ros2 lifecycle set`.
        composition: whether all robots are in one process; else each is one.
        tf: the robots' convention of frames; see robot_node's parameter tf, whose default holds if it is empty.

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
    managed = {**_hearing(robots, realtime_factor, faults), "autostart": autostart}
    specs = [ProcessSpec("coordinator_node", "coordinator", "", {**managed, **asking})]
    own = {**managed, **_robot(realtime_factor, model)}
    if loaded.task == "allocate":
        own |= {"explore": True, "view": float(loaded.view or VIEW)}
    if tf:
        own["tf"] = tf
    types = [loaded.robots.model_of(index) for index in range(robots)]
    specs += _composed(fleet, types, own) if composition else _each(fleet, types, own)
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
    if record is None:
        return specs
    facts = BagFacts(
        world=world,
        robots=robots,
        seed=seed,
        realtime_factor=float(realtime_factor),
        bodies=bodies,
        varied=varied,
        time_limit=time_limit or None,
        model=model,
        model_sha256=model_sha256(model),
        parameters={spec.title: _told(spec) for spec in specs},
    )
    return [_recorder(record, fleet, facts, world_path(world), record_profile), *specs]


def bag_folder(folder: Path, world: str, robots: int, seed: int, stamp: str) -> Path:
    """Where to record a run: a new folder, named after the run and the time at which it began, in one that is made.

    Raises:
        InputError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder of bags {folder}: {error.strerror}") from error
    return folder.resolve() / f"{Path(world).stem}-{robots}robots-seed{seed}-{stamp}"


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


def _robot(realtime_factor: float, model: str) -> dict[str, Value]:
    # Faster than real time, the machine's jitter of some ms is a greater part of the simulated second.
    timeout = SENSOR_TIMEOUT * max(realtime_factor, 1.0)
    return {
        "world_model": model,
        "odometry_timeout": timeout,
        "scan_timeout": timeout,
        "command_timeout": timeout,
    }


def _each(fleet: Sequence[str], types: Sequence[str], own: Mapping[str, Value]) -> list[ProcessSpec]:
    return [
        ProcessSpec("robot_node", "robot", name, {**own, "robot_type": kind})
        for name, kind in zip(fleet, types, strict=True)
    ]


def _composed(fleet: Sequence[str], types: Sequence[str], own: Mapping[str, Value]) -> list[ProcessSpec]:
    return [ProcessSpec("robots_node", "robots", "", {**own, "robots": list(fleet), "robot_types": list(types)})]


def _told(spec: ProcessSpec) -> dict[str, Value]:
    """A process's parameters as a bag is told them: without the way to a key."""
    return {name: value for name, value in spec.parameters.items() if name != KEY_FILE}


def _recorder(
    folder: Path, fleet: Sequence[str], facts: BagFacts, world_file: Path | None, record_profile: str
) -> ProcessSpec:
    parameters: dict[str, Value] = {
        "directory": str(folder),
        "robots": list(fleet),
        "facts": [f"{key}={value}" for key, value in facts.as_text().items()],
    }
    if world_file is not None:
        parameters["world_file"] = str(world_file.resolve())  # its text may be too long for a command line
    if record_profile:
        parameters["profile"] = record_profile
    return ProcessSpec("recorder_node", "recorder", "", parameters)
