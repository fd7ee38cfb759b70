"""The examples run from a checkout, and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(example: str, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(ROOT / "examples" / example), *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_the_basic_example_imagines_compresses_and_decodes() -> None:
    done = run("basic_usage.py")
    assert done.returncode == 0, done.stderr
    tokens, raw = map(int, re.search(r"(\d+) tokens instead of (\d+)", done.stdout).groups())  # type: ignore[union-attr]
    assert tokens < 50
    assert raw > 20 * tokens
    assert "imagined 50 steps" in done.stdout
    assert '{"goal":"dock_3","outcome":"arrive t=11.5s","confidence":0.92}' in done.stdout
    error = float(re.search(r"at most ([0-9.]+) cm off", done.stdout)[1])  # type: ignore[index]
    assert error <= 5.0


def test_four_robots_take_turns_at_the_door() -> None:
    done = run("multi_agent_coordination.py")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 robots at their goals, 0 collisions" in done.stdout
    assert re.search(r"robot_\d waits for robot_\d", done.stdout)


def test_the_latency_benchmark_sets_ours_beside_a_simulated_language_model() -> None:
    done = run("latency_benchmark.py", "3")
    assert done.returncode == 0, done.stderr
    assert "simulated" in done.stdout
    ratios = [float(ratio) for ratio in re.findall(r"([0-9.]+) x$", done.stdout, re.MULTILINE)]
    assert len(ratios) == 3
    assert min(ratios) > 1.0


@pytest.mark.parametrize(("robots", "complaint"), [("many", "'many' is not a number"), ("99", "takes 3 to 10 robots")])
def test_the_latency_benchmark_refuses_a_wrong_number_of_robots(robots: str, complaint: str) -> None:
    done = run("latency_benchmark.py", robots)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
