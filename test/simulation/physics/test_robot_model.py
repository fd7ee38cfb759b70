"""Robot models: the bodies and wheels that the URDFs describe."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.resources import available
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.simulation.physics import robot_model
from ewm_ros.simulation.physics.robot_model import load_robot_model


@pytest.mark.parametrize(("name", "mass", "wheels"), [("tinybot", 12.0, 2), ("turtlebot4", 3.9, 2), ("husky", 50.0, 4)])
def test_robots_weigh_and_roll_as_published(name: str, mass: float, wheels: int) -> None:
    model = load_robot_model(load_robot_type(name))
    assert model.mass == pytest.approx(mass)
    assert len(model.wheels) == wheels
    assert sum(wheel.offset for wheel in model.wheels) == pytest.approx(0.0)


@pytest.mark.parametrize("name", available("models/robots", ".urdf"))
def test_bodies_are_as_wide_as_the_type_says_and_clear_of_the_floor(name: str) -> None:
    robot = load_robot_type(name)
    model = load_robot_model(robot)
    assert model.radius == robot.radius
    assert model.height - model.length / 2 > 0.01
    assert all(abs(wheel.offset) < model.radius for wheel in model.wheels)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<robot", "cannot be read as URDF"),
        ("<robot name='x'/>", "base_link"),
        ("<robot name='x'><link name='base_link'/></robot>", "inertial/mass of base_link"),
        (
            "<robot name='x'><link name='base_link'><inertial><mass value='heavy'/></inertial></link></robot>",
            "heavy",
        ),
    ],
)
def test_what_is_no_robot_model_is_refused_with_the_file_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    path = tmp_path / "tinybot.urdf"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(robot_model, "resource", lambda *_, **__: path)
    with pytest.raises(InputError, match=reason) as error:
        load_robot_model(load_robot_type("tinybot"))
    assert str(path) in str(error.value)


def test_a_type_without_a_model_is_refused() -> None:
    nobody: RobotType = load_robot_type("tinybot").model_copy(update={"name": "nobody"})
    with pytest.raises(InputError, match="unknown robot model 'nobody'"):
        load_robot_model(nobody)
