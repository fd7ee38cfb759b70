"""What planning costs on a world: its map, a route, a choice of routes, a way around robots, places aside."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.planning.clearance_map import Point
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.randomness import stream
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.world_file import load_world

TRIES = 100  # of pairs of places for each route; most have a way between them
OTHERS = 9  # robots, as far as that many routes have been planned
GAP = 0.1  # m kept between two robots


@dataclass(frozen=True, slots=True, eq=False)
class RouteCost:
    """Costs of a number of routes between random places; `ewm bench routes` prints them.

    Attributes:
        world: its name.
        shape: rows and columns of its map.
        radius: m, of the robot.
        map_ms: to take the map, once for robots of one size.
        plan_ms: (R,) of planning one route.
        alternatives_ms: (R,) of finding up to three.
        around_ms: (R,) of planning it again with a robot standing in the middle of it, and others where the last
            routes began.
        around: (R,) whether there was a way around them.
        aside_ms: (R,) of finding up to three places at the start out of the way of this route and of the last ones,
            the same robots standing.
        aside: (R,) how many were found.
        found: (R,) how many routes were found.
        length: (R,) m, of the best.
    """

    world: str
    shape: tuple[int, int]
    radius: float
    map_ms: float
    plan_ms: FloatArray
    alternatives_ms: FloatArray
    around_ms: FloatArray
    aside_ms: FloatArray
    found: NDArray[np.intp]
    around: NDArray[np.bool_]
    aside: NDArray[np.intp]
    length: FloatArray

    def as_json(self) -> dict[str, object]:
        """The object that the command prints."""
        return {
            "world": self.world,
            "cells": list(self.shape),
            "radius_m": self.radius,
            "routes": len(self.plan_ms),
            "mean_length_m": round(float(self.length.mean()), 2),
            "map_ms": round(self.map_ms, 3),
            "plan_ms": percentiles(self.plan_ms, max=100),
            "alternatives_ms": percentiles(self.alternatives_ms, max=100),
            "alternatives_mean": round(float(self.found.mean()), 2),
            "around_ms": percentiles(self.around_ms, max=100),
            "around_share": round(float(self.around.mean()), 3),
            "aside_ms": percentiles(self.aside_ms, max=100),
            "aside_mean": round(float(self.aside.mean()), 2),
        }


def route_cost(world: str, robot_type: str = "tinybot", seed: int = 0, routes: int = 200) -> RouteCost:
    """Plan routes between random free places of a world, and measure the processor time of this thread.

    Args:
        world, robot_type: names or paths.
        routes: how many.

    Raises:
        InputError: there is no such world or robot type, no route is asked for, or the robot can go nowhere in it.
    """
    if routes < 1:
        raise InputError(f"routes must be 1 or more, not {routes}")
    loaded, radius = load_world(world), load_robot_type(robot_type).radius
    grid = occupancy_grid(loaded)
    began = time.thread_time()
    planner = RoutePlanner(grid, radius)
    map_ms = 1e3 * (time.thread_time() - began)
    rng = stream(seed, 0, "routes")
    free = np.argwhere(~grid.occupied)
    rows: list[tuple[float, ...]] = []
    others: deque[Polyline] = deque(maxlen=OTHERS)
    for _ in range(TRIES * routes if len(free) else 0):
        start, goal = (grid.centre(row, column) for row, column in rng.choice(free, 2).tolist())
        try:
            rows.append(_measured(planner, start, goal, others, 2.0 * radius + GAP))
        except InputError:
            continue  # too close to a wall, or no way between them
        if len(rows) == routes:
            break
    if len(rows) < routes:
        raise InputError(f"world {loaded.name!r}: hardly any two places in it have a way for {robot_type} between them")
    plan_ms, alternatives_ms, around_ms, aside_ms, found, around, aside, length = np.array(rows).T
    return RouteCost(
        loaded.name,
        grid.occupied.shape,
        radius,
        map_ms,
        plan_ms,
        alternatives_ms,
        around_ms,
        aside_ms,
        found.astype(np.intp),
        around.astype(np.bool_),
        aside.astype(np.intp),
        length,
    )


def _measured(
    planner: RoutePlanner, start: Point, goal: Point, others: deque[Polyline], apart: float
) -> tuple[float, ...]:
    """ms of one route, a choice of routes, a way around and places aside, what was found, and the route's m.

    Args:
        others: routes of other robots, which stand where those begin; the new one is added.
        apart: m between the centres of two robots.
    """
    times = [time.thread_time()]
    best = planner.plan(start, goal)
    times.append(time.thread_time())
    found = planner.alternatives(start, goal)
    stand = [(x, y, apart) for x, y in (other.point_at(0.0) for other in others) if math.dist((x, y), goal) > apart]
    times.append(time.thread_time())
    try:
        planner.plan_around(start, goal, [*stand, (*best.point_at(best.length / 2.0), apart)])
        around = True
    except InputError:
        around = False  # there is no way around: finding that out takes its time too
    times.append(time.thread_time())
    aside = planner.places_aside(start, [(route, apart) for route in (best, *others)], stand)
    times.append(time.thread_time())
    others.append(best)
    return (*(1e3 * (b - a) for a, b in pairwise(times)), len(found), around, len(aside), best.length)
