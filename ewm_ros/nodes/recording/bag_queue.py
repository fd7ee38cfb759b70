"""What waits to be written to a bag: bounded in bytes, so that a disk that is slow costs messages and nobody's time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from ewm_ros.nodes.recording.mcap_file import Entry
from ewm_ros.nodes.recording.recorder_profiles import Priority

# Share of the queue up to which messages of a priority are taken. What is above is left for those that matter more.
SHARES: Mapping[Priority, float] = {
    Priority.BULK: 0.5,
    Priority.STREAM: 0.625,
    Priority.MOTION: 0.75,
    Priority.INTENTION: 0.875,
    Priority.EVENT: 1.0,
}
HURRY = 0.25  # share at which whoever empties the queue is woken
OVERHEAD = 100  # bytes that an entry takes besides its data


class BagQueue:
    """Entries on their way from the thread that hears them to the thread that writes them.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limits = {priority: share * limit for priority, share in SHARES.items()}
        self._hurry_at = HURRY * limit
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._entries: deque[Entry] = deque()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Bytes in the queue."""
        return self._waiting

    def put(self, entry: Entry, priority: Priority) -> bool:
        """Take an entry, unless what waits already leaves no room for its priority. Never waits."""
        size = len(entry.data) + OVERHEAD
        with self._lock:
            if self._waiting + size > self._limits[priority]:
                return False
            self._entries.append(entry)
            self._waiting += size
        if self._waiting > self._hurry_at:
            self._wake.set()
        return True

    def take(self) -> deque[Entry]:
        """All that waits."""
        with self._lock:
            taken, self._entries = self._entries, deque()
            self._waiting = 0
        return taken

    def wait(self, seconds: float) -> None:
        """Return after this time, or when the queue fills or `wake` is called before."""
        self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """Let whoever waits go on."""
        self._wake.set()
