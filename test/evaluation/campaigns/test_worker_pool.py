"""Worker processes end with the work they are for, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from processes import children, runs, wait_for

from ewm_ros.evaluation.campaigns.worker_pool import worker_pool

LONG = 600.0  # s: who waits for it fails


class Stop(BaseException):
    """What interrupts the main process."""


def test_the_work_is_done_in_other_processes() -> None:
    with worker_pool(2) as pool:
        assert list(pool.map(abs, [-1, -2, 3])) == [1, 2, 3]
        pid = pool.submit(os.getpid).result()
    assert pid != os.getpid()
    assert not runs(pid)


def test_left_in_the_middle_it_ends_what_is_running_and_what_is_waiting() -> None:
    with pytest.raises(Stop), worker_pool(1) as pool:
        pid = pool.submit(os.getpid).result()
        jobs = [pool.submit(time.sleep, LONG) for _ in range(5)]
        wait_for(jobs[0].running, 30.0)
        raise Stop
    assert not runs(pid)
    assert all(job.done() for job in jobs)


def test_an_error_in_the_work_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError), worker_pool(1) as pool:
        pool.submit(divmod, 1, 0).result()


def test_a_worker_that_is_killed_is_noticed() -> None:
    with pytest.raises(BrokenProcessPool), worker_pool(1) as pool:
        pid = pool.submit(os.getpid).result()
        job = pool.submit(time.sleep, LONG)
        os.kill(pid, signal.SIGKILL)
        job.result()


PROGRAM = """
import os, time
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool
with worker_pool(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_when_the_main_process_is_killed_its_workers_end_too(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert worker in children(process.pid)
        process.send_signal(number)
        process.wait(timeout=20.0)
    wait_for(lambda: not runs(worker), 20.0)


def blocked_signals() -> set[signal.Signals]:
    return {signal.Signals(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}


def test_ctrl_c_while_processes_begin_comes_when_they_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    manage = ProcessPoolExecutor._start_executor_manager_thread
    begun: list[int] = []

    def interrupted(pool: ProcessPoolExecutor) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        manage(pool)
        begun.extend(pool._processes)

    monkeypatch.setattr(ProcessPoolExecutor, "_start_executor_manager_thread", interrupted)
    before = blocked_signals(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
        pool.submit(time.sleep, LONG)
    assert begun
    assert not any(runs(pid) for pid in begun)
    assert (blocked_signals(), signal.getsignal(signal.SIGINT)) == before


def test_ctrl_c_never_reaches_a_worker_from_its_first_moment_on() -> None:
    with worker_pool(1) as pool:
        assert signal.SIGINT in pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT not in blocked_signals()


def test_workers_may_be_prepared_for_their_work() -> None:
    with worker_pool(1, os.putenv, ("EWM_TEST_PREPARED", "yes")) as pool:
        pid = pool.submit(os.getpid).result()
        assert pool.submit(subprocess.getoutput, "echo $EWM_TEST_PREPARED").result() == "yes"
    assert pid != os.getpid()


def test_ctrl_c_at_a_terminal_is_for_the_main_process_alone() -> None:
    with worker_pool(1) as pool:
        pid = pool.submit(os.getpid).result()
        os.kill(pid, signal.SIGINT)
        assert pool.submit(os.getpid).result() == pid
