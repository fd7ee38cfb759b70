"""Robot types: the sizes and limits of one kind of robot, read from config/robots/<type>.yaml."""

from __future__ import annotations

import math
from collections.abc import Hashable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from ewm_ros.errors import InputError
from ewm_ros.resources import resource


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


def first_error(error: ValidationError) -> str:
    """The first complaint of pydantic as `key.path: reason`."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


class _OneKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice; PyYAML's own silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} is there twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml(path: Path) -> object:
    """The content of a YAML file.

    Raises:
        InputError: the file cannot be read, is not YAML or gives a key twice; the line names the file and the place.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_OneKeyLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None)
        reason = f": {problem}" if problem else ""
        raise InputError(f"{path}: not valid YAML{place}{reason}") from error
    except (ValueError, RecursionError) as error:  # an impossible date; brackets nested without end
        raise InputError(f"{path}: not valid YAML ({type(error).__name__})") from error


def load_robot_type(name_or_path: str) -> RobotType:
    """Read a robot type by name (config/robots/<name>.yaml) or by the path of a YAML file.

    Raises:
        InputError: no such type, unknown or missing keys, impossible values; the line names the file and the key.
    """
    path = resource("config/robots", name_or_path, ".yaml", kind="robot type")
    try:
        return RobotType.model_validate(load_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {first_error(error)}") from error
