"""A simulated run: includes coordinator.launch.py, robot.launch.py for each robot, and simulation.launch.py.

    ros2 launch ewm_ros demo.launch.py world:=intersection robots:=6 headless:=True

Arguments and processes are those of DEMO in ewm_ros/deployment/run_files.py, which `ewm demo` shares.
"""

from __future__ import annotations

from ewm_ros.deployment.run_files import DEMO
from ewm_ros.nodes.launching import launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe it to ROS's launch."""
    return launch_description(DEMO)
