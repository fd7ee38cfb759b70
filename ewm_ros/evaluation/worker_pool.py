"""Worker processes for long work that end with it: finished, interrupted or killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Thread


@contextmanager
def worker_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that are ended when it is left, whatever they are at, and when this process dies.

    An executor alone waits for what has been begun: minutes after Ctrl-C; and its processes outlive a kill of this one.
    """
    context = multiprocessing.get_context("spawn")
    told, lifeline = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_hang_on, initargs=(told,))
    try:
        yield pool
    finally:
        lifeline.close()
        pool.shutdown(cancel_futures=True)
        told.close()


def _hang_on(told: Connection) -> None:
    """Begin to live as long as the other end of a pipe is held, and no shorter: Ctrl-C is for its holder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(told,), daemon=True).start()


def _end_with(told: Connection) -> None:
    told.poll(None)  # nothing is ever sent: it is ready when nobody holds the other end
    os._exit(1)
