"""`ewm eval`: what came of the runs that are in bags."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.progress import Progress

from ewm_ros.cli.common import AsJson, err, out, print_json
from ewm_ros.cli.evaluation_table import evaluation_table
from ewm_ros.errors import InputError

if TYPE_CHECKING:
    from ewm_ros.evaluation.bags.bag_evaluation import Evaluation
    from ewm_ros.evaluation.figures.flat_figures import Value

STANDARD_OUTPUT = "-"


def evaluate(
    bags: Annotated[
        list[Path], typer.Argument(help="Bags: folders, or .mcap or .db3 files; MCAP or sqlite3.", metavar="BAG...")
    ],
    world: Annotated[
        str, typer.Option(help="Name or path of the world that the runs were in, if the bags do not say it.")
    ] = "",
    csv_file: Annotated[
        str, typer.Option("--csv", help="File for a row of all figures of each bag; - for standard output.")
    ] = "",
    plots: Annotated[Path | None, typer.Option(help="Folder in which to draw the run, as SVG.")] = None,
    fail_if: Annotated[
        str, typer.Option(help="End with status 1 if this holds of a bag, as in 'collisions > 0 or not success'.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Evaluate recorded runs, simulated or real: the fleet, its world model, its talk and its coordinator."""
    from ewm_ros.evaluation.bags.bag_files import METADATA
    from ewm_ros.evaluation.figures.fail_if import Condition
    from ewm_ros.evaluation.figures.flat_figures import flat_figures

    condition = Condition.parse(fail_if) if fail_if else None
    bags = [bag.parent if bag.name == METADATA else bag for bag in bags]
    _check(bags, csv_file, plots, as_json)
    evaluations = [_evaluated(bag, world) for bag in bags]
    figures = [evaluation.figures() for evaluation in evaluations]
    rows = [flat_figures(each) for each in figures]
    if csv_file:
        _write_csv(csv_file, rows)
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
    bad = [(bag, row) for bag, row in zip(bags, rows, strict=True) if condition is not None and condition.holds(row)]
    for bag, row in bad:
        assert condition is not None
        print(f"ewm: {bag}: failed, as {condition.text}: {condition.said(row)}", file=sys.stderr)
    return 1 if bad else 0


def _check(bags: Sequence[Path], csv_file: str, plots: Path | None, as_json: bool) -> None:
    """Raise InputError for what would only be found out after a long time."""
    for bag in bags:
        if not bag.exists():
            raise InputError(f"bag {bag} does not exist")
    if csv_file == STANDARD_OUTPUT and as_json:
        raise InputError("--json and --csv - both want standard output: name a file for --csv")
    if csv_file and csv_file != STANDARD_OUTPUT and not Path(csv_file).parent.is_dir():
        raise InputError(f"--csv {csv_file}: there is no folder {Path(csv_file).parent}")
    if plots is not None:
        from ewm_ros.evaluation.figures.evaluation_plots import check_plots

        check_plots(plots)


def _evaluated(bag: Path, world: str) -> Evaluation:
    from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag

    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(f"reading {bag.name}", total=1.0)
        return evaluate_bag(bag, world, lambda share: progress.update(task, completed=share))


def _write_csv(file: str, rows: Sequence[Mapping[str, Value]]) -> None:
    """One row a bag; what a bag does not hold is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with nullcontext(sys.stdout) if file == STANDARD_OUTPUT else open(file, "w", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            for row in rows:
                writer.writerow({name: _cell(value) for name, value in row.items()})
    except OSError as error:
        raise InputError(f"--csv {file}: cannot be written ({error.strerror})") from error


def _cell(value: Value) -> object:
    return str(value).lower() if isinstance(value, bool) else value


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
