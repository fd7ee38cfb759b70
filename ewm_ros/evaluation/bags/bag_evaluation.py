"""The figures of a recorded run, simulated or physical, from nothing but its bag: what `ewm eval` prints."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import BagFacts
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import BagMessages, open_bag
from ewm_ros.evaluation.bags.bag_problems import problems
from ewm_ros.evaluation.bags.bag_reading import BagReading
from ewm_ros.evaluation.bags.bag_scene import Scene, read_scene
from ewm_ros.evaluation.figures.conflict_figures import ConflictFigures
from ewm_ros.evaluation.figures.journeys import Journeys
from ewm_ros.evaluation.figures.link_figures import LinkFigures
from ewm_ros.evaluation.figures.numbers import rounded
from ewm_ros.names import PACKAGE

DEMO_KEYS = (
    "world", "robots", "seed", "reached", "collisions", "near_misses", "deadlocks", "makespan_s", "sum_of_delays_s",
    "orders_per_minute", "cycle_ms", "observe_to_intention_ms", "intention_tokens", "intention_bytes", "prediction",
    "arbitrations", "realtime_factor", "bag",
)  # fmt: skip


def evaluate_bag(bag: Path, world: str = "", progress: Callable[[float], None] | None = None) -> Evaluation:
    """Judge the run that a bag holds.

    Args:
        world: name or path of its world, for a bag that does not tell it.
        progress: is told which share has been read, 0 to 1.

    Raises:
        InputError: it is no bag, is empty or damaged, has nothing of this package or only what is out of date, or is
            not of that world.
    """
    try:
        with open_bag(bag) as messages:
            _check(messages)
            scene = read_scene(messages, world)
            reading = BagReading(messages, scene)
            reading.read(progress)
            first, last = messages.span
            return Evaluation(bag, scene, reading, (last - first) * 1e-9)
    except InputError as error:
        raise InputError(f"bag {bag}: {error}") from error


def _check(messages: BagMessages) -> None:
    """Raise InputError if there is nothing to judge, or not by this version."""
    if messages.span == (0, 0):
        raise InputError("it is empty: there is no message in it")
    if messages.outdated:
        kind = min(messages.outdated)
        raise InputError(f"{kind} is defined otherwise in it than in this version: use the version that recorded it")
    if not any(kind.startswith(f"{PACKAGE}/") for _, kind in messages.topics):
        topics = sorted(topic for topic, _ in messages.topics)
        shown = ", ".join(topics[:5]) + (", ..." if len(topics) > 5 else "")
        raise InputError(f"it has no topic of {PACKAGE}, such as /intentions, but {shown}")


@dataclass(slots=True)
class Evaluation:
    """What came of one recorded run.

    Args:
        bag: that holds it.
        scene: what it was.
        reading: of all messages.
        span: s that were recorded, by the recorder's clock.
    """

    bag: Path
    scene: Scene
    reading: BagReading
    span: float
    _figures: dict[str, object] = field(default_factory=dict)

    @property
    def facts(self) -> BagFacts:
        """What the bag, or the simulation in it, says of the run."""
        return self.scene.facts

    @property
    def links(self) -> LinkFigures:
        """Of the fleet's talk."""
        return self.reading.links

    @property
    def conflicts(self) -> ConflictFigures:
        """Of the coordinator, and of where the robots were."""
        return self.reading.conflicts

    @property
    def simulated(self) -> bool:
        """Whether a simulation is in the bag, which knows of contacts."""
        return bool(self.reading.simulation)

    @property
    def good(self) -> bool:
        """Whether the run came to its end, and well."""
        over = not self.simulated or self.reading.simulation[keys.FINISHED] == "true"
        return over and self.reading.referee.success(self._collisions or 0)

    @property
    def _collisions(self) -> int | None:
        return self.reading.fleet.collisions if self.simulated else None

    @property
    def _near_misses(self) -> int:
        return self.reading.fleet.near_misses if self.simulated else len(self.conflicts.near_misses)

    @property
    def _reached(self) -> int:
        """As the simulation counts them, if one of them was not seen."""
        told = self.reading.simulation.get(keys.REACHED)
        return int(told) if told is not None and self.reading.unseen else self.reading.referee.reached

    @property
    def _duration(self) -> float:
        """s of the run's own clock, from the first pose to the last one; of the recorder's, if there is none."""
        begin = self.reading.begin
        return self.span if math.isnan(begin) else self.reading.fleet.time - begin

    def __str__(self) -> str:
        how = "was recorded for"
        if self.simulated:
            how = "ended after" if self.reading.simulation[keys.FINISHED] == "true" else "was interrupted after"
        makespan, accuracy = self.reading.referee.makespan, self.reading.fleet.sums.figures()["accuracy"]
        cycle = self.reading.fleet.cycles.cycle_ms["p99"]
        parts = (
            f"the run {how} {self._duration:.1f}{' simulated' if self.simulated else ''} s: "
            f"{self._reached} of {len(self.scene.robots)} robots at their goals",
            f"{self._collisions} collisions" if self.simulated else "",
            f"{self._near_misses} near misses",
            "" if makespan is None else f"makespan {makespan:.1f} s",
            "" if accuracy is None else f"prediction accuracy {accuracy:.2f}",
            "" if cycle is None else f"cycle p99 {cycle:.0f} ms",
        )
        return ", ".join(part for part in parts if part)

    def figures(self) -> dict[str, object]:
        """The object that `ewm eval --json` prints: what the bag does not hold is None.

        The first call takes some seconds: each robot is simulated alone, to tell by how much it was delayed.
        """
        if not self._figures:
            self._figures = self._all_figures()
        return dict(self._figures)

    def demo_figures(self) -> dict[str, object]:
        """The object that `ewm demo --json` prints."""
        figures = self.figures()
        return {key: figures[key] for key in DEMO_KEYS}

    def _all_figures(self) -> dict[str, object]:
        reading, scene = self.reading, self.scene
        seen = reading.fleet.figures()
        tokens = cast("dict[str, float | None]", seen["intention_tokens"])["mean"]
        own = {
            "world": scene.world,
            "robots": len(scene.robots),
            "seed": scene.facts.seed,
            "reached": self._reached,
            "collisions": self._collisions,
            "near_misses": self._near_misses,
            "deadlocks": reading.referee.deadlocks if reading.odometries else None,
            "sum_of_delays_s": rounded(self._sum_of_delays()),
            "arbitrations": seen["arbitrations"] if reading.arbitrations_recorded else None,
            "realtime_factor": round(reading.fleet.realtime_factor, 3) if self.simulated else None,
            "bag": str(self.bag),
        }
        return {
            **{key: own[key] if key in own else seen[key] for key in DEMO_KEYS},
            "simulated": self.simulated,
            "duration_s": rounded(self._duration),
            "problems": [*scene.problems, *problems(scene, reading)],
            "fleet": self._fleet(),
            "world_model": self._world_model(),
            "communication": self.links.figures(tokens),
            "coordinator": self.conflicts.figures(),
        }

    def _sum_of_delays(self) -> float | None:
        if self.reading.referee.makespan is None:
            return None
        alone = self.scene.free_flow_arrivals()
        return None if alone is None else self.reading.referee.sum_of_delays(alone)

    def _fleet(self) -> dict[str, object]:
        reading, referee = self.reading, self.reading.referee
        if isinstance(referee, Journeys):
            ways = {robot: (journey.began, journey.arrived) for robot, journey in referee.newest.items()}
        else:
            ways = {robot: (reading.begin, arrived) for robot, arrived in enumerate(referee.arrivals.tolist())}
        arrived = {robot: way for robot, way in ways.items() if not math.isnan(way[1])}
        gap, seen = self.conflicts.minimum_gap, bool(reading.odometries)
        return {
            "success": referee.success(self._collisions or 0) if seen else None,
            "flow_time_s": rounded(referee.flow_time),
            "minimum_separation_m": rounded(gap) if math.isfinite(gap) else None,
            "deadlock_time_s": rounded(reading.driving.deadlock_time) if seen else None,
            "path_efficiency": rounded(reading.driving.path_efficiency(arrived)),
        }

    def _world_model(self) -> dict[str, object]:
        detail = self.reading.fleet.sums.detail()
        return {
            "accuracy": detail["accuracy"],
            "ade_m": detail["ade_m"],
            "fde_m": detail["fde_m"],
            # An intention carries the radius of 90 %, and none of 50 %.
            "coverage": {"50": None, "90": detail["coverage"]["90"]},
        }
