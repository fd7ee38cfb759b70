"""Who draws: EGL where it works, TinyRenderer elsewhere; both show the same, and nothing is printed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ewm_ros.geometry import Pose2D
from ewm_ros.simulation.pictures import egl, renderers
from ewm_ros.simulation.pictures.colours import COLOURS
from ewm_ros.simulation.pictures.renderers import AMBIENT, DIFFUSE, LIGHT, Kind, best_renderer
from ewm_ros.simulation.pictures.stage import FLOOR
from ewm_ros.simulation.pictures.studio import Picture, Studio
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.shapes import Bounds
from ewm_ros.simulation.worlds.world_file import load_world

ROOT = Path(__file__).parents[3]
TOP = AMBIENT + DIFFUSE * LIGHT[2] / float(np.linalg.norm(LIGHT))  # of a colour, on what faces up


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Kind:
    """A renderer; skipped where it does not work."""
    asked: Kind = request.param
    if asked == "egl" and best_renderer() != "egl":
        pytest.skip("EGL does not load here")
    return asked


both = pytest.mark.parametrize("kind", ["tiny", "egl"], indirect=True)
needs_egl = pytest.mark.parametrize("kind", ["egl"], indirect=True)


@pytest.fixture
def fresh() -> Iterator[None]:
    """The choice of the renderer is made anew, and forgotten afterwards."""
    best_renderer.cache_clear()
    yield
    best_renderer.cache_clear()


def scenario(world: str, robots: int) -> Scenario:
    return make_scenario(load_world(world), robots, 1)


def starts(of: Scenario) -> dict[int, Pose2D]:
    return dict(enumerate(of.starts))


def near(picture: Picture, colour: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Which pixels show this colour on something that faces up."""
    return np.asarray((np.abs(picture - 255.0 * TOP * np.array(colour)) < 4.0).all(axis=2))


@both
@pytest.mark.parametrize("view", ["above", "perspective"])
def test_a_robot_is_drawn_in_its_colour_where_it_is(kind: Kind, view: str) -> None:
    with Studio(scenario("crowd", 3), 640, 360, view=view, renderer=kind) as studio:
        picture = studio.shoot({1: Pose2D(-3.0, 2.0, 0.7)})
        (column, row), (east, _) = studio.locate(np.array([[-3.0, 2.0], [-2.0, 2.0]]))
        scale = east - column  # pixels in a metre
    rows, columns = np.nonzero(near(picture, COLOURS[1]))
    assert len(rows) > 0.3 * np.pi * (0.3 * scale) ** 2  # the drum's top, less nose and lidar
    assert columns.mean() == pytest.approx(column, abs=0.2 * scale)
    assert rows.mean() == pytest.approx(row, abs=0.35 * scale)  # the top of the drum stands 0.3 m above its place


@both
def test_the_floor_has_its_colour_and_around_it_all_is_white(kind: Kind) -> None:
    with Studio(scenario("crowd", 3), 640, 360, view="above", renderer=kind) as studio:
        picture = studio.shoot({})
        column, row = studio.locate(np.array([[0.0, 0.0]]))[0].astype(int)
    assert near(picture[row - 5 : row + 5, column - 5 : column + 5], FLOOR).all()
    assert (picture[:, :100] == 255).all()
    assert (picture[:, -100:] == 255).all()


@needs_egl
@pytest.mark.parametrize("view", ["above", "perspective"])
@pytest.mark.parametrize(("world", "robots"), [("warehouse", 10), ("bottleneck", 6), ("crowd", 6)])
def test_both_renderers_draw_the_same(kind: Kind, world: str, robots: int, view: str) -> None:
    drawn = scenario(world, robots)
    pictures = []
    for each in ("tiny", kind):
        with Studio(drawn, 640, 360, view=view, renderer=each) as studio:
            pictures.append(studio.shoot(starts(drawn)).astype(float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 6.0


@needs_egl
def test_a_picture_larger_than_opengl_draws_at_once_is_as_sharp_as_a_small_one(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = scenario("crowd", 6)
    with Studio(drawn, 640, 360, renderer=kind) as studio:
        whole = studio.shoot(starts(drawn)).astype(float)
        monkeypatch.setattr(renderers, "LARGEST", (200, 150))
        pieces = studio.shoot(starts(drawn)).astype(float)
    assert (np.abs(whole - pieces).max(axis=2) > 8.0).mean() < 1e-3


@both
def test_a_large_picture_shows_an_edge_pixel_by_pixel(kind: Kind) -> None:
    """An edge that recedes is drawn in steps of one pixel, not of what a smaller picture would be blown up to."""
    with Studio(scenario("crowd", 3), 2560, 1440, renderer=kind) as studio:
        floor_begins = (studio.shoot({}) != 255).any(axis=2)[400:1000].argmax(axis=1)
    assert np.abs(np.diff(floor_begins)).max() == 1


@both
def test_a_close_look_has_neither_stray_robots_nor_highlights(kind: Kind) -> None:
    focus = Bounds((-2.0, 2.0), (-1.0, 1.0))
    with Studio(scenario("crowd", 6), 640, 360, focus, renderer=kind) as studio:
        picture = studio.shoot({}, np.full((8, 3), 4.0))
    assert near(picture, FLOOR).all()


@both
def test_studios_side_by_side_draw_as_they_do_alone(kind: Kind) -> None:
    worlds = [scenario("doorway", 3), scenario("crowd", 6)]
    alone = []
    for drawn in worlds:
        with Studio(drawn, 320, 180, renderer=kind) as studio:
            alone.append(studio.shoot(starts(drawn)))
    studios = [Studio(drawn, 320, 180, renderer=kind) for drawn in worlds]
    for _ in range(2):
        for studio, drawn, expected in zip(studios, worlds, alone, strict=True):
            assert (studio.shoot(starts(drawn)) == expected).all()
    studios[1].close()
    assert (studios[0].shoot(starts(worlds[0])) == alone[0]).all()
    studios[0].close()


@needs_egl
def test_any_thread_may_draw_and_close(kind: Kind) -> None:
    drawn = scenario("doorway", 3)
    studio = Studio(drawn, 320, 180, renderer=kind)
    pictures = [studio.shoot(starts(drawn))]

    def work() -> None:
        pictures.append(studio.shoot(starts(drawn)))
        studio.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (pictures[0] == pictures[1]).all()


def ends_badly(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.CompletedProcess([], 1)


def takes_for_ever(*_: object, **options: float) -> subprocess.CompletedProcess[bytes]:
    raise subprocess.TimeoutExpired("probe", options["timeout"])


def cannot_start(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
    raise FileNotFoundError("python")


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("run", [ends_badly, takes_for_ever, cannot_start])
def test_where_the_trial_fails_tinyrenderer_draws(
    run: Callable[..., subprocess.CompletedProcess[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renderers.subprocess, "run", run)
    monkeypatch.setattr(egl.EglContext, "open", lambda client: pytest.fail("EGL was loaded into this process"))
    assert best_renderer() == "tiny"
    with Studio(scenario("doorway", 3), 320, 180) as studio:
        assert near(studio.shoot({}), FLOOR).any()


@pytest.mark.usefixtures("fresh")
def test_where_pybullet_has_no_plugin_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egl, "PLUGIN_MODULE", "no_such_module")
    monkeypatch.setattr(renderers.subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    assert best_renderer() == "tiny"


@pytest.mark.usefixtures("fresh")
def test_the_trial_is_made_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(renderers, "comes_with_pybullet", lambda: True)
    monkeypatch.setattr(
        renderers.subprocess, "run", lambda *_, **__: asked.append(1) or subprocess.CompletedProcess([], 0)
    )
    assert [best_renderer(), best_renderer()] == ["egl", "egl"]
    assert len(asked) == 1


@pytest.mark.skipif(not egl.comes_with_pybullet(), reason="PyBullet has no EGL plugin here")
def test_a_trial_ends_where_the_driver_ends_the_process() -> None:
    """There is no hundredth graphics device; the plugin ends its process over that, and it is only the trial's."""
    done = subprocess.run(
        [sys.executable, "-m", renderers.PROBE],
        env={**os.environ, "EGL_VISIBLE_DEVICES": "99"},
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0


@pytest.mark.parametrize("device", ["0", "99"])
def test_a_command_that_draws_says_one_line_with_and_without_egl(tmp_path: Path, device: str) -> None:
    path = tmp_path / "doorway.png"
    command = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()", "render", "doorway"]
    done = subprocess.run(
        [*command, "--robots", "3", "--out", str(path)],
        env={**os.environ, "EGL_VISIBLE_DEVICES": device},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{path}: {path.stat().st_size / 1e3:.0f} kB"]


@both
def test_a_studio_left_open_is_closed_without_a_word(kind: Kind) -> None:
    code = (
        "from ewm_ros.simulation.pictures.studio import Studio\n"
        "from ewm_ros.simulation.worlds.scenario import make_scenario\n"
        "from ewm_ros.simulation.worlds.world_file import load_world\n"
        f"studio = Studio(make_scenario(load_world('doorway'), 3, 0), 320, 180, renderer={kind!r})\n"
        "studio.shoot({})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
