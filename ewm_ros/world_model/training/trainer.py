"""Trains a world model on a data set: resumable to the bit after each epoch, on a GPU if there is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.world_model.config import Architecture, WorldModelConfig
from ewm_ros.world_model.data_set import EVERY, DataSet, Windows
from ewm_ros.world_model.training.losses import Batch, figures, losses
from ewm_ros.world_model.training.network import WorldModel

CHECKPOINT = "checkpoint.pt"
AVERAGED = 1000  # batches that the running mean of the weights, which is kept as the model, is over; a quarter at most
WARM_UP = 200  # batches in which the learning rate rises; a tenth of all at most
CLIP = 1.0  # largest norm of a gradient

PROCEDURAL = "procedural"
Chunk = tuple[DataSet, str]  # and its name


@dataclass(frozen=True, slots=True)
class Epoch:
    """Figures of one epoch: of the training batches, and of the windows kept for validation."""

    number: int
    rollouts: int
    train: dict[str, float]
    validation: dict[str, float]


def _silent(*told: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Progress:
    """What a caller may show while training.

    Attributes:
        batch: is called after each batch with the epoch's number, the batches done and all there are.
        epoch: is called after each epoch.
    """

    batch: Callable[[int, int, int], None] = _silent
    epoch: Callable[[Epoch], None] = _silent


def make_model(architecture: Architecture) -> WorldModel:
    """Untrained networks of these sizes."""
    a = architecture
    return WorldModel(a.state_dim, a.latent_dim, a.horizon, a.hidden_dim, a.rollouts, a.chunk)


def split(data_sets: Sequence[DataSet], share: float) -> tuple[list[Chunk], list[Chunk]]:
    """Chunks to train on and chunks to validate on; whole chunks, so that no run is in both.

    Raises:
        InputError: there are not two chunks.
    """
    chunks = [(data_set, name) for data_set in data_sets for name in sorted(data_set.chunks)]
    if len(chunks) < 2:
        folders = ", ".join(str(data_set.folder) for data_set in data_sets)
        raise InputError(f"{folders}: {len(chunks)} chunks of data, training needs 2 at least; collect more")
    count = min(max(1, round(share * len(chunks))), len(chunks) - 1)
    kept = set(range(0, len(chunks), max(1, len(chunks) // count))[:count])
    train = [chunk for k, chunk in enumerate(chunks) if k not in kept]
    return train, [chunks[k] for k in sorted(kept)]


class Trainer:
    """One training, which may be gone on with.

    Args:
        config: sizes and settings.
        data_sets: to learn from.
        folder: where checkpoints are kept.
        leave_out: worlds whose episodes are neither trained nor validated on; "procedural" for all of these.

    Raises:
        InputError: too little data, or a world to leave out that the data do not have.
    """

    def __init__(
        self, config: WorldModelConfig, data_sets: Sequence[DataSet], folder: Path, leave_out: tuple[str, ...] = ()
    ) -> None:
        _check_known(leave_out, data_sets)
        self.config, self.folder = config, folder
        self.identity = {
            "config": config.fingerprint,
            "data": [data_set.fingerprint for data_set in data_sets],
            "leave_out": sorted(leave_out),
        }
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.training.seed)
        self.model = make_model(config.architecture).to(self.device)
        train, kept = split(data_sets, config.training.validation_share)
        self.train_data, self.validation_data = _without(train, leave_out), _without(kept, leave_out)
        self._validation_worlds = [
            group(episode) for data_set, name in kept for episode in data_set.chunks[name]["episodes"]
        ]
        if not len(self.train_data) or not len(self.validation_data):
            raise InputError("the data sets hold no windows to train or to validate on: collect more")
        self._later = self._ends_of_chunks(self.train_data)
        self._batches = math.ceil(len(self.train_data) / config.training.batch_size)
        self._steps = config.training.epochs * self._batches
        decay_of_mean = 1.0 - 1.0 / max(1, min(AVERAGED, self._steps // 4))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay_of_mean))
        decay = [p for p in self.model.parameters() if p.ndim > 1]
        rest = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [
            {"params": decay, "weight_decay": config.training.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=config.training.learning_rate)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.best_score = -math.inf
        self.best_epoch = -1

    def _rate(self, step: int) -> float:
        """Share of the learning rate: a warm-up, then half a cosine to a hundredth."""
        warm_up = max(1, min(WARM_UP, self._steps // 10))
        return min(step / warm_up, 1.0) * (0.505 + 0.495 * math.cos(math.pi * min(step / self._steps, 1.0)))

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False if there is none.

        Raises:
            InputError: the checkpoint is damaged, or of other settings or data.
        """
        path = self.folder / CHECKPOINT
        if not path.is_file():
            return False
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as error:  # torch raises whatever the damaged archive or pickle made it stumble on
            raise InputError(f"{path} is damaged: delete it to start anew") from error
        if not isinstance(state, dict) or state.get("identity") != self.identity:
            raise InputError(f"{path} is of another configuration or data set: choose another --out or start anew")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.best, self.best_score, self.best_epoch = state["best"], state["best_score"], state["best_epoch"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        return True

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{CHECKPOINT}.partial"
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "best": self.best,
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
            "history": [asdict(epoch) for epoch in self.history],
        }
        torch.save(state, partial)
        partial.replace(self.folder / CHECKPOINT)

    def run(self, progress: Progress) -> WorldModel:
        """Train until the last epoch, or until the validation has not improved for long; the best model.

        Raises:
            InputError: the loss is no number any more.
        """
        training = self.config.training
        while len(self.history) < training.epochs and not self._exhausted:
            number = len(self.history)
            rollouts = 1 if number < training.single_rollout_epochs else self.model.rollouts
            if number == training.single_rollout_epochs:
                self.best, self.best_score = {}, -math.inf  # figures of one rollout do not compare
            train = self._train(number, rollouts, progress)
            average: WorldModel = self.average.module
            epoch = Epoch(number, rollouts, train, validate(average, self.validation_data, rollouts, self.device))
            self.history.append(epoch)
            score = epoch.validation["accuracy"] - epoch.validation["ade_m"]
            if score > self.best_score:
                self.best_score, self.best_epoch = score, number
                self.best = {k: v.detach().clone() for k, v in self.average.module.state_dict().items()}
            self._save()
            progress.epoch(epoch)
        return self.best_model()

    def best_model(self) -> WorldModel:
        """The weights of the best epoch so far."""
        model = make_model(self.config.architecture)
        model.load_state_dict(self.best)
        model.eval()
        return model

    def validation_by_world(self) -> Iterator[tuple[str, Windows]]:
        """The windows kept for validation of each world; all procedural worlds are one."""
        worlds = np.array(self._validation_worlds)[self.validation_data.place[:, 0]]
        for world in sorted(set(worlds)):
            yield str(world), self.validation_data.where(worlds == world)

    @property
    def _exhausted(self) -> bool:
        """Whether the rollouts' epochs have brought nothing new for too long."""
        since = len(self.history) - 1 - self.best_epoch
        return len(self.history) > self.config.training.single_rollout_epochs and since >= self.config.training.patience

    def _train(self, number: int, rollouts: int, progress: Progress) -> dict[str, float]:
        # Everything random of an epoch hangs on its number alone, so that a resumed one is the same.
        rng = stream(self.config.training.seed, number, "epoch")
        order, mirrored = rng.permutation(len(self.train_data)), rng.random(self._batches) < 0.5
        size = self.config.training.batch_size
        sums: dict[str, float] = {}
        self.model.train()
        for k in range(self._batches):
            batch = self._batch(self.train_data, order[k * size : (k + 1) * size], self._later)
            parts = losses(self.model, batch.mirrored() if mirrored[k] else batch, rollouts)
            self.optimizer.zero_grad(set_to_none=True)
            parts["loss"].backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
            self.optimizer.step()
            self.scheduler.step()
            self.average.update_parameters(self.model)
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            if not math.isfinite(sums["loss"]):
                rate = self.config.training.learning_rate
                raise InputError(
                    f"the training diverged in epoch {number + 1}: training.learning_rate {rate} is too high"
                )
            progress.batch(number, k + 1, self._batches)
        return {name: value / self._batches for name, value in sums.items()}

    def _ends_of_chunks(self, windows: Windows) -> NDArray[np.int64]:
        """(M, chunks) index of the window at the end of each chunk, -1 where there is none."""
        a = self.config.architecture
        ends = range(a.chunk, a.horizon + 1, a.chunk)
        found = [windows.later(ticks) if ticks % EVERY == 0 else np.full(len(windows), -1) for ticks in ends]
        return np.stack(found, axis=1)

    def _batch(self, windows: Windows, rows: NDArray[Any], later: NDArray[np.int64]) -> Batch:
        ends = later[rows]
        return Batch(
            *_tensors(windows, rows, self.device),
            later=torch.from_numpy(windows.state[ends].astype(np.float32)).to(self.device),
            known=torch.from_numpy((ends >= 0).astype(np.float32)).to(self.device),
        )


def validate(
    model: WorldModel, windows: Windows, rollouts: int, device: torch.device | None = None
) -> dict[str, float]:
    """Accuracy, displacements (m) and coverage of the most probable rollout over windows."""
    model.eval()
    sums: dict[str, float] = {}
    for begin in range(0, len(windows), 4096):
        rows = np.arange(begin, min(begin + 4096, len(windows)))
        nothing = torch.zeros(0)
        batch = Batch(*_tensors(windows, rows, device or torch.device("cpu")), later=nothing, known=nothing)
        for name, value in figures(model, batch, rollouts).items():
            sums[name] = sums.get(name, 0.0) + float(value)
    n = max(sums["windows"], 1.0)
    return {
        "windows": sums["windows"],
        "accuracy": sums["hits"] / n,
        "ade_m": sums["ade"] / n,
        "fde_m": sums["fde"] / n,
        "coverage50": sums["inside50"] / n,
        "coverage90": sums["inside90"] / n,
    }


def _tensors(windows: Windows, rows: NDArray[Any], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    arrays = (windows.state[rows], windows.future[rows], windows.actions[rows], windows.robot[rows])
    state, future, actions, robot = (torch.from_numpy(a.astype(np.float32)).to(device) for a in arrays)
    return state, future, actions, robot


def group(episode: Mapping[str, Any]) -> str:
    """The world that an episode is told under."""
    world: str = episode["world"]
    return PROCEDURAL if world.startswith(PROCEDURAL) else world


def _check_known(leave_out: Sequence[str], data_sets: Sequence[DataSet]) -> None:
    """Raise InputError if one of these is no world of the data: left out by a wrong name it would be learned from."""
    chunks = [chunk for data_set in data_sets for chunk in data_set.chunks.values()]
    known = {group(episode) for chunk in chunks for episode in chunk["episodes"]}
    if unknown := sorted(set(leave_out) - known):
        raise InputError(f"no world {unknown[0]!r} to leave out: the data have {', '.join(sorted(known)) or 'none'}")


def _without(chunks: Sequence[Chunk], leave_out: Sequence[str]) -> Windows:
    """The windows of some chunks but those of episodes in some worlds."""
    parts = []
    for data_set, name in chunks:
        windows = data_set.read([name])
        episodes: list[Mapping[str, Any]] = data_set.chunks[name]["episodes"]
        banned = [k for k, episode in enumerate(episodes) if group(episode) in leave_out]
        parts.append(windows.where(~np.isin(windows.place[:, 0], banned)) if banned else windows)
    return Windows.joined(parts, [len(data_set.chunks[name]["episodes"]) for data_set, name in chunks])
