"""runs.jsonl, the runs of a campaign: one JSON object a line, each complete on disk before the next one is begun."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_facts import RunFacts
from ewm_ros.evaluation.campaigns.runs import RunResult
from ewm_ros.yaml_files import first_error

RUNS = "runs.jsonl"

_RESULT, _FACTS = TypeAdapter(RunResult), TypeAdapter(RunFacts)


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run with what it was made of. Its line has the keys of RunResult, and `spec` with those of RunFacts."""

    result: RunResult
    facts: RunFacts

    def as_json(self) -> dict[str, Any]:
        """What its line says."""
        return {**asdict(self.result), "spec": asdict(self.facts)}

    @staticmethod
    def parse(line: bytes) -> LoggedRun:
        """The run of a line.

        Raises:
            ValueError: it is none.
        """
        try:
            content = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(content, dict):
            raise ValueError("not an object")
        try:
            facts = _FACTS.validate_json(json.dumps(content.get("spec")), strict=True)
            result = _RESULT.validate_json(json.dumps(content), strict=True)
        except ValidationError as error:
            raise ValueError(first_error(error)) from error
        run = LoggedRun(result, facts)
        if run.as_json() != content:
            raise ValueError("it has other keys than a run")
        return run


def read_runs(path: Path) -> list[LoggedRun]:
    """All runs of a runs.jsonl, in the order in which they were completed; a torn last line is none.

    Raises:
        InputError: it cannot be read, or a line is damaged: the text names it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    return list(_runs(path, content))


def _runs(path: Path, content: bytes) -> Iterator[LoggedRun]:
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            yield LoggedRun.parse(line)
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}, line {number}: no run ({reason}): delete the line, and its run is made again"
            ) from error


class RunLog:
    """The runs.jsonl that this process alone adds to.

    Args:
        path: made if it is not there.

    Raises:
        InputError: it cannot be opened, or another process adds to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InputError(f"{path} cannot be opened ({error.strerror})") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            reason = "another process is at it" if isinstance(error, BlockingIOError) else error.strerror
            raise InputError(f"{path.parent} cannot be added to ({reason}): wait, or choose another --out") from error

    def read(self) -> list[LoggedRun]:
        """All runs that are there; a last line that a kill has torn is cut off.

        Raises:
            InputError: as read_runs.
        """
        runs = read_runs(self.path)
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        return runs

    def append(self, run: LoggedRun) -> None:
        """Add a run, and have it on disk.

        Raises:
            InputError: it cannot be written, for lack of space for instance; what was there before still is.
        """
        line = json.dumps(run.as_json(), allow_nan=False).encode() + b"\n"
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written < len(line):  # the disk is full: the next write says so
                os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            raise InputError(f"{self.path} cannot be written ({error.strerror}): make room, and go on") from error

    def close(self) -> None:
        """Let others add."""
        os.close(self._file)
