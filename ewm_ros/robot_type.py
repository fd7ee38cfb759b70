"""Robot types: the sizes and limits of one kind of robot, read from config/robots/<type>.yaml."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from ewm_ros.resources import resource
from ewm_ros.yaml_files import load_model


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lidar(_Strict):
    """A planar lidar that looks all around (360 degrees), first ray straight ahead."""

    rays: PositiveInt
    range_max: PositiveFloat  # m

    @property
    def angle_increment(self) -> float:
        """rad between rays."""
        return 2.0 * math.pi / self.rays


class RobotType(_Strict):
    """Size and limits of a differential-drive robot with a round footprint."""

    name: str
    radius: PositiveFloat  # m
    max_speed: PositiveFloat  # m/s
    max_acceleration: PositiveFloat  # m/s^2, for braking too
    max_turn_rate: PositiveFloat  # rad/s
    max_turn_acceleration: PositiveFloat  # rad/s^2
    lag: PositiveFloat  # s, time constant of the motors' velocity response
    lidar: Lidar

    def braking_distance(self, speed: float) -> float:
        """m driven from `speed` (m/s) to standstill, the motors' lag included."""
        return speed * speed / (2.0 * self.max_acceleration) + speed * self.lag


def load_robot_type(name_or_path: str) -> RobotType:
    """Read a robot type by name (config/robots/<name>.yaml) or by the path of a YAML file.

    Raises:
        InputError: no such type, unknown or missing keys, impossible values; the line names the file and the key.
    """
    return load_model(RobotType, resource("config/robots", name_or_path, ".yaml", kind="robot type"))
