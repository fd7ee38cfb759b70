"""A world model that imagines step by step, to measure what chunks and ONNX Runtime are worth; it is never trained.

The plain reading of the sizes in config/world_model_config.json: a recurrent latent dynamics (D. Ha, J. Schmidhuber,
"Recurrent World Models Facilitate Policy Evolution", NeurIPS 2018) whose policy, dynamics and decoder are called for
every step of the horizon, from a Python loop, on torch. `ewm bench imagination` times it beside the deployed network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ewm_ros.world_model.config import Architecture
from ewm_ros.world_model.layout import ACTION_DIM, OUTPUTS

NOISE = 0.1  # of the actions: without it all rollouts would be one


def _two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class StepByStep(nn.Module):
    """Encoder, GRU dynamics, decoder and policy; the heads are half as wide as the rest, as in WorldModel.

    Args:
        sizes: state, latent and hidden numbers, rollouts and horizon; `chunk` has no meaning here.
    """

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.rollouts, self.horizon = sizes.rollouts, sizes.horizon
        latent, hidden = sizes.latent_dim, sizes.hidden_dim
        self.encoder = _two_layers(sizes.state_dim, hidden, latent)
        self.dynamics = nn.GRUCell(latent + ACTION_DIM, hidden)
        self.latent = nn.Linear(hidden, latent)
        self.decoder = _two_layers(latent, hidden // 2, OUTPUTS)
        self.policy = _two_layers(latent, hidden // 2, ACTION_DIM)

    def forward(self, state: Tensor) -> Tensor:
        """(state_dim,) -> (rollouts, horizon, 5), see layout.py."""
        z = self.encoder(state).expand(self.rollouts, -1)
        memory = torch.zeros(self.rollouts, self.dynamics.hidden_size)
        noise = NOISE * torch.randn(self.horizon, self.rollouts, ACTION_DIM)
        found = []
        for step in range(self.horizon):
            action = self.policy(z).tanh() + noise[step]
            memory = self.dynamics(torch.cat([z, action], dim=-1), memory)
            z = self.latent(memory)
            found.append(self.decoder(z))
        return torch.stack(found, dim=1)


@contextmanager
def step_by_step(sizes: Architecture) -> Iterator[Callable[[NDArray[np.floating]], Tensor]]:
    """One imagination of an untrained model: from a state (state_dim,), on one thread, without gradients."""
    model = StepByStep(sizes).eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield lambda state: model(torch.from_numpy(state.astype(np.float32)))
    finally:
        torch.set_num_threads(threads)
