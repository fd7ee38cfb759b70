"""What the run in a bag was: its robots, their sizes and where they were to go.

A simulated run is made again from its world, number of robots and seed: by the facts that our recorder keeps in the
bag, or by what the simulation says on /diagnostics. Of other runs the topics tell which robots there are.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.bag_facts import BagFacts
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import BagMessages
from ewm_ros.evaluation.campaigns.runs import RunSpec, free_flow_arrivals
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.journeys import Journeys
from ewm_ros.robot import incoming
from ewm_ros.simulation.worlds.scenario import BODIES, Scenario
from ewm_ros.simulation.worlds.world_file import world_path, world_text

ODOMETRY = "nav_msgs/msg/Odometry"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
ROUTE = f"{names.PACKAGE}/msg/Route"


@dataclass(frozen=True, slots=True)
class Scene:
    """One run.

    Attributes:
        facts: what the bag, or the simulation in it, says of the run.
        robots: their names.
        radii: m; nan for a robot that nothing tells the size of.
        odometry: names of the robots by the topics of their odometry.
        scenario: of a simulated run; None if it cannot be made again.
        problems: what a user should know, each in one line.
    """

    facts: BagFacts
    robots: tuple[str, ...]
    radii: tuple[float, ...]
    odometry: Mapping[str, str]
    scenario: Scenario | None = None
    problems: tuple[str, ...] = ()

    @property
    def world(self) -> str | None:
        """The world's name, as `ewm demo` prints it; None if nothing tells it."""
        return Path(self.facts.world).stem if self.facts.world else None

    def referee(self) -> Episode:
        """Who judges the run, and has seen nothing yet."""
        if self.scenario is None:
            return Journeys(self.robots)
        return Episode.of(self.scenario, time_limit=self.facts.time_limit)

    def free_flow_arrivals(self) -> tuple[float | None, ...] | None:
        """When each robot arrives if it is alone in the same world and seed (s); None if that cannot be made again."""
        if self.scenario is None:
            return None
        with _run_again(self.facts) as spec:
            return free_flow_arrivals(spec)


@contextmanager
def _run_again(facts: BagFacts) -> Iterator[RunSpec]:
    """The run that some facts are of; its world's file, if they have it, is there as long as this lasts."""
    assert facts.robots is not None
    assert facts.seed is not None
    with tempfile.TemporaryDirectory(prefix="ewm-eval-") as folder:
        place = facts.world
        if facts.world_file:
            file = Path(folder, f"{Path(facts.world).stem}.yaml")
            file.write_text(facts.world_file, encoding="utf-8")
            place = str(file)
        bodies = next((kind for kind in BODIES if kind == facts.bodies), BODIES[0])
        varied = facts.varied is not False
        yield RunSpec(place, facts.robots, facts.seed, "intention", varied=varied, bodies=bodies)


def read_scene(messages: BagMessages, world: str) -> Scene:
    """The scene of an open bag.

    Args:
        world: name or path of the run's world; empty: as the bag tells it.

    Raises:
        InputError: there is no such world, it is another one than that of the run, or the bag has no robot.
    """
    facts, told, problems = messages.facts(), _Told(), list[str]()
    if not facts.world:
        told.read(messages)
        facts = told.simulation or facts
    if world:
        facts = _with_world(facts, world)
    if facts.world and facts.robots is not None and facts.seed is not None:
        try:
            return _simulated(facts)
        except InputError as error:
            if world:
                raise
            problems.append(f"the run's world cannot be made again: {error}; goals are those on the topics")
    elif world:
        raise InputError(f"it tells neither how many robots there were nor their seed: world {world!r} is of no use")
    if not told.radii:
        told.read(messages)
    return _told(facts, told.radii, messages, tuple(problems))


def _with_world(facts: BagFacts, world: str) -> BagFacts:
    """The facts of a run that is said to have been in a world."""
    content = world_text(world)
    sha256 = hashlib.sha256(content.encode()).hexdigest() if content else ""
    if facts.world_sha256 and facts.world_sha256 != sha256:
        raise InputError(f"it was recorded in another world than what is {world!r} here: their hashes differ")
    return replace(facts, world=world, world_file=content, world_sha256=sha256)


def _simulated(facts: BagFacts) -> Scene:
    """The scene of a simulated run."""
    problems = []
    if not facts.world_file and world_path(facts.world) is not None:
        if facts.world_sha256:
            facts = _with_world(facts, facts.world)
        else:
            problems.append(f"it does not hold its world's file: {facts.world!r} is taken to be what it was")
    with _run_again(facts) as spec:
        scenario = spec.scenario()
    return Scene(
        facts=facts,
        robots=scenario.names,
        radii=tuple(robot_type.radius for robot_type in scenario.types),
        odometry={f"/{name}/{names.ODOM}": name for name in scenario.names},
        scenario=scenario,
        problems=tuple(problems),
    )


class _Told:
    """What few messages tell: the robots that have had a route with their radii (m), and what the simulation says."""

    def __init__(self) -> None:
        self.radii: dict[str, float] = {}
        self.simulation: BagFacts | None = None

    def read(self, messages: BagMessages) -> None:
        """Look through a bag."""
        wanted = {(names.ROUTES, ROUTE), (names.DIAGNOSTICS, DIAGNOSTICS)} & messages.topics
        marks = {ROUTE: b"", DIAGNOSTICS: keys.SIMULATION_STATUS.encode() + b"\0"}
        for (_, kind), _, data in messages.raw(wanted):
            if marks[kind] not in data or (kind == DIAGNOSTICS and self.simulation is not None):
                continue
            try:
                self._take(kind, messages.decode(kind, data))
            except InputError:
                continue  # it is counted, and told of, when all is read

    def _take(self, kind: str, msg: Any) -> None:
        if kind == ROUTE:
            route = incoming.route_from(msg)
            self.radii[route.robot] = route.radius
            return
        for status in msg.status:
            if status.name == keys.SIMULATION_STATUS:
                told = {pair.key: pair.value for pair in status.values}
                self.simulation = BagFacts.parse({key: told[key] for key in keys.RUN_FACTS if key in told})


def _told(facts: BagFacts, radii: Mapping[str, float], messages: BagMessages, problems: tuple[str, ...]) -> Scene:
    """The scene of a run that only its topics tell of."""
    ending = f"/{names.ODOM}"
    spaces = {
        topic.removesuffix(ending) for topic, kind in messages.topics if kind == ODOMETRY and topic.endswith(ending)
    }
    odometry = {f"{space}{ending}": _name(space, radii, len(spaces)) for space in sorted(spaces)}
    robots = tuple(sorted({*radii, *odometry.values()}))
    if not robots:
        raise InputError(f"it has no robot: neither a topic {names.ODOM!r} of type {ODOMETRY} nor a route")
    return Scene(facts, robots, tuple(radii.get(robot, math.nan) for robot in robots), odometry, problems=problems)


def _name(space: str, routes: Mapping[str, float], spaces: int) -> str:
    """The name of the robot whose topics are in a namespace: as it calls itself, if that can be told."""
    name = space.strip("/")
    own = name.rpartition("/")[2]
    if name not in routes and own in routes:
        return own
    if spaces == 1 and len(routes) == 1:
        return next(iter(routes))
    return name or "robot"
