"""A world model of a few thousand numbers, exported as trained ones are."""

from __future__ import annotations

from pathlib import Path

from made_up_data import tiny_config

ROLLOUTS = tiny_config().architecture.rollouts


def small_model(folder: Path) -> Path:
    """Export an untrained model: it foresees the nominal motion, about. Needs torch."""
    import torch

    from ewm_ros.world_model.training.export import export
    from ewm_ros.world_model.training.trainer import make_model

    torch.manual_seed(1)
    config = tiny_config()
    export(make_model(config.architecture), folder, config, {})
    return folder
