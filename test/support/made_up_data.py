"""Data sets to train on in seconds: robots that go straight, at full speed or at half of it if their state says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.config import Architecture, Training, WorldModelConfig
from ewm_ros.world_model.data_set import EVERY, DataSet, Windows
from ewm_ros.world_model.layout import BASE_S, BASE_YAW, STATE_DIM

SLOW = slice(190, 250)  # numbers of the state that say it, 1 or -1; those of peers, which are not mirrored
FULL, RADIUS = 0.5, 0.2  # m/s, m: at half speed it misses its nominal motion by 1.25 m after 5 s
RUNS, ROBOTS, MOMENTS = 2, 2, 25  # a chunk: 100 windows


def tiny_config(**training: float) -> WorldModelConfig:
    """A model that trains in seconds."""
    settings: dict[str, float] = {"batch_size": 32, "epochs": 4, "single_rollout_epochs": 2, "learning_rate": 0.01}
    return WorldModelConfig(
        architecture=Architecture(latent_dim=16, hidden_dim=16, rollouts=3),
        training=Training.model_validate({**settings, **training}),
    )


def made_up_windows(seed: int) -> Windows:
    """100 windows, of two runs of two robots each."""
    rng, count = np.random.default_rng(seed), RUNS * ROBOTS * MOMENTS
    times = STEP * np.arange(1, HORIZON + 1)
    slow = rng.random(count) < 0.5
    speed = np.where(slow, 0.5, 1.0)
    state = rng.uniform(-0.1, 0.1, (count, STATE_DIM))
    state[:, BASE_S], state[:, BASE_YAW] = times[1::2], 0.0
    state[:, SLOW] = np.where(slow, 1.0, -1.0)[:, None]
    future, actions = np.zeros((count, HORIZON, 3)), np.zeros((count, HORIZON, 2))
    future[..., 0], actions[..., 0] = speed[:, None] * times, speed[:, None]
    run, robot, moment = np.indices((RUNS, ROBOTS, MOMENTS)).reshape(3, -1)
    return Windows(
        state.astype(np.float16),
        future.astype(np.float16),
        actions.astype(np.float16),
        np.tile(np.array([FULL, RADIUS], np.float32), (count, 1)),
        np.stack([run, robot, EVERY * moment], axis=1).astype(np.int32),
    )


def made_up_data(folder: Path, worlds: tuple[str, ...] = ("hall", "yard"), chunks: int = 4) -> DataSet:
    """A data set whose chunks have a run in each of two worlds."""
    data_set = DataSet(folder, {"made": "up"})
    for number in range(chunks):
        episodes = [{"world": world, "seed": 10 * number + k} for k, world in enumerate(worlds)]
        data_set.add(f"chunk-{number:05d}", made_up_windows(number), episodes)
    return data_set
