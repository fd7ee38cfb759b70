"""`ewm eval`: what came of the runs that are in bags."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.progress import Progress

from ewm_ros.cli.common import AsJson, err, out, print_json
from ewm_ros.cli.csv_output import STANDARD_OUTPUT, check_csv, write_csv
from ewm_ros.cli.evaluation_table import evaluation_table
from ewm_ros.errors import InputError

if TYPE_CHECKING:
    from ewm_ros.evaluation.bags.bag_evaluation import Evaluation


def evaluate(
    bags: Annotated[
        list[Path], typer.Argument(help="Bags: folders, or .mcap or .db3 files; MCAP or sqlite3.", metavar="BAG...")
    ],
    world: Annotated[
        str, typer.Option(help="Name or path of the world that the runs were in, if the bags do not say it.")
    ] = "",
    csv_file: Annotated[
        str | None, typer.Option("--csv", help="File for a row of all figures of each bag; - for standard output.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder in which to draw the run, as SVG.")] = None,
    fail_if: Annotated[
        str | None,
        typer.Option(help="End with status 1 if it holds of a bag, as in 'collisions > 0 or not success'."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Evaluate recorded runs, simulated or real: the fleet, its world model, its talk and its coordinator."""
    from ewm_ros.evaluation.bags.bag_files import bag_path
    from ewm_ros.evaluation.figures.fail_if import Condition
    from ewm_ros.evaluation.figures.flat_figures import flat_figures

    condition = None if fail_if is None else Condition.parse(fail_if)
    bags = [bag_path(bag) for bag in bags]
    _check(bags, csv_file, plots, as_json)
    evaluations = [_evaluated(bag, world) for bag in bags]
    figures = [evaluation.figures() for evaluation in evaluations]
    rows = [flat_figures(each) for each in figures]
    if csv_file is not None:
        write_csv(csv_file, rows)
    if plots is not None:
        for k, (bag, evaluation) in enumerate(zip(bags, evaluations, strict=True), start=1):
            _draw(bag, evaluation, plots / f"{k}-{bag.stem}" if len(bags) > 1 else plots)
    if as_json:
        print_json(figures[0] if len(figures) == 1 else {"bags": figures})
    elif csv_file != STANDARD_OUTPUT:
        for each in figures:
            out.print(evaluation_table(each))
    for bag, each in zip(bags, figures, strict=True):
        for problem in cast("list[str]", each["problems"]):
            print(f"ewm: {bag}: {problem}", file=sys.stderr)
    failed = False
    for bag, row in zip(bags, rows, strict=True):
        if condition is not None and condition.holds(row):
            failed = True
            print(f"ewm: {bag}: failed, as {condition.text}: {condition.said(row)}", file=sys.stderr)
    return 1 if failed else 0


def _check(bags: Sequence[Path], csv_file: str | None, plots: Path | None, as_json: bool) -> None:
    """Raise InputError for what would only be found out after a long time."""
    for bag in bags:
        if not bag.exists():
            raise InputError(f"bag {bag} does not exist")
    check_csv(csv_file, as_json)
    if plots is not None:
        from ewm_ros.evaluation.figures.evaluation_plots import check_plots

        check_plots(plots)


def _evaluated(bag: Path, world: str) -> Evaluation:
    from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag

    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(f"reading {bag.name}", total=1.0)
        return evaluate_bag(bag, world, lambda share: progress.update(task, completed=share))


def _draw(bag: Path, evaluation: Evaluation, folder: Path) -> None:
    from ewm_ros.evaluation.bags.bag_floor import read_floor
    from ewm_ros.evaluation.figures.evaluation_plots import check_plots, plot_evaluation
    from ewm_ros.evaluation.figures.run_traces import RunTraces

    check_plots(folder)
    floor, conflicts = read_floor(bag), evaluation.conflicts
    traces = RunTraces(conflicts.timeline(), conflicts.cycle_ms, evaluation.links.traffic(), floor.goals, floor.grid)
    written, lacking = plot_evaluation(traces, evaluation.figures(), folder)
    print(f"plots in {folder}: {', '.join(path.name for path in written) or 'none'}", file=sys.stderr)
    if lacking:
        print(f"the bag has nothing to draw in {', '.join(f'{name}.svg' for name in lacking)}", file=sys.stderr)
