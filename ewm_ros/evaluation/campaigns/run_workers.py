"""Many lockstep runs at once, and who makes them: processes of this machine here, a Ray cluster in ray_pool.py."""

from __future__ import annotations

import traceback
from collections.abc import Generator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ewm_ros
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec, run
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool

SOURCES = str(Path(ewm_ros.__file__).parent)


@dataclass(frozen=True, slots=True)
class Crash:
    """What a run came to that a fault of this program has ended.

    Attributes:
        told: the error and where it came from, in one line.
        trace: the lines of its traceback.
    """

    told: str
    trace: str

    @staticmethod
    def of(error: Exception) -> Crash:
        """Of what was raised."""
        steps = traceback.extract_tb(error.__traceback__)
        last = next((step for step in reversed(steps) if step.filename.startswith(SOURCES)), steps[-1])
        kind = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return Crash(f"{kind} ({where})", "".join(traceback.format_exception(error)))


class WorkersLost(RuntimeError):
    """Those who made the runs are gone: killed, or no longer to be reached. The text says why, in one line."""


class RunCrashed(RuntimeError):
    """A run ended by a fault of this program; the text says which one and how, in one line.

    Attributes:
        crash: its fault.
    """

    def __init__(self, spec: RunSpec, crash: Crash) -> None:
        run_of = f"the run of {spec.world} with {spec.robots} robots, seed {spec.seed}, policy {spec.policy}"
        super().__init__(f"{run_of} crashed: {crash.told}")
        self.crash = crash


def attempt(spec: RunSpec) -> RunResult | Crash:
    """Make one run, in the process in which it is made.

    Raises:
        InputError: as `run`.
    """
    try:
        return run(spec)
    except InputError:
        raise
    except Exception as error:  # whatever is wrong with one run must not cost the thousand others
        return Crash.of(error)


class Workers(Protocol):
    """Those who make runs."""

    def run(self, specs: Sequence[RunSpec]) -> Generator[tuple[int, RunResult | Crash]]:
        """Make all of them; yields the index of each and what it came to, as they get done.

        Closed before its end, it ends whatever is going on.

        Raises:
            InputError: there are no such workers, or a run cannot be made.
            WorkersLost: they are gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes of this machine.

    Attributes:
        count: at most; one works in this very process.
    """

    count: int

    def run(self, specs: Sequence[RunSpec]) -> Generator[tuple[int, RunResult | Crash]]:
        """See Workers."""
        count = min(self.count, len(specs))
        if count <= 1:
            for index, spec in enumerate(specs):
                yield index, attempt(spec)
            return
        with worker_pool(count) as pool:
            try:
                running = {pool.submit(attempt, spec): index for index, spec in enumerate(specs)}
                for done in as_completed(running):
                    yield running.pop(done), done.result()
            except BrokenProcessPool as error:
                reason = "a worker process was killed, perhaps for lack of memory: try --workers 1"
                raise WorkersLost(reason) from error


def run_all(specs: Sequence[RunSpec], workers: int | Workers) -> Generator[RunResult]:
    """Make many runs; the results come in the order of the specs, whoever makes them.

    Args:
        workers: or how many processes, at most.

    Raises:
        InputError, WorkersLost: as Workers.run.
        RunCrashed: a fault of this program ended a run.
    """
    makers = Processes(workers) if isinstance(workers, int) else workers
    early: dict[int, RunResult] = {}
    due = 0
    with closing(makers.run(specs)) as outcomes:
        for index, outcome in outcomes:
            if isinstance(outcome, Crash):
                raise RunCrashed(specs[index], outcome)
            early[index] = outcome
            while due in early:
                yield early.pop(due)
                due += 1
