"""Plots of measurements, as SVG or PNG by their file's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.detect_cost import OPEN_RMF_MS, DetectCost
from ewm_ros.evaluation.costs.world_speed import WorldSpeed
from ewm_ros.geometry import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#4477aa", "#ee7733", "#bbbbbb"


def plot_cost_per_robot(speeds: Sequence[WorldSpeed], path: Path) -> None:
    """What a world step costs with more and more robots, and the straight line that fits best.

    Args:
        speeds: of one world, at least two counts of robots.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(6.4, 4.0)
    counts = [speed.robots for speed in speeds]
    costs = [speed.step_ms for speed in speeds]
    slope, constant = np.polyfit(counts, costs, 1).tolist()
    axes = figure.subplots()
    axes.plot(counts, costs, "o", color=BLUE, label="measured")
    ends = np.array([0, max(counts)])
    fit = f"{constant:.2f} ms + {slope:.3f} ms a robot"
    axes.plot(ends, constant + slope * ends, "-", color=GREY, label=fit, zorder=0)
    first = speeds[0]
    axes.set(
        title=f"{first.world}, {first.rays} rays a robot, {first.bodies} bodies, one core",
        xlabel="robots",
        ylabel="CPU time of a step of 0.1 s with all sensors (ms)",
        xlim=(0, None),
        ylim=(0, None),
    )
    axes.legend(frameon=False)
    save(figure, path)


def plot_detect_cost(costs: Sequence[DetectCost], path: Path) -> None:
    """Time to find the conflicts of more and more plans, and beside it how many pairs that looks at.

    Args:
        costs: of plans of as many points each.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(9.6, 5.0)
    counts = np.array([cost.robots for cost in costs])
    points, rounds = costs[0].points, costs[0].cpu_ms.shape[1]
    times, pairs = figure.subplots(1, 2)
    times.plot(counts, _quickest([cost.cpu_ms for cost in costs]), "o-", color=BLUE, label="of plans on one grid")
    whole = _quickest([cost.cpu_ms + cost.grid_ms for cost in costs])
    times.plot(counts, whole, "s--", color=BLUE, markerfacecolor="white", label="and putting them on it")
    theirs = {robots: ms for (robots, of), ms in OPEN_RMF_MS.items() if of == points}
    if theirs:
        label = "Open-RMF (splines, two shapes; AMD EPYC)"
        times.plot(list(theirs), list(theirs.values()), "x", color=ORANGE, label=label)
    times.set(title=f"Finding the conflicts of plans of {points} points", ylabel=f"CPU time, quickest of {rounds} (ms)")
    pairs.plot(counts, counts * (counts - 1) / 2, "-", color=GREY, label="all")
    pairs.plot(counts, [cost.examined.mean() for cost in costs], "^-", color=ORANGE, label="whose boxes are compared")
    pairs.plot(counts, [cost.near_pairs.mean() for cost in costs], "o-", color=BLUE, label="near: their boxes overlap")
    pairs.plot(counts, [cost.conflicts.mean() for cost in costs], "x-", color="black", label="in conflict")
    pairs.set(title="Pairs of robots, 10 m² of floor each", ylabel="pairs, mean")
    for axes in (times, pairs):
        axes.set(xlabel="robots", xscale="log", yscale="log")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, -0.14))
    save(figure, path)


def _quickest(times: Sequence[FloatArray]) -> list[float]:
    """The median over the fleets of each one's quickest round: other programs only ever make it slower."""
    return [float(np.median(rounds.min(axis=1))) for rounds in times]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("plots need matplotlib: pip install 'ewm-ros[viz]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a figure, as the suffix says.

    Raises:
        InputError: it cannot be written.
    """
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no picture's
        raise InputError(f"{path}: cannot be written ({error})") from error
