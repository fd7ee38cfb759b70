"""`ewm worlds check` and `make` as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ewm_ros.cli.app import main
from ewm_ros.simulation.worlds.procedural import procedural_world
from ewm_ros.simulation.worlds.world_file import load_world

Capture = pytest.CaptureFixture[str]


def test_a_world_from_a_seed_is_printed_as_a_file(tmp_path: Path, capfd: Capture) -> None:
    assert main(["worlds", "make", "--seed", "1000003"]) == 0
    path = tmp_path / "made.yaml"
    path.write_text(capfd.readouterr().out, encoding="utf-8")
    assert load_world(str(path)) == procedural_world(1000003)


def test_or_written_to_one(tmp_path: Path, capfd: Capture) -> None:
    path = tmp_path / "made.yaml"
    assert main(["worlds", "make", "--seed", "1000004", "--out", str(path)]) == 0
    assert str(path) in capfd.readouterr().out
    assert main(["worlds", "check", str(path)]) == 0
    assert "fine, 3 to 10 robots" in capfd.readouterr().out


def test_with_json_there_is_one_object(tmp_path: Path, capfd: Capture) -> None:
    path = tmp_path / "made.yaml"
    assert main(["worlds", "make", "--seed", "1000003", "--out", str(path), "--json"]) == 0
    made = json.loads(capfd.readouterr().out)
    assert (made["file"], made["name"], made["yaml"]) == (str(path), "procedural-1000003", path.read_text())
    assert main(["worlds", "check", str(path), "--json"]) == 0
    checked = json.loads(capfd.readouterr().out)
    assert checked == {key: value for key, value in made.items() if key != "yaml"}
    assert checked["robots"]["max"] == 10


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["make"], "--seed"),
        (["make", "--seed", "7"], "world 'procedural-7': seeds of procedural worlds are 1000000 to 999999999999999999"),
        (["make", "--seed", "-1"], "seeds of procedural worlds are 1000000 to 999999999999999999"),
        (["make", "--seed", "1000003", "--out", "/dev/null/x.yaml"], "--out /dev/null/x.yaml: Not a directory"),
        (["check", "procedural-7"], "seeds of procedural worlds are 1000000 to 999999999999999999"),
        (["check", "/dev/zero"], "world file '/dev/zero' is not a regular file"),
    ],
)
def test_mistakes_are_one_line(args: list[str], complaint: str, capfd: Capture) -> None:
    assert main(["worlds", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert complaint in err
    assert len(err.splitlines()) == 1


def test_a_world_whose_regions_are_too_small_for_its_most_robots_is_refused(tmp_path: Path, capfd: Capture) -> None:
    path = tmp_path / "crammed.yaml"
    path.write_text(
        "name: crammed\nbounds: {x: [0, 8], y: [0, 6]}\nrobots:\n  model: tinybot\n"
        "  count: {min: 1, max: 9, default: 2}\n  starts: {regions: [[[0, 0], [2.5, 2]]]}\n"
        "  goals: {regions: [[[0, 0], [8, 6]]]}\n"
    )
    assert main(["worlds", "check", str(path)]) == 2
    assert "world 'crammed': robots.starts: no room for robot_" in capfd.readouterr().err
