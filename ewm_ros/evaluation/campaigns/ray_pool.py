"""Runs over a Ray cluster: one that is there, by its address, or one of this machine that lives as long as they take.

Ray is spoken to by a process of its own (ray_driver.py): what Ray prints, what it reads from the environment and how it
ends when its cluster is lost is nothing that this one has to live with.
"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from ewm_ros import __version__
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.ray_driver import AUTO, CLIENT, ENDING, LOCAL, Done, Failed, Message, drive
from ewm_ros.evaluation.campaigns.run_files import files_of, packed
from ewm_ros.evaluation.campaigns.run_workers import Crash, WorkersLost
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec
from ewm_ros.evaluation.campaigns.worker_pool import ctrl_c_held_back

STARTING = 120.0  # s that a local Ray may take to start
CONNECTING = 60.0  # s that the connection to a cluster may take
ADDRESS = re.compile(rf"{LOCAL}|{AUTO}|({CLIENT})?([^\s/:@]+|\[[\da-fA-F:.]+\]):\d{{1,5}}")
LONGEST_TEMPORARY = 40  # characters of a folder's name, so that Ray's sockets in it have names that Unix can take


@dataclass(frozen=True, slots=True)
class RayWorkers:
    """The CPUs of a Ray cluster; see Workers.

    Attributes:
        address: `auto`, HOST:PORT, ray://HOST:PORT, or LOCAL for one that is started, and ended, with the runs.
    """

    address: str = LOCAL

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            raise InputError("--workers ray needs Ray: pip install 'ewm-ros[ray]'")
        if not ADDRESS.fullmatch(self.address):
            raise InputError(
                f"--workers: {self.address!r} is no address of a Ray cluster: write ray:auto, ray:HOST:PORT or "
                "ray://HOST:PORT, or only ray for one that is started here"
            )

    def run(self, specs: Sequence[RunSpec]) -> Generator[tuple[int, RunResult | Crash]]:
        """See Workers."""
        if not specs:
            return
        package = packed(files_of(specs))
        folder = Path(tempfile.mkdtemp(prefix="ewm-ray-", dir=_temporary_folder()))
        context = multiprocessing.get_context("spawn")
        mine, its = context.Pipe()
        process = context.Process(target=drive, args=(its, self.address, folder, __version__, package, list(specs)))
        try:
            with ctrl_c_held_back():
                process.start()
            its.close()  # held by that process alone, so that its end is noticed
            yield from self._outcomes(mine, len(specs))
        finally:
            mine.close()
            _end(process)
            shutil.rmtree(folder, ignore_errors=True)

    def _outcomes(self, connection: Connection, count: int) -> Generator[tuple[int, RunResult | Crash]]:
        where, limit = f"the Ray cluster at {self.address}", CONNECTING
        if self.address == LOCAL:
            where, limit = "the local Ray", STARTING
        if not connection.poll(limit):
            raise InputError(f"--workers ray: {where} has not answered in {limit:.0f} s")
        while count:
            try:
                message: Message = connection.recv()
            except EOFError as error:
                raise WorkersLost(f"{where} is lost") from error
            if isinstance(message, Failed):
                raise message.error
            if isinstance(message, Done):
                yield message.index, message.outcome
                count -= 1


def _temporary_folder() -> str:
    """Where a local Ray may have its folder."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= LONGEST_TEMPORARY else "/tmp"


def _end(process: BaseProcess) -> None:
    """Wait until a process has ended, which it does when nobody listens to it."""
    if process.pid is None:
        return
    process.join(ENDING)
    if process.is_alive():
        process.kill()  # and with it, by the kernel, the Ray that it has started
        process.join()
