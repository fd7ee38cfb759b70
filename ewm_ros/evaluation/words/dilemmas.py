"""Conflicts that the words of a site decide (worlds/dilemmas), and whether an answer to one complies with those words.

The files are made by examples/make_dilemmas.py. No robot and no coordinator reads what is expected: only what is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from ewm_ros.coordination.arbitration.question import Option, Question
from ewm_ros.errors import InputError
from ewm_ros.names import robot_name
from ewm_ros.resources import share
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import World, load_world
from ewm_ros.yaml_files import first_error

Part = Literal[
    "prompt", "figure"
]  # which half: the one that prompts may be worked on with, or the one that is measured
Tiers = tuple[tuple[int, ...], ...]  # indices of robots; those of a tier pass before those of the later ones


@dataclass(frozen=True, slots=True)
class Dilemma:
    """One conflict, and who ought to pass whom first.

    Attributes:
        path: of its file.
        tiers: all its robots; within a tier any order complies.
    """

    path: Path
    world: World
    part: Part
    tiers: Tiers

    def scenario(self, seed: int) -> Scenario:
        """The conflict as a scenario."""
        return make_scenario(self.world, self.world.robots.count.default, seed)

    def complies(self, question: Question, option_id: str) -> bool | None:
        """Whether an option of a question about this conflict is what the site's words ask for.

        None if it does not say who of robots in different tiers passes first: then the words do not matter.
        """
        tier_of = {robot_name(i): k for k, tier in enumerate(self.tiers) for i in tier}
        places = _places(question.options[option_id], question.parties)
        ranked = sorted((tier_of[party.robot], places[a]) for a, party in question.parties.items() if a in places)
        pairs = [(one, other) for one, other in combinations(ranked, 2) if one[0] < other[0]]
        return all(one[1] < other[1] for one, other in pairs) if pairs else None

    def right_options(self, question: Question) -> tuple[str, ...]:
        """Ids of the options that comply."""
        return tuple(option_id for option_id in question.options if self.complies(question, option_id))


def _places(option: Option, parties: Iterable[str]) -> dict[str, int]:
    """By alias, how many pass before; only those whom the option has pass or move aside."""
    places = {alias: len(option.first) for alias in option.aside} | {a: k for k, a in enumerate(option.first)}
    if len(places) == 1 and not option.round:  # it passes first: before all others
        return dict.fromkeys(parties, 1) | places
    return places


def load_dilemmas(part: Part | Literal["all"] = "all") -> list[Dilemma]:
    """The shipped ones in the order of their names.

    Raises:
        InputError: as `load_dilemma`.
    """
    found = [load_dilemma(path) for path in sorted((share() / "worlds" / "dilemmas").glob("*.yaml"))]
    return [dilemma for dilemma in found if part in ("all", dilemma.part)]


def load_dilemma(path: Path) -> Dilemma:
    """Read a world file that says what is expected.

    Raises:
        InputError: as `load_world`, or `expected` is not as docs/worlds.md has it; one line `FILE: key.path: reason`.
    """
    world = load_world(str(path))
    robots = range(world.robots.count.default)
    try:
        expected = _File.model_validate({"expected": world.expected}).expected
    except ValidationError as error:
        raise InputError(f"{path}: {first_error(error)}") from error
    tiers = expected.tiers(robots)
    named = [index for tier in tiers for index in tier]
    if sorted(named) != list(robots):
        given = ", ".join(map(str, named))
        raise InputError(f"{path}: expected: speaks of robots {given}; there are 0 to {robots[-1]}, each counts once")
    if not all(tiers):
        raise InputError(f"{path}: expected: names all robots, which leaves nobody for them to pass or let pass")
    return Dilemma(path, world, expected.set, tiers)


Group = Annotated[tuple[Annotated[int, Field(strict=True, ge=0)], ...], Field(min_length=1)]


class _Expected(BaseModel):
    """The key `expected` of a dilemma: one of order, passes and aside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: Part
    order: Annotated[tuple[Group, ...], Field(min_length=2)] | None = None
    passes: Group | None = None
    aside: Group | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(said is not None for said in (self.order, self.passes, self.aside)) != 1:
            raise PydanticCustomError("expected", "needs one of order, passes and aside")
        return self

    def tiers(self, robots: Iterable[int]) -> Tiers:
        """Whom it names, and where it names some only, all others before or after them."""
        if self.order is not None:
            return self.order
        named = self.passes or self.aside or ()
        others = tuple(index for index in robots if index not in named)
        return (named, others) if self.passes is not None else (others, named)


class _File(BaseModel):
    """A world file, of which only this key matters here."""

    expected: _Expected
