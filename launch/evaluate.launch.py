"""A recorded run, by demo.launch.py; says what the bag holds and how the run ended, status 1 if not well.

    ros2 launch ewm_ros evaluate.launch.py world:=doorway robots:=4 seed:=1 headless:=True

Arguments and processes are those of EVALUATE in ewm_ros/deployment/run_files.py, which `ewm demo` shares.
"""

from __future__ import annotations

from ewm_ros.deployment.run_files import EVALUATE
from ewm_ros.nodes.launching import launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe it to ROS's launch."""
    return launch_description(EVALUATE)
