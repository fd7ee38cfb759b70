"""Robot types from their files, and what is refused there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ewm_ros.errors import InputError
from ewm_ros.resources import available
from ewm_ros.robot_type import RobotType, load_robot_type

CONTENT = {
    "name": "cart",
    "radius": 0.4,
    "max_speed": 1.0,
    "max_acceleration": 0.5,
    "max_turn_rate": 1.0,
    "max_turn_acceleration": 2.0,
    "lag": 0.2,
    "lidar": {"rays": 4, "range_max": 10.0},
}


def written(folder: Path, text: str) -> str:
    file = folder / "cart.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name", available("config/robots", ".yaml"))
def test_every_shipped_type_loads_under_its_name(name: str) -> None:
    assert load_robot_type(name).name == name


def test_tinybot_is_what_the_worlds_are_made_for() -> None:
    tinybot = load_robot_type("tinybot")
    assert (tinybot.radius, tinybot.max_speed, tinybot.max_acceleration) == (0.3, 0.5, 0.75)
    assert (tinybot.max_turn_rate, tinybot.max_turn_acceleration, tinybot.lidar.rays) == (0.6, 2.0, 180)


def test_a_type_of_ones_own_loads_by_path(tmp_path: Path) -> None:
    cart = load_robot_type(written(tmp_path, yaml.safe_dump(CONTENT)))
    assert cart == RobotType.model_validate(CONTENT)
    assert cart.lidar.angle_increment == pytest.approx(1.5707963)


def test_braking_takes_the_way_of_constant_deceleration_and_of_the_lag() -> None:
    cart = RobotType.model_validate(CONTENT)
    assert cart.braking_distance(0.0) == 0.0
    assert cart.braking_distance(1.0) == pytest.approx(1.0 / (2 * 0.5) + 1.0 * 0.2)


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"radius": 0}, "radius"),
        ({"radius": -0.3}, "radius"),
        ({"max_speed": ".nan"}, "max_speed"),
        ({"max_speed": float("inf")}, "max_speed"),
        ({"lag": "quick"}, "lag"),
        ({"wheels": 4}, "wheels"),
        ({"lidar": {"rays": 0, "range_max": 8.0}}, "lidar.rays"),
        ({"lidar": {"rays": 180}}, "lidar.range_max"),
    ],
)
def test_an_impossible_type_is_refused_by_file_and_key(tmp_path: Path, change: dict[str, object], culprit: str) -> None:
    file = written(tmp_path, yaml.safe_dump({**CONTENT, **change}))
    with pytest.raises(InputError) as error:
        load_robot_type(file)
    assert str(error.value).startswith(f"{file}: {culprit}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", CONTENT)
def test_every_key_is_needed(tmp_path: Path, key: str) -> None:
    file = written(tmp_path, yaml.safe_dump({k: v for k, v in CONTENT.items() if k != key}))
    with pytest.raises(InputError, match=rf"cart\.yaml: {key}: "):
        load_robot_type(file)


def test_a_file_that_is_no_plain_yaml_is_refused_by_file_and_key(tmp_path: Path) -> None:
    file = written(tmp_path, "lidar: {rays: !!python/object/apply:os.getpid []}\n")
    with pytest.raises(InputError, match=rf"^{file}: lidar\.rays: the tag .* is not allowed"):
        load_robot_type(file)


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InputError, match=r"cart\.yaml: "):
        load_robot_type(file)


def test_an_unknown_type_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"unknown robot type 'roomba': there are .*tinybot"):
        load_robot_type("roomba")
