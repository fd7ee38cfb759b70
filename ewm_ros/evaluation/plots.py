"""Plots of measurements, as SVG or PNG by their file's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ewm_ros.errors import InputError
from ewm_ros.evaluation.world_speed import WorldSpeed


def plot_cost_per_robot(speeds: Sequence[WorldSpeed], path: Path) -> None:
    """What a world step costs with more and more robots, and the straight line that fits best.

    Args:
        speeds: of one world, at least two counts of robots.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("plots need matplotlib: pip install 'ewm-ros[viz]'") from error
    import numpy as np

    counts = [speed.robots for speed in speeds]
    costs = [speed.step_ms for speed in speeds]
    slope, constant = np.polyfit(counts, costs, 1).tolist()
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(counts, costs, "o", color="#4477aa", label="measured")
    ends = np.array([0, max(counts)])
    fit = f"{constant:.2f} ms + {slope:.3f} ms a robot"
    axes.plot(ends, constant + slope * ends, "-", color="#bbbbbb", label=fit, zorder=0)
    first = speeds[0]
    axes.set(
        title=f"{first.world}, {first.rays} rays a robot, {first.bodies} bodies, one core",
        xlabel="robots",
        ylabel="CPU time of a step of 0.1 s with all sensors (ms)",
        xlim=(0, None),
        ylim=(0, None),
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no picture's
        raise InputError(f"{path}: cannot be written ({error})") from error
