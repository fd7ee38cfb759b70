"""PyBullet, imported without the line that it prints on standard error: commands promise one line there, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from typing_extensions import Self


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Nothing reaches the process's standard error, from C code either."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


with _silent_stderr():
    import pybullet

__all__ = ["EngineClient", "pybullet"]


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
