"""The referee: when a robot has arrived, when it is over, and what is a deadlock."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from ewm_ros.evaluation.figures.episode import STUCK_TIME, Episode
from ewm_ros.simulation.arrivals import REACHED, SETTLED
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

PERIOD = 0.1
Way = Callable[[float], float]


def away(t: float) -> float:
    """Stands 5 m from its goal."""
    return 5.0


def driving(t: float) -> float:
    """Drives by, at 0.5 m/s, and is never there."""
    return 100.0 + 0.5 * t


def watch(
    seconds: float, *ways: Way, waits_for: Mapping[str, Sequence[str]] | None = None, limit: float = 1000.0
) -> Episode:
    """An episode of robots a, b, c ... whose distance (m) from their goals is a function of time."""
    names = [chr(ord("a") + i) for i in range(len(ways))]
    episode = Episode(names, [(0.0, 10.0 * i) for i in range(len(ways))], limit)
    for k in range(round(seconds / PERIOD) + 1):
        t = k * PERIOD
        places = np.array([(way(t), 10.0 * i) for i, way in enumerate(ways)])
        episode.update(t, places, waits_for)
        if episode.finished:
            break
    return episode


def comes_at(arrival: float) -> Way:
    return lambda t: 5.0 - 0.5 * t if t < arrival - 1e-9 else 0.0


def test_a_robot_has_arrived_within_30_cm_whatever_its_size() -> None:
    assert watch(0.0, lambda t: REACHED - 0.001).reached == 1
    assert watch(0.0, lambda t: REACHED + 0.001).reached == 0


def test_arrival_is_the_start_of_the_final_stay() -> None:
    def passes_by_and_comes_back(t: float) -> float:
        return 0.0 if 2.0 <= t < 2.55 or t >= 7.0 - 1e-9 else 1.0

    episode = watch(7.5, passes_by_and_comes_back)
    assert episode.arrivals[0] == pytest.approx(7.0)
    assert episode.makespan == pytest.approx(7.0)


def test_who_has_left_its_goal_has_not_arrived() -> None:
    episode = watch(5.0, lambda t: 0.0 if t < 0.5 else 1.0)
    assert episode.reached == 0
    assert math.isnan(episode.arrivals[0])
    assert episode.makespan is None
    assert episode.sum_of_delays([1.0]) is None


def test_it_is_over_when_the_last_one_has_stayed_for_a_moment() -> None:
    episode = watch(60.0, comes_at(3.0), comes_at(6.0))
    assert episode.finished
    assert episode.time == pytest.approx(6.0 + SETTLED)
    assert episode.makespan == pytest.approx(6.0)


def test_or_when_time_is_up() -> None:
    episode = watch(60.0, comes_at(3.0), away, limit=15.0)
    assert episode.finished
    assert episode.time == pytest.approx(15.0)
    assert (episode.reached, episode.makespan) == (1, None)


def test_delays_are_what_each_took_longer_than_alone() -> None:
    episode = watch(60.0, comes_at(3.0), comes_at(6.0))
    assert episode.sum_of_delays([2.5, 4.0]) == pytest.approx(0.5 + 2.0)


def test_a_robot_that_stands_away_from_its_goal_and_waits_for_nobody_is_deadlocked() -> None:
    assert watch(STUCK_TIME - 0.1, away).deadlocks == 0
    assert watch(STUCK_TIME + 0.1, away).deadlocks == 1


def test_it_is_counted_once_until_it_moves_again() -> None:
    assert watch(5 * STUCK_TIME, away).deadlocks == 1

    def gets_free_and_stuck_again(t: float) -> float:
        return 5.0 if t < 30.0 else 4.0

    assert watch(60.0, gets_free_and_stuck_again).deadlocks == 2


def test_a_cycle_of_waiting_is_a_deadlock_of_all_in_it() -> None:
    in_a_ring = {"a": ["b"], "b": ["c"], "c": ["a"]}
    episode = watch(60.0, away, away, away, driving, waits_for=in_a_ring)
    assert episode.deadlocks == 3


def test_waiting_ones_turn_is_none_however_long() -> None:
    in_a_row = {"a": ["b"], "b": ["c"]}  # a waits for c through b
    assert watch(100.0, away, away, driving, waits_for=in_a_row).deadlocks == 0


def test_but_it_is_one_when_the_one_waited_for_stands_for_good() -> None:
    in_a_row = {"a": ["b"], "b": ["c"]}

    def stops(t: float) -> float:
        return driving(min(t, 40.0))

    assert watch(59.5, away, away, stops, waits_for=in_a_row).deadlocks == 0
    assert watch(60.1, away, away, stops, waits_for=in_a_row).deadlocks == 3


def test_waiting_for_one_that_stands_at_its_goal_is_a_deadlock() -> None:
    assert watch(30.0, away, lambda t: 0.0, waits_for={"a": ["b"]}).deadlocks == 1


def test_standing_at_ones_goal_is_none() -> None:
    assert watch(60.0, lambda t: 0.0, driving).deadlocks == 0


def test_trembling_in_place_is_no_motion() -> None:
    assert watch(30.0, lambda t: 5.0 + 0.04 * math.sin(7 * t)).deadlocks == 1


def test_creeping_is_motion() -> None:
    assert watch(100.0, lambda t: 50.0 - 0.02 * t).deadlocks == 0


def test_in_allocate_a_goal_belongs_to_whom_came_first_and_to_the_next_when_it_is_left() -> None:
    episode = Episode(["a", "b"], [(0.0, 0.0), (10.0, 0.0)], 100.0, "allocate")
    episode.update(1.0, np.array([(0.2, 0.0), (5.0, 0.0)]))
    assert (episode.reached, episode.makespan) == (1, None)
    episode.update(2.0, np.array([(0.2, 0.0), (-0.2, 0.0)]))
    assert episode.arrivals.tolist() == pytest.approx([1.0, math.nan], nan_ok=True)
    episode.update(3.0, np.array([(5.0, 0.0), (-0.2, 0.0)]))
    assert episode.arrivals.tolist() == pytest.approx([math.nan, 3.0], nan_ok=True)
    episode.update(4.0, np.array([(10.0, 0.1), (-0.2, 0.0)]))
    assert (episode.reached, episode.makespan) == (2, 4.0)
    assert episode.success(collisions=0)
    assert not episode.success(collisions=1)


def test_a_delivery_episode_lasts_to_its_end_and_counts_orders() -> None:
    episode = Episode(["a", "b"], [], 120.0, "deliver")
    for k in range(1201):
        t = 0.1 * k
        episode.update(t, np.array([(0.5 * t, 0.0), (0.5 * t, 9.0)]), orders=(3 if t > 60.0 else 0, 1))
        assert episode.finished == (t >= 120.0)
    assert (episode.reached, episode.makespan, episode.orders_per_minute) == (2, None, pytest.approx(2.0))
    assert episode.success(collisions=0)


def test_deliveries_are_no_success_when_a_robot_has_made_none_or_is_stuck() -> None:
    idle = Episode(["a", "b"], [], 60.0, "deliver")
    idle.update(60.0, np.zeros((2, 2)), orders=(5, 0))
    assert not idle.success(collisions=0)
    stuck = Episode(["a"], [], 60.0, "deliver")
    for k in range(601):
        stuck.update(0.1 * k, np.zeros((1, 2)), orders=(1,))
    assert stuck.deadlocks == 1
    assert not stuck.success(collisions=0)


def test_a_robot_by_itself_is_judged_by_its_own_goal() -> None:
    scenario = make_scenario(load_world("doorway"), 3, 0)
    episode = Episode.of(scenario, [2], time_limit=7.0)
    episode.update(1.0, np.array([scenario.goals[2]]))
    assert (episode.names, episode.reached) == (("robot_2",), 1)
    late = Episode.of(scenario, time_limit=7.0)
    late.update(7.0, np.zeros((3, 2)))
    assert late.finished


def test_the_makespan_ratio_is_over_what_the_slowest_robot_takes_alone() -> None:
    episode = watch(60.0, comes_at(3.0), comes_at(6.0))
    assert episode.makespan_ratio([2.5, 4.0]) == pytest.approx(1.5)
    assert episode.makespan_ratio([5.0, 4.0]) == pytest.approx(1.2)


def test_there_is_none_if_somebody_has_not_arrived_here_or_alone() -> None:
    assert watch(10.0, comes_at(3.0), away).makespan_ratio([2.5, 4.0]) is None
    assert watch(60.0, comes_at(3.0), comes_at(6.0)).makespan_ratio([2.5, None]) is None


def test_a_deadlock_that_was_resolved_is_counted_but_not_left() -> None:
    def gets_free(t: float) -> float:
        return 5.0 if t < 30.0 else max(5.0 - 0.5 * (t - 30.0), 0.0)

    during, after = watch(25.0, gets_free, driving), watch(45.0, gets_free, driving)
    assert (during.deadlocks, during.deadlocks_left) == (1, 1)
    assert (after.deadlocks, after.deadlocks_left) == (1, 0)
    assert watch(60.0, away, away).deadlocks_left == 2
