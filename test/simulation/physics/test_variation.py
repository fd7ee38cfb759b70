"""What varies stays in its documented range, and comes from each robot's own streams."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.physics.variation import IDEAL, VARIED, OdometryNoise, ScanNoise, Slip, Traits, draw_traits


def test_traits_stay_in_their_ranges_and_use_them() -> None:
    drawn = [draw_traits(VARIED, seed, 0) for seed in range(300)]
    for name, spread in (("lag", 0.2), ("gain_v", 0.03), ("gain_w", 0.03), ("mass", 0.1)):
        values = [getattr(traits, name) for traits in drawn]
        assert 1.0 - spread <= min(values) < 1.0 - 0.9 * spread
        assert 1.0 + 0.9 * spread < max(values) <= 1.0 + spread
    delays = [traits.delay for traits in drawn]
    assert 0.0 <= min(delays) < 0.005
    assert 0.045 < max(delays) <= 0.05


def test_ideal_robots_are_exactly_as_their_type_says() -> None:
    assert draw_traits(IDEAL, 3, 1) == Traits()
    assert {name: value for name, value in asdict(IDEAL).items() if value} == {"wander": VARIED.wander}
    noise, scan = OdometryNoise(IDEAL, 3, [0, 1]), ScanNoise(IDEAL, 3, [0, 1], 4)
    for _ in range(40):
        assert (Slip(IDEAL, 3, [0, 1]).draw() == 1.0).all()
        assert not noise.pose.any()
        assert not noise.velocity.any()
        assert (scan.measured(np.array([[0.1, 1.0, 2.0, 8.0]] * 2), 8.0) == [0.1, 1.0, 2.0, 8.0]).all()
        noise.advance()
        scan.advance()


def wandering(steps: int, robots: int = 40) -> FloatArray:
    noise, errors = OdometryNoise(VARIED, 0, range(robots)), []
    for _ in range(steps):
        errors.append(noise.pose)
        noise.advance()
    return np.array(errors)


def test_the_pose_error_keeps_its_spread_from_the_first_step_on() -> None:
    errors = wandering(3000)
    assert errors[0].std(axis=0) == pytest.approx([0.01, 0.01, 0.004], rel=0.35)
    assert errors.std(axis=(0, 1)) == pytest.approx([0.01, 0.01, 0.004], rel=0.05)
    assert np.abs(errors.mean(axis=(0, 1))) == pytest.approx(np.zeros(3), abs=0.001)


def test_the_pose_error_is_forgotten_with_its_correlation_time() -> None:
    errors = wandering(6000)
    for lag in (1, 100):  # steps of 0.1 s; the correlation time is 10 s
        correlation = (errors[lag:] * errors[:-lag]).mean(axis=(0, 1)) / (errors**2).mean(axis=(0, 1))
        assert correlation == pytest.approx([math.exp(-0.1 * lag / VARIED.wander)] * 3, abs=0.05)


def test_slip_and_velocity_noise_are_new_in_each_step_and_have_their_spread() -> None:
    slip, noise = Slip(VARIED, 0, range(20)), OdometryNoise(VARIED, 0, range(20))
    factors, velocities = [], []
    for _ in range(1000):
        factors.append(slip.draw())
        velocities.append(noise.velocity)
        noise.advance()
    for series, mean, spread in ((np.array(factors), 1.0, [0.01, 0.02]), (np.array(velocities), 0.0, [0.005, 0.005])):
        assert series.mean(axis=(0, 1)) == pytest.approx([mean] * 2, abs=0.001)
        assert series.std(axis=(0, 1)) == pytest.approx(spread, rel=0.05)
        centred = series - mean
        assert np.abs((centred[1:] * centred[:-1]).mean(axis=(0, 1)) / centred.var(axis=(0, 1))).max() < 0.05


def test_a_range_is_never_measured_beyond_the_lidar_nor_behind_it() -> None:
    noise = ScanNoise(VARIED, 0, [0], 2000)
    true = np.array([[0.005, 7.995, 8.0, 3.0] * 500])
    measured = noise.measured(true, 8.0).reshape(-1, 4)
    assert measured.min() == 0.0
    assert measured.max() == 8.0
    assert (measured[:, 2] == 8.0).all()
    assert (measured[:, 3] - 3.0).std() == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("steps", [1, 15, 16, 17, 40])
def test_a_robot_draws_the_same_alone_as_in_company(steps: int) -> None:
    company, alone = [4, 2, 7], [7]
    slips = Slip(VARIED, 5, company), Slip(VARIED, 5, alone)
    noises = OdometryNoise(VARIED, 5, company), OdometryNoise(VARIED, 5, alone)
    scans = ScanNoise(VARIED, 5, company, 10), ScanNoise(VARIED, 5, alone, 10)
    for _ in range(steps):
        a, b = (slip.draw() for slip in slips)
        for noise in (*noises, *scans):
            noise.advance()
    assert (a[2] == b[0]).all()
    assert (a[0] != b[0]).all()
    assert (noises[0].pose[2] == noises[1].pose[0]).all()
    flat = np.full((3, 10), 4.0)
    assert (scans[0].measured(flat, 8.0)[2] == scans[1].measured(flat[:1], 8.0)[0]).all()
