"""What both environments share: imports, seeds of episodes, steps out of turn, windows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from zoo_checks import Screen

import ewm_ros.simulation
from ewm_ros.errors import InputError
from ewm_ros.simulation import grid_env, parallel_env
from ewm_ros.simulation.environments import zoo

ROOT = Path(__file__).parents[3]


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        timeout=120,
        check=False,
    )


def test_importing_the_room_loads_no_engine_and_an_environment_is_there_by_name() -> None:
    heavy = "{'pybullet', 'numba', 'pettingzoo', 'gymnasium'}"
    done = run(f"import sys, ewm_ros.simulation as s; print(sorted({heavy} & set(sys.modules)), s.__all__)")
    assert done.stdout.startswith("[] "), done.stderr
    done = run("import sys; from ewm_ros.simulation import parallel_env, grid_env; print('pybullet' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_a_name_that_the_room_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serial_env'"):
        _ = ewm_ros.simulation.serial_env


def test_the_first_episode_has_the_given_seed_and_later_ones_follow_from_it() -> None:
    def seeds(first: int | None) -> list[int]:
        env = grid_env(seed=5)
        found = []
        for seed in (first, None, None):
            env.reset(seed=seed)
            found.append(env.episode_seed)
        return found

    mine = seeds(None)
    assert mine == seeds(None) == seeds(5)
    assert mine[0] == 5
    assert len(set(mine)) == 3
    assert min(mine[1:]) >= 1_000_000  # never one of the seeds that evaluations use
    assert seeds(6)[1:] != mine[1:]


def test_the_episode_of_a_seed_does_not_depend_on_what_was_played_before() -> None:
    env = grid_env(seed=5)
    env.reset()
    before = env.state()
    env.reset(seed=9)
    env.reset(seed=5)
    assert (env.state() == before).all()


def test_a_step_out_of_turn_is_refused() -> None:
    env = grid_env()
    with pytest.raises(InputError, match=r"call reset\(\) first"):
        env.step({"agent_0": 0, "agent_1": 0})
    with pytest.raises(InputError, match="one action for each agent: none for agent_1"):
        env.reset()
        env.step({"agent_0": 0})
    with pytest.raises(InputError, match="there is no agent ghost_0"):
        env.step({"agent_0": 0, "agent_1": 0, "ghost_0": 0})
    env.close()
    env.close()
    with pytest.raises(InputError, match=r"call reset\(\) first"):
        env.step({"agent_0": 0, "agent_1": 0})


def test_an_unknown_render_mode_is_refused() -> None:
    with pytest.raises(InputError, match="unknown render_mode 'ascii': there are human, rgb_array, ansi"):
        grid_env(render_mode="ascii")


def test_nothing_is_drawn_without_a_render_mode_or_before_the_first_episode() -> None:
    assert grid_env().render() is None
    with pytest.raises(InputError, match="nothing to render yet"):
        grid_env(render_mode="ansi").render()


def test_a_window_is_kept_up_to_date_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    screens: list[Screen] = []
    monkeypatch.setattr(zoo, "Window", lambda title: screens.append(Screen(title)) or screens[-1])
    env = grid_env(render_mode="human")
    env.reset()
    env.step(dict.fromkeys(env.agents, 1))
    env.close()
    assert len(screens) == 1
    assert len(screens[0].shown) == 2
    assert screens[0].closed


def test_without_a_display_a_window_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(InputError, match=r"a window needs a display .*: set DISPLAY, or use render_mode") as refusal:
        parallel_env("doorway", robots=3, render_mode="human").reset()
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run, a display without a screen")
def test_a_real_window_shows_the_world_and_outlives_being_closed_by_hand() -> None:
    pytest.importorskip("tkinter")
    program = """
from ewm_ros.simulation import parallel_env
env = parallel_env("doorway", robots=3, render_mode="human")
env.reset()
root = env._window._root
print(root.winfo_ismapped(), root.winfo_width(), root.winfo_height(), root.title())
env._window.close()
for _ in range(2):
    env.step({agent: [0.1, 0.0] for agent in env.agents})
env.close()
env.close()
"""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        ["xvfb-run", "--auto-servernum", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 640 400 ewm_robots_v0" in done.stdout.splitlines()  # drivers of OpenGL may print too
