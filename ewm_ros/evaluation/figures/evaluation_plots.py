"""Plots of a recorded run, one SVG each: ways, gaps, cycle times, foresight, traffic."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.run_traces import RunTraces
from ewm_ros.evaluation.figures.timeline import Timeline
from ewm_ros.evaluation.plots import BLUE, GREY, ORANGE, new_figure, save
from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.physics.contacts import NEAR
from ewm_ros.simulation.pictures.colours import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RED = "#cc3311"
LONG_SIDE, MARGINS = 6.0, (2.3, 1.0)  # inches: of the floor, and what labels take beside and below it
# Beyond ten robots, colours come again with other dashes.
DASHES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (2, 1)))
THINNEST = 1.6  # points, of a way
NAMED = 20  # robots at most beside the map
AROUND, EDGE = 2.0, 0.5  # m of the map, and at least of the paper, round where robots were
FAR = 10.0  # m; gaps beyond this are not looked at

Draw = Callable[[RunTraces, Mapping[str, Any]], "Figure | None"]


def check_plots(folder: Path) -> None:
    """Make the folder, before long work.

    Raises:
        InputError: matplotlib is not installed, or the folder cannot be made.
    """
    new_figure(1.0, 1.0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--plots {folder}: cannot be made ({error.strerror})") from error


def plot_evaluation(traces: RunTraces, figures: Mapping[str, Any], folder: Path) -> tuple[list[Path], list[str]]:
    """Draw what the bag holds.

    Args:
        figures: of the evaluation.

    Returns:
        The files that were written, and the names of the plots for which there is nothing to draw.

    Raises:
        InputError: matplotlib is not installed, or a file cannot be written.
    """
    written, lacking = [], []
    for name, draw in PLOTS.items():
        figure = draw(traces, figures)
        if figure is None:
            lacking.append(name)
        else:
            save(figure, folder / f"{name}.svg")
            written.append(folder / f"{name}.svg")
    return written, lacking


def _ways(traces: RunTraces, figures: Mapping[str, Any]) -> Figure | None:
    """The floor with everybody's way from start to goal, and where two came close."""
    line = traces.timeline
    known = line.places[~np.isnan(line.places[..., 0])]
    if not len(known):
        return None
    low, high = _floor(traces, known)
    size = high - low
    width, height = size * (LONG_SIDE / size.max())
    figure = new_figure(max(width, 2.0) + MARGINS[0], max(height, 2.0) + MARGINS[1])
    axes = figure.subplots()
    _draw_map(axes, traces)
    for index, robot in enumerate(line.robots):
        _draw_way(axes, traces, robot, index)
    for miss in line.near_misses:
        axes.plot(miss.x, miss.y, "X", color=RED, markeredgecolor="white", markersize=10, zorder=6)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xlabel="x (m)", ylabel="y (m)")
    axes.set_title(f"{_title(figures)}: from each number to its star")
    _explain_ways(axes, line)
    return figure


def _floor(traces: RunTraces, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of what is shown: (2,) m each; the map, but no more of it than robots need."""
    goals = [goal for every in traces.goals.values() for goal in every]
    points = np.concatenate([known, np.array(goals).reshape(-1, 2)])
    low, high, grid = points.min(axis=0), points.max(axis=0), traces.grid
    if grid is None:
        return low - AROUND, high + AROUND
    corner = np.array(grid.origin)
    opposite = corner + grid.resolution * np.array(grid.occupied.shape[::-1])
    within = np.maximum(low - AROUND, corner), np.minimum(high + AROUND, opposite)
    return np.minimum(low - EDGE, within[0]), np.maximum(high + EDGE, within[1])


def _draw_map(axes: Axes, traces: RunTraces) -> None:
    grid = traces.grid
    if grid is None:
        return
    rows, columns = grid.occupied.shape
    (left, bottom), cell = grid.origin, grid.resolution
    extent = (left, left + columns * cell, bottom, bottom + rows * cell)
    walls = np.ma.masked_where(~grid.occupied, grid.occupied)
    axes.imshow(walls, origin="lower", extent=extent, cmap="Greys", vmin=0.0, vmax=5.0, interpolation="nearest")


def _draw_way(axes: Axes, traces: RunTraces, robot: str, index: int) -> None:
    places = traces.timeline.places[:, index]
    known = places[~np.isnan(places[:, 0])]
    colour = COLOURS[index % len(COLOURS)]
    if not len(known):
        return
    # The later, the thinner: on a lane that several take, all of them are to be seen.
    later = min(len(traces.timeline.robots), len(COLOURS)) - 1 - index % len(COLOURS)
    width = THINNEST + 0.5 * max(later, 0)
    name, goals = _short(robot, index), dict.fromkeys(traces.goals.get(robot, ()))
    label = (robot if robot.endswith(name) else f"{name} {robot}") if len(traces.timeline.robots) <= NAMED else None
    axes.plot(*places.T, linestyle=_dashes(index), color=colour, linewidth=width, label=label, zorder=3)
    for goal in goals:
        axes.plot(*goal, "*", color=colour, markeredgecolor="black", markeredgewidth=0.6, markersize=15, zorder=4)
    if len(goals) == 1:
        axes.annotate(name, next(iter(goals)), (7, 5), textcoords="offset points", fontsize=8, zorder=6)
    axes.plot(*known[0], "o", color="white", markeredgecolor=colour, markeredgewidth=1.8, markersize=13, zorder=5)
    axes.annotate(name, known[0], ha="center", va="center", fontsize=8, zorder=6)


def _explain_ways(axes: Axes, line: Timeline) -> None:
    if line.near_misses:
        label = f"near miss ({len(line.near_misses)})"
        axes.plot([], [], "X", color=RED, markeredgecolor="white", markersize=10, label=label)
    if line.near_misses or len(line.robots) <= NAMED:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)


def _gaps(traces: RunTraces, figures: Mapping[str, Any]) -> Figure | None:
    """How close the two closest bodies were."""
    line = traces.timeline
    if not np.isfinite(line.gaps).any():
        return None
    figure = new_figure(8.0, 3.6)
    axes = figure.subplots()
    axes.axhspan(min(0.0, line.gaps.min()), NEAR, color=RED, alpha=0.12, linewidth=0)
    axes.axhline(NEAR, color=RED, linewidth=0.8)
    axes.annotate(f" near miss: below {NEAR} m", (1.0, NEAR), xycoords=("axes fraction", "data"), color=RED, fontsize=8)
    axes.plot(line.times, np.where(line.gaps < FAR, line.gaps, math.nan), color=BLUE, linewidth=1.2)
    low = int(line.gaps.argmin())
    least = f"least: {line.gaps[low]:.2f} m"
    axes.plot(line.times[low], line.gaps[low], "o", color=ORANGE, label=least)
    for k, miss in enumerate(line.near_misses):
        label = f"near miss ({len(line.near_misses)})" if k == 0 else None
        axes.plot(miss.time, 0.0, "X", color=RED, markersize=8, label=label, clip_on=False)
    axes.set(xlabel="time (s)", ylabel="gap (m)")
    axes.set_ylim(min(0.0, float(line.gaps.min())), None)
    _over_time(axes, f"{_title(figures)}: gap between the two closest bodies")
    return figure


def _over_time(axes: Axes, title: str) -> None:
    """Title and legend above a curve that fills its whole width."""
    axes.margins(x=0.0)
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)


def _cycle(traces: RunTraces, figures: Mapping[str, Any]) -> Figure | None:
    """Which share of decisions was there within which time."""
    samples = np.sort(traces.cycle_ms)
    if not len(samples):
        return None
    figure = new_figure(6.4, 3.8)
    from matplotlib.ticker import LogLocator

    axes = figure.subplots()
    axes.ecdf(samples, color=BLUE, linewidth=1.6)
    for share, colour in ((50, GREY), (99, ORANGE)):
        value = float(np.percentile(samples, share))
        axes.axvline(value, color=colour, linewidth=1.2, label=f"p{share}: {value:.1f} ms")
    axes.set(
        xscale="log",
        xlabel="from the observation to the directive that answers it (ms)",
        ylabel="share of cycles",
        title=f"{_title(figures)}: {len(samples)} cycles",
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.grid(color="#eeeeee")
    axes.legend(frameon=False, loc="lower right")
    return figure


def _foresight(traces: RunTraces, figures: Mapping[str, Any]) -> Figure | None:
    """How far off the robots' plans were, and how often within the radius that they told."""
    model = figures["world_model"]
    errors = {**{f"first {key[:-1]} s": value for key, value in model["ade_m"].items()}, "at 5 s": model["fde_m"]}
    if any(value is None for value in errors.values()):
        return None
    figure = new_figure(8.0, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    _bars(left, errors, [BLUE, BLUE, BLUE, ORANGE], "{:.2f}")
    left.set(ylabel="mean error of the plan (m)", title=f"{_title(figures)}: foresight")
    told = {share: 100.0 * value for share, value in model["coverage"].items() if value is not None}
    _bars(right, {f"{share} %": value for share, value in told.items()}, [BLUE] * len(told), "{:.0f} %")
    for k, share in enumerate(told):
        label = "what it says" if k == 0 else None
        right.hlines(float(share), k - 0.45, k + 0.45, color="black", linewidth=1.6, label=label)
    right.set(xlabel="radius of", ylabel="outcomes inside (%)", xlim=(-1.0, len(told)), ylim=(0.0, 120.0))
    right.set_yticks(range(0, 101, 20))
    right.legend(frameon=False, loc="upper left")
    return figure


def _bars(axes: Axes, values: Mapping[str, float], colours: Sequence[str], label: str) -> None:
    """Bars with their values in them, or above those that are low."""
    highest = max(values.values(), default=0.0)
    for (name, value), colour in zip(values.items(), colours, strict=True):
        bar = axes.bar(name, value, color=colour, width=0.7)
        within = value > 0.2 * highest
        place = {"label_type": "center", "color": "white" if colour == BLUE else "black"} if within else {"padding": 2}
        axes.bar_label(bar, labels=[label.format(value)], fontsize=9, **place)


def _traffic(traces: RunTraces, figures: Mapping[str, Any]) -> Figure | None:
    """What is said each second."""
    traffic = traces.traffic
    if len(traffic.times) < 3:
        return None
    figure = new_figure(8.0, 3.6)
    axes = figure.subplots()
    whole = slice(0, -1)  # the last second is none
    every = max(len(traffic.times) // 600, 1)
    for label, column, colour in (("all topics", traffic.bytes, GREY), ("intentions", traffic.intentions, BLUE)):
        times, rate = _mean_of(traffic.times[whole], every), _mean_of(column[whole], every) / 1e3
        axes.plot(times, np.where(rate > 0.0, rate, math.nan), color=colour, linewidth=1.2, label=label)
    axes.set(
        yscale="log",
        xlabel="time of the recorder (s)",
        ylabel="kB/s",
    )
    axes.yaxis.set_major_formatter("{x:g}")
    _over_time(axes, f"{_title(figures)}: what was recorded each second")
    return figure


def _mean_of(values: FloatArray, every: int) -> FloatArray:
    """Means of so many values each; what is left at the end is dropped."""
    whole = len(values) // every * every
    means: FloatArray = values[:whole].reshape(-1, every).mean(axis=1)
    return means


def _title(figures: Mapping[str, Any]) -> str:
    return f"{figures['world'] or 'bag'}, {figures['robots']} robots"


def _short(robot: str, index: int) -> str:
    """A name that fits into a circle."""
    number = re.search(r"\d{1,2}$", robot)
    return number[0] if number else str(index)


def _dashes(index: int) -> Any:
    return DASHES[index // len(COLOURS) % len(DASHES)]


PLOTS: Mapping[str, Draw] = {
    "ways": _ways,
    "gaps": _gaps,
    "cycle": _cycle,
    "foresight": _foresight,
    "traffic": _traffic,
}
