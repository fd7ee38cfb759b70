"""The layouts for RViz, Foxglove and PlotJuggler show topics that exist, by fields that they have."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from ewm_ros.names import robot_name
from ewm_ros.nodes import topics

CONFIG = Path(__file__).parents[2] / "config"
TOPICS = {topic.name: topic for topic in topics.SHARED} | {
    own.name: own for k in range(10) for topic in topics.ROBOT for own in [topic.under(robot_name(k))]
}
# What a display of RViz takes.
DISPLAYS = {
    "Map": "nav_msgs/msg/OccupancyGrid",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
    "Path": "nav_msgs/msg/Path",
    "Odometry": "nav_msgs/msg/Odometry",
    "SetGoal": "geometry_msgs/msg/PoseStamped",
}


def field_of(kind: Any, path: list[str]) -> None:
    """Fail unless a message type has the field at the end of this path of names."""
    for name in path:
        fields = kind.get_fields_and_field_types()
        assert name in fields, f"{kind.__name__} has no {name}"
        own = re.sub(r"^sequence<(.*?)(, \d+)?>$", r"\1", fields[name])
        if "/" in own:
            package, _, short = own.partition("/")
            kind = getattr(importlib.import_module(f"{package}.msg"), short)


def rviz_displays(tree: Any) -> Iterator[dict[str, Any]]:
    """Displays and tools, those in groups too, that have a topic."""
    if isinstance(tree, dict):
        if "Class" in tree and "Topic" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from rviz_displays(part)


def test_rviz_reads_each_topic_as_what_it_is_with_a_quality_of_service_that_is_offered() -> None:
    layout = yaml.safe_load((CONFIG / "rviz" / "ewm.rviz").read_text(encoding="utf-8"))
    assert layout["Visualization Manager"]["Global Options"]["Fixed Frame"] == "map"
    shown = list(rviz_displays(layout))
    for display in shown:
        topic, asked = TOPICS[display["Topic"]["Value"]], display["Topic"]
        assert DISPLAYS[display["Class"].partition("/")[2]] == topic.type_name
        assert topic.qos.reliable or asked["Reliability Policy"] == "Best Effort", topic.name
        assert topic.qos.latched == (asked["Durability Policy"] == "Transient Local") or display["Class"].endswith(
            "Goal"
        )
    per_robot = {f"/{robot_name(k)}/{name}" for k in range(10) for name in ("odom", "plan", "imagined")}
    assert {display["Topic"]["Value"] for display in shown} == per_robot | {"/map", "/markers", "/robot_0/goal_pose"}


def foxglove_paths(tree: Any) -> Iterator[str]:
    """Message paths of a layout, e.g. /robot_0/odom.twist.twist.linear.x."""
    if isinstance(tree, dict):
        for key, part in tree.items():
            if isinstance(part, str) and part.startswith("/") and key in ("value", "topicPath", "topicToRender"):
                yield part
            yield from foxglove_paths(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from foxglove_paths(part)


def test_foxglove_reads_topics_that_exist_by_fields_that_they_have() -> None:
    layout = json.loads((CONFIG / "foxglove" / "ewm.json").read_text(encoding="utf-8"))
    world = layout["configById"]["3D!world"]
    assert set(world["topics"]) <= set(TOPICS)
    assert world["publish"]["poseTopic"] in TOPICS
    paths = list(foxglove_paths(layout))
    assert len(paths) > 20
    for path in paths:
        topic, *fields = re.sub(r"\[:\]|\{.*?\}", "", path).split(".")
        field_of(TOPICS[topic].type, fields)


def test_foxglove_shows_every_panel_that_is_set_up() -> None:
    layout = json.loads((CONFIG / "foxglove" / "ewm.json").read_text(encoding="utf-8"))
    shown = re.findall(r'"(?:first|second)": "([^"]+)"', json.dumps(layout["layout"]))
    assert sorted(shown) == sorted(layout["configById"])


def plotted() -> list[str]:
    """Names of the curves' data."""
    tree = ElementTree.parse(CONFIG / "plotjuggler" / "ewm.xml")
    found = []
    for curve in tree.iter("curve"):
        found += [curve.attrib[key] for key in ("curve_x", "curve_y") if key in curve.attrib] or [curve.attrib["name"]]
    return found


@pytest.mark.parametrize("name", plotted())
def test_plotjuggler_plots_numbers_of_topics_that_exist(name: str) -> None:
    (topic,) = [known for known in TOPICS if name.startswith(f"{known}/")]
    field_of(TOPICS[topic].type, name.removeprefix(f"{topic}/").split("/"))


def test_plotjugglers_splitters_have_as_many_parts_as_they_say() -> None:
    for splitter in ElementTree.parse(CONFIG / "plotjuggler" / "ewm.xml").iter("DockSplitter"):
        assert len(splitter) == int(splitter.attrib["count"]) == len(splitter.attrib["sizes"].split(";"))
