"""A simulated world with its robots' bodies and sensors; when it ends, all that was launched with it does.

    ros2 launch ewm_ros simulation.launch.py world:=doorway robots:=4

Arguments and processes are those of SIMULATION in ewm_ros/deployment/node_files.py, which `ewm demo` shares.
"""

from __future__ import annotations

from ewm_ros.deployment.node_files import SIMULATION
from ewm_ros.nodes.launching import launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe it to ROS's launch."""
    return launch_description(SIMULATION)
