"""The coordinator's planners: by the size of robots, on the newest map."""

from __future__ import annotations

from drawn_rooms import room

from ewm_ros.coordination.planners import Planners
from ewm_ros.geometry import Polyline


def test_there_are_none_before_the_map_comes() -> None:
    planners = Planners()
    assert not planners.ready
    planners.set_map(room(4, 4))
    assert planners.ready


def test_each_size_has_its_own_and_keeps_it() -> None:
    planners = Planners()
    planners.set_map(room(6, 4, (2.9, 0, 3.1, 1.5), (2.9, 2.5, 3.1, 4)))  # a door 1 m wide
    through = Polyline([(1.0, 2.0), (5.0, 2.0)])
    assert planners.of(0.3).drivable(through)
    assert not planners.of(0.6).drivable(through)
    assert planners.of(0.3) is planners.of(0.3)


def test_the_newest_map_counts() -> None:
    planners = Planners()
    planners.set_map(room(6, 4, (2.9, 0, 3.1, 4)))
    through = Polyline([(1.0, 2.0), (5.0, 2.0)])
    assert not planners.of(0.3).drivable(through)
    planners.set_map(room(6, 4))
    assert planners.of(0.3).drivable(through)
