"""Worker processes for long work that end with it: finished, interrupted or killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from threading import Thread, current_thread, main_thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def worker_pool(
    count: int, begin: Callable[..., object] | None = None, given: tuple[object, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that are ended when it is left, whatever they are at, and when this process dies.

    An executor alone waits for what has been begun: minutes after Ctrl-C; and its processes outlive a kill of this one.

    Args:
        count: of processes.
        begin: what each of them calls first.
        given: what it is called with.
    """
    context = multiprocessing.get_context("spawn")
    told, lifeline = context.Pipe(duplex=False)
    pool = _Pool(count, mp_context=context, initializer=_hang_on, initargs=(told, begin, given))
    try:
        yield pool
    finally:
        lifeline.close()
        pool.shutdown(cancel_futures=True)
        told.close()


class _Pool(ProcessPoolExecutor):
    """Begins its processes as they are needed, undisturbed by Ctrl-C.

    Interrupted in the middle of that, an executor fails to shut down, or waits for ever for a process that was killed.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        with ctrl_c_held_back():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def ctrl_c_held_back() -> Iterator[None]:
    """Ctrl-C interrupts this process afterwards, and the processes and threads that are begun meanwhile never."""
    if current_thread() is not main_thread():  # which alone is interrupted
        yield
        return
    resource_tracker.ensure_running()  # begun later, it would let the signal through again
    came: list[int] = []
    # The mask is for what inherits it, the handler for signals that another thread of this process lets through.
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _hang_on(told: Connection, begin: Callable[..., object] | None, given: tuple[object, ...]) -> None:
    """Begin to live as long as the other end of a pipe is held, and no shorter: Ctrl-C is for its holder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(told,), daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with(told: Connection) -> None:
    told.poll(None)  # nothing is ever sent: it is ready when nobody holds the other end
    os._exit(1)
