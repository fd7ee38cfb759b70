"""How quickly the processes find each other."""

from __future__ import annotations

import os

from ewm_ros.resources import share

# The name in Fast DDS 2 (Jazzy) and in Fast DDS 3 (later).
VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def quicken_discovery() -> None:
    """Let Fast DDS use config/fastdds.xml, unless its user has chosen a file; other middlewares take no notice.

    To be called before the process's first rclpy.init.

    Raises:
        InputError: the installation has no data files.
    """
    if not any(variable in os.environ for variable in VARIABLES):
        for variable in VARIABLES:
            os.environ[variable] = str(share() / "config" / "fastdds.xml")
