"""config/integration_config.yaml: which server is asked for advice, how it is talked to, and how much it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from typing_extensions import Self

from ewm_ros.errors import InputError
from ewm_ros.resources import resource
from ewm_ros.yaml_files import load_model, one_line

FILE = "integration_config"
MAX_NAME = 200  # characters of an address or of a model's name
OWN_KEYS = frozenset({"max_tokens", "messages", "model", "n", "response_format", "stream", "stream_options"})

Structured = Literal["json_schema", "json_object", "none"]


def checked_url(url: str) -> str:
    """The address of an API; it is not quoted where it is refused, since a password may be in it.

    Raises:
        ValueError: it is none.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        if "[" in parts.netloc:
            IPv6Address(parts.hostname or "")
    except ValueError:  # an impossible port or IPv6 address
        usable = False
    if not usable or len(url) > MAX_NAME or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("needs an address as https://host/v1 or http://host:8000/v1")
    if "@" in parts.netloc:
        raise ValueError("has a user or password in it: leave them out, a key belongs into DEEPSEEK_API_KEY or a file")
    if parts.query or parts.fragment:
        raise ValueError("ends with a path: nothing may follow a ? or #")
    return url


def checked_name(name: str) -> str:
    """The name of a model.

    Raises:
        ValueError: it is none.
    """
    if not name or name != name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        raise ValueError(f"needs 1 to {MAX_NAME} printable characters, without blanks around them")
    return name


def _checked_extra(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    taken = sorted(OWN_KEYS & extra.keys())
    if taken:
        raise ValueError(f"{taken[0]!r} is set otherwise")
    return extra


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Limits(_Strict):
    """Of time, money and size; each is explained in the file."""

    deadline_s: Annotated[PositiveFloat, Field(le=3600.0)]
    simultaneous: Annotated[PositiveInt, Field(le=64)]
    calls_per_minute: Annotated[PositiveInt, Field(le=10_000)]
    tokens_per_hour: PositiveInt
    max_tokens: Annotated[PositiveInt, Field(le=1_000_000)]
    max_answer_kib: Annotated[PositiveInt, Field(le=65_536)]
    attempts: Annotated[PositiveInt, Field(le=10)]
    retry_s: PositiveFloat
    breaker_failures: PositiveInt
    breaker_open_s: PositiveFloat
    breaker_longest_s: PositiveFloat

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.tokens_per_hour < self.max_tokens:
            raise ValueError("tokens_per_hour is less than max_tokens: nothing could ever be asked")
        if self.breaker_longest_s < self.breaker_open_s:
            raise ValueError("breaker_longest_s is less than breaker_open_s")
        return self


class _Preset(_Strict):
    base_url: Annotated[str, AfterValidator(checked_url)]
    model: Annotated[str, AfterValidator(checked_name)]
    structured: Structured
    stream: bool = True
    needs_key: bool = False
    extra: Annotated[dict[str, JsonValue], AfterValidator(_checked_extra)] = Field(default_factory=dict)


class _File(_Strict):
    presets: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")], _Preset]
    limits: Limits


@dataclass(frozen=True, slots=True)
class ArbiterSettings:
    """One server and how it is asked.

    Attributes:
        preset: its name; empty if there is none.
        base_url: where its API begins.
        model: as the server knows it.
        structured: how it is held to the form of an answer.
        stream: whether tokens are taken as they come.
        needs_key: whether it answers nobody without a key.
        extra: further keys of the request's body.
        limits: of time, money and size.
    """

    preset: str
    base_url: str
    model: str
    structured: Structured
    stream: bool
    needs_key: bool
    extra: Mapping[str, JsonValue]
    limits: Limits


def load_settings(preset: str, *, base_url: str = "", model: str = "", path: Path | None = None) -> ArbiterSettings:
    """The settings of a preset, with another address or model if they are given.

    Args:
        preset: its name; if empty, address and model are needed.
        path: of a file in place of the shipped one.

    Raises:
        InputError: there is no such preset, or something in the file or in the arguments is wrong; one line.
    """
    content = load_model(_File, path or resource("config", FILE, ".yaml", kind="arbiter presets"))
    known = ", ".join(content.presets)
    if preset and preset not in content.presets:
        raise InputError(f"unknown arbiter preset {one_line(preset)!r}: there are {known}")
    if not preset and not (base_url and model):
        raise InputError(f"an arbiter needs a preset ({known}), or a base_url and a model")
    given = {name: _argument(name, value) for name, value in (("base_url", base_url), ("model", model)) if value}
    if preset:
        chosen = content.presets[preset].model_copy(update=given)
    else:  # of a server that nobody has described nothing is asked beyond what all understand
        chosen = _Preset.model_validate({**given, "structured": "none"})
    return ArbiterSettings(preset=preset, limits=content.limits, **dict(chosen))


def _argument(name: str, value: str) -> str:
    try:
        return checked_url(value) if name == "base_url" else checked_name(value)
    except ValueError as error:
        raise InputError(f"the arbiter's {name} {error}") from None
