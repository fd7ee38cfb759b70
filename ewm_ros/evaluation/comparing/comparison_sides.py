"""What `ewm compare` compares: a bag, a folder of bags, a campaign or a file of JSON, each read as one side of runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ewm_ros.bag_facts import BagFacts, Parameters
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import METADATA, STORAGES, bag_path, find_bags
from ewm_ros.evaluation.campaigns.run_log import RUNS
from ewm_ros.evaluation.figures.flat_figures import flat_figures

Tell = Callable[[str, float], None]  # what is being read, and which share of it is

# What a run is, or what it is of, and no figure of how it went.
FACTS = ("world", "robots", "seed", "policy", "spec", "simulated", "bag")
# With what a run was made, beside world, robots, seed and policy: as a campaign and a bag call it.
SETTINGS = (
    "version", "bodies", "varied", "faults", "model", "model_sha256", "arbiter", "robots_sha256", "time_limit",
    "realtime_factor",
)  # fmt: skip
# Of faults: as a campaign calls them, and as the nodes' parameters do.
FAULTS = {"loss": "network_loss", "delay": "network_delay", "duplication": "network_duplication"}

UNKNOWN = "unknown"
COORDINATOR = "coordinator"  # title of its process
LARGEST = 1e300  # of figures that can be added up; neither inf nor nan is below it


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run.

    Attributes:
        world: its name; UNKNOWN if nothing tells it.
        seed: None if nothing tells it, as with real robots.
        policy: empty if nothing tells it.
        figures: the numbers that are known, by the names of flat_figures.py; what is true is 1, what is false 0.
        world_sha256: of the world's file; empty if nothing tells it.
        settings: those of SETTINGS that are known, in words.
    """

    world: str
    robots: int
    seed: int | None
    policy: str
    figures: Mapping[str, float]
    world_sha256: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    def without_policy(self) -> ComparedRun:
        """The same, whatever it was driven by."""
        return replace(self, policy="")


@dataclass(frozen=True, slots=True)
class Side:
    """Runs that are compared as one."""

    name: str
    runs: tuple[ComparedRun, ...]

    @property
    def worlds(self) -> tuple[str, ...]:
        """Their names, in the order of the runs."""
        return tuple(dict.fromkeys(run.world for run in self.runs))

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of those that are told, in the order of the runs."""
        return tuple(dict.fromkeys(run.policy for run in self.runs if run.policy))

    def by_policy(self) -> list[Side]:
        """A side for each policy of this one.

        Raises:
            InputError: there are fewer than two.
        """
        if len(self.policies) < 2:
            raise InputError(
                f"{self.name} holds {', '.join(self.policies) or 'no policy'} only: it takes two to compare"
            )
        return [Side(policy, tuple(run for run in self.runs if run.policy == policy)) for policy in self.policies]


def read_sides(arguments: Sequence[str], world: str, tell: Tell) -> list[Side]:
    """Read all sides; each argument is a path, or `name=path`.

    Args:
        world: name or path of the world of bags that do not tell it.

    Raises:
        InputError: one of them is not there, holds no run or cannot be read; or two have the same name.
    """
    named = [_name_and_path(argument) for argument in arguments]
    short = [name or path.resolve().stem for name, path in named]
    names = [
        own if short.count(own) == 1 else name or str(path) for own, (name, path) in zip(short, named, strict=True)
    ]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"two sides are called {twice[0]!r}: name them, as in before=DIR after=DIR")
    return [Side(name, tuple(_runs(path, world, tell))) for name, (_, path) in zip(names, named, strict=True)]


def _name_and_path(argument: str) -> tuple[str, Path]:
    name, sign, path = argument.partition("=")
    if not sign or Path(argument).exists():
        return "", Path(argument)
    if not name or not path:
        raise InputError(f"{argument!r} is no side: write a path, or name=path")
    return name, Path(path)


def _runs(path: Path, world: str, tell: Tell) -> list[ComparedRun]:
    """The runs of one side, of whichever kind it is."""
    path = bag_path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if (path / RUNS).exists():
        return _campaign(path)
    if path.is_dir() or path.suffix in STORAGES:
        bags = [path] if path.is_file() or (path / METADATA).exists() else find_bags(path)
        return [_bag(bag, world, tell, done / len(bags), 1 / len(bags)) for done, bag in enumerate(bags)]
    return _json_file(path)


def _bag(bag: Path, world: str, tell: Tell, begin: float, share: float) -> ComparedRun:
    """A recorded run; reading it is `share` of the whole, after `begin`."""
    from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag

    evaluation = evaluate_bag(bag, world, lambda done: tell(bag.name, begin + share * done))
    facts = evaluation.facts
    settings = recorded_settings(facts)
    return replace(_run(evaluation.figures(), str(bag)), world_sha256=facts.world_sha256, settings=settings)


def recorded_settings(facts: BagFacts) -> dict[str, str]:
    """Those of SETTINGS that a bag tells, in words; of a simulated run, also what was left as it is by default."""
    simulated = facts.realtime_factor is not None
    return _words(
        {
            "version": facts.version,
            "bodies": facts.bodies,
            "varied": facts.varied,
            "faults": _recorded_faults(facts.parameters),
            "model": facts.model,
            "model_sha256": facts.model_sha256,
            "arbiter": _recorded_arbiter(facts.parameters),
            "time_limit": "the world's" if simulated and facts.time_limit is None else facts.time_limit,
            "realtime_factor": facts.realtime_factor,
        }
    )


def _recorded_faults(parameters: Parameters) -> object:
    """As a campaign tells them; a list if processes differ, None if no process tells any."""
    found: list[dict[str, object]] = []
    for values in parameters.values():
        told: dict[str, object] = {name: values.get(key, 0.0) for name, key in FAULTS.items()}
        if any(key in values for key in FAULTS.values()) and told not in found:
            found.append(told)
    return found[0] if len(found) == 1 else found or None


def _recorded_arbiter(parameters: Parameters) -> object:
    """Whom the coordinator asks: preset, model and address, as far as they were said; None without a coordinator."""
    if COORDINATOR not in parameters:
        return None
    values = parameters[COORDINATOR]
    said = [str(values[name]) for name in ("arbiter", "arbiter_model", "arbiter_url") if values.get(name)]
    return " ".join(said) or "none"


def _campaign(folder: Path) -> list[ComparedRun]:
    """All that a campaign has run so far, also one of another version, whose runs have other keys."""
    path = folder / RUNS
    *lines, _torn = _text(path).split("\n")
    if not lines:
        raise InputError(f"campaign {folder} has no runs yet")
    return [_line(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def _line(line: str, source: str) -> ComparedRun:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source} is damaged ({str(error)[:80]})") from error
    return _run(content, source)


def _json_file(path: Path) -> list[ComparedRun]:
    """The runs of a file of what commands have printed with --json: one object, or several one after the other."""
    text = _text(path)
    try:
        found = list(_objects(text))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is neither a bag nor JSON ({str(error)[:80]})") from error
    runs = [run for content in found for run in _runs_of(content)]
    if not runs:
        raise InputError(f"{path} holds no runs: it takes the JSON of ewm run, eval or demo")
    return [_run(run, str(path)) for run in runs]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is neither a bag nor text") from error


def _objects(text: str) -> Iterator[Any]:
    """The JSON values of a text, one after the other."""
    decoder, place = json.JSONDecoder(), 0
    while (place := len(text) - len(text[place:].lstrip())) < len(text):
        content, place = decoder.raw_decode(text, place)
        yield content


def _runs_of(content: Any) -> list[Any]:
    """Those of one JSON object: the lists of `ewm run` and of `ewm eval` for several bags, or the object itself."""
    key = next((key for key in ("runs", "bags") if isinstance(content, dict) and key in content), None)
    runs = [content] if key is None else content[key]
    return runs if isinstance(runs, list) else [runs]


def _run(told: Any, source: str) -> ComparedRun:
    """A run by the JSON object that tells of it."""
    spec = told.get("spec") if isinstance(told, dict) else None
    made: Mapping[str, Any] = spec if isinstance(spec, dict) else {}
    if wrong := _flaw(told):
        raise InputError(f"{source} is no run of ewm run, eval or demo: {wrong}")
    try:
        flat = flat_figures({key: value for key, value in told.items() if key not in FACTS})
        figures = {name: float(value) for name, value in flat.items() if isinstance(value, (bool, int, float))}
    except (ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{source}: {error}") from error
    if passages := figures.get("rule_passages"):
        figures["rule_compliance"] = figures.get("rule_compliant", 0.0) / passages
    world = told.get("world") or UNKNOWN
    return ComparedRun(
        world=Path(world).stem if world.endswith(".yaml") else world,
        robots=told["robots"],
        seed=told.get("seed"),
        policy=told.get("policy") or "",
        figures={name: value for name, value in figures.items() if abs(value) < LARGEST},
        world_sha256=str(made.get("world_sha256", "")),
        settings=_words(made),
    )


def _flaw(told: Any) -> str:
    """Why something does not tell of a run; empty if it does."""
    if not isinstance(told, dict):
        return f"{json.dumps(told)[:60]} is no object"
    kinds = {
        "world": _is_name(told.get("world")),
        "robots": type(told.get("robots")) is int and told["robots"] > 0,
        "seed": type(told.get("seed")) in (int, type(None)),
        "policy": _is_name(told.get("policy")),
    }
    wrong = [key for key, fine in kinds.items() if not fine]
    return f"its {wrong[0]!r} is {json.dumps(told.get(wrong[0]))[:60]}" if wrong else ""


def _is_name(told: Any) -> bool:
    return told is None or (isinstance(told, str) and told.isprintable())


def _words(made: Mapping[str, Any]) -> dict[str, str]:
    """The settings that are known, in words."""
    known = {name: made.get(name) for name in SETTINGS}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in known.items()
        if value not in (None, "")
    }
