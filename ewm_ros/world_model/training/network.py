"""The world model as torch networks: encoder, dynamics, decoder, and the policy that imagination follows.

A latent dynamics model in the manner of TD-MPC2 (N. Hansen, H. Su, X. Wang, ICLR 2024): layer norm, latents
normalised by softmax over groups of eight. It goes forward in chunks of ten steps, as action-chunking policies do (T.
Zhao et al., RSS 2023), instead of step by step. The decoder says how the robot departs from its nominal motion, which
the state vector holds; several rollouts stand for several futures, as in MultiPath (Y. Chai et al., CoRL 2019). SiLU
instead of TD-MPC2's Mish: on ONNX Runtime it takes half the time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import ACTION_DIM, BASE_S, BASE_YAW, OUTPUTS, STATE_DIM

GROUP = 8  # numbers of a latent that sum to 1
HEADS = 6  # what the decoder says of a step: share of the nominal motion, motion beyond it (2), m beside, two radii
SMALLEST, LARGEST = -6.0, 2.0  # of the logarithm of a radius in m
START = -3.0  # what it is before training

Policy = Callable[[Tensor], Tensor]


class SimNorm(nn.Module):
    """Softmax within groups: a latent is a handful of soft choices (simplicial embeddings, S. Lavoie et al., 2022)."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D), D a multiple of 8."""
        groups = x.unflatten(-1, (-1, GROUP)).softmax(dim=-1)
        flat: Tensor = groups.flatten(-2)
        return flat


def _mlp(inputs: int, hidden: int, outputs: int, layers: int = 1) -> nn.Sequential:
    parts: list[nn.Module] = []
    for _ in range(layers):
        parts += [nn.Linear(inputs, hidden), nn.LayerNorm(hidden), nn.SiLU()]
        inputs = hidden
    return nn.Sequential(*parts, nn.Linear(inputs, outputs))


class WorldModel(nn.Module):
    """What becomes of a robot, given its state and what it is told to drive.

    Args:
        state_dim: numbers of the state vector (robot/state_vector.py).
        latent_dim: of the latent state.
        hidden_dim: of the hidden layers.
        horizon: steps of 0.1 s, a multiple of `chunk`, at most the 50 that the state's nominal motion has.
        rollouts: futures imagined at once.
        chunk: steps that the dynamics takes at once.

    Raises:
        ValueError: no such horizon.
    """

    def __init__(
        self,
        state_dim: int = STATE_DIM,
        latent_dim: int = 128,
        horizon: int = HORIZON,
        hidden_dim: int = 512,
        rollouts: int = 10,
        chunk: int = 10,
    ) -> None:
        super().__init__()
        if not 1 <= horizon <= HORIZON or horizon % chunk:
            raise ValueError(f"a horizon of {horizon} steps: it must be 1 to {HORIZON} and a multiple of {chunk}")
        self.horizon, self.rollouts, self.chunk = horizon, rollouts, chunk
        self.encoder = _mlp(state_dim, hidden_dim, latent_dim, layers=2)
        self.normalize = SimNorm()
        self.dynamics = _mlp(latent_dim + chunk * ACTION_DIM, hidden_dim, latent_dim)
        self.decoder = _mlp(latent_dim, hidden_dim // 2, chunk * HEADS)
        self.policy = _mlp(latent_dim, hidden_dim // 2, chunk * ACTION_DIM)
        self.chances = _mlp(latent_dim, hidden_dim // 2, rollouts)
        self.modes = nn.Parameter(0.5 * torch.randn(rollouts, latent_dim))
        self.register_buffer("interpolation", _interpolation(horizon), persistent=False)
        with torch.no_grad():  # untrained, it foresees the nominal motion
            for head in (self.decoder[-1], self.policy[-1], self.chances[-1]):
                head.weight.mul_(0.1)
                head.bias.zero_()

    def encode(self, state: Tensor) -> Tensor:
        """(B, state_dim) -> (B, latent_dim)."""
        z: Tensor = self.normalize(self.encoder(state))
        return z

    def step(self, z: Tensor, actions: Tensor) -> Tensor:
        """The latent one chunk later: (B, latent_dim), (B, chunk, 2) -> (B, latent_dim)."""
        later: Tensor = self.normalize(self.dynamics(torch.cat([z, actions.flatten(-2)], dim=-1)))
        return later

    def act(self, z: Tensor) -> Tensor:
        """The robot's own policy: latent -> velocities of the next chunk as shares of the limits, (B, chunk, 2)."""
        raw: Tensor = self.policy(z).tanh()
        return 1.2 * raw.unflatten(-1, (self.chunk, ACTION_DIM))

    def forward(self, state: Tensor, actions: Tensor) -> Tensor:
        """What comes of driving these velocities.

        Args:
            state: (B, state_dim).
            actions: (B, horizon, 2) v / max_speed and w / max_turn_rate.

        Returns:
            (B, horizon, 5), see layout.py.
        """
        return self.decode(state, self.latents(self.encode(state), actions))

    def latents(self, z: Tensor, actions: Tensor) -> Tensor:
        """The latents at the end of each chunk: (B, chunks, latent_dim)."""
        found = []
        for part in actions.split(self.chunk, dim=-2):
            z = self.step(z, part)
            found.append(z)
        return torch.stack(found, dim=-2)

    def begin(self, state: Tensor, rollouts: int) -> tuple[Tensor, Tensor]:
        """The latents that rollouts start from, (B, rollouts, latent_dim), and their log-odds (B, rollouts)."""
        raw = self.encoder(state)
        z = self.normalize(raw[:, None, :] + self.modes[:rollouts])
        return z, self.chances(self.normalize(raw))[:, :rollouts]

    def imagine(
        self, state: Tensor, rollouts: int | None = None, policy: Policy | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Several futures.

        Args:
            state: (B, state_dim).
            rollouts: the first so many; all if not given.
            policy: (N, latent_dim) -> (N, chunk, 2); the learned one if not given.

        Returns:
            (B, rollouts, horizon, 5) see layout.py; (B, rollouts) log-odds; (B, rollouts, horizon, 2) actions.
        """
        count = self.rollouts if rollouts is None else rollouts
        act = self.act if policy is None else policy
        z, odds = self.begin(state, count)
        z = z.flatten(0, 1)
        found, driven = [], []
        for _ in range(self.horizon // self.chunk):
            actions = act(z)
            z = self.step(z, actions)
            driven.append(actions)
            found.append(z)
        latents = torch.stack(found, dim=-2).unflatten(0, (-1, count))
        actions = torch.cat(driven, dim=-2).unflatten(0, (-1, count))
        return self.decode(state[:, None, :], latents), odds, actions

    def decode(self, state: Tensor, latents: Tensor) -> Tensor:
        """(..., state_dim) and (..., chunks, latent_dim) -> (..., horizon, 5)."""
        heads = self.decoder(latents).unflatten(-1, (self.chunk, HEADS)).flatten(-3, -2)
        share, more, more_turn, beside, median, ratio = heads.unbind(-1)
        nominal = torch.stack([state[..., BASE_S], state[..., BASE_YAW]], dim=-2) @ self.interpolation
        moved = (1.0 + share) * nominal[..., 0, :] + STEP * more
        turned = (1.0 + share) * nominal[..., 1, :] + STEP * more_turn
        log_median = (START + median).clamp(SMALLEST, LARGEST)
        log_radius = log_median + nn.functional.softplus(1.0 + ratio).clamp(max=LARGEST - SMALLEST)
        outputs = [moved.cumsum(-1), 0.1 * beside, turned.cumsum(-1), log_median, log_radius]
        assert len(outputs) == OUTPUTS
        return torch.stack(outputs, dim=-1)


class ImaginedTrajectoryGenerationModule(nn.Module):
    """Imagines trajectories with a world model under a policy.

    Args:
        world_model: trained or not.
    """

    def __init__(self, world_model: WorldModel) -> None:
        super().__init__()
        self.world_model = world_model

    def generate_trajectories(
        self, state: Tensor, policy: Policy | None = None, horizon: int = HORIZON
    ) -> tuple[Tensor, Tensor]:
        """Several imagined futures.

        Args:
            state: (B, state_dim) or (state_dim,).
            policy: from latents (N, latent_dim) to the next chunk of actions (N, chunk, 2); the learned one if not
                given.
            horizon: steps wanted, at most the model's.

        Returns:
            (B, rollouts, horizon, 5) see layout.py, and (B, rollouts) probabilities.

        Raises:
            ValueError: the horizon is not 1 to the model's.
        """
        if not 1 <= horizon <= self.world_model.horizon:
            raise ValueError(f"a horizon of {horizon} steps: this model imagines 1 to {self.world_model.horizon}")
        futures, odds, _ = self.world_model.imagine(torch.atleast_2d(state), policy=policy)
        return futures[:, :, :horizon], odds.softmax(dim=-1)


def _interpolation(horizon: int) -> Tensor:
    """(25, horizon): from values at every second of 50 steps to increments of every step, 0 at first."""
    count = HORIZON // 2
    matrix = torch.zeros(count, HORIZON)
    for k in range(count):  # half of the difference to the value before in each of two steps
        matrix[k, 2 * k : 2 * k + 2] += 0.5
        if k + 1 < count:
            matrix[k, 2 * k + 2 : 2 * k + 4] -= 0.5
    return matrix[:, :horizon]
