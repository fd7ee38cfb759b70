"""Route planners of the coordinator: one for each size of robot, on the newest map."""

from __future__ import annotations

from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.route_planner import RoutePlanner


class Planners:
    """Makes planners as they are needed; without a map there are none."""

    def __init__(self) -> None:
        self._grid: OccupancyGrid | None = None
        self._planners: dict[float, RoutePlanner] = {}

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map; the newest one counts."""
        self._grid = grid
        radii = list(self._planners)
        self._planners.clear()
        for radius in radii:
            self.prepare(radius)

    def prepare(self, radius: float) -> None:
        """Make a planner before it is needed: on a large map that takes seconds."""
        if self._grid is not None:
            self.of(radius)

    @property
    def ready(self) -> bool:
        """Whether there is a map."""
        return self._grid is not None

    def of(self, radius: float) -> RoutePlanner:
        """The planner for robots of a radius (m); there has to be a map."""
        assert self._grid is not None
        if radius not in self._planners:
            self._planners[radius] = RoutePlanner(self._grid, radius)
        return self._planners[radius]
