"""What a schedule for a fleet on a lane graph costs to find, and how good it is, beside Open-RMF's."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ewm_ros.coordination.delay_conflicts import delay_conflicts
from ewm_ros.coordination.schedule import Schedule, find_schedule
from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.lane_drive import lane_timed_route
from ewm_ros.evaluation.costs.lane_graph import LaneGraph, OpenRmfRun, Task, load_lane_graph
from ewm_ros.evaluation.costs.schedule_check import closest_gaps, conflicting_pairs
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream

WARM_UP = 3  # solves before those that are measured


@dataclass(frozen=True, slots=True, eq=False)
class SolverCost:
    """Costs and quality of the schedules for one fleet; `ewm bench solver` prints them.

    Attributes:
        graph: the scene.
        free_flow: (N,) s that each robot takes if it never has to wait.
        cpu_ms, wall_ms: (R,) of each solve, from the vertices of all routes to the schedule.
        delays: (R, N) s, nan where there is no schedule. In the first solve the robots are in the scene's order, then
            in random ones, which decide between schedules that are as good.
        conflicts_left: pairs that come too close in any of these schedules, as the independent check finds.
        proven: whether no order of insertion is better than the first schedule.
    """

    graph: LaneGraph
    free_flow: FloatArray
    cpu_ms: FloatArray
    wall_ms: FloatArray
    delays: FloatArray
    conflicts_left: int
    proven: bool

    @property
    def solved(self) -> bool:
        """Whether all schedules were found and are free of conflicts."""
        return bool(np.isfinite(self.delays).all()) and not self.conflicts_left

    def as_json(self) -> dict[str, object]:
        """The object that the command prints."""
        sums = self.delays.sum(axis=1)
        return {
            "scene": self.graph.name,
            "robots": len(self.free_flow),
            "solved": self.solved,
            "solve_ms": percentiles(self.cpu_ms),
            "solve_wall_ms": percentiles(self.wall_ms),
            "sum_of_delays_s": _figure(sums[0]),
            "worst_sum_of_delays_s": _figure(sums.max()),
            "makespan_s": _figure((self.delays[0] + self.free_flow).max()),
            "free_flow_makespan_s": _figure(self.free_flow.max()),
            "conflicts_left": self.conflicts_left,
            "proven": self.proven,
            "open_rmf": _as_json(self._open_rmf("default", "leeway_10")),
            "open_rmf_optimal": _as_json(self._open_rmf("optimal")),
        }

    def _open_rmf(self, *modes: str) -> OpenRmfRun | None:
        """Its run with as many robots: of the first of these modes that had an answer."""
        runs = {run.mode: run for run in self.graph.open_rmf if run.robots == len(self.free_flow) and run.ms}
        return next((runs[mode] for mode in modes if mode in runs), None)


def solver_cost(scene: str, robots: int, seed: int = 0, repeat: int = 200) -> SolverCost:
    """Find schedules for the first robots of a scene, again and again.

    What is measured: the time laws along all routes, the conflicts of all pairs, and the search, which gets no deadline
    and remembers nothing. The shortest ways through the lane graph are found before.

    Args:
        scene: name or path.
        repeat: how many solves.

    Raises:
        InputError: there is no such scene, it has not so many robots, or no solve is asked for.
    """
    graph = load_lane_graph(scene)
    if not 1 <= robots <= len(graph.robots):
        raise InputError(f"scene {graph.name!r} is for 1 to {len(graph.robots)} robots, not {robots}")
    if repeat < 1:
        raise InputError(f"repeat must be 1 or more, not {repeat}")
    fleet = [(task, graph.route(task.start, task.goal)) for task in graph.robots[:robots]]
    rng = stream(seed, 0, "solver")
    orders = [np.arange(robots), *(rng.permutation(robots) for _ in range(repeat - 1))]
    for order in orders[:1] * WARM_UP:
        _solve(graph, [fleet[k] for k in order])
    times, delays = np.empty((repeat, 2)), np.full((repeat, robots), np.nan)
    proven = False
    for row, order in enumerate(orders):
        shuffled = [fleet[k] for k in order]
        began, began_wall = time.thread_time(), time.perf_counter()
        schedule = _solve(graph, shuffled)
        times[row] = time.thread_time() - began, time.perf_counter() - began_wall
        if schedule is not None:
            delays[row, order] = schedule.delays
            proven |= row == 0 and schedule.proven
    free_flow = np.array([lane_timed_route(graph, way, task.yaw).duration for task, way in fleet])
    cpu_ms, wall_ms = 1e3 * times.T
    return SolverCost(graph, free_flow, cpu_ms, wall_ms, delays, _conflicts_left(graph, fleet, delays), proven)


_Fleet = list[tuple[Task, tuple[int, ...]]]  # each robot with its way


def _solve(graph: LaneGraph, fleet: _Fleet) -> Schedule | None:
    """All that is measured."""
    routes = [lane_timed_route(graph, way, task.yaw) for task, way in fleet]
    distance = np.full((len(fleet), len(fleet)), graph.distance)
    return find_schedule(delay_conflicts(routes, distance))


def _conflicts_left(graph: LaneGraph, fleet: _Fleet, delays: FloatArray) -> int:
    """Pairs that come too close in any of the schedules (R, N) s."""
    ways, yaws = [way for _, way in fleet], [task.yaw for task, _ in fleet]
    found = set()
    for schedule in np.unique(delays[np.isfinite(delays).all(axis=1)], axis=0):
        found.update(conflicting_pairs(closest_gaps(graph, ways, yaws, schedule), graph.distance))
    return len(found)


def _figure(seconds: float) -> float | None:
    return round(float(seconds), 2) if np.isfinite(seconds) else None


def _as_json(run: OpenRmfRun | None) -> dict[str, object]:
    if run is None:
        return {"mode": None, "ms": None, "sum_of_delays_s": None, "makespan_s": None}
    return {"mode": run.mode, "ms": run.ms, "sum_of_delays_s": run.sum_of_delays_s, "makespan_s": run.makespan_s}
