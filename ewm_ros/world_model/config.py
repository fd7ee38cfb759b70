"""config/world_model_config.json: sizes of the world model, how it is trained, what is asked of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator
from typing_extensions import Self

from ewm_ros.errors import InputError
from ewm_ros.randomness import LARGEST_SEED
from ewm_ros.trajectory import HORIZON
from ewm_ros.world_model.layout import STATE_DIM
from ewm_ros.world_model.network_runtime import CONFIG
from ewm_ros.yaml_files import first_error

# What no machine trains is a slip of the pen.
Width = Annotated[int, Field(ge=1, le=16_384)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Architecture(_Strict):
    """Sizes of the networks."""

    state_dim: PositiveInt = STATE_DIM
    latent_dim: Width = 128
    hidden_dim: Width = 512
    horizon: PositiveInt = HORIZON
    rollouts: Annotated[int, Field(ge=1, le=100)] = 10
    chunk: PositiveInt = 10

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """What robots feed the network and read from it has fixed sizes."""
        if self.state_dim != STATE_DIM or self.horizon != HORIZON:
            raise ValueError(f"state_dim must be {STATE_DIM} and horizon {HORIZON}: the robots' sizes")
        if self.latent_dim % 8 or self.hidden_dim % 2 or self.horizon % self.chunk:
            raise ValueError("latent_dim must be a multiple of 8, hidden_dim of 2, and chunk a divisor of horizon")
        return self


class Training(_Strict):
    """How the weights are found; the first epochs train one rollout only, which costs a tenth."""

    batch_size: PositiveInt = 512
    learning_rate: float = Field(default=0.001, gt=0.0, le=1.0)
    epochs: PositiveInt = 18
    single_rollout_epochs: int = Field(default=13, ge=0)
    patience: PositiveInt = 8
    weight_decay: float = Field(default=0.01, ge=0.0, le=1.0)
    validation_share: float = Field(default=0.1, gt=0.0, lt=1.0)
    seed: int = Field(default=1_000_000, ge=0, le=LARGEST_SEED)

    @model_validator(mode="after")
    def _trains_all_rollouts(self) -> Self:
        """Rollouts that no epoch trains are noise, and robots would choose among them."""
        if self.single_rollout_epochs >= self.epochs:
            raise ValueError(f"single_rollout_epochs, {self.single_rollout_epochs}, must be less than epochs")
        return self


class Integration(_Strict):
    """What the system around the model is held to."""

    deepseek_model: str = "deepseek-reasoner"
    latency_target_ms: PositiveFloat = 100.0
    prediction_accuracy_target: float = Field(default=0.85, gt=0.0, lt=1.0)


class WorldModelConfig(_Strict):
    """The whole file."""

    architecture: Architecture = Architecture()
    training: Training = Training()
    integration: Integration = Integration()

    @property
    def fingerprint(self) -> str:
        """A hash of all the settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load_config(path: Path) -> WorldModelConfig:
    """Read a configuration.

    Raises:
        InputError: the file cannot be read, is no JSON, or a key is unknown or impossible; the line names both.
    """
    try:
        return WorldModelConfig.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"configuration {path} cannot be read ({error.strerror})") from error
    except ValidationError as error:  # a ValueError too
        raise InputError(f"{path}: {first_error(error)}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"configuration {path} is no JSON: {error}") from error


def saved_architecture(folder: Path) -> Architecture:
    """The sizes of a trained model, as its folder says.

    Raises:
        InputError: it does not.
    """
    try:
        about = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return Architecture.model_validate(about["architecture"])
    except (OSError, ValueError, KeyError, TypeError) as error:  # pydantic's too is a ValueError
        raise InputError(
            f"world model {folder}: {CONFIG} does not say its sizes: train or copy the model anew"
        ) from error
