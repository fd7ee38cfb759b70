"""World files are read strictly: every mistake is one line that names file, key and reason."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.world_file import load_world, parse_world
from ewm_ros.simulation.worlds.world_format import Regions

Content = dict[str, Any]

SITE: Content = {
    "name": "my-site",
    "description": "Everything that the format knows.",
    "bounds": {"x": [-8, 8], "y": [-5, 5]},
    "walls": [{"center": [0.0, 2.725], "size": [0.2, 4.55]}, {"center": [0, -2.7], "size": [0.2, 4.6], "yaw": 0.1}],
    "pillars": [{"center": [3.0, 1.0], "radius": 0.3}],
    "people": [{"path": [[-2, 2], [-2, -2]], "speed": 0.8, "radius": 0.25}],
    "robots": {
        "model": "tinybot",
        "count": {"min": 1, "max": 3, "default": 2},
        "starts": [[-6, 3, 0.0], [6, 3, 3.1416], [-6, 1, 0]],
        "goals": [[6, -3], [-6, -3], [6, -1]],
    },
    "task": "reach",
    "time_limit": 120,
    "roles": [{"robot": 2, "carries": "blood samples"}],
    "rules": ["Robots carrying medicine or blood samples pass first."],
    "expected": {"first": "robot_2"},
}


def changed(path: str, value: object) -> Content:
    """The site with one key set, or removed (value None)."""
    content = copy.deepcopy(SITE)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = content
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def complaint(content: object) -> str:
    with pytest.raises(InputError) as caught:
        parse_world(content, "site.yaml")
    line = str(caught.value)
    assert line.startswith("site.yaml: ")
    assert "\n" not in line
    return line.removeprefix("site.yaml: ")


def test_the_whole_format_is_accepted() -> None:
    world = parse_world(SITE, "site.yaml")
    assert [box.name for box in world.boxes[:3]] == ["wall_0", "wall_1", "border_west"]
    assert world.walls[1].yaw == 0.1
    assert world.robots.model_of(2) == "tinybot"
    assert world.roles[0].model_extra == {"carries": "blood samples"}
    assert world.people[0].speed == 0.8


def test_allocation_and_delivery_are_accepted() -> None:
    assert parse_world({**SITE, "task": "allocate", "view": 3.0}, "site.yaml").view == 3.0
    stations = {"pick": [[-6, 0]], "drop": [[6, 0]]}
    robots = {key: value for key, value in SITE["robots"].items() if key != "goals"}
    world = parse_world({**SITE, "task": "deliver", "stations": stations, "robots": robots}, "site.yaml")
    assert world.stations is not None
    assert world.stations.drop == ((6.0, 0.0),)


def test_starts_and_goals_may_be_regions() -> None:
    region = {"regions": [[[-7, -4], [-1, 4]]], "clearance": 0.2}
    world = parse_world(changed("robots.starts", region), "site.yaml")
    assert isinstance(world.robots.starts, Regions)
    assert world.robots.starts.clearance == 0.2


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("colour", "red", "colour: Extra inputs are not permitted"),
        ("walls.0.colour", "red", "walls.0.colour: Extra inputs"),
        ("two\nlines", 1, "two\\nlines: Extra inputs"),
        ("bounds.z", [0, 1], "bounds.z: "),
        ("name", None, "name: Field required"),
        ("name", "My site!", "name: String should match"),
        ("name", "../x", "name: "),
        ("bounds.x", [3, -3], "bounds.x: must be [from, to]"),
        ("bounds.x", [-1e9, 1e9], "bounds.x: must be [from, to]"),
        ("bounds", {"x": [0, 150], "y": [0, 150]}, "bounds: the floor has 22500 m^2, at most 5000 m^2"),
        ("bounds.y", [0, float("nan")], "bounds.y.1: Input should be a finite number"),
        ("walls.1.size", [0.2, float("inf")], "walls.1.size.1: Input should be a finite number"),
        ("walls.1.size", [0.2, 0.0], "walls.1.size.1: Input should be greater than 0"),
        ("walls.1.size", [0.2, "1.0"], "walls.1.size.1: Input should be a valid number"),
        ("pillars.0.radius", True, "pillars.0.radius: Input should be a valid number"),
        ("people.0.path", [[0, 0]], "people.0.path: Tuple should have at least 2 items"),
        ("people.0.path", [[-2, 2], [0, 2]], "people.0.path.1: (0, 2) lies inside wall_0"),
        ("people.0.path", [[-2, 2], [2, 2]], "people.0.path.1: the way to (2, 2) crosses wall_0"),
        ("people.0.path", [[2, 2], [4, 1]], "people.0.path.1: the way to (4, 1) passes pillar_0 at 0.15 m"),
        ("people.0.path", [[3, 2], [3, 2]], "people.0.path: has no length"),
        ("robots.count.default", 5, "robots.count: must have min <= default <= max"),
        ("robots.count.max", 101, "robots.count.max: Input should be less than or equal to 100"),
        ("robots.count.min", 0, "robots.count.min: Input should be greater than or equal to 1"),
        ("robots.count.max", 4, "robots.starts: 3 given for up to 4 robots"),
        ("robots.goals", [[6, -3], [-6, -3]], "robots.goals: 2 given for up to 3 robots"),
        ("robots.model", "tinybott", "robots.model: unknown robot type 'tinybott': there are "),
        ("robots.model", ["tinybot"], "robots.model: 1 types listed for up to 3 robots"),
        ("robots.starts.1", [6, 3], "robots.starts.1.2: Field required"),
        ("robots.starts.1", [6, 3, float("nan")], "robots.starts.1.2: Input should be a finite number"),
        ("robots.starts.1", [0, 3, 0], "robots.starts.1: (0, 3) lies inside wall_0"),
        ("robots.starts.1", [3.1, 1, 0], "robots.starts.1: (3.1, 1) lies inside pillar_0"),
        ("robots.starts.1", [9, 3, 0], "robots.starts.1: (9, 3) lies outside the floor"),
        ("robots.starts.1", [7.7, 3, 0], "robots.starts.1: (7.7, 3) is 0.30 m from border_east"),
        ("robots.starts.1", [-6, 2.4, 0], "robots.starts.1: is 0.60 m from robots.starts.0"),
        ("robots.goals.2", [0, -2], "robots.goals.2: (0, -2) lies inside wall_1"),
        ("robots.goals.2", [6, -2.5], "robots.goals.2: is 0.50 m from robots.goals.0"),
        ("robots.goals", {"regions": [[[0, 0], [9, 1]]]}, "robots.goals.regions.0: reaches outside the floor"),
        ("robots.goals", {"regions": [[[1, 0], [0, 1]]]}, "robots.goals: region 0 must be"),
        ("robots.goals", {"regions": [], "clearance": 0.1}, "robots.goals.regions: "),
        ("robots.goals", {"regions": [[[0, 0], [1, 1]]], "clearance": -1}, "robots.goals.clearance: "),
        ("robots.goals", None, "robots.goals: the task reach needs them"),
        ("task", "dance", "task: Input should be 'reach', 'allocate' or 'deliver'"),
        ("task", "deliver", "stations: the task deliver needs them"),
        ("stations", {"pick": [[1, 1]], "drop": [[2, 2]]}, "stations: the task reach has none"),
        ("view", 3.0, "view: the task reach has none"),
        ("time_limit", 0, "time_limit: Input should be greater than 0"),
        ("roles.0.robot", 3, "roles.0.robot: there is no robot 3"),
        ("rules", ["one\ntwo"], "rules.0: String should match"),
        ("rules", [""], "rules.0: String should have at least 1 character"),
    ],
)
def test_each_mistake_is_named(path: str, value: object, expected: str) -> None:
    assert complaint(changed(path, value)).startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "is empty"), ([SITE], "must be keys and values, not a list"), ("doorway", "must be keys and values")],
)
def test_files_without_keys_are_refused(content: object, expected: str) -> None:
    assert complaint(content).startswith(expected)


def test_a_file_by_path_works_wherever_a_name_does(tmp_path: Path) -> None:
    path = tmp_path / "my_site.yaml"
    path.write_text(yaml.safe_dump(SITE))
    assert load_world(str(path)) == parse_world(SITE, "site.yaml")


def test_unknown_worlds_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown world 'dorway': there are .*doorway"):
        load_world("dorway")
    with pytest.raises(InputError, match="does not exist"):
        load_world(str(tmp_path / "site.yaml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- name: a\n", "must be keys and values, not a list"),
        ('"two\\nlines": 1\n', "name: Field required"),
        ("robots:\n  count: {min: 1, max: 2, min: 3}\n", "robots.count.min: the key 'min' is there twice"),
        ("name: [1, 2", "not valid YAML at line"),
    ],
)
def test_files_that_hold_no_world_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_world(str(path))
    line = str(caught.value)
    assert line.startswith(f"{path}: {expected}")
    assert "\n" not in line


scalars = st.none() | st.booleans() | st.integers(-20, 20) | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
KEYS = [
    "name", "bounds", "bounds.x", "walls", "walls.0", "walls.0.center", "pillars.0", "people.0.path", "robots",
    "robots.model", "robots.count", "robots.starts", "robots.starts.0", "robots.goals", "robots.goals.1", "task",
    "time_limit", "roles", "roles.0", "rules", "expected", "view", "stations",
]  # fmt: skip


@given(path=st.sampled_from(KEYS), value=values.filter(lambda value: value is not None))
def test_whatever_stands_in_a_file_it_is_a_world_or_one_clear_line(path: str, value: object) -> None:
    try:
        world = parse_world(changed(path, value), "site.yaml")
    except InputError as error:
        assert str(error).startswith("site.yaml: ")
        assert "\n" not in str(error)
    else:
        assert world.bounds.x[0] < world.bounds.x[1]
