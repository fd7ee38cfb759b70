"""The same situation in words is the same question again, whoever is in it and wherever; any other is another one."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_questions import made_up_plan, made_up_question

from ewm_ros.coordination.arbitration.question import WAITS, Option, Party, Question, aliased, numbered
from ewm_ros.coordination.arbitration.site import Facts
from ewm_ros.messages import Outcome

names = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=32)
coordinate = st.floats(-1e4, 1e4)
facts = st.dictionaries(st.sampled_from(["carries", "does"]), st.text(max_size=3), max_size=2).map(
    lambda said: tuple(sorted(said.items()))
)
words = st.lists(st.tuples(facts, st.sampled_from(["", "dock"])), min_size=2, max_size=5, unique=True)


@st.composite
def situations(draw: st.DrawFn, said: list[tuple[Facts, str]]) -> Question:
    """One that differs from others of the same words in nothing that words could decide by."""
    robots = draw(st.lists(names, min_size=len(said), max_size=len(said), unique=True))
    parties = [
        Party(
            robot,
            robot_facts,
            place,
            (draw(coordinate), draw(coordinate)),
            made_up_plan(draw(names), draw(st.sampled_from(Outcome))),
        )
        for robot, (robot_facts, place) in zip(robots, said, strict=True)
    ]
    by_alias = aliased(draw(st.permutations(parties)))
    orders = [(first, second) for first in by_alias for second in by_alias if first != second]
    delay = draw(st.floats(WAITS[0], WAITS[1], exclude_min=True))
    options = [Option(order, waits={order[1]: delay}, total=delay) for order in draw(st.permutations(orders))]
    regions = tuple(draw(st.lists(st.integers(0, 9))))
    routes = tuple((draw(st.integers(1, 9)), draw(st.integers(1, 9))) for _ in by_alias)
    return Question("crossing", by_alias, numbered(options), "rules", regions, routes)


@given(said=words, data=st.data())
def test_names_places_plans_and_ids_do_not_matter(said: list[tuple[Facts, str]], data: st.DataObject) -> None:
    one, other = data.draw(situations(said)), data.draw(situations(said))
    assert one.signature == other.signature
    assert one.cache_key == other.cache_key
    # What was answered for one holds for the other: the same alias has the same words, the same id the same deed.
    assert [p.words for p in one.parties.values()] == [p.words for p in other.parties.values()]
    assert [o.deed for o in one.options.values()] == [o.deed for o in other.options.values()]


@given(one=words, other=words, data=st.data())
def test_other_words_about_robots_are_another_question(
    one: list[tuple[Facts, str]], other: list[tuple[Facts, str]], data: st.DataObject
) -> None:
    first, second = data.draw(situations(one)), data.draw(situations(other))
    same = sorted(one) == sorted(other)
    assert (first.signature == second.signature) is same
    assert (first.cache_key == second.cache_key) is same


def with_option(question: Question, name: str, **changes: object) -> Question:
    return replace(question, options={**question.options, name: replace(question.options[name], **changes)})


def with_party(question: Question, alias: str, **changes: object) -> Question:
    return replace(question, parties={**question.parties, alias: replace(question.parties[alias], **changes)})


@pytest.mark.parametrize(
    "changed",
    [
        lambda q: replace(q, kind="head_on"),
        lambda q: replace(q, rules_hash="other"),
        lambda q: with_party(q, "r1", facts=(("carries", "post"),)),
        lambda q: with_party(q, "r1", facts=()),
        lambda q: with_party(q, "r2", place="dock"),
        lambda q: with_option(q, "o2", aside=("r1",), first=("r2",)),
        lambda q: replace(q, options={"o1": q.options["o1"]}),
        lambda q: replace(q, parties={**q.parties, "r3": q.parties["r2"]}),
    ],
    ids=["kind", "rules", "fact", "no fact", "place", "deed", "options", "a third robot"],
)
def test_another_situation_is_another_question(changed: Callable[[Question], Question]) -> None:
    question = made_up_question()
    assert changed(question).signature != question.signature
    assert changed(question).cache_key != question.cache_key


@pytest.mark.parametrize("limit", WAITS)
def test_waits_that_differ_much_are_asked_of_again_but_are_the_same_situation(limit: float) -> None:
    def waiting(before: float, then: float) -> Question:
        question = with_party(made_up_question(), "r2", waited=before)
        return with_option(question, "o1", waits={"r2": then}, total=0.0)

    at_limit = waiting(limit, limit)
    for other in (waiting(limit + 0.1, limit), waiting(limit, limit + 0.1)):
        assert other.signature == at_limit.signature
        assert other.cache_key != at_limit.cache_key
    assert waiting(limit - 0.1, limit - 0.1).cache_key == at_limit.cache_key


def test_who_waits_is_told_apart() -> None:
    question = made_up_question()
    one, other = ({name: 30.0, "r3": 30.0} for name in ("r1", "r2"))
    keys = {with_option(question, "o1", waits=waits, total=0.0).cache_key for waits in (one, other, None, {})}
    assert len(keys) == 3
    assert with_option(question, "o1", waits=None).cache_key == with_option(question, "o1", waits={}).cache_key


def test_without_a_rule_the_least_delay_decides_so_it_is_asked_again_when_that_is_another_one() -> None:
    question = made_up_question()
    assert with_option(question, "o2", total=3.0).signature == question.signature
    assert with_option(question, "o2", total=3.0).cache_key != question.cache_key
    assert with_option(question, "o2", total=70.0).cache_key == question.cache_key


@pytest.mark.parametrize(
    ("option", "deed"),
    [
        (Option(("r1", "r2")), "r1 before r2"),
        (Option(("r3", "r1", "r2")), "r3 before r1 before r2"),
        (Option(("r2",)), "r2 passes first"),
        (Option(("r2",), ("r1",)), "r1 moves aside, r2 passes first"),
        (Option(("r2",), ("r1", "r3")), "r1 and r3 move aside, r2 passes first"),
        (Option(("r2",), round=True), "r2 goes round"),
        (Option(("r1",), words="r1 stays where it is"), "r1 stays where it is"),
    ],
)
def test_deeds_read_as_sentences(option: Option, deed: str) -> None:
    assert option.deed == deed


def test_the_order_of_options_says_nothing_of_where_they_came_from() -> None:
    one, other = Option(("r1", "r2"), total=9.0), Option(("r2", "r1"), total=1.0)
    expected: Mapping[str, Option] = {"o1": one, "o2": other}
    assert numbered([one, other]) == numbered([other, one]) == expected
