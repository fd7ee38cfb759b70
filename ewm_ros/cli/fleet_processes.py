"""Starts a fleet's processes on a private ROS domain, and sees to it that none is left behind."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ewm_ros.deployment.processes import BAD_INPUT, RESPAWNED, ProcessSpec, command_line
from ewm_ros.errors import InputError

GRACE = 3.0  # s for a process to end after SIGTERM; then SIGKILL
PR_SET_PDEATHSIG = 1


def use_private_domain() -> int:
    """Keep this program and all that it starts apart from every other ROS graph; returns the domain's id."""
    domain = random.SystemRandom().randint(1, 101)  # above 101, ports collide with those that Linux hands out
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return domain


class FleetProcesses:
    """The processes of one run. Use as a context manager: leaving it ends them all.

    Args:
        specs: what to start.
        logs: folder for what they print.
        respawn: s after which a robot or coordinator that was killed or has failed is started again; None for never.
    """

    def __init__(self, specs: Sequence[ProcessSpec], logs: Path, respawn: float | None = None) -> None:
        self._specs = {spec.title: spec for spec in specs}
        self._logs = logs
        self._respawn = respawn
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._failed_at: dict[str, float] = {}

    def __enter__(self) -> FleetProcesses:
        self._logs.mkdir(parents=True, exist_ok=True)
        for name in self._specs:
            self._start(name)
        return self

    def _start(self, name: str) -> None:
        spec = self._specs[name]
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command_line(spec),
                env={key: value for key, value in os.environ.items() if key not in spec.kept_from},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this program only, which ends them in order
                preexec_fn=_die_with_parent,
            )

    def revive(self, now: float) -> None:
        """Start again what has been dead for long enough, if that is wanted.

        Args:
            now: s of a steady clock.
        """
        for name in self._specs:
            if self._revivable(name) and now - self._failed_at.setdefault(name, now) >= (self._respawn or 0.0):
                del self._failed_at[name]
                self._start(name)

    def _revivable(self, name: str) -> bool:
        """Whether the process has failed and is one to be started again."""
        status = self._running[name].poll()
        return (
            self._respawn is not None
            and self._specs[name].executable in RESPAWNED
            and status
            not in (
                None,
                0,
                BAD_INPUT,
            )
        )

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def ended(self, name: str) -> int | None:
        """Exit status of one process; None while it runs."""
        return self._running[name].poll()

    def pid(self, name: str) -> int:
        """Process id."""
        return self._running[name].pid

    def first_failure(self) -> tuple[str, int, str] | None:
        """The first process that ended with an error, for good: its name, status and last line."""
        for name, process in self._running.items():
            status = process.poll()
            if status and not self._revivable(name):
                lines = self._log(name).read_text(errors="replace").strip().splitlines()
                return name, status, lines[-1] if lines else "it printed nothing"
        return None

    def stop(self) -> None:
        """End all processes: the simulation first, so that nothing moves without its robot; then the rest."""
        left = [process for process in reversed(list(self._running.values())) if process.poll() is None]
        for process in left:
            process.terminate()  # unlike SIGINT, it prints nothing in a Python that has not come to main() yet
        until = time.monotonic() + GRACE
        for process in left:
            try:
                process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _die_with_parent() -> None:
    """A killed `ewm demo` must not leave robots behind (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def need_ros() -> None:
    """Raise InputError where rclpy or the package's messages are missing."""
    try:
        import rclpy  # noqa: F401

        import ewm_ros.msg  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"ROS 2 is missing ({error.name or error}): source a ROS 2 workspace that holds ewm_ros, "
            "or run pip install 'ewm-ros[ros,sim]'"
        ) from error
