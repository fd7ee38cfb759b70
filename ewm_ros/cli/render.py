"""`ewm render`: a picture of a world, or an animation of a run in it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from ewm_ros.cli.common import Seed, err, out
from ewm_ros.errors import InputError

if TYPE_CHECKING:
    from ewm_ros.simulation.worlds.scenario import Scenario


class View(str, Enum):
    """From where the floor is seen."""

    ABOVE = "above"
    PERSPECTIVE = "perspective"


def render(
    world: Annotated[str, typer.Argument(help="A world's name, or the path of a world file.")],
    robots: Annotated[int | None, typer.Option(help="How many; the world's default if not given.")] = None,
    seed: Seed = 0,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=1e6, help="Simulated s of a PNG, or to a GIF's end.")
    ] = None,
    policy: Annotated[
        str, typer.Option(help="intention (the whole system), none (safety stop only) or orca.")
    ] = "intention",
    output: Annotated[Path | None, typer.Option("--out", help="A .png or a .gif; by default WORLD.png.")] = None,
    view: Annotated[View, typer.Option(help="From where.")] = View.ABOVE,
    zoom: Annotated[float, typer.Option(min=1.0, max=20.0, help="Larger than the whole floor by this.")] = 1.0,
) -> None:
    """Draw a world: its start or a moment of a run as a PNG, or a lockstep run as a GIF at five times its speed."""
    from ewm_ros.evaluation.campaigns.runs import RunSpec
    from ewm_ros.simulation.worlds.scenario import make_scenario
    from ewm_ros.simulation.worlds.world_file import load_world

    loaded = load_world(world)
    count = loaded.robots.count.default if robots is None else robots
    RunSpec(world, count, seed, policy).check()
    path = output or Path(f"{loaded.name}.png")
    if path.suffix not in (".png", ".gif"):
        raise InputError(f"--out {path}: the name must end in .png or .gif")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}")
    _draw(make_scenario(loaded, count, seed), policy, seconds, path, view.value, zoom)
    out.print(f"{path}: {path.stat().st_size / 1e3:.0f} kB", highlight=False, soft_wrap=True)


def _draw(scenario: Scenario, policy: str, seconds: float | None, path: Path, view: str, zoom: float) -> None:
    # PyBullet is slow and loud to import: not before the input has been found to be fine.
    from ewm_ros.evaluation.film import film_of_run, picture
    from ewm_ros.simulation.pictures.studio import save_gif, save_png

    if path.suffix == ".png":
        save_png(picture(scenario, policy, seconds, view, zoom), path)
        return
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("drawing", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        film = film_of_run(scenario, policy, seconds, view, zoom, tell)
    save_gif(film.frames, path, film.seconds_per_frame)
