"""The bytes of a large file, sliced like `bytes`: what the disk cannot read, or no longer has, is zeros.

Not a memory map: there, a bad sector or a file that is cut while it is read ends the process.
"""

from __future__ import annotations

import errno
import os

BLOCK = 1 << 14  # bytes read at once: few, since a search for records looks here and there
SECTOR = 4096  # bytes that are given up where the disk has an error


class FileBytes:
    """The bytes of an open file, as many as it has now.

    Attributes:
        unreadable: bytes that the disk could not read.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._begin = 0
        self._block = b""
        self.unreadable = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        begin, end, _ = part.indices(self._size)
        if begin < self._begin or end > self._begin + len(self._block):
            if end - begin > BLOCK:
                return self._read(begin, end)
            self._block = self._read(begin, min(begin + BLOCK, self._size))
            self._begin = begin
        return self._block[begin - self._begin : end - self._begin]

    def _read(self, begin: int, end: int) -> bytes:
        try:
            data = b""
            while more := os.pread(self._descriptor, end - begin - len(data), begin + len(data)):
                data += more
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            if end - begin > SECTOR:
                return b"".join(self._read(at, min(at + SECTOR, end)) for at in range(begin, end, SECTOR))
            self.unreadable += end - begin
            data = b""
        return data.ljust(end - begin, b"\0")
