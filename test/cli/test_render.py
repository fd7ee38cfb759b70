"""`ewm render` draws starts, moments and whole runs, with what the robots tell each other on top."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ewm_ros.cli.app import main
from ewm_ros.evaluation.film import MAX_FRAMES, film_of_run, play
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.messages import Knot, Outcome, Plan
from ewm_ros.simulation.pictures.intention_overlay import Told, draw_intentions
from ewm_ros.simulation.pictures.studio import PITCHES, Studio
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world


@pytest.fixture
def doorway() -> Scenario:
    return make_scenario(load_world("doorway"), 3, 1)


def test_a_start_is_drawn_in_the_shape_of_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "doorway.png"
    assert main(["render", "doorway", "--robots", "3", "--out", str(path)]) == 0
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (1280, 800))


def test_a_run_becomes_an_animation_at_five_times_its_speed(tmp_path: Path) -> None:
    path = tmp_path / "run.gif"
    options = ["--robots", "3", "--seconds", "1", "--view", "perspective", "--out", str(path)]
    assert main(["render", "doorway", *options]) == 0
    with Image.open(path) as gif:
        assert (gif.size, getattr(gif, "n_frames", 1), gif.info["duration"]) == ((640, 360), 2, 100)


def test_a_long_run_has_fewer_frames_a_second(doorway: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def shoot(studio: Studio, poses: dict[int, Pose2D], people: np.ndarray) -> np.ndarray:
        drawn.append(poses)
        return np.zeros((360, 640, 3), dtype=np.uint8)

    monkeypatch.setattr(Studio, "shoot", shoot)
    told: list[tuple[int, int]] = []
    film = film_of_run(doorway, "none", 50.0, "above", progress=lambda done, total: told.append((done, total)))
    assert MAX_FRAMES / 2 < len(film.frames) == len(drawn) <= MAX_FRAMES
    assert film.seconds_per_frame == pytest.approx(0.7 / 5.0)
    assert told[-1] == (len(drawn), len(drawn))


def test_without_coordination_nothing_is_told(doorway: Scenario) -> None:
    assert [moment.told for moment in play(doorway, "none", 0.2)] == [{}, {}]
    assert sorted(play(doorway, "intention", 0.2)[-1].told) == [0, 1, 2]


@pytest.mark.parametrize("view", PITCHES)
def test_an_intention_is_drawn_where_it_lies_on_the_floor(doorway: Scenario, view: str) -> None:
    path = Polyline([(-6.0, 0.0), (6.0, 0.0)])
    plan = Plan("east", Outcome.PROGRESS, 5.0, 1.0, (Knot(0.0, -4.0, 0.0, 0.0, 0.1), Knot(4.0, -2.0, 0.0, 0.0, 0.1)))
    with Studio(doorway, 320, 180, view=view) as studio:
        bare = studio.shoot({})
        drawn = draw_intentions(bare, studio, {0: Told(plan, path, progress=2.0, hold=5.0, radius=0.3)})
        changed = np.argwhere((drawn != bare).any(axis=2))[:, ::-1]
        first, last = studio.locate(np.array([[-4.0, 0.0], [6.0, 0.0]]))
    assert first[0] - 3 <= changed[:, 0].min() <= first[0] + 3
    assert last[0] - 3 <= changed[:, 0].max() <= last[0] + 3
    assert abs(changed[:, 1].mean() - first[1]) < 3


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "picture.jpg"], "picture.jpg: the name must end in .png or .gif"),
        (["--out", "nowhere/picture.png"], "there is no folder nowhere"),
        (["--view", "sideways"], "'sideways' is not one of 'above', 'perspective'"),
        (["--policy", "hope", "--out", "run.gif"], "unknown policy 'hope'"),
        (["--robots", "1000"], "takes 3 to 10 robots, not 1000"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_one_line(
    options: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", "doorway", *options]) == 2
    said = capsys.readouterr().err.strip()
    assert complaint in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
