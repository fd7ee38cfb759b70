"""What a bag is told of the run that it holds: its custom data, as keys and texts, and what they mean.

Whoever records may add keys of his own (`site=lab`): they are kept, and mean nothing here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ewm_ros.errors import InputError

Profile = Literal["minimal", "evaluation", "everything"]
PROFILES: tuple[Profile, ...] = ("minimal", "evaluation", "everything")  # of topics to record
DEFAULT_PROFILE: Profile = "evaluation"

Value = bool | int | float | str | Sequence[str]
Parameters = Mapping[str, Mapping[str, Value]]

METADATA_NAME = "ewm_ros"  # of the record of an MCAP file that has the facts
SHOWN = 60  # characters of a wrong value

WORLD = "world"
WORLD_FILE = "world_file"
WORLD_SHA256 = "world_sha256"
ROBOTS = "robots"
SEED = "seed"
REALTIME_FACTOR = "realtime_factor"
BODIES = "bodies"
VARIED = "varied"
TIME_LIMIT = "time_limit"
MODEL = "model"
MODEL_SHA256 = "model_sha256"
PARAMETERS = "parameters"
VERSION = "version"
PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class BagFacts:
    """The facts of one recorded run; None or empty is what the bag does not say.

    Attributes:
        world: name or path as it was given.
        world_file: the whole text of the world's file; empty for a world that is generated, as floor-N is.
        world_sha256: of that text in UTF-8.
        robots: how many there were.
        realtime_factor: simulated s per s that were asked for.
        bodies: what the simulated robots were made of.
        varied: False for ideal robots.
        time_limit: s of simulated time; None: the world's own.
        model: the robots' world model, name or path as it was given.
        parameters: of each process of the run, by the process's title.
        version: of this package, with which the bag was recorded.
        profile: which topics were wanted: one of PROFILES; empty if they were named one by one.
        other: keys that mean nothing here.
    """

    world: str = ""
    world_file: str = ""
    world_sha256: str = ""
    robots: int | None = None
    seed: int | None = None
    realtime_factor: float | None = None
    bodies: str = ""
    varied: bool | None = None
    time_limit: float | None = None
    model: str = ""
    model_sha256: str = ""
    parameters: Parameters = field(default_factory=dict)
    version: str = ""
    profile: str = ""
    other: Mapping[str, str] = field(default_factory=dict)

    def as_text(self) -> dict[str, str]:
        """The facts as a bag keeps them; what is not known is left out."""
        told = {key: _text(getattr(self, key)) for key in _READERS}
        return {**self.other, **{key: text for key, text in told.items() if text}}

    @classmethod
    def parse(cls, told: Mapping[str, str]) -> BagFacts:
        """The facts that a bag keeps; an empty text is as good as none.

        Raises:
            InputError: a value is not what its key means; the line names the key.
        """
        known: dict[str, Any] = {}
        for key, read in _READERS.items():
            if text := told.get(key, ""):
                try:
                    known[key] = read(text)
                except ValueError as error:
                    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
                    raise InputError(f"fact {key!r} is {shown!r}: {error}") from error
        return cls(**known, other={key: text for key, text in told.items() if key not in _READERS})


def _text(value: object) -> str:
    if value is None or value == {}:
        return ""
    return value if isinstance(value, str) else json.dumps(value)  # true, 7, 1.0 or an object: read as the same


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise ValueError("must be a whole number")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise ValueError("must be a number above 0")
    return number


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("must be the 64 digits of a SHA-256 sum")
    return text


def _parameters(text: str) -> Parameters:
    problem = "must be a JSON object that has an object of parameters for each process"
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(problem) from error
    if not isinstance(told, dict) or not all(isinstance(values, dict) for values in told.values()):
        raise ValueError(problem)
    return told


_READERS: Mapping[str, Callable[[str], Any]] = {
    WORLD: str,
    WORLD_FILE: str,
    WORLD_SHA256: _sha256,
    ROBOTS: _count,
    SEED: _whole,
    REALTIME_FACTOR: _positive,
    BODIES: str,
    VARIED: _switch,
    TIME_LIMIT: _positive,
    MODEL: str,
    MODEL_SHA256: _sha256,
    PARAMETERS: _parameters,
    VERSION: str,
    PROFILE: str,
}
