"""Pictures are drawn without a display and show the robots where they are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.pictures.studio import Studio, render, save_gif
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.shapes import Bounds
from ewm_ros.simulation.worlds.world_file import load_world


def test_a_running_world_is_drawn_in_the_size_asked_for() -> None:
    with PhysicsWorld(make_scenario(load_world("doorway"), 3, 0)) as physics:
        picture = render(physics, 320, 180)
    assert picture.shape == (180, 320, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_a_robot_further_east_is_drawn_further_right_and_others_stay_away() -> None:
    with Studio(make_scenario(load_world("doorway"), 3, 0), 320, 180) as studio:
        empty = studio.shoot({})
        columns = []
        for x in (-6.0, -2.0, 2.0, 6.0):
            picture = studio.shoot({1: Pose2D(x, 0.0, 0.0)})
            columns.append(np.argwhere((picture != empty).any(axis=2))[:, 1])
    assert all(a.max() < b.min() for a, b in pairwise(columns))


def test_a_focus_brings_the_robots_nearer() -> None:
    scenario = make_scenario(load_world("intersection"), 3, 0)
    sizes = []
    for focus in (None, Bounds((-4.0, 4.0), (-3.0, 3.0))):
        with Studio(scenario, 320, 180, focus) as studio:
            changed = studio.shoot({0: Pose2D(0.0, 0.0, 0.0)}) != studio.shoot({})
            sizes.append(int(changed.any(axis=2).sum()))
    assert sizes[1] > 4 * sizes[0]


def test_an_animation_holds_every_frame_for_its_time(tmp_path: Path) -> None:
    frames = [np.full((20, 30, 3), shade, dtype=np.uint8) for shade in (0, 120, 250)]
    save_gif(frames, tmp_path / "run.gif", 0.2)
    with Image.open(tmp_path / "run.gif") as gif:
        assert (gif.size, getattr(gif, "n_frames", 0), gif.info["duration"]) == ((30, 20), 3, 200)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one frame"):
        save_gif([], tmp_path / "run.gif", 0.2)
    with pytest.raises(InputError, match="cannot be written"):
        save_gif([np.zeros((4, 4, 3), dtype=np.uint8)], tmp_path / "nowhere" / "run.gif", 0.2)
