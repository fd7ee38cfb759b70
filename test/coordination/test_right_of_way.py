"""A robot's side: what moves its hold point, and above all what does not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_values import intention, route

from ewm_ros.coordination.conflict_space import SHORT
from ewm_ros.coordination.right_of_way import LISTENING, RightOfWay
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Directive, DirectiveSet, Grant

BOOT, COORDINATOR, LEASE = 5, 77, 1.0
CROSSING = Grant(region=9, enter=4.0, leave=6.0)


class Robot:
    """A robot on a route of 20 m that is told the time; `seq` counts by itself."""

    def __init__(self) -> None:
        self.rules = RightOfWay("r0", BOOT)
        self.rules.take_route(route("r0", [(0.0, 0.0), (20.0, 0.0)], boot=BOOT))
        self.seq = 0
        self.progress = 0.0

    def step(self, now: float, progress: float | None = None, stopping: float = 0.2) -> float:
        """The hold point after a cycle."""
        self.progress = self.progress if progress is None else progress
        self.seq += 1
        self.rules.step(self.progress, stopping, self.seq, now)
        return self.rules.hold

    def hear(self, now: float, epoch: int, hold: float, coordinator: int = COORDINATOR, **order: Any) -> None:
        """A set with one order, for this robot if `order` does not say otherwise."""
        fields: dict[str, Any] = {"robot": "r0", "boot": BOOT, "answered": self.seq, "route": 1, "hold": hold, **order}
        self.rules.receive_directives(DirectiveSet(coordinator, epoch, now, LEASE, (Directive(**fields),)), now)


@pytest.fixture
def robot() -> Robot:
    """At 1 s: awake for long enough to drive, and the coordinator knows that it is followed."""
    awake = Robot()
    awake.step(0.0)
    awake.hear(0.9, 1, 0.0)
    awake.step(LISTENING)
    return awake


def test_without_any_order_a_robot_holds_where_it_stands(robot: Robot) -> None:
    assert [robot.step(1.0 + 0.1 * k) for k in range(5)] == [0.0] * 5


def test_an_order_moves_the_hold_point_on_and_is_acknowledged(robot: Robot) -> None:
    robot.hear(1.0, 3, 5.0, waits_for=("r1",), expected_wait=2.0, speed_limit=0.3)
    assert robot.step(1.1) == 5.0
    standing = robot.rules.standing()
    assert (standing.coordinator, standing.epoch, standing.route, standing.hold) == (COORDINATOR, 3, 1, 5.0)
    assert standing.waits_for == ("r1",)
    assert robot.rules.advice.speed_limit == 0.3
    assert not robot.rules.local


def test_a_robot_that_has_just_started_only_listens() -> None:
    robot = Robot()
    robot.step(0.0)
    for k in range(1, 9):
        robot.hear(0.1 * k, k, 5.0)
        assert robot.step(0.1 * k) == 0.0
    robot.step(LISTENING)
    robot.hear(LISTENING, 9, 5.0)
    assert robot.step(LISTENING + 0.1) == 5.0


def test_the_hold_point_never_lies_beyond_the_route(robot: Robot) -> None:
    robot.hear(1.0, 2, 99.0)
    assert robot.step(1.1) == 20.0


@pytest.mark.parametrize("epoch", [2, 3])
def test_older_and_doubled_epochs_change_nothing(robot: Robot, epoch: int) -> None:
    robot.hear(1.0, 3, 5.0)
    robot.hear(1.1, epoch, 9.0)
    assert robot.step(1.2) == 5.0
    robot.hear(1.2, epoch, 1.0)
    assert robot.step(1.3) == 5.0


@pytest.mark.parametrize(
    "other",
    [{"robot": "r1"}, {"boot": BOOT + 1}, {"route": 2}, {"route": 0}],
    ids=["for another robot", "for a former start", "for another route", "route not known"],
)
def test_an_order_that_is_not_for_this_robot_on_this_route_does_not_move_it(
    robot: Robot, other: dict[str, Any]
) -> None:
    robot.hear(1.0, 2, 5.0, **other)
    assert robot.step(1.1) == 0.0


def test_a_coordinator_that_lacks_the_route_is_sent_it(robot: Robot) -> None:
    robot.hear(1.0, 2, 0.0, route=0)
    assert robot.rules.route_wanted
    robot.hear(1.1, 3, 0.0)
    assert not robot.rules.route_wanted


def test_another_coordinator_has_no_say_while_the_one_followed_is_alive(robot: Robot) -> None:
    robot.hear(1.0, 3, 5.0)
    robot.hear(1.5, 900, 15.0, coordinator=COORDINATOR + 1)
    assert robot.step(1.6) == 5.0
    assert robot.rules.standing().coordinator == COORDINATOR


def test_a_new_coordinator_is_followed_once_the_old_one_is_silent_and_late_words_of_the_old_one_are_not(
    robot: Robot,
) -> None:
    robot.hear(1.0, 300, 5.0)
    robot.step(1.1)
    before = robot.seq
    robot.hear(2.0, 1, 6.0, coordinator=COORDINATOR + 1)
    robot.step(2.1)
    robot.hear(2.1, 2, 6.0, coordinator=COORDINATOR + 1)
    assert robot.step(2.2) == 6.0
    assert robot.rules.standing().coordinator == COORDINATOR + 1
    for now in (2.3, 60.0):  # late words of the dead one, whoever else speaks
        robot.hear(now, 301, 15.0, answered=before)
        assert robot.step(now) == 6.0


def test_what_a_coordinator_said_before_it_knew_that_it_is_followed_moves_nobody() -> None:
    robot = Robot()
    robot.step(0.0)
    robot.step(LISTENING)
    robot.hear(LISTENING, 1, 5.0)  # it may have given the way to others since
    assert robot.step(1.1) == 0.0
    assert robot.rules.standing().coordinator == COORDINATOR
    robot.hear(1.1, 2, 5.0)
    assert robot.step(1.2) == 5.0


def test_when_the_lease_runs_out_it_holds_before_the_next_region_that_it_has_not_entered(robot: Robot) -> None:
    robot.hear(1.0, 2, 10.0, grants=(CROSSING, Grant(10, 8.0, 9.0)))
    assert robot.step(1.0 + LEASE, progress=1.0) == 10.0
    assert robot.step(1.01 + LEASE, progress=1.0) == pytest.approx(CROSSING.enter - SHORT)


def test_it_clears_a_region_that_it_is_in_and_holds_before_the_one_after(robot: Robot) -> None:
    robot.hear(1.0, 2, 10.0, grants=(CROSSING, Grant(10, 8.0, 9.0)))
    assert robot.step(2.1, progress=4.5) == pytest.approx(8.0 - SHORT)


def test_it_enters_a_region_that_it_cannot_stop_before_any_more(robot: Robot) -> None:
    robot.hear(1.0, 2, 7.0, grants=(CROSSING,))
    assert robot.step(2.1, progress=3.85, stopping=0.3) == 7.0


def test_after_twice_the_lease_it_goes_by_the_local_rule_and_a_new_set_brings_it_back(robot: Robot) -> None:
    robot.hear(1.0, 2, 2.0, waits_for=("r1",))
    robot.step(2.9)
    assert not robot.rules.local
    robot.step(3.1)
    assert robot.rules.local
    standing = robot.rules.standing()
    assert (standing.coordinator, standing.epoch, standing.waits_for) == (0, 0, ())
    robot.hear(3.2, 3, 2.0)
    assert not robot.rules.local
    assert robot.rules.standing().coordinator == COORDINATOR
    assert math.isnan(robot.rules.standing().claim)


@pytest.mark.parametrize(("progress", "expected"), [(1.0, 3.0), (2.9, 3.1), (5.0, 5.2)])
def test_what_is_taken_back_is_given_up_as_far_as_the_robot_can_stop(
    robot: Robot, progress: float, expected: float
) -> None:
    robot.hear(1.0, 2, 10.0)
    robot.hear(1.1, 3, 3.0)
    assert robot.step(1.2, progress=progress, stopping=0.2) == pytest.approx(expected)


def test_a_robot_about_to_change_its_route_gives_up_the_rest(robot: Robot) -> None:
    robot.hear(1.0, 2, 10.0)
    robot.step(1.1, progress=1.0)
    robot.rules.give_up_the_rest()
    assert robot.step(1.2, progress=1.1, stopping=0.4) == pytest.approx(1.5)
    robot.hear(1.2, 3, 10.0)  # the coordinator, which knows nothing of this, goes on granting
    assert robot.step(1.3, progress=1.2, stopping=0.4) == pytest.approx(1.5)


def test_nothing_of_a_new_route_is_granted(robot: Robot) -> None:
    robot.hear(1.0, 2, 10.0)
    robot.step(1.1, progress=4.0)
    robot.rules.take_route(route("r0", [(4.0, 0.0), (4.0, 9.0)], boot=BOOT, number=2))
    robot.progress = 0.0
    assert robot.step(1.2) == 0.0
    robot.hear(1.2, 3, 10.0)  # still for the old one
    assert robot.step(1.3) == 0.0


def test_two_robots_of_one_name_are_found_out(robot: Robot) -> None:
    robot.rules.receive_intention(intention("r0", boot=BOOT, seq=1), 1.0)  # its own word, come back
    with pytest.raises(InputError, match="'r0' is already used by another running robot"):
        robot.rules.receive_intention(intention("r0", boot=BOOT + 1), 1.0)
    with pytest.raises(InputError, match="'r1' is used by two running robots"):
        robot.rules.receive_intention(intention("r1", boot=1), 1.0)
        robot.rules.receive_intention(intention("r1", boot=2), 1.1)


def test_a_message_that_is_far_too_late_is_refused_by_name(robot: Robot) -> None:
    robot.rules.receive_intention(intention("r1", seq=1, stamp=0.0), 0.0)
    with pytest.raises(InputError, match="message of r1"):
        robot.rules.receive_intention(intention("r1", seq=2, stamp=1.0), 20.0)


SETS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from([COORDINATOR, 78]), st.floats(0.0, 20.0), st.booleans()), max_size=40
)


@given(SETS)
def test_whatever_comes_in_whatever_order_the_robot_never_goes_beyond_all_it_was_ever_told(sets: list[Any]) -> None:
    robot = Robot()
    robot.step(0.0)
    furthest = 0.0
    for k, (epoch, coordinator, hold, heard) in enumerate(sets):
        now = LISTENING + 0.1 * k
        before = robot.rules.hold
        if heard:
            furthest = max(furthest, hold)
            robot.hear(now, epoch, hold, coordinator)
        assert robot.step(now, progress=before, stopping=0.0) <= furthest + 1e-9


WAY = Polyline([(1.0, 0.0), (1.0, 3.0)])


def test_what_way_to_take_is_told_as_long_as_it_is_asked(robot: Robot) -> None:
    robot.hear(1.0, 3, 5.0, take_route=8, take_path=WAY)
    assert (robot.rules.advice.take_route, robot.rules.advice.take_path) == (8, WAY)
    robot.hear(1.1, 4, 5.0)
    assert (robot.rules.advice.take_route, robot.rules.advice.take_path) == (0, None)


def test_on_another_route_it_is_forgotten_and_a_late_order_for_the_former_one_does_not_bring_it_back(
    robot: Robot,
) -> None:
    robot.hear(1.0, 3, 5.0, take_route=8, take_path=WAY)
    robot.rules.take_route(route("r0", [(1.0, 0.0), (1.0, 3.0)], boot=BOOT, number=2))
    assert robot.rules.advice.take_path is None
    robot.hear(1.1, 4, 5.0, route=1, take_route=8, take_path=WAY)
    assert robot.rules.advice.take_path is None


def test_nobody_goes_another_way_for_a_coordinator_that_is_gone(robot: Robot) -> None:
    robot.hear(1.0, 3, 5.0, take_route=8, take_path=WAY)
    robot.step(1.0 + 2.0 * LEASE + 0.1)
    assert robot.rules.advice.take_path is None
