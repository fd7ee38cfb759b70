"""The configuration that users write: their keys, and one line for whatever is wrong in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.resources import share
from ewm_ros.world_model.config import WorldModelConfig, load_config

Sections = dict[str, dict[str, Any]]


def written(folder: Path, content: object) -> Path:
    file = folder / "mine.json"
    file.write_text(json.dumps(content))
    return file


def test_the_shipped_file_has_the_users_keys_and_the_defaults() -> None:
    config = load_config(share() / "config" / "world_model_config.json")
    assert config == WorldModelConfig()
    sizes, training, around = config.architecture, config.training, config.integration
    assert (sizes.state_dim, sizes.latent_dim, sizes.hidden_dim, sizes.horizon) == (256, 128, 512, 50)
    assert training.batch_size > 0 and training.learning_rate > 0.0 and training.epochs > 0
    assert (around.deepseek_model, around.latency_target_ms) == ("deepseek-reasoner", 100.0)
    assert around.prediction_accuracy_target == 0.85


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, {"training": {"epochs": 100}}))
    assert config.training.epochs == 100
    assert config.architecture == WorldModelConfig().architecture
    assert load_config(written(tmp_path, {})) == WorldModelConfig()


def test_the_fingerprint_tells_settings_apart_and_nothing_else(tmp_path: Path) -> None:
    ours = WorldModelConfig()
    same, other = ({"training": {"epochs": ours.training.epochs + more}} for more in (0, 1))
    assert load_config(written(tmp_path, same)).fingerprint == ours.fingerprint
    assert load_config(written(tmp_path, other)).fingerprint != ours.fingerprint


@pytest.mark.parametrize(
    ("content", "culprit"),
    [
        ({"architecture": {"layers": 3}}, "architecture.layers"),
        ({"optimizer": {}}, "optimizer"),
        ({"architecture": {"state_dim": 128}}, "state_dim must be 256"),
        ({"architecture": {"horizon": 40}}, "horizon 50"),
        ({"architecture": {"latent_dim": 100}}, "latent_dim must be a multiple of 8"),
        ({"architecture": {"hidden_dim": 33}}, "hidden_dim of 2"),
        ({"architecture": {"hidden_dim": 10**9}}, "architecture.hidden_dim"),
        ({"architecture": {"chunk": 7}}, "chunk a divisor of horizon"),
        ({"architecture": {"rollouts": 0}}, "architecture.rollouts"),
        ({"training": {"batch_size": 0}}, "training.batch_size"),
        ({"training": {"batch_size": "many"}}, "training.batch_size"),
        ({"training": {"epochs": True}}, "training.epochs"),
        ({"training": {"epochs": 1.5}}, "training.epochs"),
        ({"training": {"epochs": 9, "single_rollout_epochs": 9}}, "single_rollout_epochs, 9, must be less than epochs"),
        ({"training": {"learning_rate": -0.1}}, "training.learning_rate"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate"),
        ({"training": {"weight_decay": float("inf")}}, "training.weight_decay"),
        ({"training": {"validation_share": 1.0}}, "training.validation_share"),
        ({"training": {"seed": -1}}, "training.seed"),
        ({"training": {"seed": 2**70}}, "training.seed"),
        ({"integration": {"deepseek_model": 3}}, "integration.deepseek_model"),
        ({"integration": {"prediction_accuracy_target": 85}}, "integration.prediction_accuracy_target"),
        ([], "mine.json"),
    ],
    ids=str,
)
def test_an_impossible_setting_is_refused_by_file_and_key(content: object, culprit: str, tmp_path: Path) -> None:
    file = written(tmp_path, content)
    with pytest.raises(InputError) as refused:
        load_config(file)
    line = str(refused.value)
    assert line.startswith(f"{file}: ")
    assert culprit in line
    assert "\n" not in line


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_file_that_is_no_json_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=f"configuration {file} is no JSON"):
        load_config(file)


@pytest.mark.parametrize("place", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_refused_by_name(place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_config(tmp_path / place)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["architecture", "training", "integration", "epochs", "chunk", "latent_dim", "seed"])


@given(content=st.dictionaries(KEYS, st.dictionaries(KEYS, JSON, max_size=3) | JSON, max_size=3))
def test_whatever_else_is_written_there_is_taken_or_refused(
    content: Sections, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = written(tmp_path_factory.getbasetemp(), content)
    try:
        load_config(file)
    except InputError as refused:
        assert "\n" not in str(refused)
