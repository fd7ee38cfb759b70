"""The world that docs/worlds.md builds is a world."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ewm_ros.errors import InputError
from ewm_ros.simulation.scenario import make_scenario
from ewm_ros.simulation.world_file import parse_world

GUIDE = Path(__file__).parents[2] / "docs" / "worlds.md"


def test_the_guides_world_can_be_built_step_by_step() -> None:
    first, things, regions, facts = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    content = yaml.safe_load(first)
    parse_world(content, "yard.yaml")
    content.update(yaml.safe_load(things))
    make_scenario(parse_world(content, "yard.yaml"), 3, 0)
    content["robots"].update(yaml.safe_load(regions))
    content.update(yaml.safe_load(facts))
    assert make_scenario(parse_world(content, "yard.yaml"), 3, 0).time_limit == 90.0
    content["robots"]["starts"][1] = [0, 0, 0]
    with pytest.raises(InputError, match=r"^yard\.yaml: robots\.starts\.1: \(0, 0\) lies inside wall_0$"):
        parse_world(content, "yard.yaml")
