"""The model card: what a model was made from, how well it does, what it is not for (Mitchell et al., FAccT 2019)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ewm_ros.world_model.config import WorldModelConfig
from ewm_ros.world_model.data_set import DataSet
from ewm_ros.world_model.training.trainer import Trainer, group, validate

CARD = "model_card.md"
LIMITS = """
- It foresees differential-drive robots that follow routes and keep right of way as this system's robots do. Under
  another coordinator or another controller it has to be trained again on their runs; robots find out by themselves when
  it does not fit them, and go by their nominal controller instead.
- It does not know where a robot will be sent next: windows in which a goal changes are foreseen to their end only.
- The radii are calibrated on robots like those of the data, and recalibrated on each robot while it runs.
- The figures above are of windows kept from training, in runs of the same worlds with other seeds; `ewm accuracy`
  measures whole runs, beside two baselines.
"""


def model_card(
    config: WorldModelConfig, trainer: Trainer, data_sets: Sequence[DataSet], facts: Mapping[str, object]
) -> str:
    """The card as Markdown."""
    a, t = config.architecture, config.training
    parameters = sum(p.numel() for p in trainer.model.parameters())
    lines = [
        "# World model",
        "",
        f"State {a.state_dim}, latent {a.latent_dim}, hidden {a.hidden_dim}; {a.rollouts} rollouts of {a.horizon} "
        f"steps of 0.1 s in chunks of {a.chunk}; {parameters:,} parameters. Made with ewm_ros {facts['version']}, "
        f"torch {facts['torch']}.",
        "",
        "## Data",
        "",
        *_data(data_sets),
        f"- trained on {len(trainer.train_data):,} windows, validated on {len(trainer.validation_data):,}",
        f"- worlds left out of both: {', '.join(trainer.identity['leave_out']) or 'none'}",
        f"- configuration sha256 {facts['config_sha256']}",
        "",
        f"{len(trainer.history)} epochs of at most {t.epochs}, batches of {t.batch_size}; the best was epoch "
        f"{facts['epoch']}.",
        "",
        "## Figures",
        "",
        "Of the most probable rollout over windows kept from training, before any recalibration on the robot.",
        "",
        "| worlds | windows | accuracy | ADE m | FDE m | in 50 % | in 90 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *_figures(trainer),
        "",
        "## Limits",
        LIMITS,
    ]
    return "\n".join(lines)


def _data(data_sets: Sequence[DataSet]) -> Iterator[str]:
    for data_set in data_sets:
        episodes = [episode for chunk in data_set.chunks.values() for episode in chunk["episodes"]]
        windows = sum(chunk["windows"] for chunk in data_set.chunks.values())
        worlds = ", ".join(f"{world} {count}" for world, count in sorted(Counter(map(group, episodes)).items()))
        yield f"- {len(episodes):,} episodes, {windows:,} windows, sha256 {data_set.fingerprint}"
        yield f"  - episodes by world: {worlds}"


def _figures(trainer: Trainer) -> Iterator[str]:
    model = trainer.best_model()
    yield _row("all", validate(model, trainer.validation_data, model.rollouts))
    for world, windows in trainer.validation_by_world():
        told = validate(model, windows, model.rollouts)
        if told["windows"]:
            yield _row(world, told)


def _row(world: str, told: Mapping[str, Any]) -> str:
    figures = [f"{told[key]:.3f}" for key in ("accuracy", "ade_m", "fde_m", "coverage50", "coverage90")]
    return f"| {world} | {int(told['windows']):,} | {' | '.join(figures)} |"
