"""What a launch file does, without ROS's launch: start a process, include another file, show the run in RViz."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ewm_ros.deployment.arguments import Argument
from ewm_ros.deployment.processes import ProcessSpec, Value


@dataclass(frozen=True, slots=True)
class Start:
    """A process to start.

    Attributes:
        params_file: YAML file of parameters, before which the process's own go; empty: none.
        log_level: of its node.
        respawn_delay: s after which it is started again when it dies; None: never.
        judged: of a recorder: whether a run that went wrong counts as failed.
    """

    spec: ProcessSpec
    params_file: str = ""
    log_level: str = "info"
    respawn_delay: float | None = None
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """Another launch file, and a text for each argument that it has: nothing is left to what happens to be set."""

    file: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShowInRviz:
    """RViz, where it is installed, with a layout; empty: the package's own."""

    layout: str = ""


Step = Start | Include | ShowInRviz


@dataclass(frozen=True, slots=True)
class LaunchFile:
    """A file in launch/: its arguments, and what it does when they have been given.

    Attributes:
        plan: makes steps of what has been said; raises InputError.
    """

    name: str
    arguments: tuple[Argument, ...]
    plan: Callable[[Mapping[str, Value]], list[Step]]

    @property
    def names(self) -> set[str]:
        """Of its arguments."""
        return {argument.name for argument in self.arguments}

    def include(self, texts: Mapping[str, str]) -> Include:
        """This file, with these texts and otherwise its own defaults."""
        given = {argument.name: argument.default or "" for argument in self.arguments}
        if unknown := sorted(texts.keys() - self.names):
            raise ValueError(f"{self.name} has no argument {unknown[0]!r}")
        return Include(self.name, {**given, **texts})
