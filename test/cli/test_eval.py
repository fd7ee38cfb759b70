"""`ewm eval` on a small bag of two robots that nobody simulated: Ada passes Bob so closely that it is a near miss."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_maker import TYPES, BagMaker
from rosbags.rosbag2 import StoragePlugin
from wire_values import intention, route

from ewm_ros import diagnostics_keys as keys
from ewm_ros.cli.app import main
from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag
from ewm_ros.evaluation.figures.flat_figures import flat_figures
from ewm_ros.geometry import Pose2D
from ewm_ros.messages import Directive, DirectiveSet
from ewm_ros.sensing import Odometry

Capture = pytest.CaptureFixture[str]
ADA, BOB = "ada", "bob"
STEPS = 70
DOCS = Path(__file__).parents[2] / "docs"


def made(type_name: str, **fields: Any) -> Any:
    return TYPES.types[type_name](**fields)


def header(stamp: float, frame: str = "map") -> Any:
    micros = round(stamp * 1e6)
    time = made("builtin_interfaces/msg/Time", sec=micros // 1_000_000, nanosec=micros % 1_000_000 * 1000)
    return made("std_msgs/msg/Header", stamp=time, frame_id=frame)


def conflicts(stamp: float, *regions: int) -> Any:
    """What the coordinator sees of the two: a place that they share."""
    places = np.array([1.0, 1.0], np.float32), np.array([2.0, 2.0], np.float32)
    told = [
        made(
            "ewm_ros/msg/Conflict",
            region=region, kind=0, robots=[ADA, BOB], enter=places[0], leave=places[1], x=0.0, y=0.0, holder="",
        )
        for region in regions
    ]  # fmt: skip
    return made("ewm_ros/msg/ConflictArray", header=header(stamp), conflicts=told)


def status(stamp: float, name: str, values: dict[str, str]) -> Any:
    pairs = [made("diagnostic_msgs/msg/KeyValue", key=key, value=value) for key, value in values.items()]
    one = made("diagnostic_msgs/msg/DiagnosticStatus", level=0, name=name, message="", hardware_id="", values=pairs)
    return made("diagnostic_msgs/msg/DiagnosticArray", header=header(stamp), status=[one])


def robot_status(robot: str, cycles: list[float]) -> tuple[str, dict[str, str]]:
    empty = dict.fromkeys((keys.STATE, keys.MODE, keys.GATE, keys.PREDICTOR, keys.OBSERVE_TO_INTENTION_MS), "")
    return keys.ROBOT_STATUS.format(robot=robot), {**empty, keys.CYCLE_MS: keys.join_samples(cycles)}


def floor_map() -> Any:
    origin = made(
        "geometry_msgs/msg/Pose",
        position=made("geometry_msgs/msg/Point", x=-5.0, y=-5.0, z=0.0),
        orientation=made("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
    )
    time = made("builtin_interfaces/msg/Time", sec=0, nanosec=0)
    info = made("nav_msgs/msg/MapMetaData", map_load_time=time, resolution=1.0, width=10, height=10, origin=origin)
    return made("nav_msgs/msg/OccupancyGrid", header=header(0.0), info=info, data=np.zeros(100, np.int8))


def record(folder: Path, storage: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """Ada drives 3.5 m past Bob, who stands with 5 cm between them; their conflict is told of until she is past."""
    with BagMaker(folder, storage) as bag:
        bag.write("/map", floor_map())
        bag.goal(f"/{ADA}", 1.4, 0.0)
        bag.route(route(ADA, [(-2.0, 0.0), (1.4, 0.0)]))
        bag.route(route(BOB, [(0.0, 0.65), (0.1, 0.65)]))
        bag.write("/conflicts", conflicts(0.0, 7))
        for k in range(STEPS):
            t, x = 0.1 * k, min(-2.0 + 0.05 * k, 1.4)
            for robot, place in ((ADA, (x, 0.0)), (BOB, (0.0, 0.65))):
                bag.odometry(f"/{robot}", Odometry(t, Pose2D(*place, 0.0), 0.5 if robot == ADA else 0.0, 0.0))
                if (robot, k) != (ADA, 20):  # one is lost
                    bag.intention(intention(robot, seq=k + 1, stamp=t, place=place))
            bag.directives(answers(t + 0.02, k + 1))
        bag.write("/conflicts", conflicts(6.5))
        bag.write("/diagnostics", status(7.0, *robot_status(ADA, [10.0, 20.0, 60.0])))
    return folder


def answers(stamp: float, seq: int) -> DirectiveSet:
    return DirectiveSet(9, seq, stamp, 1.0, tuple(Directive(robot, 1, seq, 1, 0.0) for robot in (ADA, BOB)))


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("bags") / "tuesday")


def printed(capfd: Capture, *args: str) -> Any:
    assert main(["eval", *args]) == 0
    return capfd.readouterr().out


def refused(capfd: Capture, *args: str) -> str:
    """The one line that says why not."""
    status = main(["eval", *args])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert re.fullmatch(r"ewm: [^\n]+\n", err), err
    return err


def test_the_figures_are_those_of_the_bag(bag: Path, capfd: Capture) -> None:
    figures = json.loads(printed(capfd, str(bag), "--json"))
    assert figures == evaluate_bag(bag).figures()
    assert (figures["robots"], figures["near_misses"], figures["collisions"]) == (2, 1, None)
    assert figures["fleet"]["minimum_separation_m"] == pytest.approx(0.05, abs=0.001)
    assert figures["communication"]["lost"] == {"count": 1, "share": 1 / (2 * STEPS)}
    assert figures["communication"]["intention_age_ms"]["p50"] == pytest.approx(20.0, abs=0.1)
    assert figures["coordinator"]["predicted"] == 1
    assert (figures["coordinator"]["resolved"], figures["coordinator"]["missed"]) == (0, 0)
    assert figures["coordinator"]["shares"] == {"solver": 1.0, "cache": 0.0, "model": 0.0}
    assert figures["cycle_ms"] == {"p50": 20.0, "p99": 59.2, "max": 60.0}
    assert figures["coordinator"]["cycle_ms"] == {"p50": 20.0, "p95": 56.0, "p99": 59.2}


def test_a_table_shows_them_by_what_they_are_about(bag: Path, capfd: Capture) -> None:
    assert main(["eval", str(bag)]) == 0
    out, err = capfd.readouterr()
    for words in ("fleet", "world model", "communication", "coordinator", "near_misses", "predicted", "p95 56"):
        assert words in out
    assert "/intentions" in out
    assert "collisions are not known" in err  # what a reader should know


def test_a_row_of_csv_has_a_name_for_every_figure(bag: Path, tmp_path: Path, capfd: Capture) -> None:
    file = tmp_path / "figures.csv"
    assert "near_misses" in printed(capfd, str(bag), "--csv", str(file))  # the table is printed all the same
    (row,) = csv.DictReader(file.open(encoding="utf-8"))
    flat = flat_figures(evaluate_bag(bag).figures())
    assert list(row) == list(flat)
    assert (row["near_misses"], row["collisions"], row["success"]) == ("1", "", str(flat["success"]).lower())
    assert (row["cycle_p95_ms"], row["lost_count"], row["minimum_separation_m"]) == ("56.0", "1", "0.05")


def test_several_bags_come_as_several_rows_or_as_a_list(bag: Path, tmp_path: Path, capfd: Capture) -> None:
    other = record(tmp_path / "wednesday", StoragePlugin.SQLITE3)
    rows = list(csv.DictReader(io.StringIO(printed(capfd, str(bag), str(other), "--csv", "-"))))
    assert [row["bag"] for row in rows] == [str(bag), str(other)]
    assert {**rows[0], "bag": ""} == {**rows[1], "bag": ""}
    told = json.loads(printed(capfd, str(bag), str(other), "--json"))
    assert [figures["bag"] for figures in told["bags"]] == [str(bag), str(other)]


def test_a_bag_may_be_named_by_its_metadata_or_by_its_only_file(bag: Path, capfd: Capture) -> None:
    whole = json.loads(printed(capfd, str(bag), "--json"))
    for name in ("metadata.yaml", "tuesday.mcap"):
        figures = json.loads(printed(capfd, str(bag / name), "--json"))
        assert {**figures, "bag": ""} == {**whole, "bag": ""}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("near_misses > 0", 1),
        ("missed > 0 or cycle_p99_ms > 100", 0),
        ("minimum_separation_m < 0.1 and lost_share > 0", 1),
        ("simulated", 0),
        ("not simulated and shares_solver == 1", 1),
    ],
)
def test_a_gate_fails_if_its_condition_holds(condition: str, expected: int, bag: Path, capfd: Capture) -> None:
    assert main(["eval", str(bag), "--fail-if", condition, "--json"]) == expected
    out, err = capfd.readouterr()
    assert json.loads(out)["robots"] == 2  # the figures are printed either way
    assert (condition in err) == bool(expected)
    assert not expected or f"{condition.split()[0]} is " in err or "simulated is False" in err


def test_a_gate_that_cannot_be_judged_is_not_passed(bag: Path, capfd: Capture) -> None:
    for condition, culprit in (
        ("near_misses > 5 or collisions > 0", "collisions is not known"),
        ("near_miss > 0", "close to it: near_misses"),
    ):
        assert main(["eval", str(bag), "--fail-if", condition, "--json"]) == 2
        assert culprit in capfd.readouterr().err.splitlines()[-1]


def test_what_is_drawn_lies_in_the_folder(bag: Path, tmp_path: Path, capfd: Capture) -> None:
    pytest.importorskip("matplotlib")
    assert main(["eval", str(bag), "--plots", str(tmp_path / "plots"), "--json"]) == 0
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "plots").iterdir()}
    assert drawn.keys() == {"ways", "gaps", "cycle", "foresight"}
    assert "near miss (1)" in drawn["ways"]
    assert "nothing to draw in traffic.svg" in capfd.readouterr().err  # it was recorded within a second


def test_mistakes_are_found_before_the_bags_are_read(bag: Path, tmp_path: Path, capfd: Capture) -> None:
    assert "--fail-if ''" in refused(capfd, str(bag), "--fail-if", "")
    assert "--csv is empty" in refused(capfd, str(bag), "--csv", "")
    assert "'near_misses >'" in refused(capfd, str(bag), "--fail-if", "near_misses >")
    assert "mars" in refused(capfd, str(bag), str(tmp_path / "mars"))
    assert "--csv" in refused(capfd, str(bag), "--json", "--csv", "-")
    assert "there is no folder" in refused(capfd, str(bag), "--csv", str(tmp_path / "no" / "figures.csv"))
    (tmp_path / "file").touch()
    assert "--plots" in refused(capfd, str(bag), "--plots", str(tmp_path / "file"))


def test_what_is_no_bag_of_a_fleet_is_refused_in_one_line(bag: Path, tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused(capfd, str(tmp_path / "empty"))
    torn = tmp_path / "torn.mcap"
    torn.write_bytes((bag / "tuesday.mcap").read_bytes()[:5000])
    assert str(torn) in refused(capfd, str(torn))


def test_every_figure_has_its_place_in_the_documentation(bag: Path) -> None:
    page = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(\w+)`", page))
    assert flat_figures(evaluate_bag(bag).figures()).keys() <= names
