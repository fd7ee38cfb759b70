"""The strict reading of what a model answers: one of the options that it was given, or the cause why it is none.

An answer is text from outside. Nothing of it is acted upon but the id of an option; its reason is for people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.errors import InputError

MAX_ANSWER = 4096  # characters; an answer as asked for has about 250
MAX_RATIONALE = 160  # characters of a reason that are kept
_FENCE = "```"
_THINK, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer.

    Attributes:
        choice: id of an option of the question.
        reason: the model's own words on one line, shortened, for people.
    """

    choice: str
    reason: str


def split_reasoning(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text that a server did not take apart.

    The opening tag may be missing, as templates put it at the end of the prompt. Reasoning that never ends has no
    answer behind it.
    """
    reasoning, thought, answer = text.rpartition(_THOUGHT)
    if not thought:
        if not text.lstrip().startswith(_THINK):
            return "", text
        reasoning, answer = text, ""
    return reasoning.strip().removeprefix(_THINK).strip(), answer


def read_answer(text: str, question: Question) -> Answer:
    """The answer to a question, without the reasoning before it.

    Raises:
        InputError: it is not exactly one JSON object with a known choice and a reason; a fence of ```json around it is
            tolerated. The text says why and quotes next to nothing.
    """
    text = text.strip()
    if not text:
        raise InputError("the answer is empty")
    if len(text) > MAX_ANSWER:
        raise InputError(f"the answer has {len(text)} characters: at most {MAX_ANSWER} are read")
    said = _parsed(_without_fence(text))
    if not isinstance(said, dict):
        raise InputError("the answer is no JSON object")
    if said.keys() != {"choice", "reason"}:
        raise InputError("the answer has other keys than choice and reason, or lacks one")
    choice, reason = said["choice"], said["reason"]
    if not isinstance(choice, str) or not isinstance(reason, str):
        raise InputError("the answer's choice or reason is no text")
    if choice not in question.options:
        raise InputError(f"the answer's choice is none of {', '.join(question.options)}")
    return Answer(choice, one_line(reason))


def one_line(reason: str) -> str:
    """A reason as it is kept and shown: one line, nothing that steers a terminal, at most 160 characters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    return plain if len(plain) <= MAX_RATIONALE else f"{plain[: MAX_RATIONALE - 1]}…"


def _without_fence(text: str) -> str:
    if len(text) < 2 * len(_FENCE) or not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    return text.removeprefix(_FENCE).removesuffix(_FENCE).removeprefix("json").strip()


def _parsed(text: str) -> object:
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_int=_number, parse_float=_number, parse_constant=_number
        )
    except json.JSONDecodeError as error:
        raise InputError(f"the answer is no JSON from character {error.pos} of {len(text)} on") from error
    except RecursionError as error:
        raise InputError("the answer is nested too deep") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError("the answer has a key twice")
    return found


def _number(_digits: str) -> float:
    raise InputError("the answer holds a number: choice and reason are texts")
