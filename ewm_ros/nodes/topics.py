"""Every topic with its message type and the quality of service it is offered with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool, Empty
from visualization_msgs.msg import MarkerArray

from ewm_ros import names
from ewm_ros.msg import Arbitration, ConflictArray, DirectiveSet, GoalState, Intention, Route
from ewm_ros.names import QoS


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; a name without a leading slash is in the robot's namespace."""

    name: str
    type: Any
    qos: QoS

    @property
    def type_name(self) -> str:
        """Name of the message type, e.g. nav_msgs/msg/Path."""
        return f"{self.type.__module__.split('.')[0]}/msg/{self.type.__name__}"

    def under(self, namespace: str) -> Topic:
        """The same topic with its absolute name in a robot's namespace."""
        return Topic(f"/{namespace}/{self.name}", self.type, self.qos)

    @property
    def volatile(self) -> Topic:
        """The same topic for a reader beside a latched one.

        What is latched reaches who comes late; a volatile reader also hears publishers that do not latch, as joysticks,
        RViz and `ros2 topic pub` are. To hear a message twice changes nothing.
        """
        return replace(self, qos=replace(self.qos, latched=False))


ODOM = Topic(names.ODOM, Odometry, names.SENSOR_DATA)
SCAN = Topic(names.SCAN, LaserScan, names.SENSOR_DATA)
CMD_VEL = Topic(names.CMD_VEL, TwistStamped, names.COMMANDS_OUT)
GOAL_POSE = Topic(names.GOAL_POSE, PoseStamped, names.GOAL)
CANCEL_GOAL = Topic(names.CANCEL_GOAL, Empty, names.COMMAND)
GOAL_STATE = Topic(names.GOAL_STATE, GoalState, names.LATCHED)
SIGHTINGS = Topic(names.SIGHTINGS, PoseArray, names.SENSOR_DATA)
PLAN = Topic(names.PLAN, Path, names.LATCHED)
IMAGINED = Topic(names.IMAGINED, Path, names.SENSOR_DATA)

INTENTIONS = Topic(names.INTENTIONS, Intention, names.INTENTIONS_OUT)
ROUTES = Topic(names.ROUTES, Route, names.LATCHED)
DIRECTIVES = Topic(names.DIRECTIVES, DirectiveSet, names.DIRECTIVES_QOS)
CONFLICTS = Topic(names.CONFLICTS, ConflictArray, names.LATCHED)
ARBITRATIONS = Topic(names.ARBITRATIONS, Arbitration, names.QUESTIONS)
MAP = Topic(names.MAP, OccupancyGrid, names.LATCHED)
MARKERS = Topic(names.MARKERS, MarkerArray, names.EVENTS)
CLOCK = Topic(names.CLOCK, Clock, names.CLOCK_QOS)
DIAGNOSTICS = Topic(names.DIAGNOSTICS, DiagnosticArray, names.EVENTS)
ESTOP = Topic(names.ESTOP, Bool, names.LATCHED)

SHARED = (INTENTIONS, ROUTES, DIRECTIVES, CONFLICTS, ARBITRATIONS, MAP, MARKERS, CLOCK, DIAGNOSTICS, ESTOP)
ROBOT = (ODOM, SCAN, CMD_VEL, GOAL_POSE, CANCEL_GOAL, GOAL_STATE, SIGHTINGS, PLAN, IMAGINED)
