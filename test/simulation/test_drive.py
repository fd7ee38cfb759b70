"""The velocity loop of a simulated robot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.simulation.drive import Drive, Traits, draw_traits

DT = 1.0 / 60.0
TINYBOT = load_robot_type("tinybot")
PLAIN = Traits(lag=1.0, gain_v=1.0, gain_w=1.0, mass=1.0)


def responses(command: Velocity, steps: int, traits: Traits = PLAIN) -> list[Velocity]:
    drive, velocity, answer = Drive(TINYBOT, traits, DT), STANDSTILL, []
    for _ in range(steps):
        velocity = drive.respond(command, velocity, (1.0, 1.0))
        answer.append(velocity)
    return answer


def test_full_speed_is_reached_at_the_limits_pace_and_not_exceeded() -> None:
    speeds = [velocity.v for velocity in responses(Velocity(9.0, 9.0), 180)]
    assert speeds[-1] == pytest.approx(0.5)
    assert max(speeds) <= 0.5
    # 0.5 m/s at 0.75 m/s^2 plus the motors' lag of 0.1 s: at 0.5 s still well short of full speed.
    assert speeds[29] == pytest.approx(0.75 * (0.5 - 0.1), abs=0.02)
    assert responses(Velocity(9.0, 9.0), 180)[-1].w == pytest.approx(0.6)


def test_braking_takes_the_distance_that_the_robot_type_promises() -> None:
    drive, velocity, distance = Drive(TINYBOT, PLAIN, DT), STANDSTILL, 0.0
    for _ in range(180):
        velocity = drive.respond(Velocity(0.5, 0.0), velocity, (1.0, 1.0))
    for _ in range(180):
        velocity = drive.respond(STANDSTILL, velocity, (1.0, 1.0))
        distance += velocity.v * DT
    assert velocity.v == pytest.approx(0.0, abs=1e-6)
    assert distance == pytest.approx(TINYBOT.braking_distance(0.5), abs=0.01)


@given(
    commands=st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=60), seed=st.integers(0, 99)
)
def test_no_command_exceeds_the_limits_by_more_than_the_gain(commands: list[tuple[float, float]], seed: int) -> None:
    traits = draw_traits(np.random.default_rng(seed))
    drive, velocity = Drive(TINYBOT, traits, DT), STANDSTILL
    for v, w in commands:
        before, velocity = velocity, drive.respond(Velocity(v, w), velocity, (1.0, 1.0))
        assert abs(velocity.v) <= 0.5 * traits.gain_v + 1e-12
        assert abs(velocity.w) <= 0.6 * traits.gain_w + 1e-12
        assert math.isfinite(velocity.v - before.v)


def test_a_robot_held_by_a_wall_pushes_gently_and_starts_smoothly_when_freed() -> None:
    drive = Drive(TINYBOT, PLAIN, DT)
    for _ in range(120):
        held = drive.respond(Velocity(0.5, 0.0), STANDSTILL, (1.0, 1.0))
    assert 0.0 < held.v < 0.1


def test_traits_stay_in_their_ranges_and_use_them() -> None:
    drawn = [draw_traits(np.random.default_rng(seed)) for seed in range(300)]
    for name, spread in (("lag", 0.2), ("gain_v", 0.03), ("gain_w", 0.03), ("mass", 0.1)):
        values = [getattr(traits, name) for traits in drawn]
        assert 1.0 - spread <= min(values) < 1.0 - 0.9 * spread
        assert 1.0 + 0.9 * spread < max(values) <= 1.0 + spread
