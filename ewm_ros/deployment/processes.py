"""One process of a run, and the command that starts it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ewm_ros.coordination.arbitration.api_key import VARIABLE

Value = bool | int | float | str | Sequence[str]

# May be started again while a run goes on; a new simulation would be another run.
RESPAWNED = ("robot_node", "robots_node", "coordinator_node")
BAD_INPUT = 2  # exit status of a process that would end again however often it is started


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: the module ewm_ros.nodes.<executable>, its node's name, namespace (empty: none) and parameters."""

    executable: str
    name: str
    namespace: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What people call it: a robot's name, or that of the node."""
        return self.namespace or self.name

    @property
    def kept_from(self) -> tuple[str, ...]:
        """Variables of the environment that it must not get: only a coordinator that has an arbiter needs a key."""
        return () if {"arbiter", "arbiter_url"} & self.parameters.keys() else (VARIABLE,)


def command_line(spec: ProcessSpec) -> list[str]:
    """The command that starts the process with this Python, without any ROS 2 tool."""
    command = [sys.executable, "-m", f"ewm_ros.nodes.{spec.executable}", "--ros-args", "-r", f"__node:={spec.name}"]
    if spec.namespace:
        command += ["-r", f"__ns:=/{spec.namespace}"]
    for key, value in spec.parameters.items():
        # JSON is YAML, and quoted strings stay strings whatever is in them.
        command += ["-p", f"{key}:={json.dumps(value)}"]
    return command
