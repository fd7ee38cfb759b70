"""What becomes of a robot's goal, as a robot that really drives in a room comes to it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.messages import Directive, DirectiveSet, GoalState, GoalStatus
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.agent import Action, IntegratedAgent
from ewm_ros.robot.goal_keeper import PERIOD, REACHED, TWICE, Ending, GoalKeeper, ending_of
from ewm_ros.robot.way_finder import Goal
from ewm_ros.sensing import Observation

BOOT, CYCLE, SENT = 9, 0.1, 77
EAST, NORTH, OUTSIDE = Goal("east", 4.0, 0.0), Goal("north", 0.0, 4.0), Goal("outside", 40.0, 0.0)
FLOOR = OccupancyGrid(0.05, (-6.0, -6.0), np.pad(np.zeros((200, 200), dtype=np.bool_), 20, constant_values=True))


class Errand:
    """A robot in an empty room that goes where its keeper says; the coordinator lets it go as far as `hold`."""

    def __init__(self, plant: Any, robot_type: Any) -> None:
        self.plant = plant(robot_type, Pose2D(0.0, 0.0, 0.0))
        self.agent = IntegratedAgent("r0", robot_type, boot=BOOT)
        self.agent.set_map(FLOOR)
        self.keeper = GoalKeeper("r0")
        self.hold = 100.0
        self.waits_for: tuple[str, ...] = ()
        self.now = 0.0
        self.told: list[GoalState] = []

    def cycle(self) -> Action:
        odometry = self.plant.odometry(self.now)
        action = self.agent.think_and_act(Observation(odometry, None), self.keeper.goal)
        self.keeper.follow(action, odometry, self.agent.no_way)
        said = self.keeper.tell(BOOT, self.now, self.now)
        if said is not None:
            self.told.append(said)
        self.plant.drive(action.command)
        self.now += CYCLE
        seq, route = action.intention.seq, action.intention.standing.route
        order = Directive("r0", BOOT, seq, route, self.hold, waits_for=self.waits_for)
        self.agent.receive_directives(DirectiveSet(1, seq, self.now, 1.0, (order,)), self.now)
        return action

    def until(self, status: GoalStatus, seconds: float = 30.0) -> None:
        end = self.now + seconds
        while self.newest.status is not status:
            assert self.now < end, self.newest
            self.cycle()

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds / CYCLE)):
            self.cycle()

    @property
    def newest(self) -> GoalState:
        return self.told[-1] if self.told else GoalState("r0", BOOT, 0.0)

    @property
    def place(self) -> tuple[float, float]:
        return (self.plant.pose.x, self.plant.pose.y)


@pytest.fixture
def errand(plant: Any, tinybot: Any) -> Errand:
    return Errand(plant, tinybot)


def test_before_any_goal_a_robot_says_once_that_it_has_none(errand: Errand) -> None:
    errand.live(5.0)
    assert [(told.number, told.status) for told in errand.told] == [(0, GoalStatus.NONE)]


def test_a_goal_is_active_until_the_robot_stands_within_thirty_centimetres(errand: Errand) -> None:
    number, sent = errand.keeper.send(EAST, SENT, errand.now)
    assert (number, sent) == (1, SENT)
    errand.until(GoalStatus.REACHED)
    assert math.dist(errand.place, (EAST.x, EAST.y)) <= REACHED
    assert errand.plant.velocity.v == pytest.approx(0.0, abs=0.02)
    assert errand.newest.distance_remaining == pytest.approx(math.dist(errand.place, (EAST.x, EAST.y)), abs=0.02)
    assert {(told.number, told.sent, told.x, told.y) for told in errand.told} == {(1, SENT, 4.0, 0.0)}


def test_passing_the_goal_at_speed_is_not_reaching_it(errand: Errand) -> None:
    errand.keeper.send(EAST, SENT, errand.now)
    while errand.plant.pose.x < 2.0:
        action = errand.cycle()
    near = Goal("here", errand.plant.pose.x + 0.1, errand.plant.pose.y)
    errand.keeper.send(near, SENT + 1, errand.now)
    odometry = errand.plant.odometry(errand.now)
    assert odometry.v > 0.1
    errand.keeper.follow(action, odometry, "")
    said = errand.keeper.tell(BOOT, errand.now, errand.now)
    assert said is not None
    assert said.status is GoalStatus.ACTIVE


def test_on_its_way_it_tells_at_least_once_a_second_how_far_it_is_and_how_long_it_takes(errand: Errand) -> None:
    errand.keeper.send(EAST, SENT, errand.now)
    errand.until(GoalStatus.REACHED)
    times = [told.stamp for told in errand.told]
    assert max(np.diff(times)) <= PERIOD + CYCLE + 1e-9
    driving = [told for told in errand.told if told.text == "driving"]
    assert len(driving) <= (times[-1] - times[0]) / PERIOD + 3, "more often only when something has changed"
    rests = [told.distance_remaining for told in driving]
    assert rests == sorted(rests, reverse=True)
    assert rests[0] == pytest.approx(4.0, abs=0.2)
    arrived = errand.told[-1].stamp
    for told in driving:
        assert told.stamp + told.eta == pytest.approx(arrived, abs=2.5)


def test_while_it_waits_it_says_for_whom_and_promises_no_time(errand: Errand) -> None:
    errand.hold, errand.waits_for = 1.5, ("r1",)
    errand.keeper.send(EAST, SENT, errand.now)
    errand.live(8.0)
    assert (errand.newest.status, errand.newest.waiting_for) == (GoalStatus.ACTIVE, ("r1",))
    assert errand.newest.text == "waiting"
    assert math.isnan(errand.newest.eta)
    assert errand.newest.distance_remaining == pytest.approx(2.5, abs=0.2)


def test_what_hinders_it_is_told_in_place_of_what_it_would_do(errand: Errand) -> None:
    errand.keeper.send(EAST, SENT, errand.now)
    errand.cycle()
    said = errand.keeper.tell(BOOT, errand.now, errand.now, "estop")
    assert said is not None
    assert said.text == "estop"


def test_a_cancelled_goal_is_given_up_and_the_robot_stops_and_stays(errand: Errand) -> None:
    errand.keeper.send(EAST, SENT, errand.now)
    errand.live(4.0)
    assert errand.plant.velocity.v > 0.1
    errand.keeper.cancel()
    errand.live(3.0)
    assert errand.newest.status is GoalStatus.CANCELLED
    stood = errand.place
    assert 0.1 < stood[0] < 3.0
    errand.live(3.0)
    assert errand.place == pytest.approx(stood, abs=1e-3)
    assert errand.newest.number == 1


def test_what_is_over_cannot_be_cancelled(errand: Errand) -> None:
    errand.keeper.cancel()
    errand.cycle()
    assert errand.newest.status is GoalStatus.NONE
    errand.keeper.send(EAST, SENT, errand.now)
    errand.until(GoalStatus.REACHED)
    errand.keeper.cancel()
    errand.cycle()
    assert errand.newest.status is GoalStatus.REACHED


def test_a_place_that_no_way_leads_to_is_told_with_the_reason_and_tried_again_on_a_new_map(errand: Errand) -> None:
    errand.keeper.send(OUTSIDE, SENT, errand.now)
    errand.until(GoalStatus.NO_WAY)
    assert errand.newest.text
    larger = np.pad(np.zeros((200, 1000), dtype=np.bool_), 20, constant_values=True)
    errand.agent.set_map(OccupancyGrid(0.05, (-6.0, -6.0), larger))
    errand.until(GoalStatus.ACTIVE)
    assert errand.newest.text != ""


def test_a_message_that_two_readers_hear_is_one_goal_and_the_same_place_sent_later_a_new_one(errand: Errand) -> None:
    keeper = errand.keeper
    assert keeper.send(EAST, SENT, 10.0) == (1, SENT)
    assert keeper.send(EAST, SENT, 10.01) == (1, SENT)
    assert keeper.send(EAST, SENT + 1, 10.02) == (2, SENT + 1)
    assert keeper.send(EAST, 0, 11.0) == (3, 0)
    assert keeper.send(EAST, 0, 11.0 + 2 * TWICE) == (4, 0), "`ros2 topic pub` stamps nothing"


def test_a_second_goal_takes_the_place_of_the_first(errand: Errand) -> None:
    first = errand.keeper.send(EAST, SENT, errand.now)
    errand.live(3.0)
    second = errand.keeper.send(NORTH, SENT + 1, errand.now)
    errand.until(GoalStatus.REACHED)
    assert (errand.newest.x, errand.newest.y) == (NORTH.x, NORTH.y)
    assert ending_of(errand.newest, *first) == Ending(False, False, "r0 was sent elsewhere")
    assert ending_of(errand.newest, *second) == Ending(True, False)


def test_out_of_the_way_of_others_the_distance_is_unknown(errand: Errand) -> None:
    errand.keeper.send(EAST, SENT, errand.now)
    aside = errand.cycle()
    elsewhere = Action(
        aside.command, aside.intention, None, aside.imagination, Polyline([(0.0, 0.0), (0.0, 2.0)]), "driving"
    )
    errand.keeper.follow(elsewhere, errand.plant.odometry(errand.now), "")
    said = errand.keeper.tell(BOOT, errand.now, errand.now + PERIOD)
    assert said is not None
    assert math.isnan(said.distance_remaining)
    assert math.isnan(said.eta)


def state(**changes: Any) -> GoalState:
    said = {"number": 2, "sent": SENT, "status": GoalStatus.ACTIVE, **changes}
    return GoalState("r0", BOOT, 1.0, **said)


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        (state(), None),
        (state(status=GoalStatus.REACHED), Ending(True, False)),
        (state(status=GoalStatus.CANCELLED), Ending(False, True, "r0 has given the goal up")),
        (state(status=GoalStatus.NO_WAY, text="behind a wall"), Ending(False, False, "behind a wall")),
        (state(number=3, sent=5), Ending(False, False, "r0 was sent elsewhere")),
        (
            state(number=0, sent=0, status=GoalStatus.NONE),
            Ending(False, False, "r0 was started again and has forgotten its goal"),
        ),
        (
            state(sent=5, status=GoalStatus.REACHED),
            Ending(False, False, "r0 was started again and has forgotten its goal"),
        ),
    ],
)
def test_how_a_goal_has_ended_for_who_sent_it(said: GoalState, ending: Ending | None) -> None:
    assert ending_of(said, 2, SENT) == ending


def test_a_robot_that_was_born_anew_tells_its_state_again(errand: Errand) -> None:
    boots = [told and told.boot for told in (errand.keeper.tell(boot, 0.0, 0.0) for boot in (1, 1, 2))]
    assert boots == [1, None, 2]
