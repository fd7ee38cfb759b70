"""The velocity loops of simulated robots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.physics.drive import Drives
from ewm_ros.simulation.physics.variation import VARIED, Traits, draw_traits

DT = 1.0 / 60.0
TINYBOT = load_robot_type("tinybot")
STILL, NO_SLIP = np.zeros((1, 2)), np.ones((1, 2))


def drives(traits: Traits | None = None) -> Drives:
    return Drives([TINYBOT], [traits or Traits()], DT)


def responses(loop: Drives, v: float, w: float, steps: int, before: FloatArray = STILL) -> FloatArray:
    """(steps, 2) m/s, rad/s: the velocities of one robot that is given one command."""
    answer = [before]
    loop.command(np.array([[v, w]]))
    for _ in range(steps):
        answer.append(loop.respond(answer[-1], NO_SLIP))
    return np.concatenate(answer[1:])


def test_full_speed_is_reached_at_the_limits_pace_and_not_exceeded() -> None:
    speeds, turns = responses(drives(), 9.0, 9.0, 180).T
    assert speeds[-1] == pytest.approx(0.5)
    assert speeds.max() <= 0.5
    # 0.5 m/s at 0.75 m/s^2 plus the motors' lag of 0.1 s: at 0.5 s still well short of full speed.
    assert speeds[29] == pytest.approx(0.75 * (0.5 - 0.1), abs=0.02)
    assert turns[-1] == pytest.approx(0.6)


def test_braking_takes_the_distance_that_the_robot_type_promises() -> None:
    loop = drives()
    fast = responses(loop, 0.5, 0.0, 180)[-1:]
    speeds = responses(loop, 0.0, 0.0, 180, fast)[:, 0]
    assert speeds[-1] == pytest.approx(0.0, abs=1e-6)
    assert speeds.sum() * DT == pytest.approx(TINYBOT.braking_distance(0.5), abs=0.01)


@given(
    commands=st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=60), seed=st.integers(0, 99)
)
def test_no_command_exceeds_the_limits_by_more_than_the_gain(commands: list[tuple[float, float]], seed: int) -> None:
    traits = draw_traits(VARIED, seed, 0)
    loop, velocity = drives(traits), STILL
    for v, w in commands:
        velocity = responses(loop, v, w, 6, velocity)[-1:]
        assert abs(velocity[0, 0]) <= 0.5 * traits.gain_v + 1e-12
        assert abs(velocity[0, 1]) <= 0.6 * traits.gain_w + 1e-12


def test_a_robot_held_by_a_wall_pushes_gently() -> None:
    loop = drives()
    loop.command(np.array([[0.5, 0.0]]))
    for _ in range(120):
        held = loop.respond(STILL, NO_SLIP)
    assert 0.0 < held[0, 0] < 0.1


@pytest.mark.parametrize(("delay", "steps"), [(0.0, 0), (0.02, 1), (0.05, 3)])
def test_a_command_takes_effect_after_the_robots_delay(delay: float, steps: int) -> None:
    late, prompt = drives(Traits(delay=delay)), drives()
    delayed, at_once = responses(late, 0.5, 0.3, 12), responses(prompt, 0.5, 0.3, 12)
    assert (delayed[:steps] == 0.0).all()
    assert (delayed[steps:] == at_once[: 12 - steps]).all()
    stopping = responses(late, 0.0, 0.0, 6, delayed[-1:])
    assert (np.diff(stopping[: steps + 1, 0]) > 0.0).all()  # still speeding up as it was told before


def test_slip_acts_on_the_gain() -> None:
    loop = drives()
    loop.command(np.array([[0.5, 0.6]]))
    velocity = STILL
    for _ in range(240):
        velocity = loop.respond(velocity, np.array([[0.9, 1.1]]))
    assert velocity[0] == pytest.approx([0.45, 0.66])


def test_robots_do_not_influence_each_other() -> None:
    traits = [draw_traits(VARIED, 0, i) for i in range(5)]
    commands = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    fleet, alone = Drives([TINYBOT] * 5, traits, DT), drives(traits[3])
    fleet.command(commands)
    alone.command(commands[3:4])
    velocities, own = np.zeros((5, 2)), STILL
    for _ in range(60):
        velocities, own = fleet.respond(velocities, np.ones((5, 2))), alone.respond(own, NO_SLIP)
    assert (velocities[3] == own[0]).all()
    assert not math.isclose(velocities[3, 0], velocities[2, 0])
