"""Models that run, and folders that hold none."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_model import ROLLOUTS, small_model

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.trajectory import HORIZON
from ewm_ros.world_model.layout import LAYOUT, MEDIAN, OUTPUTS, RADIUS, STATE_DIM
from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, Network, model_folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is not to be changed."""
    pytest.importorskip("torch")
    return small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def model(sound: Path, tmp_path: Path) -> Path:
    """One that may be."""
    copied = tmp_path / "model"
    shutil.copytree(sound, copied)
    return copied


def refusal(folder: Path) -> str:
    """The line that a folder is refused with; it names the folder."""
    with pytest.raises(InputError) as refused:
        Network(folder)
    line = str(refused.value)
    assert str(folder) in line
    assert "\n" not in line
    return line


def test_a_sound_model_runs(sound: Path) -> None:
    futures, probabilities = Network(sound).run(stream(0, 0, "state").random(STATE_DIM))
    assert futures.shape == (ROLLOUTS, HORIZON, OUTPUTS)
    assert np.isfinite(futures).all()
    assert (futures[..., MEDIAN] > 0.0).all()
    assert (futures[..., RADIUS] >= futures[..., MEDIAN]).all()
    assert probabilities.shape == (ROLLOUTS,)
    assert probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 17])
def test_of_many_states_it_says_what_it_says_of_each(sound: Path, count: int) -> None:
    network, states = Network(sound), stream(0, 0, "states").random((count, STATE_DIM))
    futures, probabilities = network.run_all(states)
    assert (futures.shape, probabilities.shape) == ((count, ROLLOUTS, HORIZON, OUTPUTS), (count, ROLLOUTS))
    for k, state in enumerate(states):
        alone, chances = network.run(state)
        np.testing.assert_allclose(futures[k], alone, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(probabilities[k], chances, rtol=1e-5)


def test_it_keeps_nothing_between_two_runs(sound: Path) -> None:
    network, states = Network(sound), stream(0, 0, "states").random((2, STATE_DIM))
    first, _ = network.run(states[0])
    network.run(states[1])
    assert (network.run(states[0])[0] == first).all()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert CONFIG in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"layouts": 1}', "\udcff"])
def test_a_broken_configuration_is_refused(model: Path, text: str) -> None:
    (model / CONFIG).write_bytes(text.encode(errors="surrogateescape"))
    assert CONFIG in refusal(model)


@pytest.mark.parametrize("layout", [LAYOUT + 1, 0, None, "1"])
def test_a_model_for_another_layout_is_refused(model: Path, layout: object) -> None:
    (model / CONFIG).write_text(json.dumps({"layout": layout}), encoding="utf-8")
    assert re.search(rf"for layout {layout}, this program has {LAYOUT}", refusal(model))


def test_a_missing_network_is_refused(model: Path) -> None:
    (model / NETWORK).unlink()
    assert NETWORK in refusal(model)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_network_is_refused(model: Path, share: float) -> None:
    path = model / NETWORK
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert NETWORK in refusal(model)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_of_another_kind_is_refused(model: Path, outputs: int) -> None:
    torch = pytest.importorskip("torch")

    class Other(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, state: object) -> object:
            return state if outputs == 1 else (state, state)

    torch.onnx.export(Other(), (torch.zeros(1, STATE_DIM),), str(model / NETWORK), input_names=["state"], dynamo=False)
    assert NETWORK in refusal(model)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_that_wants_something_else_is_refused(model: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.onnx.export(
        torch.nn.Linear(3, 2), (torch.zeros(1, 3),), str(model / NETWORK), input_names=["image"], dynamo=False
    )
    assert NETWORK in refusal(model)


def test_a_model_may_be_named_by_its_folder(tmp_path: Path) -> None:
    assert model_folder(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["no_such_model", "/no/such/folder", "./nowhere"])
def test_a_model_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(name))):
        model_folder(name)
