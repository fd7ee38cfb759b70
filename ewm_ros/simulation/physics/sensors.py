"""The lidars of a world's robots, with their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import Lidar
from ewm_ros.simulation.physics.lidar import RayCaster
from ewm_ros.simulation.physics.variation import Ranges, ScanNoise
from ewm_ros.simulation.worlds.scenario import Scenario


class Lidars:
    """The lidars of all robots that take part; those of one kind are cast together."""

    def __init__(self, scenario: Scenario, ranges: Ranges, indices: Sequence[int]) -> None:
        kinds: dict[Lidar, list[int]] = {}
        for k, index in enumerate(indices):
            kinds.setdefault(scenario.types[index].lidar, []).append(k)
        self._groups = [
            _Group(
                slots=np.array(slots),
                caster=RayCaster(scenario, lidar),
                noise=ScanNoise(ranges, scenario.seed, [indices[k] for k in slots], lidar.rays),
            )
            for lidar, slots in kinds.items()
        ]

    def advance(self) -> None:
        """Go on to the noise of the next step."""
        for group in self._groups:
            group.noise.advance()

    def scans(self, poses: FloatArray, discs: FloatArray) -> dict[int, FloatArray]:
        """What each of the N robots measures now: (R,) m.

        Args:
            poses: (N, 3) m, m, rad.
            discs: (M, 3) m, x, y, radius of all that moves, the robots themselves included.
        """
        scans: dict[int, FloatArray] = {}
        for group in self._groups:
            true = group.caster.cast_all(poses[group.slots], discs)
            measured = group.noise.measured(true, group.caster.range_max)
            scans.update(zip(group.slots.tolist(), measured, strict=True))
        return scans


@dataclass(frozen=True, slots=True)
class _Group:
    """Robots with lidars of one kind: `slots` are their places among those that take part."""

    slots: NDArray[np.int64]
    caster: RayCaster
    noise: ScanNoise
