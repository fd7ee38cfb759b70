"""`ewm bag`: what a recorded bag holds, and a whole bag out of one that was never completed or is damaged."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ewm_ros.cli.common import AsJson, err, out, print_json

if TYPE_CHECKING:
    from ewm_ros.evaluation.bags.bag_recovery import Recovered
    from ewm_ros.evaluation.bags.bag_survey import BagSurvey, Tally

LONGEST_FACT = 60  # characters of a fact that the table shows: one of them is a whole world file

app = typer.Typer(help="Look into a recorded bag, or make a whole one of what is left of it.", no_args_is_help=True)

BagPath = Annotated[
    Path, typer.Argument(metavar="BAG", help="A bag's folder, its metadata.yaml, or one of its .mcap or .db3 files.")
]


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], None]]:
    """A bar that is told how much has been done, 0 to 1."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda done: progress.update(task, completed=done)


@app.command()
def recover(
    bag: BagPath,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the new bag; BAG_recovered if not given. Must not exist.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a whole bag of what is left of one that was never completed or is damaged. The old one stays as it is."""
    from ewm_ros.evaluation.bags.bag_files import bag_path
    from ewm_ros.evaluation.bags.bag_recovery import recover as recover_bag

    bag = bag_path(bag)
    with _bar("recovering") as tell:
        done = recover_bag(bag, folder, tell)
    if as_json:
        print_json(
            {
                "bag": str(bag),
                "out": None if done.out is None else str(done.out),
                "whole": done.out is None,
                "messages": done.messages,
                "topics": done.topics,
                "seconds": done.seconds,
                "messages_lost": done.lost,
                "bytes_lost": done.unread,
                "files": list(done.files),
                "problems": list(done.problems),
            }
        )
        return
    for line in _told(bag, done):
        out.print(line, highlight=False, soft_wrap=True, markup=False)


def _told(bag: Path, done: Recovered) -> Iterator[str]:
    holds = f"{done.messages} messages on {done.topics} topics in {done.seconds:.1f} s"
    if done.out is None:
        yield f"bag {bag} is whole: {holds}; nothing was written"
        return
    yield f"bag {done.out}: {holds}, from {', '.join(done.files)}"
    yield "what was wrong:"
    yield from (f"  {problem}" for problem in done.problems)
    if done.lost or done.unread:
        yield f"lost: at least {done.lost} messages; {done.unread} bytes are no records"


@app.command()
def info(bag: BagPath, as_json: AsJson = False) -> None:
    """What a bag holds and whether it is whole; all of it is read, whatever its metadata.yaml says."""
    from ewm_ros.evaluation.bags.bag_files import bag_path
    from ewm_ros.evaluation.bags.bag_survey import survey

    bag = bag_path(bag)
    with _bar("reading") as tell:
        found = survey(bag, tell)
    if as_json:
        print_json(_figures(found))
        return
    total = found.total
    begin = f", from {datetime.fromtimestamp(total.first * 1e-9, timezone.utc):%Y-%m-%d %H:%M:%S} UTC" * (
        total.count > 0
    )
    lines = [f"bag {bag}: {total.count} messages on {len(found.topics)} topics in {total.seconds:.1f} s{begin}"]
    for file in found.files:
        size = file.storage.path.stat().st_size
        lines.append(f"file {file.storage.path.name}: {file.total.count} messages, {size / 1e6:.1f} MB")
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    out.print(_table(found))
    for key, value in found.facts.items():
        shown = value if len(value) <= LONGEST_FACT else f"{len(value)} characters"
        out.print(f"{key}: {' '.join(shown.split())}", highlight=False, soft_wrap=True, markup=False)
    if not found.problems:
        out.print("whole: nothing is wrong with it", highlight=False)
        return
    for problem in found.problems:
        out.print(f"wrong: {problem}", highlight=False, soft_wrap=True, markup=False)
    if total.count:
        line = f"`ewm bag recover {shlex.quote(str(bag))}` makes a whole bag of it"
        out.print(line, highlight=False, soft_wrap=True, markup=False)


def _table(found: BagSurvey) -> Table:
    table = Table("topic", "type", "messages", "per s", "bytes")
    for topic, tally in sorted(found.topics.items()):
        rate = _rate(tally)
        table.add_row(topic.name, topic.type, str(tally.count), "-" if rate is None else f"{rate:.1f}", str(tally.size))
    return table


def _rate(tally: Tally) -> float | None:
    """Messages per s; None if they were all recorded at once."""
    return (tally.count - 1) / tally.seconds if tally.seconds else None


def _figures(found: BagSurvey) -> dict[str, object]:
    """What `--json` tells of a bag."""
    total = found.total
    return {
        "bag": str(found.bag),
        "whole": not found.problems,
        "problems": list(found.problems),
        "messages": total.count,
        "seconds": total.seconds,
        "start": total.first * 1e-9 if total.count else None,
        "messages_lost": found.lost,
        "bytes_lost": found.unread,
        "files": [
            {
                "name": file.storage.path.name,
                "bytes": file.storage.path.stat().st_size,
                "messages": file.total.count,
                "seconds": file.total.seconds,
            }
            for file in found.files
        ],
        "topics": [
            {
                "name": topic.name,
                "type": topic.type,
                "messages": tally.count,
                "per_s": _rate(tally),
                "bytes": tally.size,
                "seconds": tally.seconds,
            }
            for topic, tally in sorted(found.topics.items())
        ],
        "facts": dict(found.facts),
    }
