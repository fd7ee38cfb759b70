"""Training: it learns what can be learned, keeps runs apart, and goes on after a kill as if there had been none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_data import SLOW, made_up_data, tiny_config

from ewm_ros.errors import InputError
from ewm_ros.world_model.data_set import DataSet
from ewm_ros.world_model.layout import PROGRESS

torch = pytest.importorskip("torch")

from ewm_ros.world_model.training import trainer as training  # noqa: E402
from ewm_ros.world_model.training.trainer import CHECKPOINT, Epoch, Progress, Trainer, split, validate  # noqa: E402


class Killed(BaseException):
    """Ends a training as a signal would."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """400 made-up windows in four chunks."""
    return made_up_data(tmp_path_factory.mktemp("data"))


def weights(model) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def killed_after(epochs: int) -> Progress:
    def end(epoch: Epoch) -> None:
        if epoch.number + 1 == epochs:
            raise Killed

    return Progress(epoch=end)


@pytest.mark.parametrize("killed", [1, 2, 3])
def test_a_training_that_was_killed_ends_with_the_same_weights_to_the_bit(killed: int, data, tmp_path: Path) -> None:
    config = tiny_config()
    straight = Trainer(config, [data], tmp_path / "straight")
    best = straight.run(Progress())
    with pytest.raises(Killed):
        Trainer(config, [data], tmp_path / "killed").run(killed_after(killed))
    torch.rand(7)  # a new process has another random state
    resumed = Trainer(config, [data], tmp_path / "killed")
    assert resumed.resume()
    assert len(resumed.history) == killed
    assert_same(weights(best), weights(resumed.run(Progress())))
    assert_same(weights(straight.model), weights(resumed.model))
    assert straight.history == resumed.history
    assert (straight.best_epoch, straight.best_score) == (resumed.best_epoch, resumed.best_score)


def test_another_seed_trains_other_weights(data, tmp_path: Path) -> None:
    one, other = (
        Trainer(tiny_config(seed=seed, epochs=1, single_rollout_epochs=0), [data], tmp_path) for seed in (1, 2)
    )
    one.run(Progress())
    other.run(Progress())
    assert not np.array_equal(one.model.encoder[0].weight.detach(), other.model.encoder[0].weight.detach())


def test_without_a_checkpoint_there_is_nothing_to_go_on_with(data, tmp_path: Path) -> None:
    assert not Trainer(tiny_config(), [data], tmp_path).resume()


@pytest.mark.parametrize("change", ["configuration", "data", "worlds left out"])
def test_a_checkpoint_of_something_else_is_refused(change: str, data, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Trainer(tiny_config(), [data], tmp_path).run(killed_after(1))
    config = tiny_config(batch_size=50) if change == "configuration" else tiny_config()
    sets = [made_up_data(tmp_path / "other", chunks=3)] if change == "data" else [data]
    other = Trainer(config, sets, tmp_path, ("yard",) if change == "worlds left out" else ())
    with pytest.raises(InputError, match="is of another configuration or data set"):
        other.resume()


@pytest.mark.parametrize("content", [b"", b"weights", None])
def test_a_damaged_checkpoint_is_refused_by_name(content: bytes | None, data, tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    if content is None:  # half a file
        with pytest.raises(Killed):
            Trainer(tiny_config(), [data], tmp_path).run(killed_after(1))
        content = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path} is damaged: delete it"):
        Trainer(tiny_config(), [data], tmp_path).resume()


def test_something_else_that_torch_wrote_is_no_checkpoint(data, tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match="is of another configuration"):
        Trainer(tiny_config(), [data], tmp_path).resume()


def test_it_learns_what_can_be_learned(data, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(epochs=24, single_rollout_epochs=12), [data], tmp_path)
    before = validate(trainer.model, trainer.validation_data, 3)
    model = trainer.run(Progress())
    after = trainer.history[trainer.best_epoch].validation
    assert before["accuracy"] < 0.7
    assert after["accuracy"] == 1.0
    assert after["ade_m"] < 0.3 * before["ade_m"]
    losses = [epoch.train["loss"] for epoch in trainer.history]
    assert losses[11] < 0.5 * losses[0]
    assert [epoch.rollouts for epoch in trainer.history] == [1] * 12 + [3] * 12
    states = torch.from_numpy(trainer.validation_data.state.astype(np.float32))
    futures, odds, _ = model.imagine(states)
    ends = futures[torch.arange(len(odds)), odds.argmax(-1), -1, PROGRESS].detach().numpy()
    expected = np.where(trainer.validation_data.state[:, SLOW.start] > 0.0, 2.5, 5.0)
    assert np.abs(ends - expected).max() < 0.5  # s at full speed


def test_a_small_data_set_trains_the_averaged_weights_too(data, tmp_path: Path) -> None:
    # 40 batches in all: a mean over 1,000 would still be the untrained model.
    trainer = Trainer(tiny_config(), [data], tmp_path)
    begin = {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
    trainer.run(Progress())
    with torch.no_grad():
        moved, averaged = (
            sum(float((value - begin[name]).norm()) for name, value in model.named_parameters())
            for model in (trainer.model, trainer.average.module)
        )
    assert averaged > 0.5 * moved


def test_it_stops_early_when_the_validation_no_longer_improves(data, tmp_path: Path, monkeypatch) -> None:
    scores = iter([0.1, 0.9, 0.2, 0.3, 0.25, 0.2, 0.28])  # two epochs of one rollout, then of all
    told = {"windows": 9.0, "ade_m": 0.0, "fde_m": 0.0, "coverage50": 0.5, "coverage90": 0.9}
    monkeypatch.setattr(training, "validate", lambda *_: {**told, "accuracy": next(scores)})
    trainer = Trainer(tiny_config(epochs=50, patience=3), [data], tmp_path)
    kept = {}

    def keep(epoch: Epoch) -> None:
        kept[epoch.number] = weights(trainer.average.module)

    best = trainer.run(Progress(epoch=keep))
    assert len(trainer.history) == 7
    assert trainer.best_epoch == 3  # of the epochs with all rollouts
    assert_same(weights(best), kept[3])
    again = Trainer(tiny_config(epochs=50, patience=3), [data], tmp_path)
    assert again.resume()
    assert_same(weights(again.run(Progress())), kept[3])  # and is not gone on with


def test_a_training_that_diverges_says_so(data, tmp_path: Path, monkeypatch) -> None:
    trainer = Trainer(tiny_config(), [data], tmp_path)
    broken = trainer.train_data.future.copy()
    broken[:] = np.inf
    trainer.train_data = replace(trainer.train_data, future=broken)
    with pytest.raises(InputError, match=r"diverged in epoch 1: training.learning_rate 0.01 is too high"):
        trainer.run(Progress())
    assert not (tmp_path / CHECKPOINT).exists()


def test_whole_chunks_are_kept_for_validation_so_that_no_run_is_in_both(data, tmp_path: Path) -> None:
    train, kept = split([data], 0.25)
    assert len(train) == 3
    assert len(kept) == 1
    assert {name for _, name in train} | {name for _, name in kept} == set(data.chunks)
    trainer = Trainer(tiny_config(validation_share=0.25), [data], tmp_path)
    assert np.array_equal(trainer.validation_data.state, data.read([kept[0][1]]).state)
    assert np.array_equal(trainer.train_data.state, data.read([name for _, name in train]).state)


@pytest.mark.parametrize(
    ("chunks", "share", "expected"), [(2, 0.1, 1), (2, 0.9, 1), (10, 0.1, 1), (20, 0.1, 2), (19, 0.3, 6), (4, 0.99, 3)]
)
def test_the_share_of_chunks_is_kept_and_at_least_one_on_each_side(
    chunks: int, share: float, expected: int, data, monkeypatch
) -> None:
    monkeypatch.setitem(data._manifest, "chunks", {f"chunk-{k:05d}": {} for k in range(chunks)})
    train, kept = split([data], share)
    assert (len(train), len(kept)) == (chunks - expected, expected)
    assert not {name for _, name in train} & {name for _, name in kept}


def test_a_single_chunk_is_too_little(tmp_path: Path) -> None:
    small = made_up_data(tmp_path / "small", chunks=1)
    with pytest.raises(InputError, match=f"{small.folder}: 1 chunks of data, training needs 2"):
        Trainer(tiny_config(), [small], tmp_path)


def test_a_world_that_is_left_out_is_neither_trained_nor_validated_on(data, tmp_path: Path) -> None:
    whole = Trainer(tiny_config(), [data], tmp_path)
    without = Trainer(tiny_config(), [data], tmp_path, ("yard",))
    for every, some in ((whole.train_data, without.train_data), (whole.validation_data, without.validation_data)):
        assert len(some) == len(every) // 2
        assert set(some.place[:, 0]) == {run for run in every.place[:, 0] if run % 2 == 0}  # yard is every second run
    assert [(world, len(windows)) for world, windows in without.validation_by_world()] == [("hall", 50)]
    assert [(world, len(windows)) for world, windows in whole.validation_by_world()] == [("hall", 50), ("yard", 50)]


def test_procedural_worlds_are_one_group(tmp_path: Path) -> None:
    mixed = made_up_data(tmp_path / "mixed", worlds=("procedural-1000007", "yard"))
    trainer = Trainer(tiny_config(), [mixed], tmp_path)
    assert [world for world, _ in trainer.validation_by_world()] == ["procedural", "yard"]
    assert len(Trainer(tiny_config(), [mixed], tmp_path, ("procedural",)).train_data) == 150


def test_a_world_to_leave_out_that_is_not_there_is_refused(data, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no world 'yrad' to leave out: the data have hall, yard"):
        Trainer(tiny_config(), [data], tmp_path, ("yrad",))


def test_when_nothing_is_left_one_line_says_so(data, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hold no windows"):
        Trainer(tiny_config(), [data], tmp_path, ("yard", "hall"))


def test_what_a_chunk_of_steps_led_to_is_the_same_robots_window_at_its_end(data, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(), [data], tmp_path)
    windows, ends = trainer.train_data, trainer._later
    assert ends.shape == (len(windows), 5)
    for k in range(0, len(windows), 7):
        run, robot, tick = windows.place[k]
        for chunk, end in enumerate(ends[k]):
            wanted = (run, robot, tick + 10 * (chunk + 1))
            there = np.flatnonzero((windows.place == wanted).all(axis=1))
            assert end == (there[0] if len(there) else -1)
    assert (ends >= 0).any()
    assert (ends < 0).any()


def test_several_data_sets_are_learned_from_together(data, tmp_path: Path) -> None:
    bags = made_up_data(tmp_path / "bags", worlds=("bag", "bag"), chunks=2)
    trainer = Trainer(tiny_config(), [data, bags], tmp_path)
    assert len(trainer.train_data) + len(trainer.validation_data) == 600
    assert len(np.unique(trainer.train_data.place, axis=0)) == len(trainer.train_data)  # no run taken for another
