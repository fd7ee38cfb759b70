"""The launch files of one node each: a robot, the coordinator, a simulated world.

Every parameter of a node is an argument of the same name. What is said by argument goes before the params_file, and
that before the node's own default, which `otherwise` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ewm_ros.deployment.arguments import Argument
from ewm_ros.deployment.processes import ProcessSpec, Value
from ewm_ros.deployment.steps import LaunchFile, Start, Step
from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.scenario import BODIES

LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")

LAUNCHING = (
    Argument("params_file", "YAML file of parameters; arguments go before it.", otherwise="none"),
    Argument("log_level", "Least level of what the nodes log.", default="info", choices=LOG_LEVELS),
)
RESPAWNING = (
    Argument(
        "use_respawn", "Whether robots and coordinator are started again when they die.", "switch", default="False"
    ),
    Argument("respawn_delay", "s after which they are.", "number", default="2.0"),
)
AUTOSTART = Argument(
    "autostart",
    "Whether robots and coordinator activate themselves; else they wait for `ros2 lifecycle set`.",
    "switch",
    default="True",
)
TF = Argument(
    "tf",
    "Transforms that robots publish: none; namespaced, with frames odom and base_link; or prefixed, on /tf.",
    otherwise="namespaced in simulations where tf2_msgs is, else none",
    choices=("none", "namespaced", "prefixed"),
)
HEARING = (
    Argument("use_sim_time", "Whether the nodes' clock is /clock.", "switch", default="False"),
    Argument("fleet_size_max", "Robots that the queues are made for.", "integer", otherwise="64"),
    Argument(
        "time_scale",
        "What steady time is multiplied by for watchdogs and leases; 1 but in simulations.",
        "number",
        otherwise="1.0",
    ),
    Argument("network_loss", "Share of shared messages lost on arrival, 0 to 1; for tests.", "number", otherwise="0.0"),
    Argument(
        "network_delay",
        "Mean delay of shared messages in s, each takes 0.5 to 1.5 times this; for tests.",
        "number",
        otherwise="0.0",
    ),
    Argument(
        "network_duplication",
        "Share of shared messages that come twice, 0 to 1; for tests.",
        "number",
        otherwise="0.0",
    ),
)
_NOT_PARAMETERS = {"namespace"} | {argument.name for argument in (*LAUNCHING, *RESPAWNING)}


def _parameters(said: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in said.items() if name not in _NOT_PARAMETERS}


def start(spec: ProcessSpec, said: Mapping[str, Value], *, respawned: bool) -> Start:
    """A process as LAUNCHING and RESPAWNING say that it is to be started.

    Raises:
        InputError: the params_file is not there.
    """
    respawn = respawned and bool(said["use_respawn"])
    params_file = str(said.get("params_file", ""))
    if params_file and not Path(params_file).expanduser().is_file():
        raise InputError(f"params_file {params_file!r} does not exist")
    return Start(
        spec,
        params_file=params_file,
        log_level=str(said["log_level"]),
        respawn_delay=cast(float, said["respawn_delay"]) if respawn else None,
    )


def _robot(said: Mapping[str, Value]) -> list[Step]:
    namespace = str(said["namespace"]).strip("/")
    return [start(ProcessSpec("robot_node", "robot", namespace, _parameters(said)), said, respawned=True)]


ROBOT = LaunchFile(
    "robot.launch.py",
    (
        Argument("namespace", "Name of the robot, unique in the fleet; its own topics are under it.", default=None),
        *HEARING[:1],
        *LAUNCHING,
        AUTOSTART,
        *RESPAWNING,
        Argument("robot_type", "Robot type: a name in config/robots or the path of a YAML file.", otherwise="tinybot"),
        Argument(
            "world_model",
            "World model: a name in models/world_model, a folder's path, or none for the closed form.",
            otherwise="default",
        ),
        Argument("priority", "Priority of the robot's role, 0 to 255; higher passes first.", "integer", otherwise="0"),
        Argument("rate", "Cycles per s of the sensors' time, at most.", "number", otherwise="10.0"),
        Argument(
            "odometry_timeout", "Steady s without odometry after which the robot stops.", "number", otherwise="0.5"
        ),
        Argument("scan_timeout", "Steady s without a scan after which the robot stops.", "number", otherwise="0.5"),
        Argument(
            "command_timeout", "Steady s without a new command after which the robot stops.", "number", otherwise="0.5"
        ),
        Argument("odometry_frame", "Frame that the odometry must be in; its origin is the map's.", otherwise="map"),
        Argument("cmd_vel_stamped", "Publish cmd_vel as TwistStamped; else as Twist.", "switch", otherwise="true"),
        TF,
        Argument("explore", "Whether the robot looks for a goal by itself.", "switch", otherwise="false"),
        Argument("view", "m, up to where goals are seen, for robots that explore.", "number", otherwise="3.0"),
        Argument(
            "intentions_best_effort",
            "Publish intentions best effort, for networks that lose much.",
            "switch",
            otherwise="false",
        ),
        *HEARING[1:],
    ),
    _robot,
)


def _coordinator(said: Mapping[str, Value]) -> list[Step]:
    return [start(ProcessSpec("coordinator_node", "coordinator", "", _parameters(said)), said, respawned=True)]


ADVISER = (
    Argument("arbiter", "Preset of the model that the coordinator asks about what words decide.", otherwise="none"),
    Argument("arbiter_url", "Address of its server's API.", otherwise="the preset's"),
    Argument("arbiter_model", "Name of the model.", otherwise="the preset's"),
    Argument("arbiter_key_file", "File of mode 0600 that holds its key.", otherwise="`DEEPSEEK_API_KEY`"),
    Argument("arbiter_cache", "File in which answers are kept, or `none`.", otherwise="the user's"),
)
COORDINATOR = LaunchFile(
    "coordinator.launch.py",
    (
        *HEARING[:1],
        *LAUNCHING,
        AUTOSTART,
        *RESPAWNING,
        Argument(
            "lease",
            "s without a directive set after which robots enter no further region.",
            "number",
            otherwise="1.0",
        ),
        *HEARING[1:],
        *ADVISER,
        Argument("arbiter_config", "File of presets and limits.", otherwise="the shipped one"),
        Argument("site", "File of rules, roles and places for the adviser, or a world.", otherwise="none"),
    ),
    _coordinator,
)


def _simulation(said: Mapping[str, Value]) -> list[Step]:
    return [start(ProcessSpec("simulation_node", "simulation", "", _parameters(said)), said, respawned=False)]


WORLD = (
    Argument("world", "World: a name in worlds, or the path of a YAML file.", default="intersection"),
    Argument("robots", "Number of robots.", "integer", otherwise="the world's"),
    Argument("seed", "Decides everything random.", "integer", default="0"),
    Argument("realtime_factor", "Simulated s per s, at most.", "number", default="1.0"),
    Argument("time_limit", "Simulated s after which it ends.", "number", otherwise="the world's"),
    Argument(
        "simultaneous",
        "Whether all robots get their sensor messages at once; else staggered over the period.",
        "switch",
        default="False",
    ),
    Argument(
        "varied", "Whether robots differ, slip and measure with noise; else ideal ones.", "switch", default="True"
    ),
    Argument(
        "bodies",
        "What robots are made of: one body that is given its velocity, or wheels that are turned.",
        default="driven",
        choices=BODIES,
    ),
)
SIMULATION = LaunchFile(
    "simulation.launch.py",
    (
        *WORLD,
        *LAUNCHING,
        Argument("recorded", "Whether to wait for a recorder, too, before starting.", "switch", default="False"),
    ),
    _simulation,
)
