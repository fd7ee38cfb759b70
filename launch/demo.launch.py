"""The multi-robot demo: a simulated world, one node a robot, the coordinator, and a recorder if a bag is wanted."""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.deployment import RESPAWNED, ProcessSpec, demo_processes
from ewm_ros.errors import InputError
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.scenario import BODIES
from launch import LaunchContext, LaunchDescription

ARGUMENTS = (
    DeclareLaunchArgument("world", default_value="intersection", description="World: a name or a YAML file's path."),
    DeclareLaunchArgument("robots", default_value="6", description="Number of robots."),
    DeclareLaunchArgument("seed", default_value="0", description="Seed of everything random."),
    DeclareLaunchArgument("realtime_factor", default_value="1.0", description="Simulated seconds per second."),
    DeclareLaunchArgument("record", default_value="", description="Folder of a bag to record; empty: none."),
    DeclareLaunchArgument(
        "simultaneous",
        default_value="false",
        choices=["true", "false"],
        description="Whether all robots get their sensor messages at once; else staggered over the period.",
    ),
    DeclareLaunchArgument(
        "varied",
        default_value="true",
        choices=["true", "false"],
        description="Whether robots differ, slip and measure with noise; else ideal ones.",
    ),
    DeclareLaunchArgument(
        "bodies",
        default_value="driven",
        choices=list(BODIES),
        description="What robots are made of: one body that is given its velocity, or wheels that are turned.",
    ),
    DeclareLaunchArgument(
        "world_model", default_value="default", description="The robots' world model: a name, a folder's path, or none."
    ),
    DeclareLaunchArgument("loss", default_value="0.0", description="Share of shared messages lost, 0 to 1; for tests."),
    DeclareLaunchArgument(
        "delay",
        default_value="0.0",
        description="Mean delay of shared messages in s; each takes 0.5 to 1.5 times this; for tests.",
    ),
    DeclareLaunchArgument(
        "duplication", default_value="0.0", description="Share of shared messages that come twice, 0 to 1; for tests."
    ),
    DeclareLaunchArgument(
        "arbiter", default_value="", description="Preset of the model that the coordinator asks; empty: none."
    ),
    DeclareLaunchArgument("arbiter_url", default_value="", description="Address of its server, if not the preset's."),
    DeclareLaunchArgument("arbiter_model", default_value="", description="Name of the model, if not the preset's."),
    DeclareLaunchArgument(
        "arbiter_key_file", default_value="", description="File that holds its key, if not DEEPSEEK_API_KEY."
    ),
    DeclareLaunchArgument(
        "use_respawn",
        default_value="false",
        choices=["true", "false"],
        description="Whether robots and the coordinator are started again when they die.",
    ),
    DeclareLaunchArgument("respawn_delay", default_value="2.0", description="s after which they are."),
)


def action(spec: ProcessSpec, respawn_delay: float | None) -> Node:
    """The launch action of a process; when the simulation ends, all is shut down."""
    ends_all = spec.executable == "simulation_node"
    respawn = respawn_delay is not None and spec.executable in RESPAWNED
    return Node(
        package="ewm_ros",
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[dict(spec.parameters)],
        additional_env=dict.fromkeys(spec.kept_from, ""),
        output="screen",
        on_exit=[Shutdown(reason="the simulation has ended")] if ends_all else None,
        respawn=respawn,
        respawn_delay=respawn_delay,
    )


def processes(context: LaunchContext) -> list[Node]:
    """All actions for the given arguments."""
    given = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    try:
        robots, seed, factor = int(given["robots"]), int(given["seed"]), float(given["realtime_factor"])
        faults = Faults(float(given["loss"]), float(given["delay"]), float(given["duplication"]))
        respawn_delay = float(given["respawn_delay"])
    except ValueError as error:
        raise InputError(
            "robots and seed must be integers; realtime_factor, loss, delay, duplication and respawn_delay numbers: "
            f"{error}"
        ) from error
    specs = demo_processes(
        given["world"],
        robots,
        seed,
        factor,
        Path(given["record"]) if given["record"] else None,
        simultaneous=given["simultaneous"] == "true",
        varied=given["varied"] == "true",
        bodies=next(kind for kind in BODIES if kind == given["bodies"]),
        model=given["world_model"],
        faults=faults,
        advice=Advice(
            preset=given["arbiter"],
            url=given["arbiter_url"],
            model=given["arbiter_model"],
            key_file=given["arbiter_key_file"],
        ),
    )
    return [action(spec, respawn_delay if given["use_respawn"] == "true" else None) for spec in specs]


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch ewm_ros demo.launch.py` starts."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=processes)])
