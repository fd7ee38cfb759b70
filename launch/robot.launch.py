"""One robot: the same file for simulation and hardware.

    ros2 launch ewm_ros robot.launch.py namespace:=robot_0 robot_type:=/etc/my_robot.yaml

Arguments and processes are those of ROBOT in ewm_ros/deployment/node_files.py, which `ewm demo` shares.
"""

from __future__ import annotations

from ewm_ros.deployment.node_files import ROBOT
from ewm_ros.nodes.launching import launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe it to ROS's launch."""
    return launch_description(ROBOT)
