"""Recording while a run goes on: what is heard is queued, and a thread of its own brings it to the disk.

Nothing here waits for the disk but that thread. While the disk is slow, full or broken, messages are dropped by their
priority: by what waits in the queue, and by how much of the room that is to stay free is gone.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ewm_ros.nodes.recording.bag_queue import BagQueue
from ewm_ros.nodes.recording.bag_writer import BagWriter
from ewm_ros.nodes.recording.mcap_file import Entry
from ewm_ros.nodes.recording.recorder_profiles import Priority, Recorded

PERIOD = 0.8  # s between two flushes: with the time that they take, a killed process loses less than one second
PATIENCE = 30.0  # s for the disk to take the rest at the end


@dataclass(frozen=True, slots=True)
class State:
    """How a recording goes.

    Attributes:
        written: messages in the files.
        dropped: messages that will never be, by topic.
        waiting: bytes in the queue.
        free: bytes that the disk has left.
        problem: why messages are held back or dropped at present; empty if they are not.
    """

    written: int
    dropped: Counter[str]
    waiting: int
    free: int
    problem: str


def lowest_taken(free: int, reserve: int) -> Priority | None:
    """The lowest priority that is still recorded while a disk has this room; None if none is.

    Each fifth of the reserve that is gone costs one priority. The last one is left for the ends of the files.
    """
    return next((priority for priority in Priority if free >= (1.0 - priority / len(Priority)) * reserve), None)


def free_space(folder: Path) -> int:
    """Bytes that the disk of a folder has left."""
    return shutil.disk_usage(folder).free


class BagRecording:
    """Takes messages and writes them, until it is closed.

    Args:
        bag: to write to; from now on it is the thread's.
        recorded: the bag's topics, in the same order.
        queue: bytes that may wait.
        reserve: bytes of the disk that are to stay free.
        free: tells the bytes that the disk of a folder has left.
        period: s between two flushes.
    """

    def __init__(
        self,
        bag: BagWriter,
        recorded: Sequence[Recorded],
        queue: int,
        reserve: int,
        free: Callable[[Path], int] = free_space,
        period: float = PERIOD,
    ) -> None:
        self._bag = bag
        self._recorded = recorded
        self._next = [each.first_priority for each in recorded]
        self._queue = BagQueue(queue)
        self._reserve = reserve
        self._free_space = free
        self._period = period
        self._free = free(bag.folder)
        self._lowest = lowest_taken(self._free, reserve)
        self._dropped: Counter[int] = Counter()
        self._written = 0
        self._refused = ""  # why the disk has not taken the newest flush
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def put(self, channel: int, time: int, data: bytes) -> None:
        """Take a message of the topic with this index, or count it as dropped. Never waits.

        Args:
            time: ns.
        """
        priority = self._next[channel]
        lowest = self._lowest
        if lowest is None or priority < lowest or not self._queue.put(Entry(channel, time, data), priority):
            self._dropped[channel] += 1
        else:
            self._next[channel] = self._recorded[channel].priority

    @property
    def alive(self) -> bool:
        """Whether messages are written; if not before the end, the thread has printed why."""
        return self._thread.is_alive()

    @property
    def state(self) -> State:
        """How it goes."""
        dropped = Counter({self._recorded[channel].topic.name: n for channel, n in self._dropped.copy().items()})
        return State(self._written, dropped, self._queue.waiting, self._free, self._problem())

    def _problem(self) -> str:
        if self._refused:
            return f"the disk refuses to be written ({self._refused})"
        if self._free < self._reserve:
            return f"the disk has less than {self._reserve / 1e6:g} MB left"
        return ""

    def close(self) -> bool:
        """Write what waits and complete the bag; False if the disk does not let it. At most PATIENCE."""
        self._closing.set()
        self._queue.wake()
        self._thread.join(PATIENCE)
        return not self._thread.is_alive() and not self._refused

    def _run(self) -> None:
        while not self._closing.is_set():
            self._queue.wait(self._period)
            self._turn()
        self._finish()

    def _turn(self) -> None:
        try:
            self._free = self._free_space(self._bag.folder)
            self._lowest = lowest_taken(self._free, self._reserve)
            if not self._refused:  # else the queue fills, and drops by priority
                for entry in self._queue.take():
                    self._bag.write(entry)
            self._bag.flush()
            self._refused = ""
        except OSError as error:
            self._refused = str(error.strerror)
        self._written = self._bag.saved

    def _finish(self) -> None:
        self._turn()
        if not self._refused:  # until now, what waits may have waited for an older flush
            self._turn()
        try:
            self._bag.close()
        except OSError as error:
            self._refused = str(error.strerror)
        self._written = self._bag.saved
        self._dropped += self._bag.unsaved + Counter(entry.channel for entry in self._queue.take())
