from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.bag_facts import BagFacts
from ewm_ros.errors import InputError

texts = st.text(max_size=30)
numbers = st.floats(0.001, 1000.0)
sums = st.just("") | st.text("0123456789abcdef", min_size=64, max_size=64)
values = st.booleans() | st.integers(-1000, 1000) | numbers | texts | st.lists(texts, max_size=3)
known = {each.name for each in fields(BagFacts)}
facts = st.builds(
    BagFacts,
    world=texts,
    world_file=texts,
    world_sha256=sums,
    robots=st.none() | st.integers(0, 100),
    seed=st.none() | st.integers(-(2**62), 2**62),
    realtime_factor=st.none() | numbers,
    bodies=texts,
    varied=st.none() | st.booleans(),
    time_limit=st.none() | numbers,
    model=texts,
    model_sha256=sums,
    parameters=st.dictionaries(texts, st.dictionaries(texts, values, max_size=3), max_size=3),
    version=texts,
    profile=texts,
    other=st.dictionaries(texts.filter(lambda key: key not in known), texts, max_size=3),
)


@given(facts)
def test_facts_come_back_from_a_bag_as_they_went_in(told: BagFacts) -> None:
    assert BagFacts.parse(told.as_text()) == told


def test_a_bag_that_says_nothing_has_no_facts() -> None:
    assert BagFacts.parse({}) == BagFacts() == BagFacts.parse({"seed": "", "parameters": ""})
    assert BagFacts().as_text() == {}


def test_what_the_recorders_of_earlier_versions_said_is_understood() -> None:
    told = BagFacts.parse(
        {"world": "doorway", "robots": "2", "seed": "7", "realtime_factor": "1.0", "version": "0.1.0"}
    )
    assert (told.world, told.robots, told.seed, told.realtime_factor) == ("doorway", 2, 7, 1.0)


def test_keys_of_the_users_own_are_kept_apart() -> None:
    told = BagFacts.parse({"site": "lab", "other": "too", "seed": "1"})
    assert told.other == {"site": "lab", "other": "too"}
    assert told.as_text() == {"site": "lab", "other": "too", "seed": "1"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("robots", "three"),
        ("robots", "-1"),
        ("robots", "²"),
        ("seed", "1.5"),
        ("seed", "7\n"),
        ("realtime_factor", "0"),
        ("realtime_factor", "inf"),
        ("time_limit", "long"),
        ("varied", "True"),
        ("world_sha256", "abc"),
        ("model_sha256", "G" * 64),
        ("parameters", "[]"),
        ("parameters", '{"robot_0": 1}'),
        ("parameters", "{" * 10_000),
        ("parameters", "[" * 200_000),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"^fact '{key}' is .* must be ") as refused:
        BagFacts.parse({"site": "lab", key: value})
    assert len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)
