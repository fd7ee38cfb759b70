"""Saves a trained model for robots: weights, the network as ONNX checked against them, configuration and hashes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx  # noqa: F401  torch.onnx needs it: better missed before the training than after it
import torch
from torch import Tensor, nn

from ewm_ros.errors import InputError
from ewm_ros.world_model.config import WorldModelConfig, saved_architecture
from ewm_ros.world_model.layout import LAYOUT, MEDIAN, STATE_DIM
from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, Network
from ewm_ros.world_model.training.network import WorldModel
from ewm_ros.world_model.training.trainer import make_model

WEIGHTS = "weights.pt"
OPSET = 18
AGREEMENT = 1e-3  # of outputs (s at full speed, m, rad) between torch and ONNX Runtime
CHECKED = 64  # random states that the two are compared on
# The exporter that torch has instead needs two packages more and writes the same network.
OLD_EXPORTER = ("You are using the legacy TorchScript-based ONNX export", "The feature will be removed")


class _Deployed(nn.Module):
    """What robots run: radii in m instead of logarithms, probabilities instead of log-odds."""

    def __init__(self, model: WorldModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        futures, odds, _ = self.model.imagine(state)
        futures = torch.cat([futures[..., :MEDIAN], futures[..., MEDIAN:].exp()], dim=-1)
        return futures, odds.softmax(dim=-1)


def export(model: WorldModel, folder: Path, config: WorldModelConfig, facts: Mapping[str, object]) -> None:
    """Write a model folder; what is in it before is replaced when the new network has been found to be the model.

    Args:
        model: is moved to the CPU.
        facts: hashes and figures of the training, kept beside the configuration.

    Raises:
        InputError: the folder cannot be written, or the exported network differs from the model.
    """
    model = model.cpu().eval()
    about = {"layout": LAYOUT, **config.model_dump(), **facts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".new-", dir=folder) as name:
            new = Path(name)
            torch.save(model.state_dict(), new / WEIGHTS)
            _write_network(model, new / NETWORK)
            (new / CONFIG).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            difference = disagreement(model, new)
            if not difference <= AGREEMENT:
                raise InputError(f"{folder}: the exported network differs from the trained model by {difference:.2g}")
            for file in (WEIGHTS, NETWORK, CONFIG):
                (new / file).replace(folder / file)
    except OSError as error:
        raise InputError(f"model folder {folder} cannot be written: {error.strerror}") from error


def _write_network(model: WorldModel, path: Path) -> None:
    with warnings.catch_warnings():
        for message in OLD_EXPORTER:
            warnings.filterwarnings("ignore", message, DeprecationWarning)
        torch.onnx.export(
            _Deployed(model),
            (torch.zeros(2, STATE_DIM),),
            str(path),
            input_names=["state"],
            output_names=["futures", "probabilities"],
            dynamic_axes={name: {0: "batch"} for name in ("state", "futures", "probabilities")},
            opset_version=OPSET,
            dynamo=False,
        )


def disagreement(model: WorldModel, folder: Path) -> float:
    """The largest difference between a model and the exported network of a folder, over random states."""
    states = 2.0 * torch.rand(CHECKED, STATE_DIM, generator=torch.Generator().manual_seed(0)) - 1.0
    with torch.no_grad():
        futures, probabilities = _Deployed(model)(states)
    network = Network(folder)
    told = [network.run(state) for state in states.numpy()]
    apart = [np.abs(futures.numpy() - np.stack([t[0] for t in told])).max()]
    apart.append(np.abs(probabilities.numpy() - np.stack([t[1] for t in told])).max())
    return float(max(apart))


def load_model(folder: Path) -> WorldModel:
    """The trained model of a folder, on the CPU.

    Raises:
        InputError: the folder does not say the model's sizes, or the weights cannot be read or do not fit them.
    """
    model = make_model(saved_architecture(folder))
    path = folder / WEIGHTS
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises whatever the damaged archive or pickle made it stumble on
        raise InputError(f"{path} cannot be read or does not fit its configuration: train anew") from error
    model.eval()
    return model
