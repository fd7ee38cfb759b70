"""Whose word is the newest: doubled, late, restarted, and two of one name."""

from __future__ import annotations

import pytest
from wire_values import intention

from ewm_ros.coordination.roster import RECENT, Roster
from ewm_ros.errors import InputError


def test_the_newest_word_counts_whatever_the_order_in_which_words_come() -> None:
    roster = Roster()
    taken = [roster.take(intention(seq=seq), now=0.1 * i) for i, seq in enumerate([1, 3, 2, 3, 4])]
    assert taken == [True, True, False, False, True]
    assert roster["r0"].seq == 4
    assert list(roster) == ["r0"]
    assert "r0" in roster
    assert "r1" not in roster


def test_a_restarted_robot_takes_its_name_over_when_the_old_process_has_been_silent() -> None:
    roster = Roster()
    roster.take(intention(boot=1, seq=500), now=0.0)
    assert roster.take(intention(boot=2, seq=1), now=RECENT)
    assert (roster["r0"].boot, roster["r0"].seq) == (2, 1)


def test_late_words_of_the_old_process_do_not_bring_it_back() -> None:
    roster = Roster()
    roster.take(intention(boot=1, seq=500), now=0.0)
    roster.take(intention(boot=2, seq=1), now=RECENT)
    assert not roster.take(intention(boot=1, seq=501), now=60.0)
    assert roster["r0"].boot == 2


def test_two_running_robots_of_one_name_are_told_apart_and_refused_by_name() -> None:
    roster = Roster()
    roster.take(intention(boot=1, seq=1), now=0.0)
    with pytest.raises(InputError, match="'r0' is used by two running robots"):
        roster.take(intention(boot=2, seq=1), now=RECENT / 2)
    assert roster["r0"].boot == 1


def test_a_refused_word_does_not_keep_the_name_taken() -> None:
    roster = Roster()
    roster.take(intention(boot=1, seq=1), now=0.0)
    with pytest.raises(InputError):
        roster.take(intention(boot=2, seq=1), now=RECENT / 2)
    assert roster.take(intention(boot=2, seq=2), now=RECENT)


def test_robots_are_kept_apart() -> None:
    roster = Roster()
    assert roster.take(intention("r0", boot=1), now=0.0)
    assert roster.take(intention("r1", boot=2), now=0.0)
    assert sorted(roster) == ["r0", "r1"]


def test_a_process_that_was_only_hung_is_believed_again_when_the_other_one_has_gone() -> None:
    roster = Roster()
    roster.take(intention(boot=1, seq=500), now=0.0)
    roster.take(intention(boot=2, seq=1), now=RECENT)
    taken = [roster.take(intention(boot=1, seq=501 + k), now=5.0 + 0.1 * k) for k in range(20)]
    assert not any(taken[:10])
    assert all(taken[11:])
