"""The benchmark of imagination counts and names what it measures; how fast that is, is for the machine to say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.imagination_cost import A_ROUND, ROBOTS, imagination_cost
from ewm_ros.world_model.config import Architecture, WorldModelConfig
from ewm_ros.world_model.network_runtime import CONFIG

SMALL = WorldModelConfig(architecture=Architecture(latent_dim=16, hidden_dim=32, rollouts=3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained model, as training writes it."""
    pytest.importorskip("torch")
    from ewm_ros.world_model.training.export import export
    from ewm_ros.world_model.training.trainer import make_model

    folder = tmp_path_factory.mktemp("model")
    export(make_model(SMALL.architecture), folder, SMALL, {})
    return folder


def test_the_figures_say_what_was_measured(model: Path) -> None:
    import torch

    threads = torch.get_num_threads()
    cost = imagination_cost(str(model), steps=3, rounds=4)
    assert torch.get_num_threads() == threads
    assert cost.network.shape == (4 * A_ROUND,)
    assert cost.reference.shape == (4,)
    assert cost.whole.shape == (3 * ROBOTS,)
    assert all((part > 0.0).all() for part in (cost.network, cost.reference, cost.whole))
    told = json.loads(json.dumps(cost.as_json()))
    assert told.keys() == {"rollouts", "horizon", "ms", "reference_ms", "ratio", "whole_ms"}
    assert (told["rollouts"], told["horizon"]) == (3, 50)
    assert told["ms"].keys() == told["whole_ms"].keys() == {"p50", "p99"}
    assert told["ratio"] == pytest.approx(told["reference_ms"] / told["ms"]["p50"], rel=0.1)


def test_the_loop_to_compare_with_asks_policy_dynamics_and_decoder_at_every_step() -> None:
    torch = pytest.importorskip("torch")
    from ewm_ros.world_model.training.reference import StepByStep

    sizes = Architecture()
    loop = StepByStep(sizes)
    calls = dict.fromkeys(("encoder", "policy", "dynamics", "decoder"), 0)
    for name in calls:

        def count(*_: object, name: str = name) -> None:
            calls[name] += 1

        getattr(loop, name).register_forward_hook(count)
    futures = loop(torch.rand(sizes.state_dim))
    assert futures.shape == (sizes.rollouts, sizes.horizon, 5)
    assert calls == {"encoder": 1, "policy": 50, "dynamics": 50, "decoder": 50}
    assert loop.dynamics.hidden_size == sizes.hidden_dim == 512
    assert not torch.equal(futures[0], futures[1])


def test_without_a_model_one_line_says_which_there_are() -> None:
    with pytest.raises(InputError, match="no world model 'nothing'"):
        imagination_cost("nothing")


def test_a_model_that_does_not_say_its_sizes_is_refused(model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    about = json.loads((model / CONFIG).read_text())
    del about["architecture"]
    (tmp_path / CONFIG).write_text(json.dumps(about))
    with pytest.raises(InputError, match="does not say its sizes"):
        imagination_cost(str(tmp_path), steps=1, rounds=1)


def test_without_torch_one_line_says_what_to_install(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ewm_ros.world_model.training.reference", raising=False)
    with pytest.raises(InputError, match=r"pip install ewm-ros\[train\]"):
        imagination_cost(str(model), steps=1, rounds=1)


@pytest.mark.parametrize("culprit", ["steps", "rounds"])
def test_nothing_to_measure_is_refused(culprit: str) -> None:
    with pytest.raises(InputError, match=f"{culprit} must be 1 or more, not 0"):
        imagination_cost("default", **{culprit: 0})
