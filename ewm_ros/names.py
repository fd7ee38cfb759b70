"""Every topic, frame and QoS profile of the system, named once.

Topic names without a leading slash are relative: they live in the robot's own namespace.
"""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE = "ewm_ros"

# One robot's own topics.
ODOM = "odom"
SCAN = "scan"
CMD_VEL = "cmd_vel"
GOAL_POSE = "goal_pose"
CANCEL_GOAL = "cancel_goal"
GOAL_STATE = "goal_state"
SIGHTINGS = "sightings"
PLAN = "plan"
IMAGINED = "imagined"
TF = "tf"
TF_STATIC = "tf_static"

# Shared by all.
INTENTIONS = "/intentions"
ROUTES = "/routes"
DIRECTIVES = "/directives"
CONFLICTS = "/conflicts"
ARBITRATIONS = "/arbitrations"
MAP = "/map"
MARKERS = "/markers"
CLOCK = "/clock"
DIAGNOSTICS = "/diagnostics"
ESTOP = "/estop"

# An action of each robot, where Nav2's messages are.
NAVIGATE_TO_POSE = "navigate_to_pose"

# Frames (REP-105).
MAP_FRAME = "map"
ODOM_FRAME = "odom"
BASE_FRAME = "base_link"


def robot_name(index: int) -> str:
    """Name and namespace of the robot with this index in a world."""
    return f"robot_{index}"


@dataclass(frozen=True, slots=True)
class QoS:
    """A quality of service, without rclpy: nodes/qos.py makes the real profile of it."""

    reliable: bool
    latched: bool
    depth: int


SENSOR_DATA = QoS(reliable=False, latched=False, depth=5)
# What waits behind a busy robot is stale, and would be taken for new: only the newest is read.
SENSORS_IN = QoS(reliable=False, latched=False, depth=1)
COMMAND = QoS(reliable=True, latched=False, depth=1)
# What is said ten times a second has room for two: a reliable writer whose history is full sends a heartbeat after each
# message, which costs as much as the message, and wakes every reader.
COMMANDS_OUT = QoS(reliable=True, latched=False, depth=2)
# The next command makes good for a lost one, so that the simulation need not acknowledge them all.
COMMANDS_IN = QoS(reliable=False, latched=False, depth=1)
CLOCK_QOS = QoS(reliable=False, latched=False, depth=1)
GOAL = QoS(reliable=True, latched=True, depth=1)
LATCHED = QoS(reliable=True, latched=True, depth=1)
DIRECTIVES_QOS = QoS(reliable=True, latched=True, depth=1)
# As tf2's own broadcaster has it.
TF_QOS = QoS(reliable=True, latched=False, depth=100)
EVENTS = QoS(reliable=True, latched=False, depth=50)
# Latched, so that whoever comes late hears of the newest questions too: there are few, and each is told twice.
QUESTIONS = QoS(reliable=True, latched=True, depth=50)
INTENTIONS_OUT = QoS(reliable=True, latched=False, depth=2)
INTENTIONS_OUT_BEST_EFFORT = QoS(reliable=False, latched=False, depth=1)


def intentions_in(robots: int) -> QoS:
    """An unkeyed topic has no keep-last per robot: ten writers into depth 1 lost two thirds, so 4 slots a robot."""
    return QoS(reliable=False, latched=False, depth=4 * robots)


def routes_in(robots: int) -> QoS:
    """A reader of the latched routes of this many robots."""
    return QoS(reliable=True, latched=True, depth=4 * robots)
