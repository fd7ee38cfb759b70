"""Reading world files: one scenario per YAML file, refused with one clear line if anything in it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from ewm_ros.errors import InputError
from ewm_ros.resources import resource
from ewm_ros.simulation.worlds.world_checks import flaws
from ewm_ros.simulation.worlds.world_format import World
from ewm_ros.yaml_files import first_error, load_yaml, one_line

__all__ = ["World", "load_world", "parse_world", "world_path", "world_text"]

_PROCEDURAL = re.compile(r"procedural-(0|[1-9]\d{0,17})")
_FLOOR = re.compile(r"floor-(0|[1-9]\d{0,3})")


def world_path(name_or_path: str) -> Path | None:
    """The file of a world; None for one that is made from a number.

    Raises:
        InputError: there is no such file.
    """
    if _PROCEDURAL.fullmatch(name_or_path) or _FLOOR.fullmatch(name_or_path):
        return None
    return resource("worlds", name_or_path, ".yaml", kind="world")


def world_text(name_or_path: str) -> str:
    """All that is in the file of a world; empty for one that is made from a number.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    path = world_path(name_or_path)
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"world file {path} cannot be read: {error}") from error


def load_world(name_or_path: str) -> World:
    """Read a world by name (worlds/<name>.yaml) or by the path of a YAML file, or make `procedural-SEED` or `floor-N`.

    Raises:
        InputError: no such world, unknown or missing keys, impossible values; one line `FILE: key.path: reason`.
    """
    seed = _PROCEDURAL.fullmatch(name_or_path)
    if seed:
        from ewm_ros.simulation.worlds.procedural import procedural_world

        return procedural_world(int(seed[1]))
    robots = _FLOOR.fullmatch(name_or_path)
    if robots:
        from ewm_ros.simulation.worlds.open_floor import open_floor

        return open_floor(int(robots[1]))
    path = resource("worlds", name_or_path, ".yaml", kind="world")
    return parse_world(load_yaml(path), str(path))


def parse_world(content: object, source: str) -> World:
    """A world from the content of its file.

    Args:
        source: what to call it in errors.

    Raises:
        InputError: as `load_world`.
    """
    if content is None:
        raise InputError(f"{source}: is empty; a world needs at least name, bounds and robots")
    if not isinstance(content, dict):
        raise InputError(f"{source}: must be keys and values, not a {type(content).__name__}")
    try:
        world = World.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {first_error(error)}") from error
    flaw = next(flaws(world), None)
    if flaw is not None:
        raise InputError(f"{source}: {one_line(flaw)}")
    return world
