"""When a robot thinks: once for each scan, not more often than its rate, and without a scan if none comes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ewm_ros.sensing import Observation, Odometry, Scan

EARLY = 0.75  # of a period between two stamps is enough: sensors' clocks jitter
LATE = 1.5  # periods without a scan after which a cycle runs without


@dataclass(frozen=True, slots=True)
class Due:
    """An observation to think about; received_at: s of a steady clock, when what set the cycle off arrived."""

    observation: Observation
    received_at: float


class CycleTrigger:
    """Pairs the newest odometry with the newest scan and says when a cycle is due.

    The rate is that of the sensors' stamps, so that a simulation may run faster or slower than real time. Every `now`
    is s of a steady clock.

    Args:
        rate: cycles per s at most.
    """

    def __init__(self, rate: float) -> None:
        self._period = 1.0 / rate
        self._odometry: Odometry | None = None
        self._scan: Scan | None = None
        self._served = math.nan  # stamp of the odometry of the last cycle
        self._served_scan = math.nan
        self._waiting_since = math.inf  # arrival of the oldest odometry that no cycle has served
        self._scan_at = math.inf

    def on_odometry(self, odometry: Odometry, now: float) -> None:
        """Keep the newest odometry."""
        self._odometry = odometry
        if odometry.stamp != self._served:
            self._waiting_since = min(self._waiting_since, now)

    def on_scan(self, scan: Scan, now: float) -> None:
        """Keep the newest scan."""
        self._scan, self._scan_at = scan, now

    def due(self, now: float) -> Due | None:
        """What to think about now, if it is time; each observation is given out once."""
        odometry, scan = self._odometry, self._scan
        if odometry is None or odometry.stamp == self._served:
            return None
        if 0.0 <= odometry.stamp - self._served < EARLY * self._period:
            return None
        # The odometry of the scan's moment may still be under way.
        matches = scan is not None and odometry.stamp >= scan.stamp - 0.5 * self._period
        if scan is not None and matches and scan.stamp != self._served_scan:
            return self._serve(odometry, scan, self._scan_at)
        if now - self._waiting_since >= LATE * self._period:
            return self._serve(odometry, scan, self._waiting_since)
        return None

    def _serve(self, odometry: Odometry, scan: Scan | None, received_at: float) -> Due:
        self._served = odometry.stamp
        self._served_scan = math.nan if scan is None else scan.stamp
        self._waiting_since = math.inf
        return Due(Observation(odometry, scan), received_at)
