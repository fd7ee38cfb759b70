from hypothesis import given
from hypothesis import strategies as st

from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import BagFacts


@given(st.lists(st.integers(0, 10**9).map(lambda n: n / 1000)))
def test_samples_survive_the_text(samples):
    assert keys.split_samples(keys.join_samples(samples)) == samples


@given(st.dictionaries(st.from_regex(r"[a-z_/]+", fullmatch=True), st.integers(0, 10**6)))
def test_counts_survive_the_text(counts):
    assert keys.split_counts(keys.join_counts(counts)) == counts


def test_no_names_are_an_empty_list():
    assert keys.split_names("") == ()
    assert keys.split_names("robot_1,robot_2") == ("robot_1", "robot_2")


def test_what_the_simulation_runs_can_be_read_as_a_bags_facts():
    facts = BagFacts("doorway", "", "0" * 64, 3, 7, bodies="wheels", varied=False, time_limit=9.5)
    assert set(facts.as_text()) == set(keys.RUN_FACTS)
    assert BagFacts.parse(facts.as_text()) == facts
