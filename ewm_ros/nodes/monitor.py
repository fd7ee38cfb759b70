"""Listens to a running fleet from within another program, for its live table and its figures."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.nodes import topics
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.process import TURN, NodeExecutor
from ewm_ros.nodes.qos import profile
from ewm_ros.robot import incoming
from ewm_ros.robot.sensor_bytes import odometry_in


class Monitor:
    """Feeds FleetFigures from the topics, in a thread of its own. Use as a context manager.

    `lock` guards the figures while they are read.
    """

    def __init__(self, figures: FleetFigures) -> None:
        self.figures = figures
        self.lock = threading.Lock()
        self.bad_messages = 0
        self._listening = True
        quicken_discovery()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("monitor", context=self._context)
        self._executor = NodeExecutor(context=self._context)
        self._executor.add_node(self._node)
        fleet = len(figures.robots)
        for name in figures.robots:
            odometry = topics.ODOM.under(name)
            self._listen(
                odometry, names.QoS(reliable=False, latched=False, depth=20), self._odometry_of(name), raw=True
            )
        self._listen(topics.DIAGNOSTICS, topics.DIAGNOSTICS.qos, self._on_diagnostics)
        self._listen(topics.ARBITRATIONS, topics.ARBITRATIONS.qos, self._on_arbitration)
        self._listen(topics.INTENTIONS, names.intentions_in(fleet), self._on_intention, raw=True)
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

    def _listen(self, topic: topics.Topic, qos: names.QoS, callback: Any, raw: bool = False) -> None:
        self._node.create_subscription(topic.type, topic.name, self._guarded(callback), profile(qos), raw=raw)

    def _guarded(self, callback: Any) -> Any:
        def guarded(msg: Any) -> None:
            with self.lock:
                try:
                    callback(msg)
                except InputError:
                    self.bad_messages += 1  # the nodes that act on it warn about it

        return guarded

    def _odometry_of(self, name: str) -> Any:
        def take(raw: bytes) -> None:
            odometry = odometry_in(raw) or incoming.odometry_from(deserialize_message(raw, topics.ODOM.type))
            self.figures.odometry(name, odometry.stamp, odometry.pose)

        return take

    def _on_intention(self, raw: bytes) -> None:
        msg = deserialize_message(raw, topics.INTENTIONS.type)
        self.figures.intention(incoming.intention_from(msg), len(raw))

    def _on_arbitration(self, msg: Any) -> None:
        self.figures.arbitration(incoming.arbitration_from(msg))

    def _on_diagnostics(self, msg: Any) -> None:
        for status in msg.status:
            self.figures.diagnostics(status.name, {pair.key: pair.value for pair in status.values})
