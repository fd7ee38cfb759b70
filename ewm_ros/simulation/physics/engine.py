"""PyBullet without what it prints: commands promise what they write on standard output and standard error."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from typing_extensions import Self


@contextmanager
def silence() -> Iterator[None]:
    """Nothing reaches the process's standard output and error, from C code either."""
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    with open(os.devnull, "wb") as nothing:
        for stream in kept:
            os.dup2(nothing.fileno(), stream)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what C has printed but not yet written
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)


with silence():
    import pybullet

__all__ = ["EngineClient", "pybullet", "silence"]


class EngineClient:
    """Owns an engine instance without a window; as a context manager it closes the instance in the end."""

    def __init__(self) -> None:
        self._client: int = pybullet.connect(pybullet.DIRECT)

    def close(self) -> None:
        """Give the engine's memory back; may be called again."""
        if self._client >= 0:
            pybullet.disconnect(physicsClientId=self._client)
            self._client = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
