"""What the node of one robot and that of a whole fleet have in common: the robots' lifecycle, watchdog and reports."""

from __future__ import annotations

from abc import abstractmethod

from std_msgs.msg import Bool

from ewm_ros.nodes import reporting, topics
from ewm_ros.nodes.managed_node import ManagedNode
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.robot_report import RobotReport
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.robot_unit import Phase, RobotUnit
from ewm_ros.nodes.shared_topics import SharedTopics
from ewm_ros.nodes.topic_node import TopicNode

WATCHDOG = 0.05  # s


class RobotHost(ManagedNode):
    """A lifecycle node with robots on it, which drive while it is active."""

    def __init__(self, name: str) -> None:
        self._units: list[RobotUnit] = []
        self._reports: list[RobotReport] = []
        self._estop = False
        super().__init__(name)
        for topic in (topics.ESTOP, topics.ESTOP.volatile):
            # Not the managed way: an emergency stop is heard, and stays, whatever becomes of the node meanwhile.
            TopicNode.listen(self, topic, self._on_estop)

    @abstractmethod
    def make_units(self) -> list[RobotUnit]:
        """The robots that the parameters describe. Raises InputError if there cannot be such."""

    @abstractmethod
    def hear(self, settings: RobotSettings) -> SharedTopics:
        """The shared topics, as the robots are to hear them."""

    def read(self, parameters: Parameters) -> None:
        """Declare and read the parameters that all robots have in common."""
        self._settings = RobotSettings.read(parameters)

    def configure(self) -> None:
        """Make the robots and open their topics."""
        self._units = self.make_units()
        for unit in self._units:
            unit.hear_estop(self._estop)
        self._reports = [RobotReport(self, unit) for unit in self._units]
        self._shared = self.hear(self._settings)
        self._diagnostics = self.offer(topics.DIAGNOSTICS)
        self.every(WATCHDOG, self._watch)
        self.every(1.0, self._report)

    def activate(self) -> None:
        """Let the robots listen whether their names are free, and then drive."""
        for unit in self._units:
            unit.begin()

    def deactivate(self) -> None:
        """Stop all robots at once; they give their ways back as soon as they stand."""
        for unit in self._units:
            unit.leave()

    @property
    def left(self) -> bool:
        """Whether all robots have given their ways back."""
        return all(unit.phase is Phase.RESTING for unit in self._units)

    def clean_up(self) -> None:
        """Stop all robots and give them back."""
        for unit in self._units:
            unit.halt()
        for unit in self._units:
            unit.flush()
        self._units, self._reports = [], []

    def _on_estop(self, msg: Bool) -> None:
        self._estop = bool(msg.data)
        for unit in self._units:
            unit.hear_estop(self._estop)

    def _watch(self) -> None:
        for unit in self._units:
            unit.watch()

    def _report(self) -> None:
        statuses = [report.status(self.lifecycle) for report in self._reports]
        self._diagnostics.publish(reporting.together(statuses, self.ros_now()))
