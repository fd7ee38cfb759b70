"""The node of one robot: sensors and messages in, velocity command, intention and route out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ewm_ros.errors import InputError
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import run_node
from ewm_ros.nodes.robot_host import RobotHost
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.robot_unit import RobotUnit
from ewm_ros.nodes.shared_topics import SharedTopics
from ewm_ros.nodes.think_together import think_together


class RobotNode(RobotHost):
    """Hosts one robot, on topics in the node's own namespace."""

    def __init__(self) -> None:
        super().__init__("robot")

    def read(self, parameters: Parameters) -> None:
        """Declare and read the parameters."""
        self._name = parameters.text(
            "robot", self.get_namespace().strip("/"), "Name, unique in the fleet; the namespace if not given."
        )
        self._type = parameters.text(
            "robot_type", "tinybot", "Robot type, a name in config/robots or the path of a YAML file."
        )
        super().read(parameters)

    def make_units(self) -> list[RobotUnit]:
        """The robot."""
        if not self._name:
            raise InputError("the robot has no name: give it a namespace (-r __ns:=/robot_0) or -p robot:=robot_0")
        return [RobotUnit(self, self._name, self._type, self._settings, self._think)]

    def hear(self, settings: RobotSettings) -> SharedTopics:
        """The shared topics; every directive set that may be an answer is read as soon as it comes."""
        return SharedTopics(self, self._units, settings)

    def _think(self, unit: RobotUnit) -> None:
        if (observed := unit.due()) is not None:
            self._shared.read_directives()
            think_together([(unit, observed)])


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(RobotNode, args)


if __name__ == "__main__":
    sys.exit(main())
