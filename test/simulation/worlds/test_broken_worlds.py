"""World files with mistakes, as people make them or as nobody should: each is refused with file, key and reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.resources import share
from ewm_ros.simulation.worlds.world_file import load_world

FOLDER = Path(__file__).parent / "broken_worlds"
SCRIPT = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()", "worlds", "check"]
NO_WAY = "cannot be reached from robots.starts.0 by robot 0, a tinybot, which needs gaps of 0.70 m"

REFUSALS = {
    "alias_of_itself": "walls.0: the alias *walls stands inside of what it repeats (line 4, column 5)",
    "allocation_cut_off": f"robots.goals.0: (4, -2) {NO_WAY}",
    "bomb": "e.0: more than 20000 values, those repeated by aliases included (line 6, column 8)",
    "duplicate_key": "name: the key 'name' is there twice (line 2, column 1)",
    "far_too_many_robots": "robots.count.max: Input should be less than or equal to 100",
    "gap_too_narrow": f"robots.goals.0: (4, -2) {NO_WAY}",
    "goal_regions_cut_off": "robots.goals: no place of the regions can be reached from robots.starts.0 by robot 0",
    "infinity": "bounds.y.1: Input should be a finite number",
    "missing_key": "robots.count: Field required",
    "nan": "robots.starts.1.2: Input should be a finite number",
    "negative_radius": "pillars.0.radius: Input should be greater than 0",
    "nested_without_end": "expected.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0: nested deeper",
    "no_stations": "stations: the task deliver needs them",
    "person_through_a_wall": "people.0.path.1: the way to (2, 2) crosses wall_0",
    "python_tag": "name: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed (line 1, column 7)",
    "robots_overlap": "robots.starts.1: is 0.40 m from robots.starts.0, the two robots would overlap",
    "role_of_nobody": "roles.0.robot: there is no robot 7, at most 2 robots take part",
    "start_in_a_wall": "robots.starts.1: (0.05, 2) lies inside wall_0",
    "start_outside": "robots.starts.1: (40, 2) lies outside the floor",
    "station_beside_a_station": "stations.drop.0: is 0.50 m from a pick-up station, which must be 0.6 m",
    "station_cut_off": f"stations.drop.1: (3, 0) {NO_WAY}",
    "tabs": "not valid YAML at line 7, column 1: found character that cannot start any token",
    "text_for_a_number": "walls.0.size.1: Input should be a valid number",
    "too_few_starts": "robots.starts: 2 given for up to 3 robots",
    "two_documents": "a second document begins (line 11, column 1)",
    "unknown_key": "robots.colour: Extra inputs are not permitted",
    "unknown_robot_type": "robots.model: unknown robot type 'roomba': there are ",
    "walled_off_goal": f"robots.goals.0: (4, -2) {NO_WAY}",
    "wrong_type": "bounds: Input should be a dictionary",
}  # fmt: skip


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_world(str(path))
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def test_every_file_is_in_the_list() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(REFUSALS)


@pytest.mark.parametrize("name", REFUSALS)
def test_each_is_refused_by_key_and_reason(name: str) -> None:
    assert complaint(FOLDER / f"{name}.yaml").startswith(REFUSALS[name])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; a world needs at least name, bounds and robots"),
        (b"- name: site\n", "must be keys and values, not a list"),
        (b"name: caf\xe9\n", "cannot be read (byte 9 is not UTF-8 text)"),
        (b"name: site\n" + b"# and so on\n" * 900_000, "is 10547 KiB large, at most 256 KiB are read"),
    ],
    ids=["empty", "a list", "latin-1", "10 MB"],
)
def test_what_is_no_world_at_all_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)
    assert complaint(path) == reason


@pytest.mark.parametrize("kind", ["folder", "FIFO", "device"])
def test_what_is_no_file_is_refused_without_waiting(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path = Path("/dev/zero")
    with pytest.raises(InputError, match=f"^world file '{path}' is not a regular file$"):
        load_world(str(path))


def test_a_robot_type_in_a_file_is_read_as_strictly(tmp_path: Path) -> None:
    robot = tmp_path / "cart.yaml"
    robot.write_text("name: cart\nradius: !!python/object/apply:os.getpid []\n")
    site = tmp_path / "site.yaml"
    text = (share() / "worlds" / "doorway.yaml").read_text(encoding="utf-8")
    site.write_text(text.replace("model: tinybot", f"model: {robot}"))
    assert complaint(site).startswith(f"robots.model: {robot}: radius: the tag ")


@pytest.mark.parametrize("name", ["bomb", "python_tag", "walled_off_goal", "tabs"])
def test_so_it_is_in_a_process_of_its_own(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    done = subprocess.run([*SCRIPT, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ewm: {path}: {REFUSALS[name]}")
    assert len(done.stderr.splitlines()) == 1


def test_a_fifo_that_nobody_writes_to_does_not_hold_a_process_up(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    os.mkfifo(path)
    done = subprocess.run([*SCRIPT, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, f"ewm: world file '{path}' is not a regular file\n")
