"""Listens to a running fleet from within another program, for its live table and its figures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.cycle_figures import CycleFigures
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.nodes import topics
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.process import TURN, NodeExecutor
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.readers import read_intention, read_odometry, read_sender
from ewm_ros.robot import incoming


class Monitor:
    """Hears topics in a thread of its own. Use as a context manager.

    `lock` guards what the callbacks, and those of subclasses, change while it is read.

    Args:
        status: takes each status on /diagnostics, its name and its values.
    """

    def __init__(self, status: Callable[[str, dict[str, str]], object]) -> None:
        self.lock = threading.Lock()
        self.bad_messages = 0
        self._listening = True
        quicken_discovery()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("monitor", context=self._context)
        self._executor = NodeExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._status = status
        self._listen(topics.DIAGNOSTICS, self._on_diagnostics)
        self._thread = threading.Thread(target=self._spin, name="monitor", daemon=True)

    def __enter__(self) -> Monitor:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listening = False
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while self._listening:
                self._executor.spin_until_future_complete(Future(), TURN)

    def _listen(
        self, topic: topics.Topic, callback: Callable[[Any], None], qos: names.QoS | None = None, raw: bool = False
    ) -> None:
        self._node.create_subscription(
            topic.type, topic.name, self._guarded(callback), profile(qos or topic.qos), raw=raw
        )

    def _guarded(self, callback: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(msg: Any) -> None:
            with self.lock:
                try:
                    callback(msg)
                except InputError:
                    self.bad_messages += 1  # the nodes that act on it warn about it

        return guarded

    def _on_diagnostics(self, msg: Any) -> None:
        for status in msg.status:
            self._status(status.name, {pair.key: pair.value for pair in status.values})


class FleetMonitor(Monitor):
    """Feeds FleetFigures from the topics."""

    def __init__(self, figures: FleetFigures) -> None:
        super().__init__(figures.diagnostics)
        self._figures = figures
        for name in figures.robots:
            qos = names.QoS(reliable=False, latched=False, depth=20)
            self._listen(topics.ODOM.under(name), self._odometry_of(name), qos, raw=True)
        self._listen(topics.ARBITRATIONS, self._on_arbitration)
        self._listen(topics.INTENTIONS, self._on_intention, names.intentions_in(len(figures.robots)), raw=True)

    def _odometry_of(self, name: str) -> Callable[[bytes], None]:
        def take(raw: bytes) -> None:
            odometry = read_odometry(raw)
            self._figures.odometry(name, odometry.stamp, odometry.pose)

        return take

    def _on_intention(self, raw: bytes) -> None:
        self._figures.intention(read_intention(raw), len(raw))

    def _on_arbitration(self, msg: Any) -> None:
        self._figures.arbitration(incoming.arbitration_from(msg))


class CycleMonitor(Monitor):
    """Feeds CycleFigures from the topics, and listens to no more than that takes: who measures must not disturb."""

    def __init__(self, figures: CycleFigures) -> None:
        super().__init__(figures.diagnostics)
        self._figures = figures
        self._listen(topics.INTENTIONS, self._on_intention, names.intentions_in(len(figures.robots)), raw=True)

    def _on_intention(self, raw: bytes) -> None:
        self._figures.intention(*read_sender(raw))
