"""Robot models: the bodies and wheels that the URDFs describe."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.resources import available
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.simulation.physics import robot_model
from ewm_ros.simulation.physics.robot_model import load_robot_model, load_robot_visuals


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


@pytest.mark.parametrize("name", available("models/robots", ".urdf"))
def test_looks_lie_within_the_robot_and_have_a_part_in_its_own_colour(name: str) -> None:
    robot = load_robot_type(name)
    visuals = load_robot_visuals(robot)
    assert {"tint", "dark"} <= {visual.material for visual in visuals}
    for visual in visuals:
        x, y, z = visual.place[:3, 3]
        assert math.hypot(x, y) < robot.radius
        assert 0.0 < z < 0.5


def test_looks_are_where_joints_and_origins_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tinybot.urdf"
    path.write_text(
        """<robot name='x'>
          <material name='red'><color rgba='1 0 0 1'/></material>
          <link name='base'/>
          <joint name='a' type='fixed'><parent link='base'/><child link='arm'/>
            <origin xyz='1 0 0' rpy='0 0 1.5707963267948966'/></joint>
          <link name='arm'/>
          <joint name='h' type='fixed'><parent link='arm'/><child link='hand'/><origin xyz='2 0 0'/></joint>
          <link name='hand'><visual>
            <origin xyz='0 0 3' rpy='1.5707963267948966 0 0'/>
            <geometry><cylinder radius='0.1' length='0.5'/></geometry><material name='red'/>
          </visual></link>
        </robot>""",
        encoding="utf-8",
    )
    monkeypatch.setattr(robot_model, "resource", lambda *_, **__: path)
    (visual,) = load_robot_visuals(load_robot_type("tinybot"))
    assert (visual.shape, visual.size, visual.colour) == ("cylinder", (0.1, 0.5), (1.0, 0.0, 0.0))
    assert visual.place[:3, 3] == pytest.approx([1.0, 2.0, 3.0])
    assert visual.place[:3, 2] == pytest.approx([1.0, 0.0, 0.0])  # its axis: first down to -y, then turned by the arm


@pytest.mark.parametrize(
    ("visual", "reason"),
    [
        ("<geometry><mesh filename='robot.dae'/></geometry><material name='red'/>", "a box, cylinder, sphere"),
        ("<geometry><sphere radius='0.1'/></geometry>", "material of visual"),
        ("<geometry><sphere radius='0.1'/></geometry><material name='blue'/>", "'blue'"),
        ("<geometry><box size='1 1 wide'/></geometry><material name='red'/>", "wide"),
    ],
)
def test_looks_that_cannot_be_drawn_are_refused_with_the_file_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visual: str, reason: str
) -> None:
    path = tmp_path / "tinybot.urdf"
    colour = "<material name='red'><color rgba='1 0 0 1'/></material>"
    path.write_text(f"<robot name='x'>{colour}<link name='a'><visual>{visual}</visual></link></robot>")
    monkeypatch.setattr(robot_model, "resource", lambda *_, **__: path)
    with pytest.raises(InputError, match=reason) as error:
        load_robot_visuals(load_robot_type("tinybot"))
    assert str(path) in str(error.value)
