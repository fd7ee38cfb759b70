"""Plots of a run: one SVG for each thing that the bag holds, and every robot in them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.conflict_figures import ConflictFigures
from ewm_ros.evaluation.figures.evaluation_plots import PLOTS, check_plots, plot_evaluation
from ewm_ros.evaluation.figures.link_figures import LinkFigures
from ewm_ros.evaluation.figures.run_traces import RunTraces
from ewm_ros.evaluation.plots import save
from ewm_ros.occupancy_grid import OccupancyGrid

pytest.importorskip("matplotlib")

HALL = OccupancyGrid(0.5, (-5.0, -5.0), np.pad(np.zeros((18, 18), dtype=np.bool_), 1, constant_values=True))
KNOWN: dict[str, Any] = {
    "world": "hall",
    "robots": 2,
    "world_model": {"ade_m": {"1s": 0.02, "3s": 0.07, "5s": 0.13}, "fde_m": 0.3, "coverage": {"50": None, "90": 0.9}},
}
UNKNOWN = {"ade_m": dict.fromkeys(("1s", "3s", "5s")), "fde_m": None, "coverage": dict.fromkeys(("50", "90"))}


def run(robots: Sequence[str], grid: OccupancyGrid | None = HALL) -> RunTraces:
    """All drive side by side for 10 s, the first two so close that it is a near miss; the last one is heard late."""
    conflicts, link = ConflictFigures(robots, [0.2] * len(robots)), LinkFigures(robots)
    for k in range(100):
        places = np.array([[0.05 * k - 2.0, 0.45 * i - 2.0] for i in range(len(robots))])
        if k < 10:
            places[-1] = np.nan
        conflicts.poses(0.1 * k, places)
        link.message("/intentions", 50.0 + 0.1 * k, 95)
    conflicts.cycle(np.linspace(5.0, 80.0, 200).tolist())
    goals = {robot: ((3.0, 0.45 * i - 2.0),) for i, robot in enumerate(robots)}
    return RunTraces(conflicts.timeline(), conflicts.cycle_ms, link.traffic(), goals, grid)


def words(path: Path) -> set[str]:
    """The texts of an SVG: matplotlib keeps them as comments."""
    return set(re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8")))


def test_everything_that_is_known_is_drawn(tmp_path: Path) -> None:
    written, lacking = plot_evaluation(run(["robot_3", "ada"]), KNOWN, tmp_path)
    assert [path.name for path in written] == ["ways.svg", "gaps.svg", "cycle.svg", "foresight.svg", "traffic.svg"]
    assert lacking == []
    assert {"robot_3", "1 ada", "3", "1", "x (m)", "y (m)", "near miss (1)"} <= words(tmp_path / "ways.svg")
    assert {"gap (m)", "time (s)", "least: 0.05 m", "near miss (1)"} <= words(tmp_path / "gaps.svg")
    assert {"p50: 42.5 ms", "p99: 79.2 ms", "share of cycles"} <= words(tmp_path / "cycle.svg")
    assert {"mean error of the plan (m)", "0.02", "0.30", "90 %"} <= words(tmp_path / "foresight.svg")
    assert {"kB/s", "intentions", "all topics"} <= words(tmp_path / "traffic.svg")


def test_what_the_bag_does_not_hold_is_not_drawn(tmp_path: Path) -> None:
    conflicts = ConflictFigures(["ada"], [0.2])
    traces = RunTraces(conflicts.timeline(), conflicts.cycle_ms, LinkFigures(["ada"]).traffic(), {}, None)
    assert plot_evaluation(traces, {**KNOWN, "world": None, "world_model": UNKNOWN}, tmp_path) == ([], list(PLOTS))
    assert list(tmp_path.iterdir()) == []


def test_a_robot_that_drives_alone_without_a_map_or_a_goal_has_a_way_but_no_gap(tmp_path: Path) -> None:
    conflicts = ConflictFigures(["ada"], [0.2])
    for k in range(20):
        conflicts.poses(0.1 * k, np.array([[0.1 * k, 0.0]]))
    traces = RunTraces(conflicts.timeline(), conflicts.cycle_ms, LinkFigures(["ada"]).traffic(), {}, None)
    written, _ = plot_evaluation(traces, {**KNOWN, "world": None, "robots": 1, "world_model": UNKNOWN}, tmp_path)
    assert [path.name for path in written] == ["ways.svg"]
    assert "bag, 1 robots: from each number to its star" in words(written[0])


def test_of_many_robots_the_map_has_the_numbers_and_no_list_of_names(tmp_path: Path) -> None:
    figure = PLOTS["ways"](run([f"robot_{i}" for i in range(30)]), {**KNOWN, "robots": 30})
    assert figure is not None
    save(figure, tmp_path / "ways.svg")
    shown = words(tmp_path / "ways.svg")
    assert {"0", "29"} <= shown
    assert "robot_29" not in shown


def test_a_folder_that_cannot_be_is_found_out_before_the_work(tmp_path: Path) -> None:
    check_plots(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--plots .*file"):
        check_plots(tmp_path / "file")


def test_without_matplotlib_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"ewm-ros\[viz\]"):
        check_plots(tmp_path)
