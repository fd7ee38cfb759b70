"""The map that robots plan on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, DistanceField, border
from ewm_ros.simulation.worlds.world_file import load_world


class Site:
    def __init__(self, *boxes: Box, discs: tuple[Disc, ...] = ()) -> None:
        self.bounds = Bounds((-2.0, 2.0), (-1.0, 1.5))
        self.boxes = (*boxes, *border(self.bounds))
        self.discs = discs


def test_a_gap_on_cell_borders_keeps_its_width() -> None:
    grid = occupancy_grid(load_world("doorway"))
    column = grid.cell(0.0, 0.0)[1]
    free = np.flatnonzero(~grid.occupied[:, column])
    assert len(free) * grid.resolution == pytest.approx(0.9)
    assert grid.centre(int(free[0]), column)[1] == pytest.approx(-0.425)


def test_the_border_is_a_wall_and_the_floor_inside_is_free() -> None:
    grid = occupancy_grid(Site())
    rows, columns = grid.occupied.shape
    assert (columns, rows) == (80 + 8, 50 + 8)
    assert grid.origin == pytest.approx((-2.2, -1.2))
    assert not grid.occupied[4:-4, 4:-4].any()
    edge = np.ones_like(grid.occupied)
    edge[4:-4, 4:-4] = False
    assert grid.occupied[edge].all()


@pytest.mark.parametrize("resolution", [0.03, 0.05, 0.13])
def test_no_free_cell_has_any_part_in_a_wall_or_pillar(resolution: float) -> None:
    site = Site(Box("wall_0", 0.5, 0.2, 1.1, 0.07, 0.6, 1.0), discs=(Disc("pillar_0", -1.0, 0.3, 0.31, 1.0),))
    grid = occupancy_grid(site, resolution)
    field = DistanceField(site)
    rng = np.random.default_rng(0)
    points = rng.uniform([-2.0, -1.0], [2.0, 1.5], (20_000, 2))
    distance = field.distances(points).min(axis=1)
    for (x, y), d in zip(points, distance, strict=True):
        taken = grid.occupied[grid.cell(x, y)]
        assert taken or d > -1e-5
        assert not taken or d < resolution * math.sqrt(2.0)


def test_a_world_and_its_scenario_have_the_same_map() -> None:
    world = load_world("corridor")
    a, b = occupancy_grid(world), occupancy_grid(make_scenario(world, 4, 0))
    assert a.origin == b.origin
    assert (a.occupied == b.occupied).all()


@pytest.mark.parametrize("resolution", [0.0, -0.05, math.nan, math.inf])
def test_impossible_resolutions_are_refused(resolution: float) -> None:
    with pytest.raises(InputError, match="resolution"):
        occupancy_grid(Site(), resolution)


def test_things_that_reach_out_of_the_map_or_lie_beyond_it_are_cut_off() -> None:
    reaching = Box("wall_0", 2.0, 0.0, 3.0, 0.4, 0.5, 1.0)
    grid = occupancy_grid(
        Site(reaching, Box("wall_1", 9.0, 9.0, 1.0, 1.0, 0.0, 1.0), discs=(Disc("p", -9.0, 0.0, 1.0, 1.0),))
    )
    assert grid.occupied[grid.cell(1.8, 0.0)]
    assert (grid.occupied == occupancy_grid(Site(reaching)).occupied).all()
    assert occupancy_grid(Site(discs=(Disc("p", 0.0, 0.0, 99.0, 1.0),))).occupied.all()
