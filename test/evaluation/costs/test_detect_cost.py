"""What conflicts cost to find: the figures say what was measured; how long it takes is for the machine to say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ewm_ros.coordination.conflict_detection import detect_conflicts
from ewm_ros.coordination.plan_grid import on_knots
from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs import detect_cost as module
from ewm_ros.evaluation.costs.detect_cost import detect_cost, drawn_plans
from ewm_ros.evaluation.plots import plot_detect_cost


def test_plans_last_5_s_on_10_square_metres_a_robot_and_are_those_of_tinybots() -> None:
    plans = drawn_plans(100, 51, seed=1)
    knots = np.stack([plan.knots for plan in plans])
    assert knots.shape == (100, 51, 4)
    assert (knots[:, 0, 0] == 0.0).all() and (knots[:, -1, 0] == 5.0).all()
    side = math.sqrt(1000.0)
    assert (knots[:, 0, 1:3] > 0.3).all() and (knots[:, 0, 1:3] < side - 0.3).all()
    assert np.ptp(knots[:, 0, 1:3], axis=0) == pytest.approx([side, side], abs=3.0)
    speeds = np.hypot(*np.diff(knots[..., 1:3], axis=1).T) / 0.1
    assert 0.45 < speeds.max() <= 0.5
    headings = np.arctan2(*np.diff(knots[..., 1:3], axis=1).T[::-1])
    turned = np.abs(np.unwrap(headings, axis=0)[-1] - headings[0])
    assert 1.5 < turned.max() <= 0.6 * 5.0


@pytest.mark.parametrize("robots", [1, 2, 7, 100])
def test_at_the_start_nobody_overlaps(robots: int) -> None:
    found = detect_conflicts(on_knots(drawn_plans(robots, 2, seed=2)))
    assert (found.time > 0.0).all()


def test_the_plans_are_those_of_the_seed_and_each_fleet_has_others() -> None:
    first, again, other, next_fleet = (
        drawn_plans(3, 6, seed, fleet)[2].knots for seed, fleet in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert first.tolist() == again.tolist()
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, next_fleet)
    assert drawn_plans(3, 6, 1)[0].knots[:, 3].tolist() == drawn_plans(4, 6, 1)[0].knots[:, 3].tolist()


def test_figures_are_of_as_many_robots_and_points_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def counted(grid: module.PlanGrid) -> module.PlanConflicts:
        seen.append(grid.discs.shape)
        assert grid.widened < 1e-12
        return detect_conflicts(grid)

    monkeypatch.setattr(module, "detect_conflicts", counted)
    cost = detect_cost(60, 31, seed=3, fleets=2, rounds=4)
    assert seen == [(3, 60, 31)] * (3 + 2 * 4)
    assert cost.cpu_ms.shape == cost.wall_ms.shape == cost.grid_ms.shape == (2, 4)
    figures = json.loads(json.dumps(cost.as_json()))
    assert (figures["robots"], figures["points"], figures["pairs"]) == (60, 31, 1770)
    found = [detect_conflicts(on_knots(drawn_plans(60, 31, 3, fleet))) for fleet in (0, 1)]
    assert figures["conflicts"] == np.mean([len(one) for one in found]) > 0
    assert figures["near_pairs"] == np.mean([one.near for one in found])
    assert figures["examined"] == np.mean([one.examined for one in found])
    for key in ("ms", "wall_ms", "grid_ms"):
        assert 0.0 < figures[key]["p50"] <= figures[key]["p99"]
    assert figures["open_rmf_ms"] is None


def test_open_rmfs_time_is_told_where_it_was_measured_on_as_many() -> None:
    assert detect_cost(10, 6, fleets=1, rounds=1).as_json()["open_rmf_ms"] == 0.78
    assert detect_cost(10, 51, fleets=1, rounds=1).as_json()["open_rmf_ms"] == 4.46
    assert detect_cost(11, 51, fleets=1, rounds=1).as_json()["open_rmf_ms"] is None


@pytest.mark.parametrize("points", [51, 7])
def test_the_curve_is_drawn_with_and_without_a_figure_to_compare_with(points: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    costs = [detect_cost(robots, points, fleets=1, rounds=1) for robots in (10, 30)]
    path = tmp_path / "curve.svg"
    plot_detect_cost(costs, path)
    assert ("Open-RMF" in path.read_text(encoding="utf-8")) == (points == 51)


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    costs = [detect_cost(2, 2, fleets=1, rounds=1)]
    for path in (tmp_path / "curve.txt", tmp_path / "nowhere" / "curve.svg"):
        with pytest.raises(InputError, match="cannot be written"):
            plot_detect_cost(costs, path)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"robots": 0}, "robots must be 1 to 10000, not 0"),
        ({"robots": 10_001}, "robots must be 1 to 10000"),
        ({"points": 1}, "points must be 2 to 1000, not 1"),
        ({"fleets": 0}, "fleets"),
        ({"rounds": 0}, "rounds"),
    ],
)
def test_impossible_measurements_are_refused(options: dict[str, int], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        detect_cost(**{"robots": 3, **options})
