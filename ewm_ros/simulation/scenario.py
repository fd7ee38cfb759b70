"""A scenario: one world with a number of robots and a seed, everything random about places already drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D, wrap_angle
from ewm_ros.names import robot_name
from ewm_ros.randomness import stream
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.simulation.shapes import Bounds, Box, Disc, DistanceField
from ewm_ros.simulation.world_checks import START_JITTER, YAW_JITTER
from ewm_ros.simulation.world_format import Regions, World

TRIES = 1000  # draws for one place before a region counts as full
DETOUR = 1.3  # how much longer than the straight line a way is taken to be
EXTRA_TURN = math.pi  # rad, turning on the way beside the first turn towards the goal


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run consists of; one entry a robot, in the order of their indices.

    Attributes:
        world: its name.
        starts: poses in the map frame, jitter included.
        goals: x, y (m).
        time_limit: s of simulated time.
        boxes: walls, the four border walls last.
        discs: pillars.
    """

    world: str
    seed: int
    names: tuple[str, ...]
    types: tuple[RobotType, ...]
    starts: tuple[Pose2D, ...]
    goals: tuple[tuple[float, float], ...]
    time_limit: float
    bounds: Bounds
    boxes: tuple[Box, ...]
    discs: tuple[Disc, ...]


def make_scenario(world: World, robots: int, seed: int) -> Scenario:
    """Draw a scenario: fixed starts are moved by at most 0.05 m and 0.05 rad, places in regions are drawn.

    Each robot draws from its own streams, in the order of indices, so that robot i's place does not depend on how many
    robots come after it.

    Raises:
        InputError: a number of robots that the world does not take, a negative seed, regions without room, or
            something in the world that is not simulated.
    """
    count = world.robots.count
    if not count.min <= robots <= count.max:
        raise InputError(f"world {world.name!r} takes {count.min} to {count.max} robots, not {robots}")
    if world.people:
        raise InputError(f"world {world.name!r}: people are not simulated yet")
    if world.task != "reach" or world.robots.goals is None:
        raise InputError(f"world {world.name!r}: the task {world.task} is not simulated yet")
    types = tuple(load_robot_type(world.robots.model_of(i)) for i in range(robots))
    starts = _starts(world, types, seed)
    goals = _goals(world, types, seed)
    slowest = max(free_flow_time(*robot) for robot in zip(types, starts, goals, strict=True))
    return Scenario(
        world=world.name,
        seed=seed,
        names=tuple(robot_name(i) for i in range(robots)),
        types=types,
        starts=starts,
        goals=goals,
        time_limit=world.time_limit if world.time_limit is not None else math.ceil(30.0 + 4.0 * slowest),
        bounds=world.bounds,
        boxes=world.boxes,
        discs=world.discs,
    )


def free_flow_time(robot: RobotType, start: Pose2D, goal: tuple[float, float]) -> float:
    """Estimated s to the goal with nobody else there.

    The way is taken as 1.3 times the straight line at full speed, plus one speeding up and braking, plus turning to
    the goal and once around by pi on the way.
    """
    dx, dy = goal[0] - start.x, goal[1] - start.y
    turn = abs(wrap_angle(math.atan2(dy, dx) - start.yaw)) + EXTRA_TURN
    drive = DETOUR * math.hypot(dx, dy) / robot.max_speed + robot.max_speed / robot.max_acceleration
    return drive + turn / robot.max_turn_rate


def _starts(world: World, types: Sequence[RobotType], seed: int) -> tuple[Pose2D, ...]:
    fixed = world.robots.starts
    rngs = [stream(seed, i, "start") for i in range(len(types))]
    if isinstance(fixed, Regions):
        places = _draw(world, types, fixed, rngs, "robots.starts")
        return tuple(Pose2D(x, y, r.uniform(-math.pi, math.pi)) for (x, y), r in zip(places, rngs, strict=True))
    poses = []
    for (x, y, yaw), rng in zip(fixed, rngs, strict=False):
        distance, direction = START_JITTER * math.sqrt(rng.random()), rng.uniform(-math.pi, math.pi)
        turn = rng.uniform(-YAW_JITTER, YAW_JITTER)
        poses.append(
            Pose2D(x + distance * math.cos(direction), y + distance * math.sin(direction), wrap_angle(yaw + turn))
        )
    return tuple(poses)


def _goals(world: World, types: Sequence[RobotType], seed: int) -> tuple[tuple[float, float], ...]:
    fixed = world.robots.goals
    if isinstance(fixed, Regions):
        return tuple(_draw(world, types, fixed, [stream(seed, i, "goal") for i in range(len(types))], "robots.goals"))
    return tuple((fixed or ())[: len(types)])


def _draw(
    world: World, types: Sequence[RobotType], places: Regions, rngs: Sequence[np.random.Generator], key: str
) -> list[tuple[float, float]]:
    """One place for each robot, drawn evenly from the regions and drawn again while it is too close to anything."""
    field = DistanceField(world)
    corners = np.asarray(places.regions, dtype=np.float64)
    areas = np.prod(corners[:, 1] - corners[:, 0], axis=1)
    drawn: list[tuple[float, float]] = []
    for i, rng in enumerate(rngs):
        gap = types[i].radius + places.clearance

        def fits(x: float, y: float, gap: float = gap) -> bool:
            free = field.distances(np.array([[x, y]])).min() >= gap
            others = zip(drawn, types, strict=False)
            return bool(free) and all(math.dist((x, y), p) >= gap + robot.radius for p, robot in others)

        drawn.append(_first_fit(corners, areas, rng, fits, f"world {world.name!r}: {key}: no room for {robot_name(i)}"))
    return drawn


def _first_fit(
    corners: np.ndarray, areas: np.ndarray, rng: np.random.Generator, fits: Callable[[float, float], bool], sorry: str
) -> tuple[float, float]:
    for _ in range(TRIES):
        low, high = corners[rng.choice(len(areas), p=areas / areas.sum())]
        x, y = rng.uniform(low, high)
        if fits(float(x), float(y)):
            return float(x), float(y)
    raise InputError(f"{sorry} in its regions, {TRIES} draws were all too close to something")
