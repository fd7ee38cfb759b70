"""The solver's figures on the scenes of the comparison: what is promised of them, but for the times."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.lane_graph import load_lane_graph
from ewm_ros.evaluation.costs.schedule_check import closest_gaps
from ewm_ros.evaluation.costs.solver_cost import solver_cost

# Largest sum of delays (s): 1.1 times that of Open-RMF's optimal mode and 0.5 s, or a share of its first solution.
LIMITS = {
    "intersection": {2: 1.27, 3: 3.03, 4: 8.2, 6: 10.4, 8: 18.1, 10: 20.5},
    "doorway": {2: 21.4, 3: 24.7, 4: 46.0, 6: 84.2, 8: 139.7, 10: 238.4},
}


@pytest.mark.parametrize("robots", range(2, 11))
@pytest.mark.parametrize("scene", LIMITS)
def test_both_scenes_are_solved_well_with_any_number_of_robots(scene: str, robots: int) -> None:
    cost = solver_cost(scene, robots, repeat=3)
    figures = cost.as_json()
    assert figures["solved"]
    assert figures["conflicts_left"] == 0
    worst = figures["worst_sum_of_delays_s"]
    assert isinstance(worst, float)
    limit = LIMITS[scene].get(robots)
    assert limit is None or worst <= limit
    assert cost.cpu_ms.shape == cost.wall_ms.shape == (3,)
    assert worst >= float(figures["sum_of_delays_s"])  # type: ignore[arg-type]


def test_the_schedule_leaves_no_more_room_than_it_has_to() -> None:
    graph = load_lane_graph("doorway")
    tasks = graph.robots[:10]
    ways = [graph.route(task.start, task.goal) for task in tasks]
    gaps = closest_gaps(graph, ways, [task.yaw for task in tasks], solver_cost("doorway", 10, repeat=1).delays[0])
    assert graph.distance <= gaps.min() < graph.distance + 0.05


def test_the_figures_of_open_rmf_are_those_of_its_first_answer_and_of_its_optimal_mode() -> None:
    few, many = (solver_cost("doorway", robots, repeat=1).as_json() for robots in (4, 8))
    assert few["open_rmf"] == {"mode": "default", "ms": 55.46, "sum_of_delays_s": 43.7, "makespan_s": 52.9}
    assert few["open_rmf_optimal"] == {"mode": "optimal", "ms": 9388.1, "sum_of_delays_s": 41.4, "makespan_s": None}
    assert many["open_rmf"] == {"mode": "leeway_10", "ms": 2771.01, "sum_of_delays_s": 254.0, "makespan_s": 105.8}
    assert many["open_rmf_optimal"]["ms"] is None  # type: ignore[index]


def test_one_robot_alone_is_never_delayed() -> None:
    figures = solver_cost("intersection", 1, repeat=1).as_json()
    assert figures["sum_of_delays_s"] == 0.0
    assert figures["makespan_s"] == figures["free_flow_makespan_s"]
    assert figures["open_rmf"] == {"mode": None, "ms": None, "sum_of_delays_s": None, "makespan_s": None}


def test_the_same_seed_draws_the_same_orders() -> None:
    first, second = (solver_cost("intersection", 8, seed=3, repeat=4).delays for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("robots", "repeat"), [(0, 1), (11, 1), (4, 0)])
def test_impossible_numbers_are_refused(robots: int, repeat: int) -> None:
    with pytest.raises(InputError, match=f"not {robots if repeat else repeat}"):
        solver_cost("doorway", robots, repeat=repeat)
