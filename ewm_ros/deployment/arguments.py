"""An argument of a launch file: its name, what it means and takes, and its value from the text that is given for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ewm_ros.deployment.processes import Value
from ewm_ros.errors import InputError

Kind = Literal["text", "switch", "integer", "number"]

EXPECTED: Mapping[Kind, str] = {"switch": "True or False", "integer": "an integer", "number": "a number"}
SWITCHES = {"true": True, "1": True, "false": False, "0": False}  # the words that ROS's launch takes in conditions


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument.

    Attributes:
        name: as in `name:=value`.
        description: one sentence, as `ros2 launch --show-args` prints it.
        kind: of its value.
        default: text that stands for what is not given; empty: nothing is said; None: it has to be given.
        otherwise: what holds when nothing is said.
        choices: words that it takes; empty: any text.
    """

    name: str
    description: str
    kind: Kind = "text"
    default: str | None = ""
    otherwise: str = ""
    choices: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """The description, with the words that it takes and what holds when nothing is said."""
        choices = f" One of {', '.join(self.choices)}." if self.choices else ""
        return f"{self.description}{choices}" + (f" If empty: {self.otherwise}." if self.otherwise else "")

    def read(self, text: str) -> Value | None:
        """The value that a text means; None if the text is empty, which says nothing.

        Raises:
            InputError: it means none.
        """
        if not text:
            return None
        if self.choices and text not in self.choices:
            raise InputError(f"argument {self.name!r} is {text!r}: it must be one of {', '.join(self.choices)}")
        value = _value(self.kind, text)
        if value is None:
            raise InputError(f"argument {self.name!r} is {text!r}: it must be {EXPECTED[self.kind]}")
        return value


def _value(kind: Kind, text: str) -> Value | None:
    """The text as a value of this kind; None if it is none."""
    if kind == "text":
        return text
    if kind == "switch":
        return SWITCHES.get(text.lower())
    try:
        number = int(text) if kind == "integer" else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def written(value: Value) -> str:
    """The text that is read as this value."""
    return value if isinstance(value, str) else str(value)


def read_all(arguments: Iterable[Argument], texts: Mapping[str, str]) -> dict[str, Value]:
    """What has been said, by name.

    Raises:
        InputError: a text is no value of its argument, or one that has to be given is not.
    """
    said = {}
    for argument in arguments:
        value = argument.read(texts.get(argument.name, argument.default or ""))
        if value is not None:
            said[argument.name] = value
        elif argument.default is None:
            raise InputError(f"argument {argument.name!r} is missing: {argument.description}")
    return said
