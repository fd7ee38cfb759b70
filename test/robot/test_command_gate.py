"""The gate before the motors: what goes through, and what never does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.geometry import Pose2D
from ewm_ros.robot.command_gate import CommandGate, Gated
from ewm_ros.sensing import STANDSTILL, Odometry, Scan, Velocity

FULL = Velocity(0.5, 0.0)
CLOSE = np.full(180, 0.31)


def scan(stamp: float, ranges: np.ndarray | None = None) -> Scan:
    return Scan(stamp, 0.0, math.pi / 90, 8.0, np.full(180, 8.0) if ranges is None else ranges)


def odometry(stamp: float, v: float = 0.0, w: float = 0.0) -> Odometry:
    return Odometry(stamp, Pose2D(0.0, 0.0, 0.0), v, w)


@pytest.fixture
def gate(tinybot) -> CommandGate:
    """An active gate with fresh sensors at time 0."""
    gate = CommandGate(tinybot)
    gate.active = True
    gate.on_odometry(odometry(0.0), 0.0)
    gate.on_scan(scan(0.0), 0.0)
    return gate


def cruise(gate: CommandGate, until: float) -> Gated:
    """Fresh sensors and full speed commanded up to some time."""
    gated = Gated(STANDSTILL)
    for k in range(1, round(until / 0.1) + 1):
        gate.on_odometry(odometry(0.1 * k, gated.velocity.v, gated.velocity.w), 0.1 * k)
        gate.on_scan(scan(0.1 * k), 0.1 * k)
        gated = gate.filter(FULL, 0.1 * k)
    return gated


def test_speeds_up_within_the_acceleration_and_reaches_what_was_commanded(gate) -> None:
    assert gate.filter(FULL, 0.0) == Gated(Velocity(pytest.approx(0.075), 0.0))
    assert cruise(gate, 0.3).velocity.v == pytest.approx(0.3)
    assert cruise(gate, 2.0) == Gated(FULL)


def test_is_closed_until_it_is_activated(tinybot) -> None:
    gate = CommandGate(tinybot)
    gate.on_odometry(odometry(0.0), 0.0)
    gate.on_scan(scan(0.0), 0.0)
    assert gate.filter(FULL, 0.0) == Gated(STANDSTILL, "inactive")
    assert gate.watchdog(0.0) is None
    gate.active = True
    assert gate.filter(FULL, 0.1).velocity.v > 0.0


def test_emergency_stop_is_zero_at_once_and_stays_until_it_is_cleared(gate) -> None:
    cruise(gate, 2.0)
    gate.estop = True
    assert gate.filter(FULL, 2.05) == Gated(STANDSTILL, "estop")
    assert gate.filter(FULL, 2.15) == Gated(STANDSTILL, "estop")
    assert gate.watchdog(2.2) == Gated(STANDSTILL, "estop")
    gate.estop = False
    assert gate.filter(FULL, 2.3).velocity.v == pytest.approx(0.075)


def test_an_inactive_gate_says_so_before_anything_else(gate) -> None:
    gate.active, gate.estop = False, True
    assert gate.filter(Velocity(math.nan, 0.0), 99.0).reason == "inactive"


@pytest.mark.parametrize("silent", ["odometry", "scan"])
def test_a_sensor_that_falls_silent_stops_the_robot(silent, gate) -> None:
    for k in range(1, 11):
        if silent != "odometry" or k <= 3:
            gate.on_odometry(odometry(0.1 * k, 0.3), 0.1 * k)
        if silent != "scan" or k <= 3:
            gate.on_scan(scan(0.1 * k), 0.1 * k)
        gated = gate.filter(FULL, 0.1 * k)
        assert (gated.velocity == STANDSTILL) == (k > 8)
    assert gated == Gated(STANDSTILL, f"stale {silent}")
    assert gate.watchdog(1.05) == Gated(STANDSTILL, f"stale {silent}")


def test_a_sensor_that_repeats_itself_counts_as_silent(gate) -> None:
    for k in range(1, 11):
        gate.on_odometry(odometry(7.0, 0.3), 0.1 * k)
        gate.on_scan(scan(0.1 * k), 0.1 * k)
    assert gate.filter(FULL, 1.0) == Gated(STANDSTILL, "stale odometry")


def test_without_any_sensor_nothing_moves(tinybot) -> None:
    gate = CommandGate(tinybot)
    gate.active = True
    assert gate.filter(FULL, 0.0) == Gated(STANDSTILL, "stale odometry")
    gate.on_odometry(odometry(0.0), 0.0)
    assert gate.filter(FULL, 0.0) == Gated(STANDSTILL, "stale scan")


def test_odometry_that_is_no_number_counts_as_none(tinybot) -> None:
    gate = CommandGate(tinybot)
    gate.active = True
    gate.on_odometry(odometry(0.0, math.nan), 0.0)
    gate.on_scan(scan(0.0), 0.0)
    assert gate.filter(FULL, 0.0) == Gated(STANDSTILL, "stale odometry")


@pytest.mark.parametrize("bad", [Velocity(math.nan, 0.0), Velocity(0.1, math.inf), Velocity(-math.inf, math.nan)])
def test_a_command_that_is_no_number_is_zero_and_no_command(bad, gate) -> None:
    cruise(gate, 1.0)
    assert gate.filter(bad, 1.1) == Gated(STANDSTILL, "command not finite")
    gate.on_odometry(odometry(1.6), 1.6)
    gate.on_scan(scan(1.6), 1.6)
    assert gate.watchdog(1.6) == Gated(STANDSTILL, "no command")


def test_the_watchdog_keeps_quiet_while_commands_come_and_stops_the_robot_when_they_do_not(gate) -> None:
    cruise(gate, 1.0)
    for now in (1.2, 1.45, 1.55):
        gate.on_odometry(odometry(now, 0.5), now)
        gate.on_scan(scan(now), now)
        assert gate.watchdog(now) == (Gated(STANDSTILL, "no command") if now > 1.5 else None)


def test_an_obstacle_stops_the_robot_but_not_its_turning(gate) -> None:
    gate.on_scan(scan(0.1, CLOSE), 0.1)
    gated = gate.filter(Velocity(0.5, 0.6), 0.1)
    assert gated.reason == "obstacle"
    assert gated.velocity.v == 0.0
    assert gated.velocity.w > 0.0


def test_too_much_is_cut_to_the_limits_without_a_reason(gate, tinybot) -> None:
    for k in range(1, 30):
        gate.on_odometry(odometry(0.1 * k), 0.1 * k)
        gate.on_scan(scan(0.1 * k), 0.1 * k)
        gated = gate.filter(Velocity(50.0, -50.0), 0.1 * k)
    assert gated == Gated(Velocity(tinybot.max_speed, -tinybot.max_turn_rate))


def test_braking_does_not_wait_for_a_command_that_ran_ahead_of_the_motors(gate) -> None:
    cruise(gate, 2.0)
    gate.on_odometry(odometry(2.1, 0.2), 2.1)
    gate.on_scan(scan(2.1), 2.1)
    assert gate.filter(STANDSTILL, 2.1).velocity.v < 0.1


ANY = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1.0, 1.0)


@given(
    steps=st.lists(
        st.tuples(ANY, ANY, ANY, ANY, st.floats(0.0, 0.7), st.sampled_from(["none", "clear", "close", "nan"])),
        max_size=30,
    )
)
@settings(deadline=None)
def test_what_leaves_the_gate_is_finite_and_within_the_limits(steps, tinybot) -> None:
    gate, now, before = CommandGate(tinybot), 0.0, STANDSTILL
    gate.active = True
    views = {"clear": None, "close": CLOSE, "nan": np.full(180, math.nan)}
    for v, w, measured_v, measured_w, wait, view in steps:
        now += wait
        gate.on_odometry(odometry(now, measured_v, measured_w), now)
        if view != "none":
            gate.on_scan(scan(now, views[view]), now)
        gated = gate.filter(Velocity(v, w), now)
        out = gated.velocity
        assert math.isfinite(out.v) and math.isfinite(out.w)
        assert abs(out.v) <= tinybot.max_speed and abs(out.w) <= tinybot.max_turn_rate
        assert abs(out.v) <= abs(before.v) + 0.2 * tinybot.max_acceleration + 1e-9
        if gated.reason not in ("", "obstacle"):
            assert out == STANDSTILL
        before = out
