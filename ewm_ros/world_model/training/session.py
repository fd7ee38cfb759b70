"""One training from beginning to end: epochs, export for robots, model card; what `ewm train` runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from ewm_ros import __version__
from ewm_ros.errors import InputError
from ewm_ros.world_model.config import WorldModelConfig
from ewm_ros.world_model.data_set import DataSet
from ewm_ros.world_model.training.export import export
from ewm_ros.world_model.training.model_card import CARD, model_card
from ewm_ros.world_model.training.trainer import CHECKPOINT, Epoch, Progress, Trainer

HISTORY = "training.json"
EpochTaker = Callable[[Epoch], None]


def train(
    config: WorldModelConfig,
    data_sets: Sequence[DataSet],
    folder: Path,
    *,
    leave_out: tuple[str, ...] = (),
    resume: bool = False,
    threads: int = 0,
    tensorboard: bool = False,
    on_batch: Callable[[int, int, int], None] = lambda epoch, done, of: None,
    on_line: Callable[[str], None] = lambda line: None,
) -> dict[str, object]:
    """Train, export, and write the card.

    Args:
        folder: of the model; the checkpoint lies there too until the training is over.
        leave_out: worlds that are not learned from.
        resume: go on from the checkpoint; what is finished stays as it is.
        threads: of torch on a CPU; 0 for all cores.
        on_line: is told a line after each epoch.

    Returns:
        the folder, figures of the validation, and hashes.

    Raises:
        InputError: bad data or configuration, a folder that cannot be written, a checkpoint without --resume, or
            TensorBoard is not installed.
    """
    origin: dict[str, object] = {
        "config_sha256": config.fingerprint,
        "data_sha256": [data_set.fingerprint for data_set in data_sets],
        "left_out": sorted(leave_out),
    }
    begun = (folder / CHECKPOINT).is_file()
    if begun and not resume:
        raise InputError(f"{folder / CHECKPOINT} is of an interrupted training: add --resume, or delete it")
    if resume and not begun and (facts := _finished(folder, origin)) is not None:
        on_line("finished already")
        return {"folder": str(folder), **facts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"model folder {folder} cannot be made: {error.strerror}") from error
    if threads:
        torch.set_num_threads(threads)
    trainer = Trainer(config, data_sets, folder, leave_out)
    if resume:
        on_line(f"going on after epoch {len(trainer.history)}" if trainer.resume() else "nothing to go on with")
    with _curves(folder, tensorboard) as draw:

        def on_epoch(epoch: Epoch) -> None:
            on_line(_line(epoch))
            draw(epoch)

        model = trainer.run(Progress(on_batch, on_epoch))
    best = trainer.history[trainer.best_epoch]
    facts = {
        "version": __version__,
        "torch": torch.__version__,
        **origin,
        "epoch": best.number + 1,
        "validation": best.validation,
    }
    export(model, folder, config, facts)
    (folder / CARD).write_text(model_card(config, trainer, data_sets, facts), encoding="utf-8")
    history = {**facts, "epochs": [asdict(epoch) for epoch in trainer.history]}
    (folder / HISTORY).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    (folder / CHECKPOINT).unlink()
    return {"folder": str(folder), **facts}


def _finished(folder: Path, origin: Mapping[str, object]) -> dict[str, object] | None:
    """What the training in this folder came to, if it is the same and over."""
    try:
        told: dict[str, object] = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
        same = all(told[key] == value for key, value in origin.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {key: value for key, value in told.items() if key != "epochs"} if same else None


def _line(epoch: Epoch) -> str:
    told = epoch.validation
    return (
        f"epoch {epoch.number + 1}: {epoch.rollouts} rollouts, loss {epoch.train['loss']:.4f}, "
        f"validation accuracy {told['accuracy']:.4f}, ADE {told['ade_m']:.3f} m, "
        f"coverage {told['coverage50']:.3f} {told['coverage90']:.3f}"
    )


@contextmanager
def _curves(folder: Path, tensorboard: bool) -> Iterator[EpochTaker]:
    """What takes each epoch's figures for TensorBoard."""
    if not tensorboard:
        yield lambda epoch: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError("--tensorboard needs TensorBoard: pip install tensorboard") from error
    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def draw(epoch: Epoch) -> None:
            for kind, figures in (("train", epoch.train), ("validation", epoch.validation)):
                for name, value in figures.items():
                    writer.add_scalar(f"{kind}/{name}", value, epoch.number)

        yield draw
