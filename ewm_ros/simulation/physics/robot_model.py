"""Robot models: what models/robots/<type>.urdf says about a robot's body, its wheels and its looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.resources import resource
from ewm_ros.robot_type import RobotType

Vector = tuple[float, float, float]

SIZES = {"box": ("size",), "cylinder": ("radius", "length"), "sphere": ("radius",)}  # of the shapes that can be drawn


@dataclass(frozen=True, slots=True)
class Wheel:
    """A driven wheel: the joint that turns it, its place beside the middle (m, left is positive), its radius in m."""

    joint: str
    offset: float
    radius: float


@dataclass(frozen=True, slots=True)
class RobotModel:
    """The round body of a robot, and its wheels.

    Attributes:
        radius, length: m, of the upright cylinder that collides.
        height: m, of the middle of that cylinder above the floor.
        mass: kg, of the whole robot.
        inertia: kg m^2 about the axes of base_link, scaled from that link to the whole robot by mass.
        mass_height: m, of the centre of mass of base_link.
        wheels: all driven wheels.
    """

    path: Path
    radius: float
    length: float
    height: float
    mass: float
    inertia: Vector
    mass_height: float
    wheels: tuple[Wheel, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Visual:
    """Something to be seen of a robot.

    Attributes:
        shape: "box", "cylinder" or "sphere".
        size: m; sides along x, y and z, or radius and length, or radius.
        place: (4, 4), rotation and translation (m), of its middle in the frame of the robot, wheels unturned.
        material: as the URDF names it.
        colour: red, green, blue, each 0 to 1.
    """

    shape: str
    size: tuple[float, ...]
    place: FloatArray
    material: str
    colour: Vector


def load_robot_model(robot_type: RobotType) -> RobotModel:
    """The model of a robot type.

    Raises:
        InputError: models/robots has no URDF of this type, or one without what a simulation needs.
    """
    return _parse(resource("models/robots", robot_type.name, ".urdf", kind="robot model"))


def load_robot_visuals(robot_type: RobotType) -> tuple[Visual, ...]:
    """What is to be seen of a robot type.

    Raises:
        InputError: models/robots has no URDF of this type, or one with visuals of unknown shape or material.
    """
    return _parse_visuals(resource("models/robots", robot_type.name, ".urdf", kind="robot model"))


@lru_cache(maxsize=32)
def _parse(path: Path) -> RobotModel:
    try:
        robot = ElementTree.parse(path).getroot()
        links = {link.attrib["name"]: link for link in robot.iter("link")}
        base = links["base_link"]
        mass = _number(base, "inertial/mass", "value")
        whole = sum(_number(link, "inertial/mass", "value") for link in links.values())
        collision = _child(base, "collision")
        ixx, iyy, izz = (_number(base, "inertial/inertia", axis) for axis in ("ixx", "iyy", "izz"))
        return RobotModel(
            path=path,
            radius=_number(collision, "geometry/cylinder", "radius"),
            length=_number(collision, "geometry/cylinder", "length"),
            height=_origin(collision)[2],
            mass=whole,
            inertia=(ixx * whole / mass, iyy * whole / mass, izz * whole / mass),
            mass_height=_origin(_child(base, "inertial"))[2],
            wheels=tuple(_wheel(j, links) for j in robot.iter("joint") if j.get("type") == "continuous"),
        )
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: cannot be read as URDF ({error})") from error
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: {error} is missing or not what a robot model needs") from error


@lru_cache(maxsize=32)
def _parse_visuals(path: Path) -> tuple[Visual, ...]:
    try:
        robot = ElementTree.parse(path).getroot()
        joints = {_child(joint, "child").attrib["link"]: joint for joint in robot.iter("joint")}
        colours = {
            material.attrib["name"]: _numbers(_child(material, "color").attrib["rgba"])[:3]
            for material in robot.iter("material")
            if material.find("color") is not None
        }
        return tuple(
            _visual(visual, _place_of(link.attrib["name"], joints), colours)
            for link in robot.iter("link")
            for visual in link.iter("visual")
        )
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: cannot be read as URDF ({error})") from error
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: {error} is missing or not what a robot's looks need") from error


def _visual(visual: ElementTree.Element, link: FloatArray, colours: dict[str, tuple[float, ...]]) -> Visual:
    geometry = _child(visual, "geometry")
    found = next((geometry.find(shape) for shape in SIZES if geometry.find(shape) is not None), None)
    if found is None:
        raise KeyError(f"a {', '.join(SIZES)} as visual/geometry")
    material = _child(visual, "material").attrib["name"]
    red, green, blue = colours[material]
    size = tuple(value for name in SIZES[found.tag] for value in _numbers(found.attrib[name]))
    return Visual(found.tag, size, link @ _placed(visual), material, (red, green, blue))


def _place_of(link: str, joints: dict[str, ElementTree.Element]) -> FloatArray:
    """Where a link is in the frame of the robot, (4, 4), with all joints at zero."""
    if link not in joints:
        return np.eye(4)
    joint = joints[link]
    return _place_of(_child(joint, "parent").attrib["link"], joints) @ _placed(joint)


def _placed(element: ElementTree.Element) -> FloatArray:
    """What the origin of an element says, as (4, 4): turned about x, then y, then z, and moved."""
    origin = element.find("origin")
    roll, pitch, yaw = _numbers(origin.get("rpy", "0 0 0") if origin is not None else "0 0 0")
    place = np.eye(4)
    for axis, angle in ((0, roll), (1, pitch), (2, yaw)):
        c, s, turn = math.cos(angle), math.sin(angle), np.eye(4)
        b, d = (axis + 1) % 3, (axis + 2) % 3
        turn[b, b], turn[b, d], turn[d, b], turn[d, d] = c, -s, s, c
        place = turn @ place
    place[:3, 3] = _origin(element)
    return place


def _wheel(joint: ElementTree.Element, links: dict[str, ElementTree.Element]) -> Wheel:
    link = links[_child(joint, "child").attrib["link"]]
    return Wheel(joint.attrib["name"], _origin(joint)[1], _number(link, "collision/geometry/cylinder", "radius"))


def _child(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise KeyError(f"{path} of {element.get('name', element.tag)}")
    return found


def _number(element: ElementTree.Element, path: str, attribute: str) -> float:
    return float(_child(element, path).attrib[attribute])


def _origin(element: ElementTree.Element) -> Vector:
    origin = element.find("origin")
    x, y, z = _numbers(origin.get("xyz", "0 0 0") if origin is not None else "0 0 0")
    return x, y, z


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split())
