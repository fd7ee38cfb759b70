"""Accuracy in whole runs: of the model that robots run on, and of two baselines in the same runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_data import tiny_config

from ewm_ros.errors import InputError
from ewm_ros.evaluation.accuracy import (
    CONSTANT_VELOCITY,
    MODEL,
    NOMINAL,
    PREDICTORS,
    Group,
    RunAccuracy,
    as_json,
    check,
    measure,
    measure_all,
)
from ewm_ros.evaluation.campaigns.runs import RunSpec
from ewm_ros.world_model.prediction_score import ScoreSums

BEND = """
name: bend
bounds: {x: [-4, 4], y: [-3, 3]}
walls:
  - {center: [-1.0, 1.5], size: [0.2, 3.0]}
robots:
  model: tinybot
  count: {min: 1, max: 1, default: 1}
  starts: [[-3, 1.5, -1.57]]
  goals: [[3, 1.5]]
"""
KEYS = {"accuracy", "ade_m", "fde_m", "coverage"}  # of measures.md


def sums(windows: int, hits: int, ade: float) -> ScoreSums:
    return ScoreSums(
        windows, hits, windows * ade / 5, windows * ade / 2, windows * ade, 2 * windows * ade, 50 * windows, 30, 45
    )


def made_up(world: str, hits: int, makespan: float | None) -> RunAccuracy:
    per = {MODEL: sums(10, hits, 0.1), CONSTANT_VELOCITY: sums(10, 2, 0.8), NOMINAL: sums(10, 6, 0.3)}
    return RunAccuracy(world, per, makespan, 0.25)


def test_windows_add_up_over_runs_and_worlds_are_told_apart() -> None:
    group = Group([made_up("doorway", 9, 20.0), made_up("ward", 7, 40.0), made_up("ward", 5, None)])
    told = json.loads(json.dumps(group.as_json()))
    assert told.keys() >= KEYS | {"makespan_s", "runs", "closed_form_share", "worlds", CONSTANT_VELOCITY, NOMINAL}
    assert told["accuracy"] == pytest.approx(21 / 30)
    assert told["ade_m"] == pytest.approx({"1s": 0.02, "3s": 0.05, "5s": 0.1})
    assert told["fde_m"] == pytest.approx(0.2)
    assert told["coverage"] == pytest.approx({"50": 90 / 1500, "90": 135 / 1500})
    assert (told["makespan_s"], told["runs"], told["closed_form_share"]) == (30.0, 3, 0.25)
    assert told[CONSTANT_VELOCITY]["accuracy"] == pytest.approx(0.2)
    assert told[NOMINAL]["ade_m"]["5s"] == pytest.approx(0.3)
    assert set(told["worlds"]) == {"doorway", "ward"}
    assert told["worlds"]["ward"]["accuracy"] == pytest.approx(12 / 20)
    assert told["worlds"]["ward"].keys() >= KEYS | {"makespan_s", CONSTANT_VELOCITY, NOMINAL}


def test_the_first_groups_figures_are_at_the_top_and_every_group_under_its_name() -> None:
    groups = {
        "shipped": Group([made_up("doorway", 9, 20.0)]),
        "foreign": Group([made_up("lab", 4, None)]),
    }
    told = as_json(groups)
    assert told["accuracy"] == 0.9
    assert {name: part["accuracy"] for name, part in told["groups"].items()} == {"shipped": 0.9, "foreign": 0.4}
    assert told["groups"]["foreign"]["makespan_s"] is None


def test_without_a_window_there_are_no_figures() -> None:
    told = Group().as_json()
    assert (told["accuracy"], told["makespan_s"], told["closed_form_share"], told["runs"]) == (None, None, None, 0)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small untrained model: it foresees nearly the nominal motion."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from ewm_ros.world_model.training.export import export
    from ewm_ros.world_model.training.trainer import make_model

    torch.manual_seed(0)
    model = make_model(tiny_config().architecture)
    with torch.no_grad():
        model.decoder[-1].weight.mul_(0.1)
    folder = tmp_path_factory.mktemp("models") / "untrained"
    export(model, folder, tiny_config(), {})
    return str(folder)


@pytest.fixture(scope="module")
def spec(untrained: str, tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """One robot that goes around a wall by an untrained model."""
    file = tmp_path_factory.mktemp("worlds") / "bend.yaml"
    file.write_text(BEND)
    return RunSpec(str(file), 1, 0, "intention", model=untrained)


@pytest.fixture(scope="module")
def measured(spec: RunSpec) -> RunAccuracy:
    """That run."""
    return measure(spec)


def test_an_untrained_model_is_about_as_good_as_the_nominal_controller(measured: RunAccuracy) -> None:
    figures = {name: sums.detail() for name, sums in measured.sums.items()}
    assert set(figures) == set(PREDICTORS)
    windows = {part["windows"] for part in figures.values()}
    assert min(windows) > 15
    model, nominal = figures[MODEL], figures[NOMINAL]
    assert model["accuracy"] == pytest.approx(nominal["accuracy"], abs=0.1)
    assert nominal["accuracy"] > 0.85
    for horizon in ("1s", "3s", "5s"):
        assert model["ade_m"][horizon] == pytest.approx(nominal["ade_m"][horizon], abs=0.1)
    assert measured.closed_form_share == 0.0
    assert measured.world == "bend"
    assert measured.makespan is not None


def test_constant_velocity_does_not_know_of_the_bend(measured: RunAccuracy) -> None:
    constant, nominal = (measured.sums[name].detail() for name in (CONSTANT_VELOCITY, NOMINAL))
    assert constant["accuracy"] < nominal["accuracy"] - 0.3
    assert constant["fde_m"] > 3.0 * nominal["fde_m"]


def test_the_number_of_workers_changes_neither_figures_nor_their_order(spec: RunSpec, measured: RunAccuracy) -> None:
    other = RunSpec(spec.world, 1, 7, "intention", model=spec.model)
    assert list(measure_all([other, spec], workers=2))[1] == measured
    assert list(measure_all([spec], workers=2)) == [measured]
    assert list(measure_all([], workers=2)) == []


@pytest.mark.parametrize("model", ["none_of_these", "/nowhere/at/all"])
def test_a_model_that_is_not_there_is_refused_before_the_first_run(model: str, spec: RunSpec) -> None:
    with pytest.raises(InputError, match=f"no world model '{model}'"):
        check([RunSpec(spec.world, 1, 0, "intention", model=model)])


def test_a_model_that_is_broken_is_refused_before_the_first_run(spec: RunSpec, tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(InputError, match=r"config.json is missing or broken"):
        check([RunSpec(spec.world, 1, 0, "intention", model=str(tmp_path))])


def test_a_run_that_cannot_be_is_refused_before_the_first(spec: RunSpec) -> None:
    with pytest.raises(InputError, match="not 5"):
        check([spec, RunSpec(spec.world, 5, 0, "intention", model=spec.model)])
