"""The process that speaks to Ray for ray_pool.py: it asks a cluster for runs, and passes on what they come to."""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_workers import Crash, WorkersLost
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec

LOCAL, AUTO = "local", "auto"  # addresses of a Ray that is started here, and of the one that runs on this machine
CLIENT = "ray://"  # before the address of a cluster that this machine is no part of

ANSWER = 10.0  # s that a cluster's port may take to be opened
ENDING = 20.0  # s that a local Ray may take to end by itself
LOOK = 0.2  # s between two looks at whether anybody still wants the runs
RETRIES = 5  # times that Ray makes a run anew whose worker died
AHEAD = 2  # runs that are with Ray for each of its CPUs: one that goes on, one that waits; it grows by those that wait
STORE = 100 * 2**20  # bytes for a local Ray's objects: all there are is a model and some worlds

# Of a local Ray: no statistics sent to anybody, all ports on 127.0.0.1 (Ray knows that as a thing of other systems), a
# token that nobody else has, and no word about devices that there are none of.
PRIVATE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """Ray is there."""


@dataclass(frozen=True, slots=True)
class Done:
    """A run is made, by the index of its spec."""

    index: int
    outcome: RunResult | Crash


@dataclass(frozen=True, slots=True)
class Failed:
    """It has come to an end, for this reason; the user's own doing, or not."""

    error: InputError | WorkersLost


Message = Ready | Done | Failed


def drive(
    connection: Connection, address: str, folder: Path, version: str, package: bytes, specs: Sequence[RunSpec]
) -> None:
    """Have runs made, and tell of them; ends when all are made, or when nobody holds the other end any more.

    Args:
        address: as of RayWorkers.
        folder: for Ray's own files; removed here if nobody else is left to do it.
        version: of ewm_ros, that workers must have.
        package: all files of the runs, as run_files packs them.
    """
    os.setsid()  # so that Ctrl-C at a terminal is for the one who started this process, and not for Ray
    _keep_quiet(folder / "driver.log")
    gone = Event()
    Thread(target=_watch, args=(connection, gone, folder), daemon=True).start()
    with suppress(BrokenPipeError):
        try:
            with connected(address, folder) as ray:
                connection.send(Ready())
                for done in _made(ray, version, package, specs, gone):
                    connection.send(done)
        except (InputError, WorkersLost) as error:
            connection.send(Failed(error))
    if gone.is_set():
        shutil.rmtree(folder, ignore_errors=True)


def _keep_quiet(log: Path) -> None:
    """Have all that this process and those that it starts print in a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _watch(connection: Connection, gone: Event, folder: Path) -> None:
    connection.poll(None)  # nothing is ever sent: it is ready when nobody holds the other end
    gone.set()
    time.sleep(ENDING)  # this process has ended by then, unless Ray hangs
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


@contextmanager
def connected(address: str, folder: Path) -> Iterator[Any]:
    """Ray, connected until it is left; a local one is ended then.

    Args:
        address: as of RayWorkers.
        folder: for the files of a local Ray.

    Raises:
        InputError: there is no such cluster, or it does not take this program.
    """
    if address == LOCAL:
        os.environ.update(PRIVATE, RAY_AUTH_TOKEN=secrets.token_hex(32), TMPDIR=str(folder))
        os.environ.pop("RAY_ADDRESS", None)
        options: dict[str, Any] = {
            "include_dashboard": False,
            "num_cpus": os.cpu_count(),
            "object_store_memory": STORE,
            "_temp_dir": str(folder),
        }
    else:
        _check_open(address)
        options = {}
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **options)
    except (ImportError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"--workers ray: no Ray at {address} for this program ({reason})") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_open(address: str) -> None:
    """Raise InputError if nobody listens there: Ray itself would try for minutes."""
    if address == AUTO:
        return
    parts = urlsplit(address if address.startswith(CLIENT) else f"{CLIENT}{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), ANSWER).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"--workers ray: no Ray cluster at {address} ({reason}): is it started, and reachable?"
        ) from error


def _made(ray: Any, version: str, package: bytes, specs: Sequence[RunSpec], gone: Event) -> Iterator[Done]:
    """All runs, as they get made; few of them are with Ray at a time, however many there are.

    Raises:
        InputError: a machine cannot make them.
        WorkersLost: Ray gives up on one.
    """
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(_task())
    files = ray.put(package)
    waiting = iter(enumerate(specs))
    running: dict[Any, int] = {}
    while not gone.is_set():
        room = AHEAD * int(ray.cluster_resources().get("CPU", 1)) - len(running)
        for index, spec in islice(waiting, max(room, 0)):
            running[task.remote(version, files, pickle.dumps(spec))] = index
        if not running:
            return
        for made in ray.wait(list(running), timeout=LOOK)[0]:
            try:
                outcome, refusal = ray.get(made)
            except ray.exceptions.RayError as error:
                told = " ".join(str(error).split())[:200]
                raise WorkersLost(f"Ray gave up on a run ({type(error).__name__}: {told})") from None
            if refusal:
                raise InputError(f"--workers ray: {refusal}")
            yield Done(running.pop(made), pickle.loads(outcome))


def _task() -> Callable[[str, bytes, bytes], tuple[bytes, str]]:
    """What a worker does.

    It is made in here so that Ray sends it as it is, not by its name: a machine without this program, or with another
    version, has to be able to say so.
    """

    def make(version: str, package: bytes, spec: bytes) -> tuple[bytes, str]:
        """What a run comes to, pickled; or why this machine cannot make it."""
        import pickle
        import platform

        here = f"the machine {platform.node()}"
        try:
            from ewm_ros import __version__ as own

            if own != version:
                return b"", f"{here} has ewm_ros {own}, not {version}: install the same there"
            from ewm_ros.errors import InputError
            from ewm_ros.evaluation.campaigns.run_files import unpack_once
            from ewm_ros.evaluation.campaigns.run_workers import attempt
        except ImportError as error:
            return b"", f"{here} cannot make runs ({error}): install ewm-ros[sim] {version} there"
        try:
            unpack_once(package)
            return pickle.dumps(attempt(pickle.loads(spec))), ""
        except InputError as error:
            return b"", f"{here}: {error}"

    return make
