"""The examples of the PettingZoo environments run from a checkout, and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(example: str, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(ROOT / "examples" / example), *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_the_loop_tells_what_each_robot_earned() -> None:
    done = run("pettingzoo_loop.py")
    assert done.returncode == 0, done.stderr
    lines = re.findall(
        r"^robot_\d: (?:not )?at its goal, \d+ collisions, reward -?\d+\.\d\d$", done.stdout, re.MULTILINE
    )
    assert len(lines) == 6
    assert re.search(r"after 30 s; state [0-9a-f]{16}", done.stdout)


def test_the_grid_baseline_prints_success_with_its_interval() -> None:
    done = run("grid_baseline.py", "20")
    assert done.returncode == 0, done.stderr
    shares = re.findall(r"\| ([0-9.]+) % \| ([0-9.]+) to ([0-9.]+) % \|", done.stdout)
    assert len(shares) == 8
    assert all(float(low) <= float(share) <= float(high) for share, low, high in shares)


def test_the_grid_baseline_refuses_what_is_no_number_of_episodes() -> None:
    for argument, complaint in (("many", "'many' is none"), ("0", "1 episode or more")):
        done = run("grid_baseline.py", argument)
        assert done.returncode == 1
        assert complaint in done.stderr
        assert "Traceback" not in done.stderr
