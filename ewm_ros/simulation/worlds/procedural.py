"""Worlds made from a seed, for training and for tests: every one is sound, and no two seeds give the same.

Robots start and stay where nobody who stands there blocks anybody's only way (see well_formed.py), so each of these
worlds can be solved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.randomness import stream
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.worlds.floor_plans import FAMILIES, FloorPlan, Rect, on_cells
from ewm_ros.simulation.worlds.reachability import NOWHERE, areas_of
from ewm_ros.simulation.worlds.shapes import Bounds, DistanceField
from ewm_ros.simulation.worlds.well_formed import well_formed
from ewm_ros.simulation.worlds.world_checks import flaws
from ewm_ros.simulation.worlds.world_format import Fleet, Person, Point, Robots, Stations, TaskName, World

FIRST_SEED = 1_000_000  # worlds of lower seeds are for the shipped evaluations
LAST_SEED = 10**18 - 1
FEWEST, MOST = 3, 10  # robots
ATTEMPTS = 200  # floor plans tried for one world
PLACINGS = 8  # sets of places tried on one floor plan
DRAWS = 400  # for one place
PREFIX = "procedural-"
WALL_GAP = 0.2  # m between a standing body and a wall, at least
BODY_GAP = 0.3  # m between standing bodies
PASSING_GAP = 0.15  # m between a standing body and one that passes
PERSON_RADIUS = 0.25  # m
PERSON_GAP = 0.6  # m between people on their ways and standing robots


@lru_cache(maxsize=64)
def procedural_world(seed: int) -> World:
    """The world of a seed: its floor plan, fleet, task and people are all drawn; named `procedural-SEED`.

    Raises:
        InputError: the seed is below 1,000,000 or has more than 18 digits.
    """
    if not FIRST_SEED <= seed <= LAST_SEED:
        raise InputError(f"world '{PREFIX}{seed}': seeds of procedural worlds are {FIRST_SEED} to {LAST_SEED}")
    rng = stream(seed, 0, "world")
    models = _fleet(rng)
    task: TaskName = ("reach", "reach", "reach", "reach", "allocate", "deliver")[rng.integers(6)]
    family = FAMILIES[rng.integers(len(FAMILIES))]
    radii = np.array([load_robot_type(model).radius for model in models])
    count = Fleet(min=FEWEST, max=MOST, default=int(rng.integers(FEWEST, MOST + 1)))
    for attempt in range(ATTEMPTS):
        floor = _floor(rng, 30 if task == "deliver" else 20, 2.0 * radii.max(), attempt)
        plan = family(rng, floor, 2.0 * radii.max())
        world = World(
            name=f"{PREFIX}{seed}",
            description=f"{plan.what}; made from seed {seed}.",
            bounds=Bounds((floor.x0, floor.x1), (floor.y0, floor.y1)),
            walls=plan.walls,
            pillars=plan.pillars,
            robots=Robots(model=models if len(set(models)) > 1 else models[0], count=count, starts=()),
            task=task,
        )
        furnished = _furnished(rng, world, plan, radii)
        if furnished is not None and next(flaws(furnished), None) is None:
            return furnished
    raise InputError(f"world '{PREFIX}{seed}': none of {ATTEMPTS} floor plans had room for its robots")


def _fleet(rng: np.random.Generator) -> tuple[str, ...]:
    """The robot types, mostly all the same."""
    kind = rng.random()
    if kind < 0.75:
        return ("tinybot" if kind < 0.55 else "turtlebot4" if kind < 0.7 else "husky",) * MOST
    kinds = ["tinybot", "turtlebot4", "husky"][: 3 if kind > 0.9 else 2]
    return tuple(str(model) for model in rng.choice(kinds, MOST))


def _floor(rng: np.random.Generator, spots: int, diameter: float, attempt: int) -> Rect:
    """A floor around the origin with room for so many robots to stand; wider after attempts that failed."""
    area = spots * (diameter + 0.6) ** 2 * rng.uniform(5.0, 9.0) * 1.05**attempt
    aspect = rng.uniform(1.0, 1.8) ** rng.choice([-1, 1], p=[0.25, 0.75])
    x, y = on_cells(math.sqrt(area * aspect) / 2), on_cells(math.sqrt(area / aspect) / 2)
    return Rect(-x, -y, x, y)


def _furnished(rng: np.random.Generator, world: World, plan: FloorPlan, radii: FloatArray) -> World | None:
    """The world with starts, goals or stations, and people; None if there is no room."""
    for _ in range(PLACINGS):
        spots = _spots(rng, world, plan.zones, radii)
        if spots is None:
            continue
        stay = len(spots) - MOST
        widths = np.concatenate([radii, radii if world.task == "reach" else np.full(stay, radii.max())])
        if well_formed(areas_of(world, radii.max()), spots, widths + radii.max() + PASSING_GAP):
            break
    else:
        return None
    points = [(float(x), float(y)) for x, y in spots]
    starts, goals = points[:MOST], points[MOST:]
    people = _people(rng, world, spots, float(radii.max()))
    deliver = world.task == "deliver"
    robots = {
        "starts": tuple((*start, _yaw(rng, start, goal)) for start, goal in zip(starts, goals, strict=False)),
        "goals": None if deliver else tuple(goals),
    }
    stations = Stations(pick=tuple(goals[:MOST]), drop=tuple(goals[MOST:])) if deliver else None
    changes = {"robots": world.robots.model_copy(update=robots), "people": people, "stations": stations}
    return world.model_copy(update=changes)


def _yaw(rng: np.random.Generator, start: Point, goal: Point) -> float:
    """Roughly towards the goal."""
    return round(math.atan2(goal[1] - start[1], goal[0] - start[0]) + rng.uniform(-1.0, 1.0), 2)


def _spots(rng: np.random.Generator, world: World, zones: Sequence[Rect], radii: FloatArray) -> FloatArray | None:
    """(N, 2) m: a start for each robot, then a goal or two stations each, in other zones; None if there is no room."""
    field, areas = DistanceField(world), areas_of(world, radii.max())
    spots: list[Point] = []
    taken: list[int] = []  # the zones of the spots

    def fits(place: Point, radius: float) -> bool:
        apart = (math.dist(place, other) - radius - radii[j % MOST] for j, other in enumerate(spots))
        return (
            all(gap >= BODY_GAP for gap in apart)
            and field.distances(np.array([place])).min() >= radii.max() + WALL_GAP
            and areas.at([place])[0] != NOWHERE
        )

    for k in range(MOST * (3 if world.task == "deliver" else 2)):
        left_zone = taken[k - MOST] if k >= MOST else None
        radius = float(radii[k % MOST] if world.task == "reach" else radii.max())
        for _ in range(DRAWS):
            zone = int(rng.integers(len(zones)))
            x0, y0, x1, y1 = zones[zone]
            place = (round(rng.uniform(x0, x1), 2), round(rng.uniform(y0, y1), 2))
            if zone != left_zone and fits(place, radius):
                spots.append(place)
                taken.append(zone)
                break
        else:
            return None
    return np.array(spots)


def _people(rng: np.random.Generator, world: World, spots: FloatArray, radius: float) -> tuple[Person, ...]:
    """Nobody in most worlds; else some who walk where there is room, away from where robots stand."""
    wanted = int(rng.integers(1, 5)) if rng.random() < 0.35 else 0
    people: list[Person] = []
    field, needed = DistanceField(world), radius + PERSON_RADIUS + PERSON_GAP
    for _ in range(50 * wanted):
        path = _walk(rng, world, field)
        if len(path) > 1 and min(Polyline(path).project(x, y)[1] for x, y in spots.tolist()) >= needed:
            people.append(Person(path=path, speed=round(rng.uniform(0.5, 1.2), 2), radius=PERSON_RADIUS))
        if len(people) == wanted:
            break
    return tuple(people)


def _walk(rng: np.random.Generator, world: World, field: DistanceField) -> tuple[Point, ...]:
    """Up to four corners with free ways of 2 to 6 m between them."""
    (x0, x1), (y0, y1) = world.bounds.x, world.bounds.y
    path = [(round(rng.uniform(x0, x1), 1), round(rng.uniform(y0, y1), 1))]
    for _ in range(int(rng.integers(1, 4))):
        length, heading = rng.uniform(2.0, 6.0), rng.uniform(-math.pi, math.pi)
        x, y = path[-1]
        corner = (round(x + length * math.cos(heading), 1), round(y + length * math.sin(heading), 1))
        on_floor = x0 < corner[0] < x1 and y0 < corner[1] < y1
        if not on_floor or field.from_segment(path[-1], corner).min() < PERSON_RADIUS + PASSING_GAP:
            break
        path.append(corner)
    return tuple(path)
