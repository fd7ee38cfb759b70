"""The coordinator of a fleet: one, on any machine of the network.

    ros2 launch ewm_ros coordinator.launch.py

Arguments and processes are those of COORDINATOR in ewm_ros/deployment/node_files.py, which `ewm demo` shares.
"""

from __future__ import annotations

from ewm_ros.deployment.node_files import COORDINATOR
from ewm_ros.nodes.launching import launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe it to ROS's launch."""
    return launch_description(COORDINATOR)
