"""Where robots are sent: by the world's goals, by what they find, or by orders."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.tasks import Task, make_task
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import parse_world

STARTS = [[-8, 0, 0], [-8, 2, 0], [-8, -2, 0]]
STATIONS = {"pick": [[0, 4], [2, 4], [4, 4], [6, 4]], "drop": [[0, -4], [2, -4], [4, -4], [6, -4]]}
GOALS = [[3, 3], [5, -3], [8, 0]]


def hall(task: str, seed: int = 0, **more: Any) -> Scenario:
    """A hall of 20 m x 10 m with three robots at its western end."""
    robots = {"model": "tinybot", "count": {"min": 1, "max": 3, "default": 3}, "starts": STARTS}
    robots |= {"goals": more.pop("goals")} if "goals" in more else {}
    content = {"name": "hall", "bounds": {"x": [-10, 10], "y": [-5, 5]}, "robots": robots, "task": task, **more}
    return make_scenario(parse_world(content, "hall.yaml"), 3, seed)


def places(scenario: Scenario) -> np.ndarray:
    return np.array([(start.x, start.y) for start in scenario.starts])


def walk(task: Task, where: np.ndarray, steps: int, speed: float = 0.1) -> list[list[tuple[float, float]]]:
    """Everybody walks straight to its target, `speed` metres a step; what the targets were at each step."""
    told = []
    for _ in range(steps):
        task.update(where)
        told.append(list(task.targets))
        way = np.array(task.targets) - where
        length = np.maximum(np.hypot(*way.T), 1e-9)
        where += way * np.minimum(speed / length, 1.0)[:, None]
    return told


class TestReach:
    def test_each_robot_is_sent_to_its_own_goal_and_stays_there(self) -> None:
        scenario = hall("reach", goals=[[8, 0], [8, 2], [8, -2]])
        task, where = make_task(scenario, range(3)), places(scenario)
        told = walk(task, where, 250)
        assert all(targets == [(8, 0), (8, 2), (8, -2)] for targets in told)
        assert where == pytest.approx(np.array([(8, 0), (8, 2), (8, -2)]))

    def test_a_robot_alone_has_the_goal_that_it_has_in_company(self) -> None:
        scenario = hall("reach", goals=[[8, 0], [8, 2], [8, -2]])
        assert make_task(scenario, [1]).targets == [(8, 2)]


class TestDeliver:
    def deliveries(self, steps: int = 3000, seed: int = 0) -> tuple[Task, list[list[tuple[float, float]]]]:
        scenario = hall("deliver", seed, stations=STATIONS)
        task = make_task(scenario, range(3))
        return task, walk(task, places(scenario), steps)

    def test_robots_go_from_a_pick_up_to_a_drop_and_again(self) -> None:
        task, told = self.deliveries()
        for robot in range(3):
            stops = [told[0][robot]] + [b[robot] for a, b in pairwise(told) if a[robot] != b[robot]]
            assert len(stops) > 10
            assert {stop[1] for stop in stops[0::2]} == {4}
            assert {stop[1] for stop in stops[1::2]} == {-4}
            assert task.orders[robot] == (len(stops) - 1) // 2
            assert len(set(stops)) == 8

    def test_no_two_robots_are_sent_to_one_station_while_others_are_free(self) -> None:
        _, told = self.deliveries()
        assert all(len(set(targets)) == 3 for targets in told)

    def test_with_fewer_stations_than_robots_they_share(self) -> None:
        scenario = hall("deliver", stations={"pick": [[0, 4]], "drop": [[0, -4]]})
        task = make_task(scenario, range(3))
        assert task.targets == [(0, 4)] * 3
        walk(task, places(scenario), 400)
        assert min(task.orders) >= 1

    def test_a_load_is_delivered_only_within_30_cm_of_its_drop(self) -> None:
        task = make_task(hall("deliver", stations={"pick": [[0, 4]], "drop": [[0, -4]]}), [0])
        task.update(np.array([[0.0, 4.0 - REACHED - 0.01]]))
        assert task.targets == [(0, 4)]
        task.update(np.array([[0.0, 4.0 - REACHED + 0.01]]))
        assert (task.targets, task.orders, task.loaded) == ([(0, -4)], [0], [True])
        task.update(np.array([[0.0, -4.0]]))
        assert (task.targets, task.orders, task.loaded) == ([(0, 4)], [1], [False])

    def test_orders_are_the_seeds(self) -> None:
        first, again, other = (self.deliveries(500, seed)[1] for seed in (1, 1, 2))
        assert first == again != other


class TestAllocate:
    def test_nobody_is_told_a_goal_that_it_cannot_see(self) -> None:
        scenario = hall("allocate", goals=GOALS, view=3.0)
        task, where = make_task(scenario, range(3)), places(scenario)
        goals = {tuple(goal) for goal in GOALS}
        seen: list[set[tuple[float, float]]] = [set(), set(), set()]
        for _ in range(600):
            for k, place in enumerate(where):
                seen[k] |= {goal for goal in goals if math.dist(goal, place) <= 3.0}
            (targets,) = walk(task, where, 1)
            for k, target in enumerate(targets):
                assert target in seen[k] or target not in goals

    @pytest.mark.parametrize("seed", range(5))
    def test_in_the_end_each_stands_at_another_goal(self, seed: int) -> None:
        scenario = hall("allocate", seed, goals=GOALS, view=3.0)
        task, where = make_task(scenario, range(3)), places(scenario)
        walk(task, where, 1500)
        nearest = np.hypot(*(where[:, None] - np.array(GOALS)[None]).transpose(2, 0, 1)).argmin(axis=1)
        assert sorted(nearest.tolist()) == [0, 1, 2]
        assert task.targets == [tuple(GOALS[k]) for k in nearest]

    def test_a_goal_where_somebody_stands_is_left_to_them(self) -> None:
        scenario = hall("allocate", goals=[[-6, 0], [8, 2], [8, -2]], view=3.0)
        task = make_task(scenario, range(3))
        task.update(np.array([(-6.0, 0.0), (-7.0, 1.0), (-8.0, -2.0)]))
        assert task.targets[0] == (-6, 0)
        assert task.targets[1] != (-6, 0)
        assert task.targets[2] != (-6, 0)
