"""Where the robots of a scenario start and where they are to go: fixed places of its world, or drawn from regions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D, wrap_angle
from ewm_ros.names import robot_name
from ewm_ros.randomness import stream
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.worlds.connections import Connections
from ewm_ros.simulation.worlds.shapes import DistanceField
from ewm_ros.simulation.worlds.world_checks import START_JITTER, YAW_JITTER, robot_types
from ewm_ros.simulation.worlds.world_format import Point, Regions, World

TRIES = 1000  # draws for one place before a region counts as full

Fits = Callable[[int, Point], bool]  # robot's index, place


def draw_starts(world: World, types: Sequence[RobotType], seed: int) -> tuple[Pose2D, ...]:
    """Fixed starts moved by at most 0.05 m and 0.05 rad, or places in regions from which the robots get to their goals.

    Raises:
        InputError: the regions have no room.
    """
    fixed = world.robots.starts
    rngs = [stream(seed, i, "start") for i in range(len(types))]
    if isinstance(fixed, Regions):
        fits = Connections(world, robot_types(world)).start_fits
        places = _draw(world, types, fixed, rngs, "robots.starts", fits)
        return tuple(Pose2D(x, y, r.uniform(-math.pi, math.pi)) for (x, y), r in zip(places, rngs, strict=True))
    poses = []
    for (x, y, yaw), rng in zip(fixed, rngs, strict=False):
        distance, direction = START_JITTER * math.sqrt(rng.random()), rng.uniform(-math.pi, math.pi)
        turn = rng.uniform(-YAW_JITTER, YAW_JITTER)
        poses.append(
            Pose2D(x + distance * math.cos(direction), y + distance * math.sin(direction), wrap_angle(yaw + turn))
        )
    return tuple(poses)


def draw_goals(world: World, types: Sequence[RobotType], starts: Sequence[Pose2D], seed: int) -> tuple[Point, ...]:
    """Fixed goals as they are, or places in regions that can be reached from the starts.

    Raises:
        InputError: the regions have no room.
    """
    fixed = world.robots.goals
    if not isinstance(fixed, Regions):
        return tuple((fixed or ())[: len(types)])
    connections = Connections(world, robot_types(world))

    def fits(index: int, place: Point) -> bool:
        return connections.goal_fits(index, (starts[index].x, starts[index].y), place)

    rngs = [stream(seed, i, "goal") for i in range(len(types))]
    return tuple(_draw(world, types, fixed, rngs, "robots.goals", fits))


def _draw(
    world: World,
    types: Sequence[RobotType],
    places: Regions,
    rngs: Sequence[np.random.Generator],
    key: str,
    fits: Fits,
) -> list[Point]:
    """One place for each robot, drawn evenly from the regions and drawn again while it does not fit."""
    field = DistanceField(world)
    corners = np.asarray(places.regions, dtype=np.float64)
    drawn: list[Point] = []
    for i, rng in enumerate(rngs):
        gap = types[i].radius + places.clearance
        for place in _places(corners, rng):
            others = zip(drawn, types, strict=False)
            if (
                field.distances(np.array([place])).min() >= gap
                and all(math.dist(place, other) >= gap + robot.radius for other, robot in others)
                and fits(i, place)
            ):
                drawn.append(place)
                break
        else:
            sorry = f"no room for {robot_name(i)} in its regions, {TRIES} draws were all too close to something"
            raise InputError(f"world {world.name!r}: {key}: {sorry}, or cut off")
    return drawn


def _places(corners: FloatArray, rng: np.random.Generator) -> Iterator[Point]:
    areas = np.prod(corners[:, 1] - corners[:, 0], axis=1)
    for _ in range(TRIES):
        low, high = corners[rng.choice(len(areas), p=areas / areas.sum())]
        x, y = rng.uniform(low, high)
        yield float(x), float(y)
