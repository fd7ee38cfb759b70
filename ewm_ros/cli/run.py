"""`ewm run`: lockstep runs without ROS, as fast as they go; as a campaign in a folder, to be gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ewm_ros.cli.common import (
    ArbiterKeyFile,
    ArbiterModel,
    ArbiterUrl,
    AsJson,
    BodyKind,
    Delay,
    Duplication,
    Ideal,
    Loss,
    Model,
    Wheels,
    err,
    numbers,
    out,
    print_json,
    shown,
    worker_count,
)
from ewm_ros.cli.demo import RunFailed
from ewm_ros.simulation.network import Faults

if TYPE_CHECKING:  # what costs time to import waits until it is needed
    from ewm_ros.evaluation.campaigns.campaign import Campaign
    from ewm_ros.evaluation.campaigns.run_workers import Workers
    from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec

# Of the table, which has to fit.
LEFT_OUT = {
    "reached_rate",
    "near_misses",
    "deadlocks_left",
    "orders_per_minute",
    "rule_passages",
    "rule_compliance",
    "arbitrations",
}


def run(
    worlds: Annotated[str, typer.Option(help="Names or paths, with commas; `all` for all that are shipped.")] = "all",
    robots: Annotated[str, typer.Option(help="How many: 6, 3-10 or 3,6,10.")] = "3-10",
    seeds: Annotated[str, typer.Option(help="Seeds: 0-9 or 1,5.")] = "0-9",
    policy: Annotated[
        str, typer.Option(help="intention (the whole system), none (safety stop only) or orca; commas.")
    ] = "intention",
    loss: Loss = 0.0,
    delay: Delay = 0.0,
    duplication: Duplication = 0.0,
    ideal: Ideal = False,
    bodies: Wheels = BodyKind.DRIVEN,
    model: Model = "default",
    arbiter: Annotated[
        str,
        typer.Option(help="Whom the coordinator asks: a preset of config/integration_config.yaml, or oracle."),
    ] = "",
    arbiter_url: ArbiterUrl = "",
    arbiter_model: ArbiterModel = "",
    arbiter_key_file: ArbiterKeyFile = "",
    arbiter_latency: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="Simulated s that every answer takes.")
    ] = 5.0,
    arbiter_cache: Annotated[
        str, typer.Option(help="File in which answers are kept; none: not beyond a run.")
    ] = "none",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the campaign; one that is begun is gone on with.")
    ] = None,
    workers: Annotated[
        str, typer.Option(help="Processes, auto for one a core, ray for a Ray of this machine, or ray:ADDRESS.")
    ] = "auto",
    as_json: AsJson = False,
) -> int:
    """Run scenarios in lockstep without ROS: deterministic, and judged the same way as the demo."""
    from ewm_ros.coordination.arbitration.advice import Advice
    from ewm_ros.evaluation.campaigns import runs
    from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
    from ewm_ros.resources import available

    names = available("worlds", ".yaml") if worlds == "all" else [name.strip() for name in worlds.split(",")]
    faults = Faults(loss, delay / 1000.0, duplication)
    advice = Advice(
        preset=arbiter, url=arbiter_url, model=arbiter_model, key_file=arbiter_key_file, cache=arbiter_cache
    )
    asked = ArbiterSpec(advice, arbiter_latency) if arbiter or arbiter_url or arbiter_model else None
    wanted = product(names, numbers(robots, "--robots"), numbers(seeds, "--seeds"), policy.split(","))
    specs = [
        runs.RunSpec(
            world,
            count,
            seed,
            name.strip(),
            faults,
            varied=not ideal,
            bodies=bodies.value,
            model=model,
            arbiter=asked,
        )
        for world, count, seed, name in wanted
    ]
    for spec in specs:  # a world may have no room for some seed: better now than after an hour
        spec.check()
    makers = _workers(workers)
    results = _run_all(specs, makers) if folder is None else _run_campaign(folder, specs, makers)
    _report(results, as_json)
    return 0


def _workers(text: str) -> Workers:
    """Who makes the runs."""
    from ewm_ros.evaluation.campaigns.ray_pool import RayWorkers
    from ewm_ros.evaluation.campaigns.run_workers import Processes

    if text == "ray":
        return RayWorkers()
    if text.startswith("ray:"):
        return RayWorkers(text if text.startswith("ray://") else text.removeprefix("ray:"))
    return Processes(worker_count(text, "ray, or ray:ADDRESS"))


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar; what ends the runs under it has one line."""
    from ewm_ros.evaluation.campaigns.run_workers import RunCrashed, WorkersLost

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            yield progress
    except WorkersLost as error:
        raise RunFailed(str(error)) from error
    except RunCrashed as error:
        _show(error.crash.trace)
        raise RunFailed(str(error)) from error


def _show(text: str) -> None:
    """Something on standard error, as it is."""
    err.print(text.rstrip(), markup=False, highlight=False, soft_wrap=True)


def _run_all(specs: Sequence[RunSpec], workers: Workers) -> list[RunResult]:
    from ewm_ros.evaluation.campaigns import run_workers

    results = []
    with _bar() as progress, closing(run_workers.run_all(specs, workers)) as made:
        task = progress.add_task("running", total=len(specs))
        for result in made:
            results.append(result)
            progress.advance(task)
    return results


def _run_campaign(folder: Path, specs: Sequence[RunSpec], workers: Workers) -> list[RunResult]:
    """The same of runs that are kept in a folder, where some may be already."""
    from ewm_ros.evaluation.campaigns.campaign import Campaign

    with Campaign(folder, specs) as campaign:
        try:
            with _bar() as progress, closing(campaign.run(workers)) as made:
                size, missing = campaign.size, len(campaign.missing)
                task = progress.add_task("running", total=size, completed=size - missing)
                for _ in made:
                    progress.advance(task)
                if campaign.crashes:  # the others are made all the same
                    raise campaign.crashes[0]
        except KeyboardInterrupt:
            _show(f"ewm: {_kept(campaign)}")
            raise
        except RunFailed as error:
            raise RunFailed(f"{error}; {_kept(campaign)}") from error
        return campaign.results


def _kept(campaign: Campaign) -> str:
    done = campaign.size - len(campaign.missing)
    return f"{done} of {campaign.size} runs are in {campaign.folder}, and the same command goes on"


def _report(results: Sequence[RunResult], as_json: bool) -> None:
    """One JSON object, or a table and what does not fit into it."""
    from ewm_ros.evaluation.campaigns import run_summary

    if as_json:
        print_json(run_summary.as_json(results))
        return
    rows = run_summary.summary(results)
    columns = [key for key in rows[0] if key not in LEFT_OUT]
    table = Table(*columns, title=f"{len(results)} runs")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(shown(row[key]) for key in columns))
    out.print(table)
    for row in rows:
        if told := _told_of_rules(row):
            out.print(f"{row['world']}, {row['policy']}: {told}")


def _told_of_rules(row: Mapping[str, object]) -> str:
    """How well the rules were kept and what was asked about them; empty where there is neither."""
    told = []
    if isinstance(row["rule_compliance"], float):
        told.append(f"{row['rule_compliance']:.0%} of {row['rule_passages']} passages as the rules say")
    if isinstance(row["arbitrations"], Mapping):
        told.append(", ".join(f"{count} {name}" for name, count in row["arbitrations"].items() if count))
    return "; ".join(told)
