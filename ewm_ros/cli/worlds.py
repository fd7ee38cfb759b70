"""`ewm worlds`: which worlds there are, whether a file is one, and new ones from seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ewm_ros.cli.common import AsJson, out, print_json
from ewm_ros.errors import InputError

if TYPE_CHECKING:
    from ewm_ros.simulation.worlds.world_format import World

app = typer.Typer(help="List the worlds, check a world file, or make a world.", invoke_without_command=True)


@app.callback()
def worlds(context: typer.Context, as_json: AsJson = False) -> None:
    """List the shipped worlds."""
    if context.invoked_subcommand is not None:
        return
    from ewm_ros.resources import available
    from ewm_ros.simulation.worlds.world_file import load_world

    found = [load_world(name) for name in available("worlds", ".yaml")]
    if as_json:
        print_json({"worlds": [_facts(world) for world in found]})
        return
    table = Table("world", "task", "robots", "description")
    for world in found:
        count = world.robots.count
        table.add_row(world.name, world.task, f"{count.min}-{count.max}, {count.default}", world.description)
    out.print(table)


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="A world's name or the path of a world file.")], as_json: AsJson = False
) -> None:
    """Check a world file: exit status 0, or 2 and a line that names the key and the reason."""
    from ewm_ros.simulation.worlds.scenario import make_scenario
    from ewm_ros.simulation.worlds.world_file import load_world

    world = load_world(file)
    count = world.robots.count
    for robots in sorted({count.min, count.default, count.max}):
        make_scenario(world, robots, seed=0)
    if as_json:
        print_json({"file": file, **_facts(world)})
        return
    out.print(f"{file}: fine, {count.min} to {count.max} robots", highlight=False, soft_wrap=True)


@app.command()
def make(
    seed: Annotated[int, typer.Option(help="1,000,000 or more; the world is called procedural-SEED.")],
    output: Annotated[Path | None, typer.Option("--out", help="File to write; standard output if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a world from a seed and write it as a world file."""
    from ewm_ros.simulation.worlds.procedural import procedural_world
    from ewm_ros.simulation.worlds.world_writer import world_text

    world = procedural_world(seed)
    text = world_text(world)
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"--out {output}: {error.strerror}") from error
    if as_json:
        print_json({"file": None if output is None else str(output), **_facts(world), "yaml": text})
    elif output is None:
        typer.echo(text, nl=False)
    else:
        out.print(f"{output}: {world.description}", highlight=False, soft_wrap=True)


def _facts(world: World) -> dict[str, object]:
    """What `--json` tells of a world."""
    return {
        "name": world.name,
        "task": world.task,
        "robots": world.robots.count.model_dump(),
        "description": world.description,
    }
