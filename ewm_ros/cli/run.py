"""`ewm run`: lockstep runs without ROS, as fast as they go."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Annotated

import typer
from rich.progress import Progress
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
from ewm_ros.simulation.network import Faults

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
    workers: Annotated[str, typer.Option(help="Processes, or auto for one a core.")] = "auto",
    as_json: AsJson = False,
) -> int:
    """Run scenarios in lockstep without ROS: deterministic, and judged the same way as the demo."""
    from ewm_ros.coordination.arbitration.advice import Advice
    from ewm_ros.evaluation import run_summary, runs
    from ewm_ros.evaluation.arbiter_spec import ArbiterSpec
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
    processes = worker_count(workers)
    results = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("running", total=len(specs))
        for result in runs.run_all(specs, processes):
            results.append(result)
            progress.advance(task)
    if as_json:
        print_json(run_summary.as_json(results))
        return 0
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
    return 0


def _told_of_rules(row: Mapping[str, object]) -> str:
    """How well the rules were kept and what was asked about them; empty where there is neither."""
    told = []
    if isinstance(row["rule_compliance"], float):
        told.append(f"{row['rule_compliance']:.0%} of {row['rule_passages']} passages as the rules say")
    if isinstance(row["arbitrations"], Mapping):
        told.append(", ".join(f"{count} {name}" for name, count in row["arbitrations"].items() if count))
    return "; ".join(told)
