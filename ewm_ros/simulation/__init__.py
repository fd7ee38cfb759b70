"""Simulated worlds: files that describe them, physics, sensors, pictures and PettingZoo environments.

Only this room knows PyBullet. The environments are here by name and loaded when they are asked for, so that importing
the room stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewm_ros.simulation.environment import env, parallel_env
    from ewm_ros.simulation.grid_world import grid_aec_env, grid_env

__all__ = ["env", "grid_aec_env", "grid_env", "parallel_env"]

_HOMES = {"env": "environment", "parallel_env": "environment", "grid_aec_env": "grid_world", "grid_env": "grid_world"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
