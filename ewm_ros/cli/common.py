"""What the subcommands share: output, number ranges."""

from __future__ import annotations

import json
import os
import re
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from ewm_ros.errors import InputError
from ewm_ros.randomness import LARGEST_SEED

out = Console()
err = Console(stderr=True)

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Decides everything random.")]
Ideal = Annotated[bool, typer.Option("--ideal", help="Robots exactly as their types say: no slip, no noise, no delay.")]


Model = Annotated[
    str, typer.Option("--model", help="The robots' world model: a name, a folder's path, or none for the closed form.")
]


Loss = Annotated[float, typer.Option("--loss", min=0.0, max=1.0, help="Share of messages lost on each link.")]
Delay = Annotated[
    float,
    typer.Option("--delay", min=0.0, help="Mean delay of messages in ms; each takes 0.5 to 1.5 times this."),
]
Duplication = Annotated[
    float, typer.Option("--duplication", min=0.0, max=1.0, help="Share of messages that come twice.")
]


ArbiterPreset = Annotated[
    str, typer.Option("--arbiter", help="Preset of config/integration_config.yaml: the model that is asked.")
]
ArbiterUrl = Annotated[
    str, typer.Option("--arbiter-url", help="Address of the arbiter's server; the preset's if not given.")
]
ArbiterModel = Annotated[
    str, typer.Option("--arbiter-model", help="Name of the arbiter's model; the preset's if not given.")
]
ArbiterKeyFile = Annotated[
    str,
    typer.Option("--arbiter-key-file", help="File of mode 0600 that holds the key; DEEPSEEK_API_KEY if not given."),
]


class RecordProfile(str, Enum):
    """Which topics a bag has."""

    MINIMAL = "minimal"
    EVALUATION = "evaluation"
    EVERYTHING = "everything"


class BodyKind(str, Enum):
    """What simulated robots are made of."""

    DRIVEN = "driven"
    WHEELS = "wheels"


Wheels = Annotated[
    BodyKind, typer.Option("--bodies", help="driven: one body a robot, given its velocity; wheels: that are turned.")
]


def print_json(figures: dict[str, object]) -> None:
    """The one JSON object on standard output; what is not finite is null."""
    typer.echo(json.dumps(figures, allow_nan=False))


def numbers(text: str, what: str) -> list[int]:
    """Whole numbers from `3-6`, `3,6,10`, `4` or a mixture.

    Raises:
        InputError: it is none of these, or more than 100,000 numbers.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise InputError(f"{what} {text!r}: write a number, a range like 3-10, or several with commas")
        more = range(int(match[1]), int(match[2] or match[1]) + 1)
        if len(found) + len(more) > 100_000:
            raise InputError(f"{what} {text!r}: that is more than 100,000")
        found.extend(more)
    return list(dict.fromkeys(found))


def worker_count(text: str, or_else: str = "") -> int:
    """How many processes `--workers` asks for: `auto` is one a core.

    Args:
        or_else: what else the option takes.

    Raises:
        InputError: it is neither auto nor a number from 1.
    """
    if text == "auto":
        return os.cpu_count() or 1
    if not (text.isdecimal() and int(text) > 0):
        raise InputError(f"--workers {text!r}: write auto or a number of processes{or_else and f', or {or_else}'}")
    return int(text)


def shown(value: object) -> str:
    """A figure for a table."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
