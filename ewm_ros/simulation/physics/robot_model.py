"""Robot models: what models/robots/<type>.urdf says about a robot's body and its wheels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from ewm_ros.errors import InputError
from ewm_ros.resources import resource
from ewm_ros.robot_type import RobotType

Vector = tuple[float, float, float]


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


def load_robot_model(robot_type: RobotType) -> RobotModel:
    """The model of a robot type.

    Raises:
        InputError: models/robots has no URDF of this type, or one without what a simulation needs.
    """
    return _parse(resource("models/robots", robot_type.name, ".urdf", kind="robot model"))


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
    x, y, z = (origin.get("xyz", "0 0 0") if origin is not None else "0 0 0").split()
    return float(x), float(y), float(z)
