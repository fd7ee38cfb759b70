"""Lane graphs: the shipped scenes, shortest ways, and files that somebody got wrong."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.lane_graph import LaneGraph, load_lane_graph

SMALL = """
name: small
distance: 0.8
drive: {max_speed: 0.5, max_acceleration: 0.75, max_turn_rate: 0.6, max_turn_acceleration: 2.0}
vertices:
  - {x: 0, y: 0, holding: true}
  - {x: 4, y: 0, holding: false}
  - {x: 0, y: 9, holding: true}
  - {x: 4, y: 3, holding: true}
lanes: [[0, 1], [1, 3], [0, 2], [2, 3]]
robots:
  - {start: 0, yaw: 0.0, goal: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "small.yaml"


@pytest.mark.parametrize("scene", ["intersection", "doorway"])
def test_the_scenes_of_the_comparison_are_shipped_whole(scene: str) -> None:
    graph = load_lane_graph(scene)
    assert graph.name == scene
    assert len(graph.robots) == 10
    assert graph.distance == 0.8
    measured = {(run.mode, run.robots) for run in graph.open_rmf if run.ms is not None}
    for robots in range(2, 11):
        assert ("default", robots) in measured or ("leeway_10", robots) in measured
    for task in graph.robots:
        way = graph.route(task.start, task.goal)
        assert (way[0], way[-1]) == (task.start, task.goal)
        assert set(pairwise(way)) <= set(graph.lanes)
        assert graph.vertices[task.start].holding


def test_the_shortest_way_follows_the_lanes(file: Path) -> None:
    file.write_text(SMALL)
    graph = load_lane_graph(str(file))
    assert graph.route(0, 3) == (0, 1, 3)
    assert graph.route(2, 3) == (2, 3)
    assert graph.route(1, 1) == (1,)


def test_no_way_back_on_one_way_lanes(file: Path) -> None:
    file.write_text(SMALL)
    with pytest.raises(InputError, match="no way along lanes from vertex 3 to vertex 0"):
        load_lane_graph(str(file)).route(3, 0)


@pytest.mark.parametrize(
    ("wrong", "right", "culprit"),
    [
        ("[2, 3]]", "[2, 4]]", "no vertex 4"),
        ("goal: 3", "goal: 7", "no vertex 7"),
        ("distance: 0.8", "distance: 0", "distance"),
        ("x: 4, y: 0", "x: .nan, y: 0", "vertices.1.x"),
        ("holding: false", "holding: maybe", "vertices.1.holding"),
        ("name: small", "", "name"),
    ],
)
def test_a_mistake_in_a_file_is_named(file: Path, wrong: str, right: str, culprit: str) -> None:
    # The first of each pair is what is there, the second the mistake.
    assert wrong in SMALL
    file.write_text(SMALL.replace(wrong, right))
    with pytest.raises(InputError, match=culprit) as refused:
        load_lane_graph(str(file))
    assert "small.yaml" in str(refused.value)


def test_an_unknown_scene_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="unknown scene 'mars': there are doorway, intersection"):
        load_lane_graph("mars")


def test_a_graph_is_plain_data() -> None:
    graph = load_lane_graph("doorway")
    assert LaneGraph.model_validate(graph.model_dump()) == graph
