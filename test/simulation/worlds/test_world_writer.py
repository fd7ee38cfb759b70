"""Worlds written as files are laid out as the shipped ones and read back equal."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.resources import available, share
from ewm_ros.simulation.worlds.world_file import load_world, parse_world
from ewm_ros.simulation.worlds.world_writer import world_text

HALL = {
    "name": "hall",
    "bounds": {"x": [-5, 5], "y": [-4, 4]},
    "walls": [{"center": [0, 0], "size": [1.0, 0.25], "yaw": 0.5}],
    "robots": {
        "model": "tinybot",
        "count": {"min": 1, "max": 2, "default": 2},
        "starts": [[-4, 2, 0], [-4, -2, 0.5]],
        "goals": {"regions": [[[2, -3], [4.5, 3]]]},
    },
}


def test_it_looks_like_this() -> None:
    assert world_text(parse_world(HALL, "hall.yaml")).splitlines() == [
        "name: hall",
        "bounds: {x: [-5, 5], y: [-4, 4]}",
        "walls:",
        "  - {center: [0, 0], size: [1, 0.25], yaw: 0.5}",
        "robots:",
        "  model: tinybot",
        "  count: {min: 1, max: 2, default: 2}",
        "  starts:",
        "    - [-4, 2, 0]",
        "    - [-4, -2, 0.5]",
        "  goals: {regions: [[[2, -3], [4.5, 3]]]}",
    ]


FOREIGN = sorted(map(str, (share() / "worlds" / "foreign").glob("*.yaml")))


@pytest.mark.parametrize("name", [*available("worlds", ".yaml"), *FOREIGN], ids=lambda name: Path(name).stem)
def test_all_worlds_are_read_back_as_they_were(name: str, tmp_path: Path) -> None:
    world = load_world(name)
    path = tmp_path / "copy.yaml"
    path.write_text(world_text(world), encoding="utf-8")
    assert load_world(str(path)) == world


text = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
facts = st.dictionaries(text, text | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False))


@given(
    description=text,
    rules=st.lists(text.filter(lambda rule: "\x85" not in rule)),
    expected=facts,
    view=st.floats(1e-9, 300.0),
)
def test_words_and_numbers_of_all_kinds_come_back(
    description: str, rules: list[str], expected: dict[str, object], view: float
) -> None:
    content = {
        **HALL,
        "task": "allocate",
        "description": description,
        "expected": expected,
        "view": view,
        "rules": rules,
    }
    world = parse_world(content, "hall.yaml")
    assert parse_world(yaml.safe_load(world_text(world)), "hall.yaml") == world
