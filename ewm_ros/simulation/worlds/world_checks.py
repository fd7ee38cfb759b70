"""What can be wrong with a world although each of its values is fine by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.worlds.connections import Connections
from ewm_ros.simulation.worlds.shapes import DistanceField
from ewm_ros.simulation.worlds.world_format import Point, Regions, World

START_JITTER = 0.05  # m, largest shift of a fixed start by the seed
YAW_JITTER = 0.05  # rad
MAX_AREA = 5_000.0  # m^2, of a floor: robots plan on a map of 0.05 m
GOAL_MARGIN = 0.1  # m between a body at its goal and a wall, so that a planner on a grid of 0.05 m finds a way there


def flaws(world: World) -> Iterator[str]:
    """All that is wrong with a world, each as `key.path: reason`, the most basic first."""
    yield from _task(world)
    robots, most = world.robots, world.robots.count.max
    if not isinstance(robots.model, str) and len(robots.model) < most:
        yield f"robots.model: {len(robots.model)} types listed for up to {most} robots"
        return
    try:
        types = robot_types(world)
    except InputError as error:
        yield f"robots.model: {error}"
        return
    yield from _floor(world)
    yield from _starts_and_goals(world, types)
    yield from _people(world)
    for i, role in enumerate(world.roles):
        if role.robot >= most:
            yield f"roles.{i}.robot: there is no robot {role.robot}, at most {most} robots take part"
    if world.stations is not None:
        widest = max(robot.radius for robot in types)
        for key, points in (("pick", world.stations.pick), ("drop", world.stations.drop)):
            yield from _places(world, f"stations.{key}", points, [widest + GOAL_MARGIN] * len(points))
        for i, drop in enumerate(world.stations.drop):
            nearest = min(math.dist(drop, pick) for pick in world.stations.pick)
            if nearest < 2.0 * REACHED:
                yield f"stations.drop.{i}: is {nearest:.2f} m from a pick-up station, which must be {2.0 * REACHED:g} m"
    yield from Connections(world, types).flaws()


def robot_types(world: World) -> tuple[RobotType, ...]:
    """The types of all robots that may take part, in the order of their indices.

    Raises:
        InputError: as `load_robot_type`.
    """
    models = [world.robots.model_of(i) for i in range(world.robots.count.max)]
    types = {model: load_robot_type(model) for model in dict.fromkeys(models)}
    return tuple(types[model] for model in models)


def _floor(world: World) -> Iterator[str]:
    (x0, x1), (y0, y1) = world.bounds.x, world.bounds.y
    if (x1 - x0) * (y1 - y0) > MAX_AREA:
        yield f"bounds: the floor has {(x1 - x0) * (y1 - y0):.0f} m^2, at most {MAX_AREA:.0f} m^2 can be mapped"


def _task(world: World) -> Iterator[str]:
    """Keys that a task needs or does not know."""
    if world.task == "deliver":
        if world.stations is None:
            yield "stations: the task deliver needs them"
        if world.robots.goals is not None:
            yield "robots.goals: the task deliver has none, its orders come from the stations"
        return
    if world.robots.goals is None:
        yield f"robots.goals: the task {world.task} needs them"
    if world.stations is not None:
        yield f"stations: the task {world.task} has none"
    if world.view is not None and world.task != "allocate":
        yield f"view: the task {world.task} has none"


def _starts_and_goals(world: World, types: Sequence[RobotType]) -> Iterator[str]:
    radii = [robot.radius for robot in types]
    starts, goals = world.robots.starts, world.robots.goals
    for key, places in (("robots.starts", starts), ("robots.goals", goals)):
        if places is None:
            continue
        if isinstance(places, Regions):
            yield from _regions(world, key, places)
        elif len(places) < len(types):
            yield f"{key}: {len(places)} given for up to {len(types)} robots"
        else:
            margin, gap = (START_JITTER, 2.0 * START_JITTER) if key == "robots.starts" else (GOAL_MARGIN, 0.0)
            points = [(place[0], place[1]) for place in places[: len(types)]]
            yield from _places(world, key, points, [radius + margin for radius in radii])
            yield from _apart(key, points, radii, gap)


def _places(world: World, key: str, points: Sequence[Point], needed: Sequence[float]) -> Iterator[str]:
    """Places outside the floor, in a wall, or closer to one than is needed (m) for a body to stand there."""
    field = DistanceField(world)
    if not points:
        return
    distances = field.distances(np.asarray(points, dtype=np.float64))
    for i, (x, y) in enumerate(points):
        bounds = world.bounds
        nearest = int(distances[i].argmin())
        if not (bounds.x[0] <= x <= bounds.x[1] and bounds.y[0] <= y <= bounds.y[1]):
            yield f"{key}.{i}: ({x:g}, {y:g}) lies outside the floor"
        elif distances[i, nearest] < 0.0:
            yield f"{key}.{i}: ({x:g}, {y:g}) lies inside {field.names[nearest]}"
        elif distances[i, nearest] < needed[i] - 1e-9:
            closer = f"{distances[i, nearest]:.2f} m from {field.names[nearest]}"
            yield f"{key}.{i}: ({x:g}, {y:g}) is {closer}, the body that stands there needs {needed[i]:g} m"


def _apart(key: str, points: Sequence[Point], radii: Sequence[float], gap: float) -> Iterator[str]:
    """Places whose bodies would overlap."""
    for j in range(len(points)):
        for i in range(j):
            distance = math.dist(points[i], points[j])
            if distance < radii[i] + radii[j] + gap - 1e-9:
                yield f"{key}.{j}: is {distance:.2f} m from {key}.{i}, the two robots would overlap"


def _regions(world: World, key: str, places: Regions) -> Iterator[str]:
    (x0, x1), (y0, y1) = world.bounds.x, world.bounds.y
    for i, (low, high) in enumerate(places.regions):
        if low[0] < x0 or low[1] < y0 or high[0] > x1 or high[1] > y1:
            yield f"{key}.regions.{i}: reaches outside the floor"


def _people(world: World) -> Iterator[str]:
    """Corners of their paths, and the ways between them, along which they take the room of their radius."""
    field = DistanceField(world)
    for i, person in enumerate(world.people):
        if all(corner == person.path[0] for corner in person.path):
            yield f"people.{i}.path: has no length, all its corners are the same"
        yield from _places(world, f"people.{i}.path", person.path, [person.radius] * len(person.path))
        for k, (a, b) in enumerate(pairwise(person.path)):
            distances = field.from_segment(a, b)
            nearest = int(distances.argmin())
            gap, name = float(distances[nearest]), field.names[nearest]
            if gap < person.radius - 1e-9:
                passes = f"passes {name} at {gap:.2f} m, the person needs {person.radius:g} m"
                to = f"people.{i}.path.{k + 1}: the way to ({b[0]:g}, {b[1]:g})"
                yield f"{to} {passes if gap > 0.0 else f'crosses {name}'}"
