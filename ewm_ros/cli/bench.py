"""`ewm bench`: measurements whose keys other programs read."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from ewm_ros.cli.common import (
    AsJson,
    BodyKind,
    RecordProfile,
    Seed,
    Wheels,
    err,
    out,
    print_json,
    shown,
    worker_count,
)
from ewm_ros.errors import InputError


class Part(str, Enum):
    """Which dilemmas are asked."""

    PROMPT = "prompt"
    FIGURE = "figure"
    ALL = "all"


class Processes(str, Enum):
    """How robots are spread over processes."""

    EACH = "each"
    ONE = "one"


INTERSECTION_TAKES = 10  # robots
Model = Annotated[str, typer.Option(help="A world model's name or folder.")]

app = typer.Typer(help="Measure this machine.", no_args_is_help=True)


@app.command()
def cycle(
    robots: Annotated[int, typer.Option(help="How many.")] = 6,
    seconds: Annotated[float, typer.Option(min=5.0, max=1e6, help="Simulated s to measure.")] = 30.0,
    processes: Annotated[
        Processes, typer.Option(help="each: a process a robot; one: all robots in one.")
    ] = Processes.EACH,
    world: Annotated[
        str, typer.Option(help="Where the robots drive meanwhile; intersection, or floor-N for more than 10, if empty.")
    ] = "",
    simultaneous: Annotated[bool, typer.Option("--simultaneous", help="All robots sense at the same moment.")] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """From a robot's observation to the directive that answers it, over real DDS, in real time."""
    from ewm_ros.cli.demo import DemoRun
    from ewm_ros.evaluation.figures.cycle_figures import CycleFigures
    from ewm_ros.nodes.monitor import CycleMonitor

    composition = processes is Processes.ONE
    place = _place(world, robots)
    demo = DemoRun(place, robots, seed, seconds=seconds, simultaneous=simultaneous, composition=composition)
    figures = CycleFigures(demo.collected.robots)
    demo.run(lambda: CycleMonitor(figures))
    _report(
        {
            "robots": robots,
            "processes": processes.value,
            "cycle_ms": figures.cycle_ms,
            "observe_to_intention_ms": figures.observe_to_intention_ms,
            "messages_lost": figures.messages_lost,
        },
        as_json,
    )


@app.command()
def record(
    robots: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 10,
    seconds: Annotated[float, typer.Option(min=1.0, max=1e6, help="s to measure.")] = 30.0,
    profile: Annotated[RecordProfile, typer.Option(help="Topics that are recorded.")] = RecordProfile.EVERYTHING,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """CPU that the recorder takes: a real one, over real DDS, of messages as a driving fleet sends them."""
    from ewm_ros.cli.recording_cost import recording_cost

    _report(recording_cost(robots, seconds, profile.value, seed).as_json(), as_json)


@app.command("world")
def world_speed(
    world: Annotated[str, typer.Option(help="A world's name or path.")] = "warehouse",
    robots: Annotated[int, typer.Option(help="How many.")] = 10,
    rays: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Of each lidar; those of the robots if not given.")
    ] = None,
    steps: Annotated[int, typer.Option(min=10, help="World steps to measure.")] = 300,
    bodies: Wheels = BodyKind.DRIVEN,
    workers: Annotated[str, typer.Option(help="Processes with a world each, or auto for one a core.")] = "1",
    plot: Annotated[
        Path | None, typer.Option(help="Also measure every number of robots that the world takes, and draw the curve.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """World steps of 0.1 s, all sensors read, a second: of one core, or of all with several workers."""
    from ewm_ros.evaluation.costs import world_speed as measure

    speed = measure.world_speed(world, robots, rays, steps, seed, bodies.value, worker_count(workers))
    if plot is not None:
        from ewm_ros.evaluation.plots import plot_cost_per_robot
        from ewm_ros.simulation.worlds.world_file import load_world

        count = load_world(world).robots.count
        counts = range(count.min, count.max + 1)
        plot_cost_per_robot(measure.cost_per_robot(world, counts, rays, steps, seed, bodies.value), plot)
    figures: dict[str, object] = {
        "world": world,
        "robots": robots,
        "rays": speed.rays,
        "bodies": speed.bodies,
        "workers": speed.workers,
        "world_steps_per_s": round(speed.world_steps_per_s, 1),
        "realtime_factor": round(speed.realtime_factor, 2),
    }
    _report(figures, as_json)


@app.command("routes")
def routes(
    world: Annotated[str, typer.Option(help="A world's name or path.")] = "warehouse",
    robot: Annotated[str, typer.Option(help="Robot type.")] = "tinybot",
    count: Annotated[int, typer.Option(min=1, help="Routes to plan, between random places.")] = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Time to plan a route through a world's map, and to find alternatives to it."""
    from ewm_ros.evaluation.costs.route_cost import route_cost

    _report(route_cost(world, robot, seed, count).as_json(), as_json)


@app.command("decide")
def decide(
    robots: Annotated[int, typer.Option(help="How many.")] = 10,
    world: Annotated[
        str, typer.Option(help="Where they drive; intersection, or floor-N for more than 10 robots, if empty.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=5.0, max=1e6, help="Simulated s at most.")] = 60.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Time of the coordinator's decisions while a fleet drives; process CPU of one thread."""
    from ewm_ros.evaluation.costs.decide_cost import coordinator_cost

    _report(coordinator_cost(_place(world, robots), robots, seconds, seed), as_json)


@app.command("detect")
def detect(
    robots: Annotated[int, typer.Option(help="How many, with 10 m^2 of floor each.")] = 100,
    points: Annotated[int, typer.Option(help="Of each plan of 5 s.")] = 51,
    plot: Annotated[Path | None, typer.Option(help="Also measure 10 to 1,000 robots, and draw the curve.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Time to find all pairs of plans that come too close, at any moment; process CPU of one thread."""
    from ewm_ros.evaluation.costs.detect_cost import ROBOTS_OF_CURVE, detect_cost

    figures = detect_cost(robots, points, seed).as_json()
    if plot is not None:
        from ewm_ros.evaluation.plots import plot_detect_cost

        plot_detect_cost([detect_cost(count, points, seed) for count in ROBOTS_OF_CURVE], plot)
    _report(figures, as_json)


@app.command("solver")
def solver(
    scene: Annotated[str, typer.Option(help="intersection, doorway, or the path of a lane graph.")] = "intersection",
    robots: Annotated[int, typer.Option(help="How many: the first ones of the scene.")] = 10,
    repeat: Annotated[int, typer.Option(help="Solves to measure, each with the robots in another order.")] = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Time to schedule a fleet on a lane graph, and how good the schedules are, beside Open-RMF; CPU of one thread."""
    from ewm_ros.evaluation.costs.solver_cost import solver_cost

    _report(solver_cost(scene, robots, seed, repeat).as_json(), as_json)


@app.command()
def imagination(
    model: Model = "default",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """What imagining 5 s costs, and the step-by-step loop of the same sizes; process CPU of one thread."""
    from ewm_ros.evaluation.costs.imagination_cost import imagination_cost

    _report(imagination_cost(model, seed).as_json(), as_json)


@app.command("latency")
def latency(
    robots: Annotated[int, typer.Option(help="How many.")] = 6,
    model_latency: Annotated[
        float, typer.Option(min=0.0, max=1e6, help="s that asking a language model takes; simulated.")
    ] = 2.0,
    model: Model = "default",
    as_json: AsJson = False,
) -> None:
    """One decision of this system beside asking a language model in the loop."""
    from ewm_ros.evaluation.costs.latency import decision_latency

    _report(decision_latency(robots, model_latency, model=model), as_json)


@app.command("arbiter")
def arbiter(
    part: Annotated[Part, typer.Option(help="Which dilemmas: prompts are worked on with one half.")] = Part.FIGURE,
    preset: Annotated[str, typer.Option("--arbiter", help="Preset of the model to ask too.")] = "",
    base_url: Annotated[str, typer.Option(help="Address of the API to ask; the preset's if not given.")] = "",
    model: Annotated[str, typer.Option(help="Name of the model there; the preset's if not given.")] = "",
    key_file: Annotated[str, typer.Option(help="File of the key, mode 0600; else DEEPSEEK_API_KEY.")] = "",
    seconds: Annotated[
        float, typer.Option(min=1.0, max=1e6, help="Simulated s for which decisions are timed with an arbiter.")
    ] = 60.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """How well dilemmas are decided: by the solver alone, by chance, by who knows, and by a model if one is named."""
    from ewm_ros.coordination.arbitration.advice import Advice
    from ewm_ros.evaluation.costs.arbiter_quality import arbiter_quality
    from ewm_ros.evaluation.costs.decide_cost import decide_cost
    from ewm_ros.evaluation.words.dilemmas import load_dilemmas

    advice = Advice(preset, base_url, model, key_file=key_file)
    if advice.wanted and (lacking := advice.lacking()):
        raise InputError(lacking)
    dilemmas = load_dilemmas(part.value)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("asking", total=len(dilemmas) * (2 if advice.wanted else 1))
        figures = arbiter_quality(dilemmas, advice, seed, lambda: progress.advance(task))
        progress.update(task, description="timing")
        figures["decide_ms"] = decide_cost(seconds, seed)
    if as_json:
        print_json(figures)
        return
    by_arbiter = figures.pop("by_arbiter")
    table = Table("arbiter", *next(iter(by_arbiter.values())), title="Dilemmas")
    for name, row in by_arbiter.items():
        table.add_row(name, *(_cell(value) for value in row.values()))
    out.print(table)
    _report(figures, as_json=False)


@app.command()
def intention(
    worlds: Annotated[str, typer.Option(help="Names with commas, or all.")] = "all",
    robots: Annotated[int, typer.Option(help="How many in each.")] = 6,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Size and precision of the intentions of real runs, and the time to read them, damaged ones too."""
    from ewm_ros.evaluation.costs.intention_cost import intention_cost
    from ewm_ros.evaluation.costs.payload_cost import payload_cost
    from ewm_ros.evaluation.costs.sampled_plans import plans_of_runs
    from ewm_ros.intention.codec import encode_payload
    from ewm_ros.resources import available

    names = available("worlds", ".yaml") if worlds == "all" else worlds.split(",")
    sent = list(plans_of_runs(names, robots, seed))
    figures = intention_cost(sent).as_json()
    payloads = [encode_payload(intention.plan, intention.standing) for _, intention in sent]
    _report({**figures, "decode_ms": payload_cost(payloads, seed)}, as_json)


def _place(world: str, robots: int) -> str:
    """The world that is named, or one with room for so many robots."""
    return world or ("intersection" if robots <= INTERSECTION_TAKES else f"floor-{robots}")


def _report(figures: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    table = Table("figure", "value", title=f"{os.cpu_count()} cores")
    for key, value in figures.items():
        table.add_row(key, _cell(value))
    out.print(table)


def _cell(value: object) -> str:
    """A value, or what it is made of."""
    if isinstance(value, dict):
        return "   ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return "; ".join(value) if isinstance(value, list) else shown(value)
