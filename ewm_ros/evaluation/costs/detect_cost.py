"""What finding the conflicts of a fleet's plans costs, on made-up plans of as many robots as one likes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.coordination.conflict_detection import PlanConflicts, detect_conflicts
from ewm_ros.coordination.plan_grid import PlannedMotion, on_steps
from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream

FLOOR = 10.0  # m^2 a robot
SECONDS = 5.0  # of each plan
FOOTPRINT = 0.3  # m
MAX_SPEED, MAX_TURN_RATE = 0.5, 0.6  # m/s, rad/s: tinybots
NOW_UNCERTAIN, LATER_UNCERTAIN = 0.02, (0.05, 0.35)  # m, at the plan's ends: as robots of lockstep runs tell
FLEETS, ROUNDS, WARM_UP = 10, 20, 3  # fleets that are drawn, and times that each is measured; before the first
ROBOTS_OF_CURVE = (10, 20, 30, 50, 100, 200, 300, 500, 1000)
MOST_ROBOTS, MOST_POINTS = 10_000, 1_000

# ms that Open-RMF's rmf_traffic 3.7.0 takes for DetectConflict::between over all pairs, by robots and waypoints of the
# 5 s trajectories; the median measured on two cores of an AMD EPYC, g++ 12, Release. It tests two shapes a robot (the
# footprint of 0.3 m and a vicinity of 0.5 m) along cubic splines, and stops at a pair's first conflict: more general
# than discs on straight pieces, and without the least gap.
OPEN_RMF_MS = {
    (10, 51): 4.46, (30, 51): 45.2, (100, 51): 337.0,
    (10, 6): 0.78, (30, 6): 6.31, (100, 6): 43.2,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DetectCost:
    """Costs of finding the conflicts of some fleets, again and again; `ewm bench detect` prints them.

    Attributes:
        robots, points: of each fleet, and of each plan.
        near_pairs, examined: (F,) of each fleet: pairs whose swept boxes overlap, and those compared to find them.
        conflicts: (F,) of each fleet.
        cpu_ms, wall_ms: (F, R) of finding them, in each round; process CPU and wall time.
        grid_ms: (F, R) process CPU of putting the same plans on one grid before.
    """

    robots: int
    points: int
    near_pairs: FloatArray
    examined: FloatArray
    conflicts: FloatArray
    cpu_ms: FloatArray
    wall_ms: FloatArray
    grid_ms: FloatArray

    def as_json(self) -> dict[str, object]:
        """The object that the command prints; counts are means over the fleets."""
        return {
            "robots": self.robots,
            "points": self.points,
            "pairs": self.robots * (self.robots - 1) // 2,
            "near_pairs": round(float(self.near_pairs.mean()), 1),
            "examined": round(float(self.examined.mean()), 1),
            "conflicts": round(float(self.conflicts.mean()), 1),
            "ms": percentiles(self.cpu_ms),
            "wall_ms": percentiles(self.wall_ms),
            "grid_ms": percentiles(self.grid_ms),
            "open_rmf_ms": OPEN_RMF_MS.get((self.robots, self.points)),
        }


def drawn_plans(robots: int, points: int, seed: int, fleet: int = 0) -> list[PlannedMotion]:
    """Plans of 5 s along arcs, from places that do not overlap on a square floor of 10 m^2 a robot.

    Each robot has a square of the floor to itself, and starts anywhere in it but at its edge. Its speed, its heading
    and how it turns are its own, and so is the uncertainty that it ends with.
    """
    columns = math.ceil(math.sqrt(robots))
    rows = math.ceil(robots / columns)
    sizes = math.sqrt(robots * FLOOR) / np.array([columns, rows])
    margin = FOOTPRINT + NOW_UNCERTAIN
    times = np.linspace(0.0, SECONDS, points)
    plans = []
    for index in range(robots):
        rng = stream(seed, index, f"plan in fleet {fleet}")
        start = sizes * (index % columns, index // columns) + rng.uniform(margin, sizes - margin)
        speed, heading = rng.uniform(0.0, MAX_SPEED), rng.uniform(-math.pi, math.pi)
        turned = rng.uniform(-MAX_TURN_RATE, MAX_TURN_RATE) * times
        chord, direction = speed * times * np.sinc(turned / math.tau), heading + turned / 2.0
        uncertain = np.linspace(NOW_UNCERTAIN, rng.uniform(*LATER_UNCERTAIN), points)
        x, y = start[0] + chord * np.cos(direction), start[1] + chord * np.sin(direction)
        plans.append(PlannedMotion(f"robot_{index}", FOOTPRINT, np.column_stack([times, x, y, uncertain])))
    return plans


def detect_cost(robots: int, points: int = 51, seed: int = 0, fleets: int = FLEETS, rounds: int = ROUNDS) -> DetectCost:
    """Find the conflicts of drawn fleets, and measure processor time and wall time.

    Args:
        robots: of each fleet.
        points: of each plan of 5 s.
        fleets: that are drawn.
        rounds: times that each is measured.

    Raises:
        InputError: a number is out of range.
    """
    for name, value, least, most in (
        ("robots", robots, 1, MOST_ROBOTS),
        ("points", points, 2, MOST_POINTS),
        ("fleets", fleets, 1, 1000),
        ("rounds", rounds, 1, 1_000_000),
    ):
        if not least <= value <= most:
            raise InputError(f"{name} must be {least} to {most}, not {value}")
    times: list[tuple[float, float, float]] = []
    found: list[PlanConflicts] = []
    for fleet in range(fleets):
        plans = drawn_plans(robots, points, seed, fleet)
        for k in range(-WARM_UP if fleet == 0 else 0, rounds):
            conflicts, spent = _measured(plans)
            if k >= 0:
                times.append(spent)
        found.append(conflicts)
    counts = np.array([(one.near, one.examined, len(one)) for one in found], dtype=np.float64).T
    return DetectCost(robots, points, *counts, *np.reshape(times, (fleets, rounds, 3)).transpose(2, 0, 1))


def _measured(plans: Sequence[PlannedMotion]) -> tuple[PlanConflicts, tuple[float, float, float]]:
    """The conflicts, and ms: processor and wall time to find them, processor time to put the plans on a grid."""
    points = len(plans[0].knots)
    began = time.process_time()
    grid = on_steps(plans, steps=points - 1, step=SECONDS / (points - 1))
    cpu, wall = time.process_time(), time.perf_counter()
    grid_ms = 1e3 * (cpu - began)
    conflicts = detect_conflicts(grid)
    wall_ms = 1e3 * (time.perf_counter() - wall)
    return conflicts, (1e3 * (time.process_time() - cpu), wall_ms, grid_ms)
