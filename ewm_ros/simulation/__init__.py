"""Simulated worlds: files that describe them, physics, sensors, pictures and PettingZoo environments.

Only this room knows PyBullet. The environments are here by name and loaded when they are asked for, so that importing
the room stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewm_ros.simulation.environments.grid_world import grid_aec_env, grid_env
    from ewm_ros.simulation.environments.robots_env import env, parallel_env

__all__ = ["env", "grid_aec_env", "grid_env", "parallel_env"]

_HOMES = {"env": "robots_env", "parallel_env": "robots_env", "grid_aec_env": "grid_world", "grid_env": "grid_world"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.environments.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
