"""`ewm compare`: what changed between bags, campaigns or printed results, and how sure that is."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

from ewm_ros.cli.common import AsJson, err, out, print_json, shown
from ewm_ros.cli.csv_output import STANDARD_OUTPUT, check_csv, write_csv
from ewm_ros.errors import InputError

if TYPE_CHECKING:  # what costs time to import waits until it is needed
    from ewm_ros.evaluation.comparing.compared_pairs import Group
    from ewm_ros.evaluation.comparing.comparison import Comparison, Delta
    from ewm_ros.evaluation.comparing.comparison_sides import Side

SHOWN = 60  # characters of a setting
STYLES = {"better": "green", "worse": "red", "changed": "yellow"}


class Detail(str, Enum):
    """How finely a table is divided."""

    ALL = "all"
    WORLD = "world"
    ROBOTS = "robots"


def compare(
    sides: Annotated[
        list[str],
        typer.Argument(
            help="A bag, a folder of bags, a campaign, or a file of the JSON of ewm run, eval or demo; also NAME=PATH."
        ),
    ],
    figures: Annotated[str, typer.Option(help="Names of figures with commas, or all; by default a usual dozen.")] = "",
    detail: Annotated[
        Detail, typer.Option(help="Rows of the table: for all runs together, by world, or by number of robots too.")
    ] = Detail.WORLD,
    policies: Annotated[
        bool, typer.Option("--policies", help="Of one side: compare its policies with the first one.")
    ] = False,
    common: Annotated[
        bool, typer.Option("--common", help="Compare the worlds and policies that both have, and leave out others.")
    ] = False,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Compare means, also where runs of the same scenario are on both sides.")
    ] = False,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="How often an interval holds the truth.")
    ] = 0.95,
    world: Annotated[str, typer.Option(help="Of bags that do not say it: a name, or the path of a world file.")] = "",
    fail_if_worse: Annotated[
        str | None, typer.Option(help="Names of figures with commas: status 1 if one of them is shown to be worse.")
    ] = None,
    csv_file: Annotated[
        str | None,
        typer.Option("--csv", help="File for a row of each difference, of all details; - for standard output."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Compare runs with those of the first side: differences with confidence intervals."""
    from ewm_ros.evaluation.comparing import comparison, comparison_report

    check_csv(csv_file, as_json)
    if fail_if_worse is not None and not fail_if_worse.strip():
        raise InputError("--fail-if-worse is empty: name figures, with commas")
    read = _read(sides, world, policies)
    names = comparison_report.chosen_figures(figures, read)
    compared = comparison.compare(read, names, confidence, common=common, paired=not unpaired)
    worse = None
    if fail_if_worse is not None:
        gate = comparison_report.chosen_figures(fail_if_worse, read)
        worse = comparison_report.worsened(read, gate, confidence, common=common, paired=not unpaired)
    if csv_file is not None:
        write_csv(csv_file, comparison_report.as_rows(read[0].name, compared))
    if as_json:
        print_json(comparison_report.as_json(read, compared, confidence, worse))
    elif csv_file != STANDARD_OUTPUT:
        for each in compared:
            _print(read[0].name, each, detail, confidence)
    for side, delta in worse or ():
        err.print(
            f"ewm: {side} is worse than {read[0].name}: {delta.figure} {_difference(delta)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return 1 if worse else 0


def _read(arguments: list[str], world: str, policies: bool) -> list[Side]:
    """The sides to compare."""
    from ewm_ros.evaluation.comparing.comparison_sides import read_sides

    if policies != (len(arguments) == 1):
        raise InputError("it takes two sides or more, or one with --policies, whose policies are compared")
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("reading", total=1.0)

        def tell(what: str, done: float) -> None:
            progress.update(task, description=what, completed=done)

        sides = read_sides(arguments, world, tell)
    return sides[0].by_policy() if policies else sides


def _print(baseline: str, compared: Comparison, detail: Detail, confidence: float) -> None:
    """One side against the baseline."""
    deltas = _shown_deltas(compared, detail)
    whole = ("baseline", "side", "delta", f"{confidence * 100:.6g} % interval", "runs", "verdict")
    columns = [Column("figure", overflow="fold"), *(Column(name, no_wrap=True) for name in whole)]
    table = Table(*columns, box=None, padding=(0, 1, 0, 0))
    before = None
    for delta in deltas:
        if delta.group != before:
            if before is not None:
                table.add_row()
            table.add_row(f"[bold]{escape(_named(delta.group))}[/]")
        table.add_row(*_cells(delta))
        before = delta.group
    _say(_how(baseline, compared))
    out.print(table)
    for name, (ours, theirs) in compared.settings.items():
        _say(f"{name}: {ours[:SHOWN]} in {baseline}, {theirs[:SHOWN]} in {compared.side}")
    _say(_caution(deltas, confidence))


def _named(group: Group) -> str:
    """Which runs these are."""
    policy, world, robots = group
    return ", ".join(filter(None, (policy, world or "all runs", f"{robots} robots" if robots else "")))


def _shown_deltas(compared: Comparison, detail: Detail) -> list[Delta]:
    """Of the widest groups of each kind: a group that stands for its policy or world comes before its parts."""

    def kind(group: Group) -> tuple[object, ...]:
        return tuple(group[: (Detail.ALL, Detail.WORLD, Detail.ROBOTS).index(detail) + 1])

    widest: dict[tuple[object, ...], Group] = {}
    for delta in compared.deltas:
        widest.setdefault(kind(delta.group), delta.group)
    return [delta for delta in compared.deltas if widest[kind(delta.group)] == delta.group]


def _cells(delta: Delta) -> list[str]:
    """A delta in its row."""
    change, verdict = delta.change, delta.verdict.value
    interval = "-" if change.low is None else f"{_signed(change.low)} to {_signed(change.high)}"
    runs = f"{delta.runs[0]}" if delta.runs[0] == delta.runs[1] else f"{delta.runs[0]}, {delta.runs[1]}"
    style = STYLES.get(verdict, "default")
    values = [shown(delta.baseline), shown(delta.value), _signed(change.value), interval, runs]
    return [f"  {escape(delta.figure)}", *values, f"[{style}]{verdict}[/]"]


def _difference(delta: Delta) -> str:
    value, low, high = delta.change.value, delta.change.low, delta.change.high
    return f"{_signed(value)}, {f'between {_signed(low)} and {_signed(high)}' if low is not None else 'in every run'}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3g}" if value else "0"


def _how(baseline: str, compared: Comparison) -> str:
    """What is compared with what, before the table."""
    (ours, theirs), (ours_out, theirs_out) = compared.counted, compared.left_out
    told = f"side {compared.side} against baseline {baseline}: {theirs} and {ours} runs"
    told += ", in pairs of the same world, robots and seed" if compared.paired else ", means against means"
    if ours_out or theirs_out:
        told += f"; without counterpart and left out: {theirs_out} of {compared.side}, {ours_out} of {baseline}"
    return told


def _caution(deltas: list[Delta], confidence: float) -> str:
    """How far the table is to be trusted, after it."""
    intervals = sum(delta.change.low is not None for delta in deltas)
    if not intervals:
        return "too few runs for intervals: nothing tells what is more than chance"
    missing = intervals * (1 - confidence)
    return f"{intervals} intervals, each for itself: had nothing changed, about {missing:.2g} would miss 0 by chance"


def _say(line: str) -> None:
    """A line on standard output, as it is."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)
