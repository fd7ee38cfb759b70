"""Campaigns: many lockstep runs kept in a folder, which go on where they were stopped.

The folder holds campaign.json, what all of its runs have in common, and runs.jsonl, a line for each run that is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from pydantic import JsonValue, TypeAdapter, ValidationError
from typing_extensions import Self

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_facts import RunFacts, facts_of
from ewm_ros.evaluation.campaigns.run_files import WorldHashes
from ewm_ros.evaluation.campaigns.run_log import RUNS, LoggedRun, RunLog
from ewm_ros.evaluation.campaigns.run_workers import Crash, RunCrashed, Workers
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec
from ewm_ros.evaluation.campaigns.worker_pool import ctrl_c_held_back
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.yaml_files import first_error

FORMAT = 1
CAMPAIGN = "campaign.json"

Key = tuple[str, int, int, str]  # a world's own name, robots, seed, policy: which run it is within a campaign


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for last, as it was written."""

    worlds: list[str]
    robots: list[int]
    seeds: list[int]
    policies: list[str]

    @staticmethod
    def of(specs: Sequence[RunSpec]) -> Asked:
        """By some runs."""
        return Asked(
            list(dict.fromkeys(spec.world for spec in specs)),
            list(dict.fromkeys(spec.robots for spec in specs)),
            list(dict.fromkeys(spec.seed for spec in specs)),
            list(dict.fromkeys(spec.policy for spec in specs)),
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """The content of campaign.json.

    Attributes:
        version: of this package. Another one may come to other results, and a table of both would mean nothing.
        faults, varied, bodies, model, model_sha256, arbiter: of all runs, as in RunFacts.
        worlds: by their own names.
    """

    format: int
    version: str
    faults: Faults
    varied: bool
    bodies: str
    model: str
    model_sha256: str
    arbiter: dict[str, JsonValue] | None
    worlds: dict[str, WorldHashes]
    asked: Asked

    @staticmethod
    def of(specs: Sequence[RunSpec], facts: Sequence[RunFacts]) -> Recipe:
        """Of runs that are asked for, one at least.

        Raises:
            InputError: two worlds have the same name.
        """
        worlds: dict[str, WorldHashes] = {}
        for world, one in {fact.world: fact for fact in facts}.items():
            name, hashes = load_world(world).name, WorldHashes(one.world_sha256, one.robots_sha256)
            if worlds.setdefault(name, hashes) != hashes:
                raise InputError(f"{world}: another world has the name {name!r} too: give each an --out of its own")
        first = facts[0]
        return Recipe(
            format=FORMAT,
            version=first.version,
            faults=first.faults,
            varied=first.varied,
            bodies=first.bodies,
            model=first.model,
            model_sha256=first.model_sha256,
            arbiter=first.arbiter,
            worlds=worlds,
            asked=Asked.of(specs),
        )

    def refusal(self, wanted: Recipe) -> str:
        """Why runs of another recipe cannot stand beside those of this one; empty if they can."""
        if self.version != wanted.version:
            return (
                f"its runs were made by ewm_ros {self.version}, and {wanted.version} may come to other results: "
                "choose another --out, or go on with that version"
            )
        for name in ("faults", "varied", "bodies", "arbiter"):
            mine, other = getattr(self, name), getattr(wanted, name)
            if mine != other:
                return f"its runs were made with {name} {_shown(mine)}, not {_shown(other)}: choose another --out"
        if self.model_sha256 != wanted.model_sha256:
            changed = f"the model {wanted.model!r} has changed since its runs were made"
            other_one = f"its runs were made with the model {self.model!r}, not {wanted.model!r}"
            return f"{changed if self.model == wanted.model else other_one}: choose another --out"
        for name, hashes in wanted.worlds.items():
            known = self.worlds.get(name, hashes)
            if known != hashes:
                what = "world" if known.world_sha256 != hashes.world_sha256 else "robot types of the world"
                return (
                    f"the {what} {name!r} changed since runs were made there: choose another --out, or put the former "
                    "file back"
                )
        return ""

    def has(self, run: LoggedRun) -> bool:
        """Whether a run is one of its own."""
        facts = run.facts
        same = ("version", "faults", "varied", "bodies", "arbiter", "model_sha256")
        hashes = WorldHashes(facts.world_sha256, facts.robots_sha256)
        named = (facts.robots, facts.seed, facts.policy) == (run.result.robots, run.result.seed, run.result.policy)
        return (
            named
            and self.worlds.get(run.result.world) == hashes
            and all(getattr(facts, name) == getattr(self, name) for name in same)
        )


_RECIPE = TypeAdapter(Recipe)


def _shown(value: object) -> str:
    content = asdict(value) if isinstance(value, Faults) else value
    return json.dumps(content)


def read_recipe(path: Path) -> Recipe:
    """The content of a campaign.json.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        recipe = _RECIPE.validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise InputError(f"{path} is not of a campaign ({first_error(error)}): choose another --out") from error
    if recipe.format != FORMAT:
        raise InputError(f"{path}: format {recipe.format}, this program uses {FORMAT}: choose another --out")
    return recipe


class Campaign:
    """A folder of runs, held by this process alone while it is open.

    Args:
        folder: made if it is not there; one that holds other runs of the same settings is added to.
        specs: the runs that are asked for, one at least, all of the same settings. What they name has been checked.

    Attributes:
        crashes: the runs that a fault of this program has ended; they are not kept.

    Raises:
        InputError: the folder cannot be used, is damaged, is in use, or is of other settings, worlds or versions.
    """

    def __init__(self, folder: Path, specs: Sequence[RunSpec]) -> None:
        self.folder = folder
        self.crashes: list[RunCrashed] = []
        self._specs = specs
        self._facts = dict(zip(specs, facts_of(specs), strict=True))
        wanted = Recipe.of(specs, list(self._facts.values()))
        self._names = {world: load_world(world).name for world in wanted.asked.worlds}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"campaign {folder} cannot be made ({error.strerror})") from error
        self._log = RunLog(folder / RUNS)
        try:
            self._done = self._begin(wanted)
        except BaseException:
            self._log.close()
            raise

    def _begin(self, wanted: Recipe) -> dict[Key, RunResult]:
        """Enter what is asked for in campaign.json; the runs that are there."""
        path = self.folder / CAMPAIGN
        runs = self._log.read()
        recipe = wanted
        if path.exists():
            known = read_recipe(path)
            if refusal := known.refusal(wanted):
                raise InputError(f"{path}: {refusal}")
            recipe = replace(known, worlds={**known.worlds, **wanted.worlds}, asked=wanted.asked)
        elif runs:
            raise InputError(f"{self.folder} has runs, but {CAMPAIGN} is missing: choose another --out")
        done: dict[Key, RunResult] = {}
        for number, run in enumerate(runs, start=1):
            key = (run.result.world, run.result.robots, run.result.seed, run.result.policy)
            if not recipe.has(run) or done.setdefault(key, run.result) != run.result:
                raise InputError(
                    f"{self._log.path}, line {number}: not a run of this campaign: delete the line, and choose "
                    "another --out for such runs"
                )
        _write(path, recipe)
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.close()

    def _key(self, spec: RunSpec) -> Key:
        return self._names[spec.world], spec.robots, spec.seed, spec.policy

    @property
    def size(self) -> int:
        """How many runs are asked for, each counted once."""
        return len({self._key(spec) for spec in self._specs})

    @property
    def missing(self) -> list[RunSpec]:
        """The runs asked for that are not there yet, each once."""
        by_key = {self._key(spec): spec for spec in self._specs}
        return [spec for key, spec in by_key.items() if key not in self._done]

    @property
    def results(self) -> list[RunResult]:
        """What is there of the runs asked for, in their order."""
        found = (self._done.get(self._key(spec)) for spec in self._specs)
        return [result for result in found if result is not None]

    def run(self, workers: Workers) -> Generator[RunSpec]:
        """Make what is missing; yields each run when it is done, and kept unless it crashed.

        Raises:
            InputError: as Workers.run; or a run cannot be kept.
            WorkersLost: as Workers.run.
        """
        missing = self.missing
        if not missing:
            return
        with closing(workers.run(missing)) as outcomes:
            for index, outcome in outcomes:
                spec = missing[index]
                if isinstance(outcome, Crash):
                    self.crashes.append(RunCrashed(spec, outcome))
                else:
                    self._add(spec, outcome)
                yield spec

    def _add(self, spec: RunSpec, result: RunResult) -> None:
        facts = self._facts[spec]
        if facts_of([spec]) != [facts]:
            raise InputError(
                f"campaign {self.folder}: files of the world {spec.world!r} or the model {spec.model!r} changed while "
                "it ran: put the former ones back, and go on"
            )
        with ctrl_c_held_back():  # or a run would be on disk that is not known to be there
            self._log.append(LoggedRun(result, facts))
            self._done[self._key(spec)] = result


def _write(path: Path, recipe: Recipe) -> None:
    """Write campaign.json whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(asdict(recipe), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror})") from error
