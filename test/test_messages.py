"""What the values of the wire work out for themselves."""

from __future__ import annotations

import math

import pytest

from ewm_ros.errors import InputError
from ewm_ros.messages import Directive, DirectiveSet, Standing, check_robot_name


@pytest.mark.parametrize("name", ["r", "robot_0", "a" * 32, "007"])
def test_names_of_small_letters_digits_and_underscores(name: str) -> None:
    assert check_robot_name(name) == name


@pytest.mark.parametrize("name", ["", "Robot", "robot-1", "robot 1", "a/b", "r\n", "é", "a" * 33, "a" * 10**6])
def test_other_names_are_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(InputError, match="1 to 32 of the characters") as error:
        check_robot_name(name)
    assert len(str(error.value)) < 150
    assert "\n" not in str(error.value)


def test_a_robot_reaches_as_far_as_it_holds_or_claims() -> None:
    assert Standing(hold=3.0).reach == 3.0
    assert Standing(hold=3.0, claim=8.0).reach == 8.0
    assert Standing(hold=3.0, claim=1.0).reach == 3.0


def test_of_a_set_a_robot_takes_its_own_order() -> None:
    mine, other = Directive("mine", 1, 1, 1, 2.0), Directive("other", 1, 1, 1, 5.0)
    orders = DirectiveSet(1, 1, 0.0, 1.0, (other, mine))
    assert orders.of("mine") is mine
    assert orders.of("nobody") is None


def test_an_order_without_more_waits_for_nobody_and_expects_nothing() -> None:
    order = Directive("mine", 1, 1, 1, 2.0)
    assert (order.grants, order.take_route, order.speed_limit, order.waits_for) == ((), 0, 0.0, ())
    assert math.isnan(order.expected_wait)
