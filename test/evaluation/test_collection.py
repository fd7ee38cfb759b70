"""Recorded data: drawn from a seed, sane, and the same whoever records them in however many goes."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.collection import Collection, EpisodeSpec, chunk_name, collect, draw_episode, record_episode
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.trajectory import STEP
from ewm_ros.world_model.data_set import EVERY, DataSet, Windows
from ewm_ros.world_model.layout import BASE_S, HISTORY, PEERS_AT, SECTORS
from ewm_ros.world_model.prediction_score import MOVED

HALL = """
name: hall
bounds: {x: [-4, 4], y: [-2.5, 2.5]}
robots:
  model: tinybot
  count: {min: 1, max: 3, default: 3}
  starts: [[-3, 1.2, 0], [-3, 0, 0], [3, -1.2, 3.14]]
  goals: [[3, 1.2], [2, 0], [-3, -1.2]]
"""
EVERYWHERE = Collection(("doorway", "ward"))
TINYBOT = load_robot_type("tinybot")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A world of three robots that do not meet."""
    file = tmp_path_factory.mktemp("worlds") / "hall.yaml"
    file.write_text(HALL)
    return str(file)


@pytest.fixture
def quick(hall: str) -> Collection:
    """Episodes of 7 s, one a chunk."""
    return Collection((hall,), procedural=0.0, seconds=7.0, episodes=1)


@pytest.fixture(scope="module")
def recorded(hall: str) -> Windows:
    """10 s of three robots."""
    windows, told = record_episode(EpisodeSpec(hall, 3, 1_000_001, "there", 0.0, 0.0, True), 10.0)
    assert told["windows"] == len(windows)
    return windows


def test_an_episode_is_drawn_from_seed_and_number_alone() -> None:
    some = [draw_episode(EVERYWHERE, number) for number in range(20)]
    assert some == [draw_episode(replace(EVERYWHERE, seconds=30.0, episodes=9), number) for number in range(20)]
    assert len(set(some)) == 20
    assert draw_episode(replace(EVERYWHERE, seed=1_000_001), 0) != some[0]


def test_the_draws_are_the_mixture_that_was_asked_for() -> None:
    few = replace(EVERYWHERE, procedural=0.02)  # they take time to make
    specs = [draw_episode(few, number) for number in range(300)]
    assert all(spec.seed >= 1_000_000 for spec in specs)  # lower ones are evaluated on
    assert {spec.robots for spec in specs} == set(range(3, 11))
    kinds = Counter("procedural" if spec.world.startswith("procedural-") else spec.world for spec in specs)
    assert set(kinds) == {"procedural", "doorway", "ward"}
    assert 1 <= kinds["procedural"] <= 15
    assert kinds["doorway"] == pytest.approx(147, abs=35)
    there = Counter(spec.coordinator for spec in specs)
    assert there["none"] == pytest.approx(30, abs=15)
    assert there["dies"] == pytest.approx(30, abs=15)
    assert sum(spec.loss > 0.0 for spec in specs) == pytest.approx(45, abs=20)
    assert sum(not spec.varied for spec in specs) == pytest.approx(15, abs=12)
    assert all(spec.world == f"procedural-{spec.seed}" for spec in specs if "procedural" in spec.world)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.6, 8, 16), (1.0, 20, 20)])
def test_the_share_of_procedural_worlds_is_as_asked_for(share: float, least: int, most: int) -> None:
    specs = [draw_episode(replace(EVERYWHERE, procedural=share), number) for number in range(20)]
    assert least <= sum(spec.world.startswith("procedural-") for spec in specs) <= most


def test_the_windows_are_those_of_robots_that_drive(recorded: Windows) -> None:
    assert len(recorded) > 20
    assert set(recorded.place[:, 1]) == {0, 1, 2}
    assert set(recorded.place[:, 0]) == {0}
    assert (recorded.place[:, 2] % EVERY == 0).all()
    assert np.isfinite(recorded.state).all()
    assert np.isfinite(recorded.future).all()
    assert np.allclose(recorded.robot, [TINYBOT.max_speed, TINYBOT.radius])
    assert (np.abs(recorded.actions) <= 1.01).all()
    assert (recorded.state[:, SECTORS] > 0.0).any()
    assert (recorded.state[:, PEERS_AT] == 1.0).any()  # they hear each other


def test_what_happened_then_is_near_the_nominal_motion_where_nobody_is_in_the_way(recorded: Windows) -> None:
    moving = recorded.where(recorded.state[:, BASE_S].max(axis=1) * TINYBOT.max_speed > MOVED)
    assert len(moving) > 10
    away = TINYBOT.max_speed * np.abs(moving.future[:, 1::2, 0].astype(float) - moving.state[:, BASE_S])
    assert np.median(away) < 0.1  # m
    assert np.abs(moving.future[..., 1]).max() < 0.3  # m beside the route
    assert (np.diff(moving.future[..., 0].astype(float), axis=1) > -0.05).all()


def test_the_last_second_of_a_window_is_the_future_of_an_earlier_one(recorded: Windows) -> None:
    ends = recorded.later(10)
    pairs = np.flatnonzero(ends >= 0)
    assert len(pairs)
    for now in pairs:
        progress = recorded.future[now, :10, 0].astype(float)
        foretold = (progress[2::2] - progress[:-2:2]) / (2.0 * STEP)  # 0.2, 0.4, 0.6 and 0.8 s from now
        remembered = recorded.state[ends[now], HISTORY][:4].astype(float)[::-1]  # as long before then
        assert foretold == pytest.approx(remembered, abs=0.15)


def test_an_episode_can_be_without_coordinator_or_lose_it(hall: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, stop = list[float](), Fleet.stop_coordinator

    def stopped(fleet: Fleet) -> None:
        ended.append(fleet.world.time)
        stop(fleet)

    monkeypatch.setattr(Fleet, "stop_coordinator", stopped)
    for coordinator, expected in (("there", []), ("none", [0.0]), ("dies", [1.5])):
        ended.clear()
        _, told = record_episode(EpisodeSpec(hall, 1, 1_000_002, coordinator, 0.0, 0.0, True), 6.0)
        assert told["coordinator"] == coordinator
        assert ended == pytest.approx(expected)


def test_the_manifest_tells_how_to_make_each_episode_again(quick: Collection, tmp_path: Path) -> None:
    data_set = DataSet(tmp_path, quick.recipe())
    assert list(collect(data_set, quick, 1, 1)) == [1]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (world,) = quick.worlds
    recipe = manifest["recipe"]
    assert (recipe["seed"], recipe["seconds"], recipe["episodes"]) == (1_000_000, 7.0, 1)
    assert recipe["version"]
    (episode,) = manifest["chunks"][chunk_name(0)]["episodes"]
    assert episode["world_hash"] == recipe["world_hashes"][world]
    spec = EpisodeSpec(**{name: episode[name] for name in EpisodeSpec.__slots__})
    assert spec == draw_episode(quick, episode["number"])
    windows, _ = record_episode(spec, quick.seconds)
    assert np.array_equal(windows.state, data_set.read([chunk_name(0)]).state)


def test_interrupted_and_gone_on_with_by_more_workers_the_data_are_the_same(quick: Collection, tmp_path: Path) -> None:
    whole = DataSet(tmp_path / "whole", quick.recipe())
    assert sum(collect(whole, quick, 4, 1)) == 4
    begun = DataSet(tmp_path / "parts", quick.recipe())
    going = collect(begun, quick, 4, 2)
    next(going)
    going.close()
    assert len(begun.chunks) == 1
    again = DataSet(tmp_path / "parts", quick.recipe())
    assert list(collect(again, quick, 4, 2)) == [1, 1, 1, 1]  # the first is there at once
    assert again.fingerprint == whole.fingerprint
    assert sorted(again.chunks) == [chunk_name(k) for k in range(4)]
    names = sorted(again.chunks)
    assert np.array_equal(again.read(names).future, whole.read(names).future)


def test_what_is_damaged_is_recorded_again(quick: Collection, tmp_path: Path) -> None:
    data_set = DataSet(tmp_path, quick.recipe())
    list(collect(data_set, quick, 1, 1))
    before = data_set.fingerprint
    (tmp_path / f"{chunk_name(0)}.npz").write_bytes(b"\0" * 1000)
    with pytest.raises(InputError, match="damaged"):
        data_set.read([chunk_name(0)])
    list(collect(data_set, quick, 1, 1))
    assert data_set.fingerprint == before
    assert len(data_set.read([chunk_name(0)])) > 0


def test_other_settings_do_not_get_into_the_same_folder(quick: Collection, tmp_path: Path) -> None:
    DataSet(tmp_path, quick.recipe())
    with pytest.raises(InputError, match="choose another folder"):
        DataSet(tmp_path, replace(quick, seconds=8.0).recipe())


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"seed": 999_999}, "--seed 999999: training has the seeds from 1000000"),
        ({"seed": 2**63}, "--seed"),
        ({"seconds": 5.0}, "--seconds 5.0"),
        ({"seconds": math.nan}, "--seconds nan"),
        ({"seconds": math.inf}, "--seconds inf"),
        ({"procedural": math.nan}, "--procedural nan"),
        ({"worlds": ()}, "--worlds is empty"),
        ({"worlds": ("doorway", "mars")}, "'mars'"),
    ],
)
def test_what_cannot_be_collected_is_refused(change: dict[str, object], culprit: str) -> None:
    with pytest.raises(InputError, match=culprit):
        replace(EVERYWHERE, **change).check()  # type: ignore[arg-type]
