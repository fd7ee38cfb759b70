"""What a robot reads of the directive sets that it hears, and how long it says that answers took."""

from __future__ import annotations

import math

import pytest
from rclpy.serialization import serialize_message

from ewm_ros.errors import InputError
from ewm_ros.messages import Directive, DirectiveSet
from ewm_ros.nodes import conversions, directive_inbox
from ewm_ros.nodes.directive_inbox import Answers, DirectiveInbox

BOOT = 7


def raw(epoch: int, answered: int, hold: float = 1.0) -> bytes:
    """A set on the wire, with an order for robot_0."""
    order = Directive("robot_0", BOOT, answered, 1, hold)
    return serialize_message(conversions.directives_to(DirectiveSet(3, epoch, 0.0, 1.0, (order,))))


class Robot:
    """An inbox, what has been read from it, and a clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.read: list[tuple[int, float]] = []
        monkeypatch.setattr(directive_inbox, "steady_now", lambda: self.now)
        self.answers = Answers("robot_0", BOOT)
        self.inbox = DirectiveInbox(lambda: self.answers.awaited, self._take)

    def _take(self, directives: DirectiveSet, arrived: float) -> None:
        self.read.append((directives.epoch, arrived))
        self.answers.heard(directives, arrived)

    def arrive(self, at: float, *args: int) -> None:
        self.now = at
        self.inbox.arrive(raw(*args))


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Robot:
    return Robot(monkeypatch)


def test_every_set_is_read_at_once_until_the_awaited_answer_has_come(robot: Robot) -> None:
    robot.answers.sent(5, 100.0)
    robot.arrive(100.002, 1, 4)
    robot.arrive(100.008, 2, 5)
    assert [epoch for epoch, _ in robot.read] == [1, 2]
    assert [float(word) for word in robot.answers.cycle_ms.take().split()] == [pytest.approx(8.0)]


def test_of_the_sets_that_come_later_only_the_newest_is_read_with_the_time_at_which_it_came(robot: Robot) -> None:
    for k in range(1, 9):
        robot.arrive(100.0 + 0.01 * k, k, 5)
    assert robot.read == []
    robot.now = 100.1
    robot.inbox.read()
    robot.inbox.read()
    assert robot.read == [(8, pytest.approx(100.08))]


def test_with_several_robots_the_newest_of_the_sets_that_have_come_is_read_when_they_say_so() -> None:
    read: list[int] = []
    calls: list[None] = []
    inbox = DirectiveInbox(lambda: True, lambda sets, _: read.append(sets.epoch), lambda: calls.append(None))
    for epoch in (1, 2, 3):
        inbox.arrive(raw(epoch, 1))
    assert (read, len(calls)) == ([], 3)
    inbox.read()
    assert read == [3]


def test_an_answer_counts_for_its_own_intention_and_none_for_those_that_were_passed_over(robot: Robot) -> None:
    for seq in (1, 2, 3):
        robot.answers.sent(seq, 100.0 + seq)
    robot.arrive(102.5, 1, 2)
    robot.arrive(103.5, 2, 3)
    assert [float(word) for word in robot.answers.cycle_ms.take().split()] == [
        pytest.approx(500.0),
        pytest.approx(500.0),
    ]


def test_a_set_of_garbage_is_refused_once_and_does_not_stay(robot: Robot) -> None:
    robot.inbox.arrive(raw(1, 1, math.nan))
    with pytest.raises(InputError, match="robot_0"):
        robot.inbox.read()
    robot.inbox.read()
    assert robot.read == []
