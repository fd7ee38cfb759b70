"""`ewm collect`, `ewm train`, `ewm accuracy`: from runs to a world model, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ewm_ros.cli.common import AsJson, err, numbers, out, print_json, shown, worker_count
from ewm_ros.cli.demo import RunFailed
from ewm_ros.errors import InputError

if TYPE_CHECKING:  # what costs time to import waits until it is needed
    from ewm_ros.evaluation.campaigns.runs import RunSpec
    from ewm_ros.world_model.data_set import DataSet

Workers = Annotated[str, typer.Option(help="Processes, or auto for one a core.")]
Bags = Annotated[
    Path | None, typer.Option(help="A folder of rosbags (MCAP or sqlite3): learn from these recorded robots.")
]
RobotTypes = Annotated[
    str, typer.Option(help="Of the robots in the bags: a type, or robot=type for some of them, with commas.")
]

UNSEEN = "unseen"  # a model trained with all shipped worlds left out


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            yield progress
    except BrokenProcessPool as error:
        raise RunFailed("a worker process was killed, perhaps for lack of memory: try --workers 1") from error


def _log(line: str) -> None:
    """A line on standard error, as it is."""
    err.print(line, markup=False, highlight=False, soft_wrap=True)


def _words(text: str) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _world_names(text: str) -> list[str]:
    from ewm_ros.resources import available

    return available("worlds", ".yaml") if text == "all" else _words(text)


def collect(
    folder: Annotated[Path, typer.Option("--out", help="Folder of the data set; one that is begun is gone on with.")],
    episodes: Annotated[int, typer.Option(min=1, max=1_000_000, help="Runs to record, in fours.")] = 1000,
    seconds: Annotated[float, typer.Option(help="Simulated s after which a run ends; more than 5.")] = 90.0,
    worlds: Annotated[
        str, typer.Option(help="Shipped worlds to use, by name or path, with commas; all, or none.")
    ] = "all",
    procedural: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of procedural worlds.")] = 0.6,
    bags: Bags = None,
    robot_types: RobotTypes = "tinybot",
    seed: Annotated[int, typer.Option(help="Decides everything random; from 1,000,000.")] = 1_000_000,
    workers: Workers = "auto",
    as_json: AsJson = False,
) -> int:
    """Record data to train the world model on: from simulated runs, or from rosbags."""
    from ewm_ros.world_model.data_set import DataSet

    if bags is not None:
        data_set = DataSet(folder, {"bags": True})
        _add_bags(data_set, bags, robot_types)
    else:
        from ewm_ros.evaluation import collection as record

        named = () if worlds == "none" else tuple(_world_names(worlds))
        collection = record.Collection(named, procedural if worlds != "none" else 1.0, seed, seconds)
        collection.check()
        processes = worker_count(workers)
        data_set = DataSet(folder, collection.recipe())
        with _bar() as progress:
            task = progress.add_task("recording", total=episodes)
            for done in record.collect(data_set, collection, episodes, processes):
                progress.advance(task, done)
    windows = sum(chunk["windows"] for chunk in data_set.chunks.values())
    figures: dict[str, object] = {
        "folder": str(folder),
        "chunks": len(data_set.chunks),
        "episodes": sum(len(chunk["episodes"]) for chunk in data_set.chunks.values()),
        "windows": windows,
        "fingerprint": data_set.fingerprint,
    }
    _report(figures, as_json)
    return 0


def train(
    data: Annotated[list[Path] | None, typer.Option(help="Folder of a data set; repeat it for several.")] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder of the model.")] = Path("models/world_model/mine"),
    config: Annotated[Path | None, typer.Option(help="JSON file; config/world_model_config.json if not given.")] = None,
    bags: Bags = None,
    robot_types: RobotTypes = "tinybot",
    leave_out: Annotated[str, typer.Option(help="Worlds not to learn from, with commas.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted training.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write loss curves for TensorBoard.")] = False,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="CPU threads; 0 for all cores.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Train a world model on data sets; it writes the weights, the network for robots and a model card."""
    try:
        from ewm_ros.world_model.training import session
    except ImportError as error:
        raise InputError(f"training needs {error.name}: pip install ewm-ros[train]") from error
    from ewm_ros.resources import share
    from ewm_ros.world_model.config import load_config
    from ewm_ros.world_model.data_set import DataSet

    settings = load_config(config or share() / "config" / "world_model_config.json")
    sets = [DataSet(path) for path in data or []]
    if bags is not None:
        recorded = DataSet(folder / "bags", {"bags": True})
        _add_bags(recorded, bags, robot_types)
        sets.append(recorded)
    if not sets:
        raise InputError("nothing to train on: give --data FOLDER (made by `ewm collect`) or --bags FOLDER")
    with _bar() as progress:
        task = progress.add_task("training", total=None)

        def batch(epoch: int, done: int, of: int) -> None:
            progress.update(task, description=f"epoch {epoch + 1}/{settings.training.epochs}", completed=done, total=of)

        figures = session.train(
            settings,
            sets,
            folder,
            leave_out=tuple(_words(leave_out)),
            resume=resume,
            threads=threads,
            tensorboard=tensorboard,
            on_batch=batch,
            on_line=_log,
        )
    _report(figures, as_json)
    return 0


def accuracy(
    worlds: Annotated[str, typer.Option(help="Names or paths, with commas; `all` for all that are shipped.")] = "all",
    robots: Annotated[str, typer.Option(help="How many: 6, 3-10 or 3,6,10.")] = "3,6,10",
    seeds: Annotated[str, typer.Option(help="Seeds: 0-9 or 1,5.")] = "0-1",
    model: Annotated[str, typer.Option(help="A world model's name or folder.")] = "default",
    unseen_model: Annotated[
        str | None,
        typer.Option(
            help="A model that has seen none of the worlds, for the group left_out; empty for none. "
            "`unseen` if it is there."
        ),
    ] = None,
    foreign: Annotated[
        bool | None, typer.Option("--foreign/--no-foreign", help="The worlds of worlds/foreign; if they are there.")
    ] = None,
    workers: Workers = "auto",
    as_json: AsJson = False,
) -> int:
    """How well robots foresee their next 5 s with a model, beside constant velocity and their nominal controller."""
    from ewm_ros.evaluation import accuracy as measure

    names = _world_names(worlds)
    counts, drawn = numbers(robots, "--robots"), numbers(seeds, "--seeds")
    processes = worker_count(workers)
    wanted = {"shipped": _checked(_specs(names, counts, drawn, model))}
    if unseen_model != "":
        with _skipping("left_out", asked=unseen_model is not None):
            wanted["left_out"] = _checked(_specs(names, counts, drawn, unseen_model or UNSEEN))
    if foreign is not False:
        with _skipping("foreign", asked=foreign is True):
            wanted["foreign"] = _checked(_foreign_specs(counts, drawn, model))
    groups = {group: measure.Group() for group in wanted}
    with _bar() as progress:
        for name, part in wanted.items():
            task = progress.add_task(name, total=len(part))
            for run in measure.measure_all(part, processes):
                groups[name].runs.append(run)
                progress.advance(task)
    if as_json:
        print_json(measure.as_json(groups))
    else:
        for name, measured in groups.items():
            _print_group(name, measured.as_json())
    return 0


@contextmanager
def _skipping(group: str, asked: bool) -> Iterator[None]:
    """Do without a group that cannot be measured, and say so, unless it was asked for."""
    try:
        yield
    except InputError as error:
        if asked:
            raise
        _log(f"group {group} skipped: {error}")


def _checked(specs: list[RunSpec]) -> list[RunSpec]:
    """These, if all can be measured: better known before the first of them than after an hour."""
    from ewm_ros.evaluation.accuracy import check

    check(specs)
    return specs


def _specs(worlds: list[str], counts: list[int], seeds: list[int], model: str) -> list[RunSpec]:
    from ewm_ros.evaluation.campaigns.runs import RunSpec

    return [
        RunSpec(world, count, seed, "intention", model=model) for world, count, seed in product(worlds, counts, seeds)
    ]


def _foreign_specs(counts: list[int], seeds: list[int], model: str) -> list[RunSpec]:
    """Those that the worlds of worlds/foreign have room for."""
    from ewm_ros.resources import share
    from ewm_ros.simulation.worlds.world_file import load_world

    found = []
    for path in sorted((share() / "worlds" / "foreign").glob("*.yaml")):
        fleet = load_world(str(path)).robots.count
        fitting = [count for count in counts if fleet.min <= count <= fleet.max]
        found += _specs([str(path)], fitting, seeds, model)
    if not found:
        raise InputError("worlds/foreign has no world, or none for so many robots")
    return found


def _report(figures: dict[str, Any], as_json: bool) -> None:
    """One JSON object, or a table in which figures of figures have a row each."""
    if as_json:
        print_json(figures)
        return
    table = Table("figure", "value")
    for key, value in figures.items():
        for name, part in value.items() if isinstance(value, dict) else ((key, value),):
            table.add_row(name, "\n".join(part) if isinstance(part, list) else shown(part))
    out.print(table)


def _print_group(name: str, told: dict[str, Any]) -> None:
    """A table that a terminal of 80 columns has room for."""
    table = Table(
        "world", "predictor", "accuracy", "ADE 1/3/5 s", "FDE m", "50/90 %", "makespan",
        title=name, box=SIMPLE, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False,
    )  # fmt: skip
    for world, figures in {**told["worlds"], "all": told}.items():
        baselines = {"nominal": figures["nominal_controller"], "velocity": figures["constant_velocity"]}
        for predictor, part in {"model": figures, **baselines}.items():
            own = predictor == "model"
            table.add_row(
                world if own else "",
                predictor,
                _rounded(part["accuracy"]),
                _rounded(*part["ade_m"].values()),
                _rounded(part["fde_m"]),
                _rounded(*part["coverage"].values()),
                shown(figures["makespan_s"]) if own else "",
            )
    out.print(table)


def _rounded(*values: float | None) -> str:
    return " ".join("-" if value is None else f"{value:.2f}" for value in values)


def _add_bags(data_set: DataSet, bags: Path, robot_types: str) -> None:
    from ewm_ros.evaluation.bags.bag_windows import add_bags

    with _bar() as progress:
        task = progress.add_task("reading bags", total=None)
        for line in add_bags(data_set, bags, robot_types):
            _log(line)
            progress.advance(task)
