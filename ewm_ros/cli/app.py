"""The `ewm` command: its subcommands, and how it ends.

Exit status: 0 done; 1 the run failed; 2 bad usage or bad input, with one line on standard error; 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from ewm_ros import __version__
from ewm_ros.cli import bag, bench, compare, demo, doctor, goal, learning, render, run, worlds
from ewm_ros.cli import eval as evaluation
from ewm_ros.cli.demo import RunFailed
from ewm_ros.errors import InputError

# typer brings a click of its own, under a private name that changes with its version.
UsageError: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

INTERRUPTED = 130

app = typer.Typer(
    help="Robots that share space by telling each other their plans.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("compare")(compare.compare)
app.command("goal", context_settings=goal.SETTINGS)(goal.goal)
app.command("eval")(evaluation.evaluate)
app.command("collect")(learning.collect)
app.command("train")(learning.train)
app.command("accuracy")(learning.accuracy)
app.command("render")(render.render)
app.add_typer(worlds.app, name="worlds")
app.add_typer(bag.app, name="bag")
app.add_typer(bench.app, name="bench")
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(args: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    try:
        status = app(args=args, prog_name="ewm", standalone_mode=False)
    except UsageError as error:
        print(f"ewm: {' '.join(error.format_message().split())}", file=sys.stderr)  # type: ignore[attr-defined]
        return 2
    except RunFailed as error:
        print(f"ewm: {error}", file=sys.stderr)
        return 1
    except InputError as error:
        print(f"ewm: {error}", file=sys.stderr)
        return 2
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    if status == INTERRUPTED:  # which typer, depending on its version, raises or returns
        print("ewm: interrupted", file=sys.stderr)
    return status if isinstance(status, int) else 0


def script() -> None:
    """Entry point of the `ewm` script."""
    sys.exit(main())
