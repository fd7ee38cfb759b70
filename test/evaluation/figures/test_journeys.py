"""Robots that are sent here and there: when each came to where it was sent last."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.evaluation.figures.episode import STUCK_TIME
from ewm_ros.evaluation.figures.journeys import Journeys
from ewm_ros.messages import GoalState, GoalStatus
from ewm_ros.trajectory import STEP

HERE, THERE = (0.0, 0.0), (5.0, 0.0)


@pytest.fixture
def journeys() -> Journeys:
    return Journeys(["ada", "bob"])


def stand(journeys: Journeys, begin: float, end: float, *places: tuple[float, float]) -> None:
    """All robots stand at places, from one time to another."""
    for k in range(round(begin / STEP), round(end / STEP)):
        journeys.update(k * STEP, np.array(places))


def said(status: GoalStatus, stamp: float, goal: tuple[float, float] = THERE) -> GoalState:
    return GoalState("ada", 1, stamp, 1, status=status, x=goal[0], y=goal[1])


def test_who_is_sent_nowhere_has_nowhere_to_arrive_and_is_not_stuck(journeys: Journeys) -> None:
    stand(journeys, 0.0, 2.0 * STUCK_TIME, HERE, THERE)
    assert (journeys.reached, journeys.deadlocks, journeys.makespan, journeys.flow_time) == (0, 0, None, None)
    assert not journeys.success(0)


def test_a_robot_has_arrived_when_it_is_at_its_goal(journeys: Journeys) -> None:
    journeys.send(0, 10.0, THERE)
    stand(journeys, 10.0, 12.0, HERE, HERE)
    assert (journeys.reached, journeys.makespan) == (0, None)
    stand(journeys, 12.0, 13.0, THERE, HERE)
    assert (journeys.reached, journeys.makespan, journeys.flow_time) == (1, 2.0, 2.0)
    assert journeys.success(0)
    assert not journeys.success(1)


def test_only_the_newest_goal_of_each_counts_but_all_journeys_took_their_time(journeys: Journeys) -> None:
    journeys.send(0, 0.0, THERE)
    journeys.send(1, 1.0, THERE)
    stand(journeys, 0.0, 4.0, HERE, HERE)
    stand(journeys, 4.0, 6.0, THERE, THERE)
    journeys.send(0, 6.0, HERE)
    stand(journeys, 6.0, 9.0, THERE, THERE)
    assert (journeys.reached, journeys.makespan) == (1, None)
    stand(journeys, 9.0, 10.0, HERE, THERE)
    assert journeys.makespan == pytest.approx(9.0)  # from the first goal to the last arrival
    assert journeys.flow_time == pytest.approx(4.0 + 3.0 + 3.0)


def test_to_be_sent_again_where_it_is_changes_nothing(journeys: Journeys) -> None:
    journeys.send(0, 0.0, THERE)
    stand(journeys, 0.0, 3.0, THERE, HERE)
    journeys.send(0, 2.0, (THERE[0], THERE[1] + 0.001))
    assert journeys.makespan == 0.0


def test_where_a_robot_tells_how_far_it_is_its_word_counts(journeys: Journeys) -> None:
    journeys.send(0, 0.0, THERE)
    journeys.state(0, said(GoalStatus.ACTIVE, 0.5))
    stand(journeys, 0.0, 2.0, THERE, HERE)
    assert journeys.reached == 0
    journeys.state(0, said(GoalStatus.REACHED, 1.7))
    journeys.state(0, said(GoalStatus.REACHED, 2.7))  # told again
    assert (journeys.reached, journeys.makespan) == (1, 1.7)
    stand(journeys, 2.0, 3.0 * STUCK_TIME, (4.6, 0.0), HERE)  # a little further off than its localization believes
    assert (journeys.reached, journeys.deadlocks) == (1, 0)
    journeys.state(0, said(GoalStatus.ACTIVE, 61.0))
    assert journeys.reached == 0


def test_a_goal_that_is_called_off_is_none(journeys: Journeys) -> None:
    journeys.send(0, 0.0, THERE)
    journeys.send(1, 0.0, THERE)
    journeys.state(0, said(GoalStatus.CANCELLED, 1.0))
    stand(journeys, 1.0, 2.0 + STUCK_TIME, HERE, THERE)
    assert (journeys.reached, journeys.deadlocks, journeys.makespan) == (1, 0, 1.0)


def test_a_word_of_the_goal_before_is_passed_over(journeys: Journeys) -> None:
    journeys.send(0, 0.0, HERE)
    journeys.send(0, 5.0, THERE)
    journeys.state(0, said(GoalStatus.REACHED, 4.9, HERE))
    assert journeys.reached == 0
    journeys.state(0, said(GoalStatus.NONE, 6.0, HERE))  # of a robot that has been started again
    assert journeys.newest[0].goal == THERE


def test_a_robot_on_its_way_that_stands_is_stuck(journeys: Journeys) -> None:
    journeys.send(0, 0.0, THERE)
    stand(journeys, 0.0, STUCK_TIME + 1.0, HERE, HERE)
    assert journeys.deadlocks == 1
