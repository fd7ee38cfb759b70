"""Worlds as text in the format of world files, laid out as a person would."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from ewm_ros.simulation.worlds.world_format import World

LARGEST_WHOLE = 1e9  # whole numbers below are written without a decimal point
OPENED = ("robots", "stations")  # mappings that get a line for each key
SENTENCES = "rules"  # the one list of texts that gets a line for each


def world_text(world: World) -> str:
    """The world as YAML; read back it is equal."""
    # Pydantic warns of regions that it has already turned into mappings.
    content = _tidy(world.model_dump(exclude_defaults=True, warnings=False))
    assert isinstance(content, dict)
    return "\n".join(_lines(content, "")) + "\n"


def _lines(content: dict[str, object], indent: str) -> Iterator[str]:
    for key, value in content.items():
        name = f"{indent}{_flow(key)}:"
        if isinstance(value, dict) and key in OPENED:
            yield name
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and value and (key == SENTENCES or not isinstance(value[0], str)):
            yield name
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        else:
            yield f"{name} {_flow(value)}"


def _flow(value: object) -> str:
    """A value on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _tidy(value: object) -> object:
    """Lists for tuples, and numbers like 2.0 as 2."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return int(value)
    if isinstance(value, (list, tuple)):
        return [_tidy(item) for item in value]
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items()}
    return value
