"""What a model says, taken at its word or not at all: an option that it was given, or the cause why it is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up_questions import made_up_question

from ewm_ros.coordination.arbitration.reply import (
    MAX_ANSWER,
    MAX_RATIONALE,
    Answer,
    one_line,
    read_answer,
    split_reasoning,
)
from ewm_ros.errors import InputError

QUESTION = made_up_question()
GOOD = '{"choice": "o1", "reason": "Blood samples first."}'
ANSWER = Answer("o1", "Blood samples first.")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        '{"reason":"Blood samples first.","choice":"o1"}',
        f"\n\n  {GOOD} \n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"\n```json {GOOD}```\n",
        '{"choice": "\\u006f1", "reason": "Blood\\nsamples \\t first."}',
    ],
)
def test_an_answer_is_one_json_object(text: str) -> None:
    assert read_answer(text, QUESTION) == ANSWER


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the answer is empty"),
        (" \n" * 100_000, "the answer is empty"),
        ("I choose o1.", "no JSON from character 0 of 12 on"),
        ("<html><body>502 Bad Gateway</body></html>", "no JSON from character 0"),
        (f"My answer: {GOOD}", "no JSON from character 0"),
        (f"{GOOD} I hope this helps.", "no JSON from character 51"),
        (f"{GOOD}\n{GOOD}", "no JSON from character 51"),
        (f"```json\n{GOOD}", "no JSON from character 0"),
        (f"```python\n{GOOD}\n```", "no JSON from character 0"),
        ("```", "no JSON from character 0"),
        ("``````", "no JSON from character 0 of 0 on"),
        (GOOD[:-10], "no JSON from character 27 of 40 on"),
        (GOOD.replace('"', "'"), "no JSON from character 1"),
        ('{"choice": "o1", "reason": "a\nb"}', "no JSON from character 29"),
        ('{"choice": "o1", "reason": "a",}', "no JSON from character"),
        ('{"choice": "o1", "choice": "o2", "reason": ""}', "a key twice"),
        ('{"choice": "o1", "reason": {"a": "", "a": ""}}', "a key twice"),
        ('{"choice": "o1", "reason": NaN}', "holds a number"),
        ('{"choice": "o1", "reason": -Infinity}', "holds a number"),
        ('{"choice": 1, "reason": ""}', "holds a number"),
        (f'{{"choice": {"1" * 4000}, "reason": ""}}', "holds a number"),
        ('{"choice": "o1", "reason": "", "confidence": 0.9}', "holds a number"),
        ('{"choice": "o1", "reason": null}', "choice or reason is no text"),
        ('{"choice": ["o1"], "reason": ""}', "choice or reason is no text"),
        ('{"choice": true, "reason": ""}', "choice or reason is no text"),
        ('{"choice": "o1"}', "other keys than choice and reason, or lacks one"),
        ('{"choice": "o1", "reason": "", "speed": "9"}', "other keys than choice and reason"),
        ('{"Choice": "o1", "reason": ""}', "other keys than choice and reason"),
        ("{}", "other keys than choice and reason"),
        (f"[{GOOD}]", "no JSON object"),
        ('"o1"', "no JSON object"),
        ("null", "no JSON object"),
        ('{"choice": "o3", "reason": ""}', "the answer's choice is none of o1, o2"),
        ('{"choice": "O1", "reason": ""}', "none of o1, o2"),
        ('{"choice": " o1", "reason": ""}', "none of o1, o2"),
        ('{"choice": "r1 before r2", "reason": ""}', "none of o1, o2"),
        ('{"choice": "", "reason": ""}', "none of o1, o2"),
        (GOOD + " " * 20 + "x" * 10_000_000, "10000070 characters: at most 4096 are read"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_its_cause(text: str, cause: str) -> None:
    with pytest.raises(InputError) as caught:
        read_answer(text, QUESTION)
    assert cause in str(caught.value)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 100


@pytest.mark.parametrize("depth", [10, 500, 1000, 2000])
def test_deep_nesting_is_refused_like_anything_else(depth: int) -> None:
    for text in ("[" * depth + "]" * depth, "[" * 2 * depth, '{"a":' * min(depth, 800)):
        with pytest.raises(InputError, match=r"no JSON|nested too deep"):
            read_answer(text, QUESTION)


def test_a_key_that_a_server_repeats_is_not_passed_on() -> None:
    for text in (
        "sk-0123456789abcdef",
        '{"choice": "sk-0123456789abcdef", "reason": ""}',
        '{"sk-0123456789abcdef": 1}',
    ):
        with pytest.raises(InputError) as caught:
            read_answer(text, QUESTION)
        assert "sk-" not in str(caught.value)


def test_a_reason_of_just_the_length_is_kept_and_a_longer_one_is_cut() -> None:
    assert one_line("x" * MAX_RATIONALE) == "x" * MAX_RATIONALE
    cut = one_line("x" * (MAX_RATIONALE + 1))
    assert len(cut) == MAX_RATIONALE and cut.endswith("x…")


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("a\x1b[31mred\x1b[0m\x07", "a [31mred [0m"),
        ("one\r\ntwo\u2028three\x85four\x00", "one two three four"),
        ("left\u202eright\u200b", "left right"),
        ("half \ud800 a pair", "half a pair"),
        ("Blutproben gehen vor: 血样优先 🙂", "Blutproben gehen vor: 血样优先 🙂"),
    ],
)
def test_a_reason_cannot_steer_a_terminal(reason: str, kept: str) -> None:
    assert read_answer(json.dumps({"choice": "o2", "reason": reason}), QUESTION) == Answer("o2", kept)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        (GOOD, "", GOOD),
        (f"<think>r1 is urgent</think>\n\n{GOOD}", "r1 is urgent", f"\n\n{GOOD}"),
        (f"r1 is urgent\n</think>{GOOD}", "r1 is urgent", GOOD),
        (f"\n<think>\n</think>{GOOD}", "", GOOD),
        (f"<think>is </think> the tag?</think>{GOOD}", "is </think> the tag?", GOOD),
        ("<think>I am still think", "I am still think", ""),
        ("", "", ""),
    ],
)
def test_reasoning_ends_with_the_last_tag(text: str, reasoning: str, answer: str) -> None:
    assert split_reasoning(text) == (reasoning, answer)


def test_an_answer_within_the_reasoning_is_none() -> None:
    _reasoning, answer = split_reasoning(f"<think>Maybe {GOOD}? No,")
    with pytest.raises(InputError, match="empty"):
        read_answer(answer, QUESTION)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["o1", "o2", "o3"]),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(["choice", "reason", "a"]), v, max_size=3),
)
objects = st.fixed_dictionaries({}, optional={"choice": values, "reason": values, "more": values})
near_json = st.text(alphabet='{}[]",:` \nochiesrean12\\u0', max_size=60)
any_text = st.text(st.characters(exclude_categories=()), max_size=200)


@given(text=any_text | near_json | (values | objects).map(json.dumps), before=near_json, after=near_json)
@example(GOOD, "", "")
@example(GOOD, "```json", "```")
@example('{"choice": "o1", "reason": "\\ud800"}', "", "")
def test_any_text_is_a_known_option_or_one_line(text: str, before: str, after: str) -> None:
    for said in (text, before + text + after):
        _reasoning, rest = split_reasoning(said)
        try:
            answer = read_answer(rest, QUESTION)
        except InputError as error:
            assert str(error).isprintable() and len(str(error)) < 100
        else:
            assert answer.choice in QUESTION.options
            assert answer.reason == "" or answer.reason.isprintable()
            assert len(answer.reason) <= MAX_RATIONALE
            # Whoever reads the same text without our checks finds the same choice.
            assert json.loads(rest.strip().strip("`").removeprefix("json"))["choice"] == answer.choice


@given(choice=st.sampled_from(["o1", "o2"]), reason=st.text())
def test_a_good_answer_is_always_read(choice: str, reason: str) -> None:
    said = json.dumps({"choice": choice, "reason": reason}, ensure_ascii=False)
    if len(said) <= MAX_ANSWER:
        assert read_answer(said, QUESTION) == Answer(choice, one_line(reason))
