"""What the world model is trained to do well, as differentiable figures of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, relu, smooth_l1_loss

from ewm_ros.world_model.layout import BASE_S, BESIDE, MEDIAN, MIRRORED, PROGRESS, RADIUS, SECTORS, TURNED
from ewm_ros.world_model.prediction_windows import MOVED
from ewm_ros.world_model.training.network import WorldModel

SHARPNESS = 0.15  # diameters, over which a miss becomes a hit in the loss
CHOICE = 0.25  # diameters, by which a rollout has to be worse than the best to be hardly chosen
LEAST = 0.003  # m, added to errors before their logarithm is taken
STANDING_WEIGHT = 0.3  # of windows that do not count, because nothing moves
EXPECTED, HITS, CHOSEN, RADII = 0.5, 0.5, 0.2, 0.2  # weights of the parts of the loss beside the distance
TURNING, ACTIONS, DYNAMICS, CONSISTENCY = 0.1, 0.3, 0.5, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows (see data_set.py) as float tensors; `later` (B, chunks, 256) states at the ends of the chunks, `known`
    (B, chunks) which of them there are."""

    state: Tensor
    future: Tensor
    actions: Tensor
    robot: Tensor
    later: Tensor
    known: Tensor

    def mirrored(self) -> Batch:
        """The same windows with left and right exchanged: robots have no side, and data are scarce."""
        future, actions = self.future.clone(), self.actions.clone()
        future[..., 1:] *= -1.0
        actions[..., 1] *= -1.0
        return Batch(_mirrored(self.state), future, actions, self.robot, _mirrored(self.later), self.known)

    @property
    def counts(self) -> Tensor:
        """(B,) bool: whether the robot moved, or would have nominally, by more than 0.3 m."""
        most = torch.maximum(self.future[..., 0].abs().amax(-1), self.state[:, BASE_S].amax(-1))
        return most * self.robot[:, 0] > MOVED


def _mirrored(state: Tensor) -> Tensor:
    state = state.clone()
    state[..., MIRRORED] *= -1.0
    sectors = state[..., SECTORS]  # straight ahead is the first and stays
    state[..., SECTORS] = torch.cat([sectors[..., :1], sectors[..., 1:].flip(-1)], dim=-1)
    return state


def errors(outputs: Tensor, batch: Batch) -> Tensor:
    """m between foreseen and true places: (B, R, T, 5) -> (B, R, T)."""
    full = batch.robot[:, 0, None, None]
    along = full * (outputs[..., PROGRESS] - batch.future[:, None, :, 0])
    beside = outputs[..., BESIDE] - batch.future[:, None, :, 1]
    return torch.sqrt(along * along + beside * beside + 1e-8)


def losses(model: WorldModel, batch: Batch, rollouts: int) -> dict[str, Tensor]:
    """The parts of the loss, and their weighted sum under `loss`."""
    weight = torch.where(batch.counts, 1.0, STANDING_WEIGHT)
    weight = weight / weight.sum()
    diameter = 2.0 * batch.robot[:, 1, None, None]
    futures, odds, actions = model.imagine(batch.state, rollouts)
    distance = errors(futures, batch)
    worst = (distance / diameter).amax(-1)
    chances = odds.softmax(-1)
    best = (distance / diameter).mean(-1).argmin(-1)
    rows = torch.arange(len(best), device=best.device)

    parts = {
        "distance": (weight * (distance / diameter).mean(-1)[rows, best]).sum(),
        "expected": (weight[:, None] * chances * (distance / diameter).mean(-1)).sum(),
        "misses": (weight[:, None] * chances * torch.sigmoid((worst - 1.0) / SHARPNESS)).sum(),
        "radii": (weight[:, None] * chances.detach() * _pinball(futures, distance)).sum(),
        "turning": (weight * _turning(futures[rows, best], batch)).sum(),
        "actions": (weight * _per_window(smooth_l1_loss(actions[rows, best], batch.actions, reduction="none"))).sum(),
    }
    if rollouts > 1:
        target = (-worst.detach() / CHOICE).softmax(-1)
        parts["choice"] = (weight * cross_entropy(odds, target, reduction="none")).sum()

    # The same dynamics under what was really commanded, held against what was really seen later.
    latents = model.latents(model.encode(batch.state), batch.actions)
    told = model.decode(batch.state, latents)[:, None]
    told_distance = errors(told, batch)
    parts["dynamics"] = (weight * (told_distance / diameter).mean((-1, -2))).sum()
    parts["dynamics_radii"] = (weight * _pinball(told, told_distance)[:, 0]).sum()
    with torch.no_grad():
        seen = model.encode(batch.later)
    apart = ((latents - seen) ** 2).sum(-1) * batch.known
    parts["consistency"] = (weight * apart.sum(-1) / batch.known.sum(-1).clamp(min=1.0)).sum()

    parts["loss"] = (
        parts["distance"]
        + EXPECTED * parts["expected"]
        + HITS * parts["misses"]
        + RADII * (parts["radii"] + parts["dynamics_radii"])
        + TURNING * parts["turning"]
        + ACTIONS * parts["actions"]
        + CHOSEN * parts.get("choice", torch.zeros(()))
        + DYNAMICS * parts["dynamics"]
        + CONSISTENCY / latents.shape[-1] * parts["consistency"]
    )
    return parts


def figures(model: WorldModel, batch: Batch, rollouts: int) -> dict[str, Tensor]:
    """Sums over the windows that count, of what `ewm accuracy` measures in whole runs: the most probable rollout."""
    with torch.no_grad():
        return _figures(model, batch, rollouts)


def _figures(model: WorldModel, batch: Batch, rollouts: int) -> dict[str, Tensor]:
    futures, odds, _ = model.imagine(batch.state, rollouts)
    rows = torch.arange(len(odds), device=odds.device)
    chosen = futures[rows, odds.argmax(-1)][:, None]
    distance = errors(chosen, batch)[:, 0]
    counts = batch.counts
    inside = [(distance <= chosen[:, 0, :, i].exp()).double().mean(-1) for i in (MEDIAN, RADIUS)]
    return {
        "windows": counts.sum(),
        "hits": ((distance.amax(-1) <= 2.0 * batch.robot[:, 1]) & counts).sum(),
        "ade": (distance.mean(-1) * counts).sum(),
        "fde": (distance[:, -1] * counts).sum(),
        "inside50": (inside[0] * counts).sum(),
        "inside90": (inside[1] * counts).sum(),
    }


def _pinball(outputs: Tensor, distance: Tensor) -> Tensor:
    """(B, R) quantile loss of the radii (R. Koenker, G. Bassett, Econometrica 46, 1978), on logarithms."""
    log = torch.log(distance.detach() + LEAST)
    total = torch.zeros(())
    for index, level in ((MEDIAN, 0.5), (RADIUS, 0.9)):
        over = log - outputs[..., index]
        total = total + (level * relu(over) + (1.0 - level) * relu(-over)).mean(-1)
    return total


def _turning(outputs: Tensor, batch: Batch) -> Tensor:
    return _per_window(smooth_l1_loss(outputs[..., TURNED], batch.future[..., 2], reduction="none"))


def _per_window(values: Tensor) -> Tensor:
    """(B, ...) -> (B,) means."""
    return values.flatten(1).mean(1)
