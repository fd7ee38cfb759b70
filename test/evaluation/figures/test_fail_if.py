"""The language of --fail-if: what it means, what it refuses, and that nothing else is ever run."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.fail_if import Condition
from ewm_ros.evaluation.figures.flat_figures import Value

FIGURES: Mapping[str, Value] = {
    "collisions": 2,
    "near_misses": 0,
    "cycle_p99_ms": 41.5,
    "success": False,
    "simulated": True,
    "makespan_s": None,
    "world": "doorway",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("collisions > 0", True),
        ("collisions>0 or cycle_p99_ms>50", True),
        ("collisions > 0 and cycle_p99_ms > 50", False),
        ("not success", True),
        ("success", False),
        ("simulated and not success", True),
        ("success == 0 and simulated == true and simulated == 1 and success != true", True),
        ("not (collisions < 2 or near_misses >= 1)", True),
        ("0 < collisions <= 2", True),
        ("0 < collisions < 2", False),
        ("near_misses > collisions", False),
        ("collisions > -1", True),
        ("collisions > 1e0", True),
        ("near_misses < 1 or collisions < 1 and success", True),  # `and` binds closer
        ("  collisions\t== 2 ", True),
        ("collisions>1or success", True),
    ],
)
def test_what_it_means(text: str, expected: bool) -> None:
    assert Condition.parse(text).holds(FIGURES) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "collisions >",
        "collisions => 0",
        "collisions = 0",
        "> 0",
        "collisions > 0; success",
        "collisions > 0\nsuccess",
        "collisions + near_misses > 3",
        "max(collisions, 3) > 2",
        "__import__('os').system('true')",
        "collisions.real > 0",
        "collisions[0] > 0",
        "(lambda: 1)() > 0",
        "[collisions for collisions in 'a'] == 1",
        "collisions is 2",
        "collisions in 2",
        "collisions > 'many'",
        "collisions > 1j",
        "collisions > None",
        "(collisions > 0) == true",
        "collisions if success else near_misses",
        "not 1",
        "1",
        "true",
        "-collisions > 0",
        "~1 > collisions",
        "(x := 3) > 2",
        "f'{collisions}' > 2",
        "\x00",
        "\ud800",
        "(" * 400,
        "not " * 240,
        "-" * 900 + "1 > collisions",
        "collisions > " + "1" * 2000,
    ],
)
def test_what_is_no_condition_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="--fail-if") as refused:
        Condition.parse(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("colisions > 0", "no figure 'colisions'; names close to it: collisions"),
        ("cycle_ms > 50", "cycle_p99_ms"),
        ("qqq > 0", "close to it: none"),
        ("makespan_s > 100", "cannot be judged: makespan_s is not known"),
        ("collisions > 0 or makespan_s > 100", "makespan_s"),  # though the first one holds
        ("not success or qqq > 0", "'qqq'"),
        ("world == 1", "world is a text ('doorway')"),
        ("collisions", "collisions is a number (2): compare it"),
        ("not success or cycle_p99_ms", "cycle_p99_ms is a number"),
    ],
)
def test_what_cannot_be_judged_does_not_pass(text: str, culprit: str) -> None:
    condition = Condition.parse(text)
    with pytest.raises(InputError, match="--fail-if") as refused:
        condition.holds(FIGURES)
    assert culprit in str(refused.value)


def test_the_figures_in_it_are_told() -> None:
    condition = Condition.parse("cycle_p99_ms > 40 or collisions > 1 or cycle_p99_ms < 1")
    assert condition.names == ("cycle_p99_ms", "collisions")
    assert condition.said(FIGURES) == "cycle_p99_ms is 41.5, collisions is 2"


NUMBERS = st.integers(-3, 3) | st.floats(-3.0, 3.0)
COMPARISONS = st.tuples(
    st.sampled_from("abc"), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS.map(repr)
).map(" ".join)
CONDITIONS = st.recursive(
    COMPARISONS | st.sampled_from(["yes", "no"]),
    lambda inner: (
        inner.map("not ({})".format)
        | inner.map("({})".format)
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join)
    ),
    max_leaves=12,
)


@given(CONDITIONS, NUMBERS, NUMBERS, NUMBERS)
def test_it_means_what_python_means_by_it(text: str, a: float, b: float, c: float) -> None:
    figures: dict[str, Value] = {"a": a, "b": b, "c": c, "yes": True, "no": False}
    assert Condition.parse(text).holds(figures) is bool(eval(text, {"__builtins__": {}}, dict(figures)))


SCRAPS = st.lists(st.sampled_from(["a", "not", "and", "or", "(", ")", "<", "1", "=="])).map(" ".join)


@given(st.text(max_size=60) | SCRAPS)
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        assert isinstance(Condition.parse(text).holds({"a": 1.0}), bool)
    except InputError as error:
        assert "\n" not in str(error)
