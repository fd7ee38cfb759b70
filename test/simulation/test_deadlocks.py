"""Deadlocks of whole fleets: nose to nose, at one's goal in the way, broken down; all get out, or people are told.

The robots foresee themselves by the closed form: what is tested here does not hang on the learned model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in m
# Two rooms and a corridor 1 m wide between them; with a bay on its left for whoever drives east.
BELOW: Box = (-3.0, -3.0, 3.0, -0.5)
CORRIDOR: list[Box] = [BELOW, (-3.0, 0.5, 3.0, 3.0)]
WITH_BAY: list[Box] = [BELOW, (-3.0, 0.5, 0.0, 3.0), (0.0, 1.5, 1.5, 3.0), (1.5, 0.5, 3.0, 3.0)]
OPEN: list[Box] = []

Make = Callable[..., Fleet]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Fleets of tinybots from starts (x, y in m, facing their goals) to goals."""
    fleets: list[Fleet] = []

    def fleet(
        walls: Sequence[Box], starts: Sequence[tuple[float, float]], goals: Sequence[tuple[float, float]]
    ) -> Fleet:
        facing = [0.0 if goal[0] >= start[0] else math.pi for start, goal in zip(starts, goals, strict=True)]
        world = {
            "name": "jam",
            "description": "a place for a deadlock",
            "task": "reach",
            "bounds": {"x": [-7, 7], "y": [-3, 3]},
            "walls": [
                {"center": [(x0 + x1) / 2, (y0 + y1) / 2], "size": [x1 - x0, y1 - y0]} for x0, y0, x1, y1 in walls
            ],
            "robots": {
                "model": "tinybot",
                "count": {"default": len(starts), "min": len(starts), "max": len(starts)},
                "starts": [[x, y, yaw] for (x, y), yaw in zip(starts, facing, strict=True)],
                "goals": [list(goal) for goal in goals],
            },
        }
        path = tmp_path / "jam.yaml"
        path.write_text(yaml.safe_dump(world))
        scenario = make_scenario(load_world(str(path)), len(starts), 0)
        fleets.append(Fleet(scenario, predictor=lambda robot_type: load_predictor(robot_type, "none")))
        return fleets[-1]

    yield fleet
    for made in fleets:
        made.close()


class Watch:
    """Lets a fleet live on and keeps what it has seen."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.episode = Episode.of(fleet.scenario, fleet.world.indices)
        self.starts = fleet.poses
        self.left = dict.fromkeys(fleet.names, 0.0)  # m, the furthest that each was away from its start
        self.reports: list[str] = []

    def on(self, seconds: float) -> None:
        """For some time at most: until all have arrived."""
        until = self.fleet.world.time + seconds
        while not self.episode.finished and self.fleet.world.time < until:
            self.fleet.step()
            poses = self.fleet.poses
            self.episode.update(self.fleet.world.time, poses, self.fleet.waits_for)
            for name, here, start in zip(self.fleet.names, poses, self.starts, strict=True):
                self.left[name] = max(self.left[name], math.dist(here[:2], start[:2]))
            coordinator = self.fleet.coordinator
            assert coordinator is not None
            self.reports += [line for line in coordinator.reports if line not in self.reports]

    def all_arrive(self, seconds: float) -> None:
        self.on(seconds)
        assert self.fleet.world.collisions == 0
        assert self.episode.reached == len(self.fleet.names), f"at {self.fleet.world.time:.0f} s: {self.fleet.poses}"
        assert self.episode.deadlocks == 0


def run_motors(fleet: Fleet, name: str, run: bool) -> None:
    """Let a robot's command gate pass its commands, or nothing, as an emergency stop does."""
    fleet._gates[fleet.names.index(name)].active = run


def break_down(fleet: Fleet, name: str, how: str) -> None:
    """A robot's motors fail, or its process dies, or is ended in good order."""
    if how == "motors":
        run_motors(fleet, name, False)
    elif how == "process":
        fleet.kill_robot(name)
    else:
        fleet.stop_robot(name)


def test_two_nose_to_nose_in_a_corridor_the_one_beside_a_bay_lets_the_other_one_pass(make: Make) -> None:
    watch = Watch(make(WITH_BAY, [(-0.9, 0.0), (0.9, 0.0)], [(6.0, -1.0), (-6.0, -1.0)]))
    watch.all_arrive(60.0)


def test_without_a_bay_two_on_one_side_back_out_of_it(make: Make) -> None:
    starts = [(-0.7, 0.0), (-1.6, 0.0), (0.7, 0.0), (1.6, 0.0)]
    watch = Watch(make(CORRIDOR, starts, [(6.0, -1.0), (6.0, 1.0), (-6.0, -1.0), (-6.0, 1.0)]))
    watch.all_arrive(90.0)


def test_and_four_of_them_use_a_bay_if_there_is_one(make: Make) -> None:
    starts = [(-0.9, 0.0), (-1.8, 0.0), (0.7, 0.0), (1.6, 0.0)]
    watch = Watch(make(WITH_BAY, starts, [(6.0, -1.0), (6.0, 1.0), (-6.0, -1.0), (-6.0, 1.0)]))
    watch.all_arrive(90.0)


def test_robots_that_stand_at_their_goals_in_the_way_move_aside_and_return(make: Make) -> None:
    places = [(-0.5, 0.0), (2.0, 0.0)]
    watch = Watch(make(WITH_BAY, [(-5.5, 0.0), *places], [(5.5, 0.0), *places]))
    watch.all_arrive(60.0)
    assert watch.left["robot_1"] > 0.8 and watch.left["robot_2"] > 0.8


def test_two_that_change_places_through_a_corridor_meet_in_it_and_pass_each_other(make: Make) -> None:
    watch = Watch(make(WITH_BAY, [(-5.5, 0.0), (5.5, 0.0)], [(5.5, 0.0), (-5.5, 0.0)]))
    watch.all_arrive(70.0)


@pytest.mark.parametrize("how", ["motors", "process", "ended"])
def test_a_robot_that_has_broken_down_is_driven_round(make: Make, how: str) -> None:
    fleet = make(OPEN, [(-5.0, 0.0), (-2.5, 0.0)], [(4.0, 0.0), (4.5, 2.0)])
    watch = Watch(fleet)
    watch.on(4.0)
    break_down(fleet, "robot_1", how)
    watch.on(60.0)
    assert fleet.world.collisions == 0
    assert not math.isnan(watch.episode.arrivals[0])
    assert watch.left["robot_1"] < 3.0


@pytest.mark.parametrize("how", ["motors", "process"])
def test_where_there_is_no_way_round_it_people_are_told_and_after_the_repair_all_go_on(make: Make, how: str) -> None:
    fleet = make(CORRIDOR, [(-5.0, 0.0), (-2.5, 0.0)], [(5.0, -1.0), (5.0, 1.0)])
    watch = Watch(fleet)
    watch.on(6.0)
    break_down(fleet, "robot_1", how)
    watch.on(30.0)
    assert watch.reports == ["robot_0 cannot pass robot_1, and there is no way round: move one of them by hand"]
    assert watch.episode.reached == 0
    if how == "motors":
        run_motors(fleet, "robot_1", True)
    else:
        fleet.restart_robot("robot_1")
    watch.on(60.0)
    assert (watch.episode.reached, fleet.world.collisions) == (2, 0)
    assert fleet.coordinator is not None and fleet.coordinator.reports == ()
