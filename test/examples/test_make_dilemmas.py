"""The script makes the very dilemmas that are shipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "worlds" / "dilemmas"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dilemmas")
    (folder / "dilemma-prompt-99-forgotten.yaml").write_text("name: of an earlier time\n")
    (folder / "own.yaml").write_text("name: somebody's own\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    script = [sys.executable, str(ROOT / "examples" / "make_dilemmas.py"), str(folder)]
    done = subprocess.run(script, capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert done.stdout == f"{len(list(SHIPPED.glob('*.yaml')))} worlds in {folder}\n"
    return folder


def test_the_shipped_files_are_what_the_script_makes(made: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in SHIPPED.iterdir()}
    assert {path.name: path.read_bytes() for path in made.glob("dilemma-*.yaml")} == shipped


def test_files_of_dilemmas_that_are_gone_go_and_all_others_stay(made: Path) -> None:
    assert not (made / "dilemma-prompt-99-forgotten.yaml").exists()
    assert (made / "own.yaml").exists()
