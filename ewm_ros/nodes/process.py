"""Running one node as a process: start, signals, a clean end."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.timer import Timer
from rclpy.utilities import remove_ros_args

from ewm_ros.errors import InputError
from ewm_ros.nodes.discovery import quicken_discovery

try:
    from rclpy.experimental.events_executor import EventsExecutor
except ImportError:  # where rclpy has none: it costs three times the CPU
    EventsExecutor = SingleThreadedExecutor

NodeExecutor: type[Executor] = EventsExecutor
TOGETHER = 0.3  # s; signals that come closer are one: a terminal and whoever started the process may both send it
TURN = 0.1  # s; of an executor: Python hears of signals only between two of them
STEADY = Clock(clock_type=ClockType.STEADY_TIME)


def steady_now() -> float:
    """s of a clock that nobody sets and no simulation stops."""
    return time.monotonic()


class ProcessNode(Node):
    """A node that can end its process."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ending: tuple[int, str] | None = None
        self.asked_to_leave = False

    def begin(self) -> None:
        """Set to work; called once, before messages come in. Raises InputError if that is not possible."""

    def end(self, status: int, line: str = "") -> None:
        """Let the process end soon with this exit status, after printing a line on stderr if there is one."""
        if self.ending is None:
            self.ending = (status, line)

    def ask_to_leave(self) -> None:
        """Let the process end as if it had been sent SIGTERM."""
        self.asked_to_leave = True

    def leave(self) -> bool:
        """Prepare for the end that was asked for; called in every turn from then on until it returns True."""
        return True

    def stop(self) -> None:
        """Last words, while messages can still be sent; called once, whatever the process ends for."""

    def every(self, period: float, callback: Callable[[], None]) -> Timer:
        """Call back each `period` s of steady time."""
        return self.create_timer(period, callback, clock=STEADY)

    def soon(self, callback: Callable[[], None]) -> Callable[[], None]:
        """What has the callback called after the messages that wait already: once, however often it is asked to."""
        waiting = False

        def call() -> None:
            nonlocal waiting
            waiting = False
            callback()

        def ask() -> None:
            nonlocal waiting
            if not waiting and self.executor is not None:
                waiting = True
                self.executor.create_task(call)

        return ask

    def ros_now(self) -> float:
        """s of the node's clock: simulated time where that is used."""
        return float(self.get_clock().now().nanoseconds) * 1e-9


class _Signals:
    """Remembers that the process was asked to end."""

    def __init__(self) -> None:
        self.received = 0
        self._received_at = -math.inf
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = steady_now()
        if now - self._received_at > TOGETHER:
            self.received += 1
            self._received_at = now

    @staticmethod
    def ignore() -> None:
        """The process is at its end anyway."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def run_node(factory: Callable[[], ProcessNode], args: Sequence[str] | None = None) -> int:
    """Run a node until it ends or the process gets SIGINT or SIGTERM; the second one is not kept waiting.

    Args:
        factory: makes the node; may raise InputError.
        args: command line with the program's name first; that of the process if not given.

    Returns:
        Exit status: 0 done or asked to end, 2 bad input (one line on stderr), else what the node says.
    """
    signals = _Signals()
    args = list(sys.argv if args is None else args)
    program = args[0].rpartition("/")[2].removesuffix(".py")
    try:
        _start_ros(args)
        node = factory()
    except InputError as error:
        rclpy.try_shutdown()
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    try:
        _begin(node)
        _spin(node, signals)
    finally:
        _finish(node)
        signals.ignore()
    status, line = node.ending or (0, "")
    if line:
        print(f"{program}: {line}", file=sys.stderr)
    return status


def _start_ros(args: list[str]) -> None:
    quicken_discovery()
    try:
        stray = remove_ros_args(args)[1:]
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise InputError(f"bad ROS arguments: {str(error).splitlines()[0]}") from error
    if stray:
        raise InputError(f"unknown argument {stray[0]!r}: parameters are given as --ros-args -p name:=value")


def _begin(node: ProcessNode) -> None:
    try:
        node.begin()
    except InputError as error:
        node.end(2, str(error))


def _spin(node: ProcessNode, signals: _Signals) -> None:
    executor: Executor = NodeExecutor()
    executor.add_node(node)
    try:
        # In turns of finite length: signals are seen between them, and EventsExecutor.spin() of Jazzy never wakes up.
        while node.ending is None and signals.received <= 1:
            if (signals.received or node.asked_to_leave) and node.leave():
                break
            executor.spin_until_future_complete(Future(), TURN)
    finally:
        executor.shutdown()


def _finish(node: ProcessNode) -> None:
    try:
        node.stop()
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
