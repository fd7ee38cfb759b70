"""What the operator of a site says in words: its rules, facts about its robots, names of its places.

Only this file's text and numbers ever reach a language model: whatever comes from the network is put under aliases.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from ewm_ros.errors import InputError
from ewm_ros.messages import ROBOT_NAME
from ewm_ros.names import robot_name
from ewm_ros.yaml_files import first_error, load_yaml

AT_PLACE = 1.0  # m from a named place, up to which a goal is that place
MAX_RULES = 40
MAX_ROLES = 1000
MAX_PLACES = 1000
MAX_TEXT = 300  # characters of a rule, a fact or a name
WORLD_KEY = "bounds"  # every world file has it, no site file

Facts = tuple[tuple[str, str], ...]  # key and value, sorted


@dataclass(frozen=True, slots=True)
class Site:
    """What is known in words.

    Attributes:
        rules: one sentence each.
        facts: by robot, what is said of it (key and value).
        places: x, y (m, map frame) by name.
    """

    rules: tuple[str, ...] = ()
    facts: Mapping[str, Facts] = field(default_factory=dict)
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def facts_of(self, robot: str) -> Facts:
        """What is said of a robot; empty if nothing."""
        return self.facts.get(robot, ())

    def place_at(self, x: float, y: float) -> str:
        """The name of the place at x, y (m); empty if it has none."""
        near = [(math.dist((x, y), place), name) for name, place in self.places.items()]
        return min((entry for entry in near if entry[0] <= AT_PLACE), default=(0.0, ""))[1]

    @property
    def rules_hash(self) -> str:
        """Changes with the rules: an answer holds for those it was given under."""
        return hashlib.sha256(json.dumps(self.rules).encode()).hexdigest()[:16]


NO_WORDS = Site()


def make_site(
    rules: Iterable[str] = (),
    roles: Iterable[tuple[int | str, Mapping[str, object]]] = (),
    places: Mapping[str, tuple[float, float]] | None = None,
) -> Site:
    """A site of its parts.

    Args:
        roles: a robot's name, or its index in a world, and what is said of it; several of one robot add up.
    """
    facts: dict[str, dict[str, str]] = {}
    for robot, said in roles:
        name = robot if isinstance(robot, str) else robot_name(robot)
        facts.setdefault(name, {}).update({key: str(value) for key, value in said.items()})
    sorted_facts = {name: tuple(sorted(said.items())) for name, said in facts.items()}
    return Site(tuple(rules), sorted_facts, dict(places or {}))


def load_site(path: Path) -> Site:
    """Read a site file: rules, roles, places. A world file is one too: of its keys only these three are read.

    Raises:
        InputError: it cannot be read, has other keys or impossible values; one line `FILE: key.path: reason`.
    """
    content = load_yaml(path)
    if isinstance(content, dict) and WORLD_KEY in content:
        content = {key: value for key, value in content.items() if key in _SiteFile.model_fields}
    try:
        said = _SiteFile.model_validate({} if content is None else content)
    except ValidationError as error:
        raise InputError(f"{path}: {first_error(error)}") from error
    return make_site(said.rules, [(role.robot, role.__pydantic_extra__) for role in said.roles], said.places)


Text = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_TEXT, pattern=r"^[^\n\r]*$")]
Number = Annotated[float, Field(strict=True, ge=-1e5, le=1e5)]


def _robot(value: object) -> str:
    name = robot_name(value) if isinstance(value, int) else value
    if not isinstance(name, str) or not ROBOT_NAME.fullmatch(name):
        raise PydanticCustomError("robot", "must be a robot's name (1 to 32 of a-z, 0-9, _) or its index in a world")
    return name


class _Role(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, Text | int | float | bool]

    robot: Annotated[str, PlainValidator(_robot)]


class _SiteFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rules: Annotated[tuple[Text, ...], Field(max_length=MAX_RULES)] = ()
    roles: Annotated[tuple[_Role, ...], Field(max_length=MAX_ROLES)] = ()
    places: Annotated[dict[Text, tuple[Number, Number]], Field(max_length=MAX_PLACES)] = Field(default_factory=dict)
