from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.messages import Intention, Knot, Outcome, Plan, Standing
from ewm_ros.nodes.duplicates import YOUNG, must_yield

boots = st.integers(1, 2**32 - 1)
seqs = st.integers(1, 1000)


def heard(boot: int, seq: int) -> Intention:
    plan = Plan("", Outcome.IDLE, 0.0, 1.0, (Knot(0.0, 0.0, 0.0, 0.0, 0.0),))
    return Intention("robot_0", boot, seq, 0.0, plan, Standing())


@given(boots, seqs)
def test_its_own_echo_is_no_duplicate(boot, seq):
    assert not must_yield(boot, seq, heard(boot, seq))


@given(boots, boots, seqs)
def test_a_newcomer_yields_to_whoever_is_there(own, other, seq):
    assert must_yield(own, 0, heard(other, seq)) == (own != other)


@given(boots, boots, st.integers(YOUNG + 1, 1000), seqs)
def test_one_that_has_been_there_for_long_stays(own, other, sent, seq):
    assert not must_yield(own, sent, heard(other, seq))


@given(boots, boots, st.integers(1, YOUNG), st.integers(1, YOUNG))
def test_of_two_that_started_together_exactly_one_goes(own, other, sent, seq):
    if own != other:
        assert must_yield(own, sent, heard(other, seq)) != must_yield(other, seq, heard(own, sent))
