"""Compiled functions run wherever the package is installed, also where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """
from ewm_ros.simulation.physics.compiled import compiled
@compiled
def double(x: float) -> float:
    return 2.0 * x
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import installed
print(installed.double(21.0), len(installed.double.stats.cache_misses), len(installed.double.stats.cache_hits))
"""


def run(folder: Path, user_cache: Path) -> list[str]:
    """Call the installed function in a new process: its result, how often it was compiled, how often in the cache."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, str(folder)],
        capture_output=True,
        text=True,
        env={**environment, "XDG_CACHE_HOME": str(user_cache)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that takes no cache, not even root's: a file has the name of the folder that would hold it."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "installed.py").write_text(SOURCE, encoding="utf-8")
    (folder / "__pycache__").touch()
    return folder


def test_in_a_read_only_installation_the_users_cache_is_used(closed: Path, tmp_path: Path) -> None:
    assert run(closed, tmp_path / "cache") == ["42.0", "1", "0"]
    assert run(closed, tmp_path / "cache") == ["42.0", "0", "1"]


def test_without_any_folder_to_write_to_functions_are_compiled_anew(closed: Path) -> None:
    nowhere = closed / "__pycache__" / "cache"
    for _ in range(2):
        assert run(closed, nowhere) == ["42.0", "1", "0"]
