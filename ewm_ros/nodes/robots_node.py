"""The node of a whole fleet in one process: the robots of robot_node.py, who imagine together and share what they hear.

For simulations, and for fleets that one machine computes for: each shared message is read once, not once a robot.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ewm_ros.errors import InputError
from ewm_ros.nodes.cycle import Due
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import run_node
from ewm_ros.nodes.robot_host import RobotHost
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.robot_unit import RobotUnit
from ewm_ros.nodes.shared_topics import SharedTopics
from ewm_ros.nodes.think_together import think_together

GATHER = 0.0005  # s for each robot, between two moments at which those who are due think: together they need less
LONGEST = 0.25  # of a cycle; no longer than that
# Robots that think at a time: the rest go on after the messages that wait. Of more than this, each takes longer, for
# what is worked out together no longer fits a core's cache; and the first would have to wait for the last.
AT_ONCE = 16


class RobotsNode(RobotHost):
    """Hosts robots, each on topics in the namespace that is its name.

    They think together: those who have come to be due since the last time.
    """

    def __init__(self) -> None:
        self._stirred: dict[RobotUnit, None] = {}
        super().__init__("robots")

    def read(self, parameters: Parameters) -> None:
        """Declare and read the parameters."""
        self._names = parameters.texts("robots", "Names of the robots, which are their namespaces too.")
        self._types = parameters.texts(
            "robot_types", "Robot types: one for each robot, or one for all; tinybot if none."
        )
        super().read(parameters)

    def configure(self) -> None:
        """Make the robots and open their topics."""
        super().configure()
        cycle = 1.0 / (self._settings.rate * self._settings.time_scale)
        self._go_on = self.soon(self._think)
        self.every(min(GATHER * len(self._units), LONGEST * cycle), self._think)

    def make_units(self) -> list[RobotUnit]:
        """The robots."""
        names, types = self._names, self._types or ("tinybot",)
        if not names:
            raise InputError("parameter 'robots' is missing: it lists the robots' names, as in -p robots:=[robot_0]")
        if len(set(names)) < len(names):
            raise InputError("parameter 'robots' has a name twice")
        if len(types) not in (1, len(names)):
            raise InputError(
                f"parameter 'robot_types' has {len(types)} types for {len(names)} robots: give one, or one for each"
            )
        kinds = types * len(names) if len(types) == 1 else types
        return [
            RobotUnit(self, name, kind, self._settings, self._stir, namespace=name)
            for name, kind in zip(names, kinds, strict=True)
        ]

    def hear(self, settings: RobotSettings) -> SharedTopics:
        """The shared topics; of several directive sets that wait, only the newest is read."""
        return SharedTopics(self, self._units, settings, self.soon(self._read_directives))

    def _read_directives(self) -> None:
        self._shared.read_directives()

    def _stir(self, unit: RobotUnit) -> None:
        self._stirred[unit] = None

    def _think(self) -> None:
        due: list[tuple[RobotUnit, Due]] = []
        while self._stirred and len(due) < AT_ONCE:
            unit = next(iter(self._stirred))
            del self._stirred[unit]
            if (observed := unit.due()) is not None:
                due.append((unit, observed))
        if due:
            self._shared.read_directives()
            think_together(due)
        if self._stirred:
            self._go_on()


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(RobotsNode, args)


if __name__ == "__main__":
    sys.exit(main())
