"""A scenario: one world with a number of robots and a seed, everything random about places already drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ewm_ros.coordination.arbitration.site import NO_WORDS, Site
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D, wrap_angle
from ewm_ros.names import robot_name
from ewm_ros.randomness import stream
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.worlds.placement import TRIES, draw_goals, draw_starts
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc
from ewm_ros.simulation.worlds.world_checks import robot_types
from ewm_ros.simulation.worlds.world_format import Point, Stations, TaskName, World

Bodies = Literal["driven", "wheels"]  # of robots: one body that is given its velocity, or wheels that are turned
BODIES: tuple[Bodies, ...] = get_args(Bodies)

VIEW = 3.0  # m that robots see in the task allocate if the world says nothing else
DELIVERY_TIME = 300.0  # s that a delivery episode lasts if the world says nothing else
PERSONAL_SPACE = 0.5  # m between a person and everybody else at the start
DETOUR = 1.3  # how much longer than the straight line a way is taken to be
EXTRA_TURN = math.pi  # rad, turning on the way beside the first turn towards the goal


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who walks to and fro on a polyline.

    Attributes:
        path: corners, m.
        speed: m/s.
        radius: m.
        begin: m along the path, where the walk begins, towards its end.
    """

    name: str
    path: tuple[Point, ...]
    speed: float
    radius: float
    begin: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run consists of; one entry a robot, in the order of their indices.

    Attributes:
        world: its name.
        starts: poses in the map frame, jitter included.
        goals: x, y (m); in the task `reach` robot i's is goals[i], in `allocate` nobody's, in `deliver` there are none.
        time_limit: s of simulated time.
        boxes: walls, the four border walls last.
        discs: pillars.
        people: who walks about.
        view: m that robots see in the task `allocate`.
        stations: of the task `deliver`.
        site: what the world's file says in words.
        varied: whether robots differ from their types, slip, and measure with noise; ideal ones otherwise.
    """

    world: str
    seed: int
    names: tuple[str, ...]
    types: tuple[RobotType, ...]
    starts: tuple[Pose2D, ...]
    goals: tuple[Point, ...]
    time_limit: float
    bounds: Bounds
    boxes: tuple[Box, ...]
    discs: tuple[Disc, ...]
    people: tuple[Walker, ...] = ()
    task: TaskName = "reach"
    view: float = VIEW
    stations: Stations | None = None
    site: Site = NO_WORDS
    varied: bool = True


def make_scenario(world: World, robots: int, seed: int, varied: bool = True) -> Scenario:
    """Draw a scenario: fixed starts are moved by at most 0.05 m and 0.05 rad, places in regions are drawn.

    Each robot draws from its own streams, in the order of indices, so that robot i's place does not depend on how many
    robots come after it.

    Args:
        varied: False for ideal robots: no slip, no noise, no delay, each exactly as its type says.

    Raises:
        InputError: a number of robots that the world does not take, a negative seed, or regions without room.
    """
    count = world.robots.count
    if not count.min <= robots <= count.max:
        raise InputError(f"world {world.name!r} takes {count.min} to {count.max} robots, not {robots}")
    types = robot_types(world)[:robots]
    starts = draw_starts(world, types, seed)
    goals = draw_goals(world, types, starts, seed)
    return Scenario(
        world=world.name,
        seed=seed,
        names=tuple(robot_name(i) for i in range(robots)),
        types=types,
        starts=starts,
        goals=goals,
        time_limit=world.time_limit or _time_limit(world, types, starts, goals),
        bounds=world.bounds,
        boxes=world.boxes,
        discs=world.discs,
        people=_people(world, types, starts, seed),
        task=world.task,
        view=world.view or VIEW,
        stations=world.stations,
        site=world.site,
        varied=varied,
    )


def _time_limit(world: World, types: Sequence[RobotType], starts: Sequence[Pose2D], goals: Sequence[Point]) -> float:
    """s: 30 and four times what the slowest robot needs alone; in `allocate`, to the goal that is farthest from it."""
    if world.task == "deliver":
        return DELIVERY_TIME
    pairs = list(zip(types, starts, strict=True))
    if world.task == "allocate":
        slowest = max(free_flow_time(*pair, goal) for pair in pairs for goal in goals)
    else:
        slowest = max(free_flow_time(*pair, goal) for pair, goal in zip(pairs, goals, strict=True))
    return math.ceil(30.0 + 4.0 * slowest)


def _people(world: World, types: Sequence[RobotType], starts: Sequence[Pose2D], seed: int) -> tuple[Walker, ...]:
    """Everybody where they begin: somewhere on their path, drawn, away from the robots."""
    walkers: list[Walker] = []
    for i, person in enumerate(world.people):
        path, rng = Polyline(person.path), stream(seed, i, "person")
        begin = 0.0
        for _ in range(TRIES):
            begin = float(rng.uniform(0.0, path.length))
            place = path.point_at(begin)
            robots = (
                math.dist(place, (start.x, start.y)) - robot.radius - person.radius
                for robot, start in zip(types, starts, strict=True)
            )
            others = (
                math.dist(place, Polyline(other.path).point_at(other.begin)) - other.radius - person.radius
                for other in walkers
            )
            if min(robots) >= PERSONAL_SPACE and min(others, default=math.inf) >= PERSONAL_SPACE:
                break
        else:
            raise InputError(f"world {world.name!r}: people.{i}: no place on the path is away from all others' starts")
        walkers.append(Walker(f"person_{i}", person.path, person.speed, person.radius, begin))
    return tuple(walkers)


def free_flow_time(robot: RobotType, start: Pose2D, goal: Point) -> float:
    """Estimated s to the goal with nobody else there.

    The way is taken as 1.3 times the straight line at full speed, plus one speeding up and braking, plus turning to
    the goal and once around by pi on the way.
    """
    dx, dy = goal[0] - start.x, goal[1] - start.y
    turn = abs(wrap_angle(math.atan2(dy, dx) - start.yaw)) + EXTRA_TURN
    drive = DETOUR * math.hypot(dx, dy) / robot.max_speed + robot.max_speed / robot.max_acceleration
    return drive + turn / robot.max_turn_rate
