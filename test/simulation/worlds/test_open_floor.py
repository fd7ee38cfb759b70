import math

import pytest

from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.open_floor import REACH
from ewm_ros.simulation.worlds.world_checks import flaws
from ewm_ros.simulation.worlds.world_file import load_world


@pytest.mark.parametrize("robots", [3, 10, 50, 64])
def test_a_floor_has_nothing_wrong_with_it_and_sends_everybody_somewhere_near(robots):
    world = load_world(f"floor-{robots}")
    assert next(flaws(world), None) is None
    starts = [(x, y) for x, y, _ in world.robots.starts]
    assert world.robots.count.max == len(starts) == robots
    assert sorted(world.robots.goals) == sorted(starts)
    distances = [math.dist(start, goal) for start, goal in zip(starts, world.robots.goals, strict=True)]
    assert max(distances) <= REACH
    assert min(distances) > 1.0


@pytest.mark.parametrize("name", ["floor-2", "floor-65"])
def test_for_a_fleet_that_no_coordinator_takes_there_is_none(name):
    with pytest.raises(InputError, match="such floors take 3 to 64 robots"):
        load_world(name)
