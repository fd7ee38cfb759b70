"""Putting together what a node says on /diagnostics."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from ewm_ros.diagnostics_keys import join_samples
from ewm_ros.nodes.sensor_conversions import to_stamp

OK: bytes = DiagnosticStatus.OK
WARN: bytes = DiagnosticStatus.WARN
ERROR: bytes = DiagnosticStatus.ERROR
KEPT = 1000  # samples at most between two messages


class Samples:
    """Measured values since they were last told."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=KEPT)

    def add(self, value: float) -> None:
        """Keep a value."""
        self._values.append(value)

    def take(self) -> str:
        """All values as one text; they are forgotten."""
        text = join_samples(self._values)
        self._values.clear()
        return text


def status(name: str, hardware_id: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    """One status."""
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def together(statuses: Sequence[DiagnosticStatus], time: float) -> DiagnosticArray:
    """Some statuses as one message."""
    msg = DiagnosticArray(status=list(statuses))
    msg.header.stamp = to_stamp(time)
    return msg


def diagnostics(
    name: str, hardware_id: str, level: bytes, message: str, values: Mapping[str, str], time: float
) -> DiagnosticArray:
    """One status as a message."""
    return together([status(name, hardware_id, level, message, values)], time)
