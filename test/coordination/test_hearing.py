"""What is believed of all that is heard: the newest word of each robot, in time, from one process a name."""

from __future__ import annotations

import pytest
from wire_values import intention

from ewm_ros.coordination.hearing import Hearing
from ewm_ros.errors import InputError


def test_only_the_newest_word_of_each_robot_is_accepted() -> None:
    hearing = Hearing()
    heard = [("r1", 1), ("r2", 1), ("r1", 3), ("r1", 2), ("r1", 3), ("r2", 2)]
    accepted = [hearing.accepts(intention(name, seq=seq), 0.1 * k) for k, (name, seq) in enumerate(heard)]
    assert accepted == [True, True, True, False, False, True]


def test_a_word_that_is_far_too_late_is_refused_by_name_and_what_comes_next_is_heard() -> None:
    hearing = Hearing()
    assert hearing.accepts(intention("r1", seq=1, stamp=0.0), 0.0)
    with pytest.raises(InputError, match="message of r1"):
        hearing.accepts(intention("r1", seq=2, stamp=1.0), 20.0)
    assert hearing.accepts(intention("r1", seq=3, stamp=20.0), 20.0)


def test_ages_are_those_of_the_clock_that_stamps_are_taken_from() -> None:
    hearing = Hearing()
    assert hearing.accepts(intention("r1", seq=1, stamp=100.0), 0.0, clock=100.0)
    assert hearing.accepts(intention("r1", seq=2, stamp=100.1), 60.0, clock=100.1)  # the simulation paused meanwhile


def test_two_processes_of_one_name_are_found_out() -> None:
    hearing = Hearing()
    assert hearing.accepts(intention("r1", boot=1), 1.0)
    with pytest.raises(InputError, match="'r1' is used by two running robots"):
        hearing.accepts(intention("r1", boot=2), 1.1)
