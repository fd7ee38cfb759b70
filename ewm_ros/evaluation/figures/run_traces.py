"""What plots of a recorded run are drawn from, beside its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ewm_ros.evaluation.figures.link_figures import Traffic
from ewm_ros.evaluation.figures.timeline import Timeline
from ewm_ros.geometry import FloatArray
from ewm_ros.occupancy_grid import OccupancyGrid


@dataclass(frozen=True, slots=True, eq=False)
class RunTraces:
    """One run.

    Attributes:
        timeline: where the robots were.
        cycle_ms: samples, from an observation to the directive that answers it.
        traffic: bytes by time.
        goals: x, y (m, map frame) of the robots' goals, in the order in which each was given them; empty if not known.
        grid: the map, None if the bag has none.
    """

    timeline: Timeline
    cycle_ms: FloatArray
    traffic: Traffic
    goals: Mapping[str, Sequence[tuple[float, float]]]
    grid: OccupancyGrid | None
