"""Files on a disk that a test can fill, break, or make slow."""

from __future__ import annotations

import errno
import io
import os
import threading
from pathlib import Path


class Disk:
    """Opens files unbuffered, as the recorder does.

    Attributes:
        room: bytes that may be in a file altogether; None: any number.
        error: what a write beyond that raises.
        open: cleared to let writes wait.
    """

    def __init__(self, room: int | None = None, error: int = errno.ENOSPC) -> None:
        self.room = room
        self.error = error
        self.open = threading.Event()
        self.open.set()

    def file(self, path: Path) -> io.FileIO:
        """A new file on this disk."""
        return _File(self, path)


class _File(io.FileIO):
    def __init__(self, disk: Disk, path: Path) -> None:
        super().__init__(path, "xb")
        self._disk = disk

    def write(self, data) -> int:  # type: ignore[no-untyped-def,override]
        """As much as there is room for, as Linux does; an error if there is none."""
        self._disk.open.wait()
        if self._disk.room is None:
            return super().write(data) or 0
        left = self._disk.room - self.tell()
        if left <= 0:
            raise OSError(self._disk.error, os.strerror(self._disk.error))
        return super().write(data[:left]) or 0
