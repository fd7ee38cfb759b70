"""The worlds that docs/worlds.md builds are worlds, and what it says is refused is refused in those words."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world, parse_world
from ewm_ros.yaml_files import MAX_BYTES, MAX_DEPTH, MAX_VALUES

GUIDE = (Path(__file__).parents[3] / "docs" / "worlds.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]
FIRST, THINGS, PEOPLE, REGIONS, FACTS, ALLOCATE, DELIVER, _ = BLOCKS  # the last one is of dilemmas: three of a key
Content = dict[str, Any]


@pytest.fixture
def yard() -> Content:
    """The guide's world before the other tasks are explained, its goals in a list."""
    return copy.deepcopy({**FIRST, **THINGS, **PEOPLE})


def complaint(content: Content) -> str:
    with pytest.raises(InputError) as caught:
        parse_world(content, "yard.yaml")
    return str(caught.value)


def test_the_guides_world_can_be_built_step_by_step() -> None:
    content = copy.deepcopy(FIRST)
    for block in (THINGS, PEOPLE):
        make_scenario(parse_world(content, "yard.yaml"), 3, 0)
        content.update(block)
    assert len(make_scenario(parse_world(content, "yard.yaml"), 3, 0).people) == 1
    content["robots"].update(REGIONS)
    content.update(FACTS)
    assert make_scenario(parse_world(content, "yard.yaml"), 3, 0).time_limit == 90.0


def test_it_can_be_given_the_other_tasks(yard: Content) -> None:
    allocate = make_scenario(parse_world({**yard, **ALLOCATE}, "yard.yaml"), 3, 0)
    assert (allocate.task, allocate.view, len(allocate.goals)) == ("allocate", 2.5, 3)
    del yard["robots"]["goals"]
    deliver = make_scenario(parse_world({**yard, **DELIVER}, "yard.yaml"), 3, 0)
    assert (deliver.task, deliver.goals, deliver.time_limit) == ("deliver", (), 300.0)


def test_what_the_guide_says_is_refused_is_refused_in_those_words(yard: Content) -> None:
    shown = set(re.findall(r"^    (yard\.yaml: .*)$", GUIDE, re.MULTILINE))
    in_wall, few_goals, walled_off, crossing, colour = (copy.deepcopy(yard) for _ in range(5))
    in_wall["robots"]["starts"][1] = [0, 0, 0]
    few_goals["robots"]["goals"].pop()
    walled_off["walls"].append({"center": [2.5, 0], "size": [0.2, 8]})
    walled_off["people"] = []
    crossing["people"][0]["path"] = [[-3, 3], [3, -3]]
    colour["walls"][0]["colour"] = "red"
    said = {complaint(content) for content in (in_wall, few_goals, walled_off, crossing, colour)}
    assert said <= shown
    assert len(said) == len(shown) - 1  # all but the key that is there twice, which no mapping can hold


def test_the_key_that_is_there_twice_is_refused_so_too(tmp_path: Path) -> None:
    path = tmp_path / "yard.yaml"
    path.write_text("name: yard\nwalls: []\nwalls: []\n")
    with pytest.raises(InputError, match=r"yard\.yaml: walls: the key 'walls' is there twice \(line 3, column 1\)"):
        load_world(str(path))


def test_the_limits_are_those_of_the_code() -> None:
    assert f"at most {MAX_BYTES // 1024} KiB, {MAX_VALUES:,} values" in GUIDE
    assert f"and {MAX_DEPTH}\nlevels" in GUIDE
