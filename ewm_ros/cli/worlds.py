"""`ewm worlds`: which worlds there are, and whether a file is one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ewm_ros.cli.common import AsJson, out, print_json

app = typer.Typer(help="List the worlds, or check a world file.", invoke_without_command=True)


@app.callback()
def worlds(context: typer.Context, as_json: AsJson = False) -> None:
    """List the shipped worlds."""
    if context.invoked_subcommand is not None:
        return
    from ewm_ros.resources import available
    from ewm_ros.simulation.world_file import load_world

    found = [load_world(name) for name in available("worlds", ".yaml")]
    if as_json:
        print_json(
            {
                "worlds": [
                    {
                        "name": w.name,
                        "task": w.task,
                        "robots": w.robots.count.model_dump(),
                        "description": w.description,
                    }
                    for w in found
                ]
            }
        )
        return
    table = Table("world", "task", "robots", "description")
    for world in found:
        count = world.robots.count
        table.add_row(world.name, world.task, f"{count.min}-{count.max}, {count.default}", world.description)
    out.print(table)


@app.command()
def check(file: Annotated[str, typer.Argument(help="A world's name or the path of a world file.")]) -> None:
    """Check a world file: exit status 0, or 2 and a line that names the key and the reason."""
    from ewm_ros.simulation.scenario import make_scenario
    from ewm_ros.simulation.world_file import load_world

    world = load_world(file)
    make_scenario(world, world.robots.count.max, seed=0)
    out.print(f"{file}: fine, {world.robots.count.min} to {world.robots.count.max} robots")
