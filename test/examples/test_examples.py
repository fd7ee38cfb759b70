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


def check_the_basic_example(printed: str) -> None:
    """What it prints whatever it imagines with."""
    tokens, raw = map(int, re.search(r"(\d+) tokens instead of (\d+)", printed).groups())  # type: ignore[union-attr]
    assert tokens < 50
    assert raw > 20 * tokens
    chances = [int(chance) for chance in re.findall(r"^  \(.* degrees: (\d+) %$", printed, re.MULTILINE)]
    assert f"imagined 50 steps, {len(chances)} rollouts" in printed
    assert chances == sorted(chances, reverse=True)
    assert abs(sum(chances) - 100) <= len(chances)
    radii = re.findall(r"within ([0-9.]+) m half of the times, ([0-9.]+) m in 9 of 10", printed)
    assert len(radii) == 3
    assert all(float(half) <= float(most) for half, most in radii)
    assert '{"goal":"dock_3","outcome":"arrive t=11.5s","confidence":0.92}' in printed
    error = float(re.search(r"at most ([0-9.]+) cm off", printed)[1])  # type: ignore[index]
    assert error <= 5.0


def test_the_basic_example_imagines_compresses_and_decodes() -> None:
    done = run("basic_usage.py")
    assert done.returncode == 0, done.stderr
    check_the_basic_example(done.stdout)
    # The shipped model if there is one, else the reason why it is not that.
    shipped = (ROOT / "models" / "world_model" / "default").is_dir()
    expected = "predictor: learned\n" if shipped else "predictor: closed form (no world model 'default'"
    assert done.stdout.startswith(expected)


def test_the_basic_example_takes_a_model_of_ones_own(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from ewm_ros.world_model.config import Architecture, WorldModelConfig
    from ewm_ros.world_model.training.export import export
    from ewm_ros.world_model.training.trainer import make_model

    config = WorldModelConfig(architecture=Architecture(hidden_dim=32, rollouts=3))
    export(make_model(config.architecture), tmp_path, config, {})
    done = run("basic_usage.py", str(tmp_path))
    assert done.returncode == 0, done.stderr
    check_the_basic_example(done.stdout)
    assert done.stdout.startswith("predictor: learned\n")
    assert "3 rollouts" in done.stdout


def test_the_basic_example_says_why_it_does_without_a_model() -> None:
    done = run("basic_usage.py", "none")
    assert done.returncode == 0, done.stderr
    check_the_basic_example(done.stdout)
    assert done.stdout.startswith("predictor: closed form (no learned model was asked for)\n")


@pytest.fixture(scope="module")
def at_the_door() -> subprocess.CompletedProcess[str]:
    """Four robots that ask nobody."""
    return run("multi_agent_coordination.py")


def test_four_robots_take_turns_at_the_door(at_the_door: subprocess.CompletedProcess[str]) -> None:
    done = at_the_door
    assert done.returncode == 0, done.stderr
    assert "4 of 4 robots at their goals, 0 collisions" in done.stdout
    assert re.search(r"robot_\d waits for robot_\d", done.stdout)


def test_a_language_model_says_who_passes_first_at_the_door(tmp_path: Path) -> None:
    """A real llama.cpp server, whose model names the second option wherever it is asked."""
    for module in ("gguf", "openai", "xllamacpp"):
        pytest.importorskip(module)
    from tiny_llama import REASON, tiny_llama, write_model

    write_model(tmp_path / "tiny.gguf", "o2")
    with tiny_llama(tmp_path / "tiny.gguf") as url:
        done = run("multi_agent_coordination.py", "--arbiter", "llama.cpp", "--url", url)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 robots at their goals, 0 collisions" in done.stdout
    asked = re.findall(r"question (\d+), o1: .* or o2: .*\? r1 is robot_\d, r2 is robot_\d", done.stdout)
    applied = re.findall(rf"question (\d+), applied: o2 \(model\) {re.escape(REASON)}", done.stdout)
    assert applied
    assert set(applied) <= set(asked)


def test_a_server_that_is_not_there_changes_nothing_at_the_door(at_the_door: subprocess.CompletedProcess[str]) -> None:
    pytest.importorskip("openai")
    done = run("multi_agent_coordination.py", "--arbiter", "llama.cpp", "--url", "http://127.0.0.1:9/v1")
    assert done.returncode == 0, done.stderr
    assert "failed: no connection" in done.stdout
    assert [line for line in done.stdout.splitlines() if "question" not in line] == at_the_door.stdout.splitlines()


def test_the_door_refuses_an_arbiter_that_it_does_not_know() -> None:
    done = run("multi_agent_coordination.py", "--arbiter", "oracle")
    assert done.returncode == 1
    assert "unknown arbiter preset 'oracle'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_latency_benchmark_sets_ours_beside_a_simulated_language_model() -> None:
    done = run("latency_benchmark.py", "3")
    assert done.returncode == 0, done.stderr
    assert "simulated" in done.stdout
    assert re.match(r"predictor: (learned|.*closed form \(.+\))\n", done.stdout)
    assert float(re.search(r"imagines its next 5 s in ([0-9.]+) ms", done.stdout)[1]) > 0.0  # type: ignore[index]
    ratios = [float(ratio) for ratio in re.findall(r"([0-9.]+) x$", done.stdout, re.MULTILINE)]
    assert len(ratios) == 3
    assert min(ratios) > 1.0


@pytest.mark.parametrize(("robots", "complaint"), [("many", "'many' is not a number"), ("99", "takes 3 to 10 robots")])
def test_the_latency_benchmark_refuses_a_wrong_number_of_robots(robots: str, complaint: str) -> None:
    done = run("latency_benchmark.py", robots)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


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
