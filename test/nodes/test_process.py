import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ros

PROGRAM = """
import sys
from ewm_ros.errors import InputError
from ewm_ros.nodes.process import ProcessNode, run_node

class Example(ProcessNode):
    def __init__(self):
        super().__init__("example")
        {construction}
        self.every(0.01, self.work)

    def work(self):
        {work}

    def stop(self):
        print("stopped", flush=True)

sys.exit(run_node(Example, ["example", *sys.argv[1:]]))
"""


def run(domain: int, construction: str = "pass", work: str = "self.end(0)", args: tuple[str, ...] = ()):
    program = PROGRAM.format(construction=construction, work=work)
    return subprocess.run(
        [sys.executable, "-c", program, *args], env=environment(domain), capture_output=True, text=True, timeout=10
    )


def environment(domain: int) -> dict[str, str]:
    return {**os.environ, "ROS_DOMAIN_ID": str(domain)}


def test_a_node_that_is_done_ends_its_process(domain):
    done = run(domain)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


def test_a_run_that_failed_ends_with_its_status_and_line(domain):
    done = run(domain, work='self.end(1, "nobody came")')
    assert (done.returncode, done.stdout, done.stderr) == (1, "stopped\n", "example: nobody came\n")


def test_bad_input_at_the_start_is_one_line(domain):
    done = run(domain, construction='raise InputError("the world is flat")')
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "example: the world is flat\n")


def test_an_unexpected_exception_ends_it_with_its_traceback_after_the_last_words(domain):
    done = run(domain, work="1 / 0")
    assert done.returncode == 1
    assert done.stdout == "stopped\n"
    assert "ZeroDivisionError" in done.stderr


def test_a_stray_argument_is_one_line(domain):
    done = run(domain, args=("--fast",))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "example: unknown argument '--fast': parameters are given as --ros-args -p name:=value\n"


def test_a_malformed_ros_argument_ends_it_without_a_traceback(domain):
    done = run(domain, args=("--ros-args", "-p", "rate"))
    assert done.returncode == 2
    assert "example: bad ROS arguments: " in done.stderr
    assert "'-p rate'" in done.stderr
    assert "Traceback" not in done.stderr


SIGNALS = """
import os, signal, sys, time
from ewm_ros.nodes.process import ProcessNode, run_node

class Leaving(ProcessNode):
    def __init__(self):
        super().__init__("leaving")
        self.turns = 0
        self.sent_at = None
        self.every(0.01, self.work)

    def work(self):
        if self.sent_at is None:
            self.sent_at = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)
            {together}
        elif time.monotonic() - self.sent_at > 1.0:
            {later}

    def leave(self):
        self.turns += 1
        return self.turns > 20

    def stop(self):
        print("hurried" if self.turns <= 20 else "left", flush=True)

sys.exit(run_node(Leaving, ["leaving"]))
"""


@pytest.mark.parametrize(
    ("together", "later", "end"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", "pass", "left"),
        ("pass", "os.kill(os.getpid(), signal.SIGINT)", "hurried"),
    ],
    ids=["two at once", "another one later"],
)
def test_a_second_signal_hurries_a_node_that_is_leaving_unless_it_comes_with_the_first(domain, together, later, end):
    program = SIGNALS.format(together=together, later=later)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(domain), capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{end}\n", "")
