"""A training from beginning to end: what it leaves behind, and what becomes of it when it is called again."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from made_up_data import made_up_data, tiny_config

from ewm_ros import __version__
from ewm_ros.errors import InputError
from ewm_ros.world_model.data_set import DataSet
from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, Network

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from ewm_ros.world_model.training import session  # noqa: E402
from ewm_ros.world_model.training.export import WEIGHTS, load_model  # noqa: E402
from ewm_ros.world_model.training.model_card import CARD  # noqa: E402
from ewm_ros.world_model.training.session import HISTORY, train  # noqa: E402
from ewm_ros.world_model.training.trainer import CHECKPOINT, validate  # noqa: E402

CONFIGURATION = tiny_config(epochs=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """400 made-up windows of two worlds."""
    return made_up_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    """A model's folder, what the training returned, and the lines that it told."""
    folder, lines = tmp_path_factory.mktemp("model") / "mine", []
    return folder, train(CONFIGURATION, [data], folder, threads=1, on_line=lines.append), lines


def test_it_leaves_all_that_robots_and_people_need_and_no_checkpoint(trained) -> None:
    folder, _, _ = trained
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, NETWORK, CONFIG, HISTORY, CARD}


def test_the_figures_are_those_of_the_best_epoch(trained) -> None:
    folder, figures, _ = trained
    history = json.loads((folder / HISTORY).read_text())
    assert len(history["epochs"]) == 3
    best = history["epochs"][figures["epoch"] - 1]
    assert figures["validation"] == history["validation"] == best["validation"]
    assert best["rollouts"] == 3
    assert all(math.isfinite(epoch["train"]["loss"]) for epoch in history["epochs"])


def test_configuration_and_data_are_named_by_their_hashes(trained, data) -> None:
    folder, figures, _ = trained
    for told in (figures, json.loads((folder / HISTORY).read_text()), json.loads((folder / CONFIG).read_text())):
        assert told["config_sha256"] == CONFIGURATION.fingerprint
        assert told["data_sha256"] == [data.fingerprint]
        assert (told["version"], told["torch"], told["left_out"]) == (__version__, torch.__version__, [])


def test_the_network_that_robots_run_has_the_weights_that_were_validated(trained, data) -> None:
    folder, figures, _ = trained
    trainer = session.Trainer(CONFIGURATION, [data], folder)
    assert validate(load_model(folder), trainer.validation_data, 3) == pytest.approx(figures["validation"])
    futures, probabilities = Network(folder).run(trainer.validation_data.state[0])
    assert (futures.shape, probabilities.shape) == ((3, 50, 5), (3,))


def test_a_line_is_told_after_each_epoch(trained) -> None:
    _, _, lines = trained
    assert [line.partition(":")[0] for line in lines] == ["epoch 1", "epoch 2", "epoch 3"]
    assert "1 rollouts" in lines[0]
    assert "3 rollouts" in lines[2]
    assert all(word in lines[0] for word in ("loss", "validation accuracy", "ADE", "coverage"))


def test_the_card_tells_data_figures_by_world_and_limits(trained, data) -> None:
    folder, figures, _ = trained
    card = (folder / CARD).read_text()
    assert "8 episodes, 400 windows" in card
    assert "episodes by world: hall 4, yard 4" in card
    assert data.fingerprint in card
    assert CONFIGURATION.fingerprint in card
    assert "trained on 300 windows, validated on 100" in card
    assert "worlds left out of both: none" in card
    assert f"the best was epoch {figures['epoch']}" in card
    rows = {cells[1].strip(): cells[2:-1] for line in card.splitlines() if len(cells := line.split("|")) > 5}
    assert {"all", "hall", "yard"} < set(rows)
    told = figures["validation"]
    assert [float(cell) for cell in rows["all"]] == pytest.approx(
        [100, told["accuracy"], told["ade_m"], told["fde_m"], told["coverage50"], told["coverage90"]], abs=6e-4
    )
    assert float(rows["hall"][0]) + float(rows["yard"][0]) == 100
    assert "## Limits" in card
    assert "differential-drive" in card


def test_the_card_names_the_worlds_that_were_left_out(data, tmp_path: Path) -> None:
    config = tiny_config(epochs=1, single_rollout_epochs=0)
    figures = train(config, [data], tmp_path, leave_out=("yard",), threads=1)
    card = (tmp_path / CARD).read_text()
    assert figures["left_out"] == ["yard"]
    assert "worlds left out of both: yard" in card
    assert "| yard |" not in card


class Interrupted(BaseException):
    """A kill in the middle of an epoch."""


def interrupt(config: Any, data: DataSet, folder: Path, **options: Any) -> None:
    """Train until the middle of the second epoch."""

    def end(epoch: int, done: int, of: int) -> None:
        if (epoch, done) == (1, of // 2):
            raise Interrupted

    with pytest.raises(Interrupted):
        train(config, [data], folder, threads=1, on_batch=end, **options)


def test_interrupted_it_wants_to_be_told_to_go_on_and_does(trained, data, tmp_path: Path) -> None:
    folder, figures, _ = trained
    interrupt(CONFIGURATION, data, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT}
    with pytest.raises(InputError, match=f"{tmp_path / CHECKPOINT} is of an interrupted training: add --resume"):
        train(CONFIGURATION, [data], tmp_path)
    lines: list[str] = []
    resumed = train(CONFIGURATION, [data], tmp_path, threads=1, resume=True, on_line=lines.append)
    assert lines[0] == "going on after epoch 1"
    assert [line.partition(":")[0] for line in lines[1:]] == ["epoch 2", "epoch 3"]
    assert {**resumed, "folder": ""} == {**figures, "folder": ""}
    whole, halves = load_model(folder).state_dict(), load_model(tmp_path).state_dict()
    assert [name for name in whole if not torch.equal(whole[name], halves[name])] == []


def test_interrupted_before_the_first_epoch_is_over_it_begins_anew(trained, data, tmp_path: Path) -> None:
    _, figures, _ = trained
    lines: list[str] = []
    resumed = train(CONFIGURATION, [data], tmp_path, threads=1, resume=True, on_line=lines.append)
    assert lines[0] == "nothing to go on with"
    assert resumed["validation"] == figures["validation"]


def test_a_training_that_is_over_is_not_done_again(trained, data) -> None:
    folder, figures, _ = trained
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    lines: list[str] = []
    assert train(CONFIGURATION, [data], folder, resume=True, on_line=lines.append) == figures
    assert lines == ["finished already"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_refused_before_the_training(data, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"model folder {tmp_path}/file/model cannot be made"):
        train(CONFIGURATION, [data], tmp_path / "file" / "model", on_batch=pytest.fail)


def test_curves_are_written_for_tensorboard(data, tmp_path: Path, monkeypatch) -> None:
    written = []

    class Writer:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "tensorboard")

        def __enter__(self) -> Writer:
            return self

        def __exit__(self, *_: object) -> None:
            written.append("closed")

        def add_scalar(self, name: str, value: float, epoch: int) -> None:
            assert math.isfinite(value)
            written.append((name, epoch))

    module = type(torch)("tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    train(tiny_config(epochs=2, single_rollout_epochs=1), [data], tmp_path, threads=1, tensorboard=True)
    assert {("train/loss", 0), ("train/loss", 1), ("validation/accuracy", 1), ("train/consistency", 0)} < set(written)
    assert written[-1] == "closed"


def test_without_tensorboard_one_line_says_what_to_install(data, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        train(CONFIGURATION, [data], tmp_path, tensorboard=True, on_batch=pytest.fail)
