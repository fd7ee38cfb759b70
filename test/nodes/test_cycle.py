import numpy as np
import pytest

from ewm_ros.geometry import Pose2D
from ewm_ros.nodes.cycle import CycleTrigger
from ewm_ros.sensing import Odometry, Scan


def odometry(stamp: float) -> Odometry:
    return Odometry(stamp, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0)


def scan(stamp: float) -> Scan:
    return Scan(stamp, 0.0, 0.1, 8.0, np.full(4, 8.0))


@pytest.fixture
def trigger() -> CycleTrigger:
    return CycleTrigger(rate=10.0)


def test_a_scan_with_its_odometry_sets_off_one_cycle(trigger):
    trigger.on_odometry(odometry(1.0), now=50.000)
    assert trigger.due(50.000) is None
    trigger.on_scan(scan(1.0), now=50.002)
    due = trigger.due(50.002)
    assert due is not None
    assert (due.observation.odometry.stamp, due.observation.scan.stamp, due.received_at) == (1.0, 1.0, 50.002)
    assert trigger.due(50.003) is None


def test_a_scan_that_overtakes_its_odometry_waits_for_it(trigger):
    trigger.on_odometry(odometry(1.0), now=50.0)
    trigger.on_scan(scan(1.0), now=50.0)
    assert trigger.due(50.0)
    trigger.on_scan(scan(1.1), now=50.1)
    assert trigger.due(50.1) is None
    trigger.on_odometry(odometry(1.1), now=50.101)
    due = trigger.due(50.101)
    assert due is not None
    assert due.observation.odometry.stamp == 1.1
    assert due.received_at == 50.1


def test_faster_sensors_do_not_make_it_think_faster_than_its_rate(trigger):
    cycles = 0
    for i in range(100):
        stamp = 1.0 + 0.02 * i
        trigger.on_odometry(odometry(stamp), now=stamp)
        trigger.on_scan(scan(stamp), now=stamp)
        cycles += trigger.due(stamp) is not None
    assert 19 <= cycles <= 26


def test_the_rate_is_that_of_the_stamps_so_that_simulations_may_run_fast(trigger):
    cycles = 0
    for i in range(20):
        trigger.on_odometry(odometry(0.1 * i), now=0.001 * i)
        trigger.on_scan(scan(0.1 * i), now=0.001 * i)
        cycles += trigger.due(0.001 * i) is not None
    assert cycles == 20


def test_without_scans_it_thinks_on_odometry_after_a_period_and_a_half(trigger):
    trigger.on_odometry(odometry(1.0), now=50.0)
    assert trigger.due(50.1) is None
    due = trigger.due(50.16)
    assert due is not None
    assert due.observation.scan is None


def test_without_new_odometry_it_does_not_think(trigger):
    trigger.on_odometry(odometry(1.0), now=50.0)
    trigger.on_scan(scan(1.0), now=50.0)
    assert trigger.due(50.0)
    trigger.on_odometry(odometry(1.0), now=50.1)
    trigger.on_scan(scan(1.1), now=50.1)
    assert trigger.due(51.0) is None


def test_a_simulation_that_starts_again_at_zero_is_followed(trigger):
    for stamp, now in ((40.0, 50.0), (0.0, 60.0)):
        trigger.on_odometry(odometry(stamp), now)
        trigger.on_scan(scan(stamp), now)
        assert trigger.due(now)
