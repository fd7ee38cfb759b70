"""The base of all lifecycle nodes, alone: a small node in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ros

PROGRAM = """
import sys
from ewm_ros.errors import InputError
from ewm_ros.nodes.managed_node import ManagedNode
from ewm_ros.nodes.process import run_node

class Example(ManagedNode):
    def __init__(self):
        super().__init__("example")
        self.turns = 0

    def read(self, parameters):
        self.speed = parameters.number("speed", 1.0, "m/s.", 0.0, 2.0)
        self.names = parameters.texts("names", "Names.")

    def configure(self):
        print("configured", self.speed, *self.names, flush=True)
        self.every(0.01, self.work)

    def activate(self):
        {activation}

    def deactivate(self):
        print("halted", flush=True)

    def clean_up(self):
        print("given back", flush=True)

    def work(self):
        {work}

def by_hand(node):
    {by_hand}

class Driven(Example):
    def begin(self):
        super().begin()
        by_hand(self)

sys.exit(run_node(Driven, ["example", *sys.argv[1:]]))
"""


def run(domain: int, *args: str, activation: str = "pass", work: str = "self.end(0)", by_hand: str = "pass"):
    program = PROGRAM.format(activation=activation, work=work, by_hand=by_hand)
    return subprocess.run(
        [sys.executable, "-c", program, "--ros-args", *args],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_it_configures_and_activates_itself_and_gives_everything_back_at_the_end(domain):
    done = run(domain, "-p", "speed:=2", "-p", "names:=[a, b]")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["configured 2.0 a b", "halted", "given back"]


@pytest.mark.parametrize("step", ["1 / 0", "raise RuntimeError('cable')"])
def test_an_error_on_the_way_gives_everything_back_and_is_told_with_its_traceback(domain, step):
    by_hand = "node.trigger_configure(); node.trigger_activate(); print(node.lifecycle, flush=True); node.end(0)"
    done = run(domain, "-p", "autostart:=false", activation=step, by_hand=by_hand)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == ["configured 1.0", "given back", "unconfigured"]
    assert "Traceback" in done.stderr


def test_an_error_while_it_starts_by_itself_ends_the_process(domain):
    done = run(domain, activation="1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "given back" in done.stdout


def test_a_bad_parameter_ends_one_that_starts_by_itself_with_one_line(domain):
    done = run(domain, "-p", "speed:=3")
    assert (done.returncode, set(done.stdout.splitlines())) == (2, {"given back"})
    assert done.stderr == "example: parameter 'speed' is 3: it must be a number from 0 to 2\n"


def test_what_is_opened_is_closed_when_it_is_cleaned_up(domain):
    by_hand = (
        "counts = [len(list(node.timers))]; "
        "[step() for step in (node.trigger_deactivate, node.trigger_cleanup)]; "
        "counts.append(len(list(node.timers))); print(counts, flush=True); node.end(0)"
    )
    done = run(domain, work="pass", by_hand=by_hand)
    assert done.stdout.splitlines() == ["configured 1.0", "halted", "given back", "[1, 0]", "given back"]
