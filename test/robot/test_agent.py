"""One robot's mind in a room: routes for goals, standing without right of way, and what it tells the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.messages import Directive, DirectiveSet, Intention, Outcome
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.agent import PATIENCE, Action, IntegratedAgent
from ewm_ros.robot.way_finder import Goal
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Observation, Scan

BOOT, PERIOD = 9, 0.1
EAST, WEST, NORTH = Goal("east", 4.0, 0.0), Goal("west", -4.0, 0.0), Goal("north", 0.0, 4.0)
IN_THE_WALL = Goal("wall", 7.0, 0.0)
ROOM_WALLS = [(-5.0, -5.0, 5.0, -5.0), (5.0, -5.0, 5.0, 5.0), (5.0, 5.0, -5.0, 5.0), (-5.0, 5.0, -5.0, -5.0)]
Discs = Sequence[tuple[float, float, float]]  # x, y, radius (m)


def room(gate: float = 0.0) -> OccupancyGrid:
    """10 m x 10 m around the origin; with `gate` a wall at x = 2 m that leaves a gap of this width (m)."""
    occupied = np.zeros((240, 240), dtype=np.bool_)
    occupied[:20] = occupied[-20:] = occupied[:, :20] = occupied[:, -20:] = True
    if gate:
        half = round(gate / 0.05 / 2)
        occupied[: 120 - half, 158:162] = occupied[120 + half :, 158:162] = True
    return OccupancyGrid(0.05, (-6.0, -6.0), occupied)


class Life:
    """A robot that drives, and a coordinator that lets it come as far as `hold` (m) on whatever route it names."""

    def __init__(self, plant: Any, robot_type: RobotType, grid: OccupancyGrid | None) -> None:
        self.plant = plant(robot_type, Pose2D(0.0, 0.0, 0.0))
        self.agent = IntegratedAgent("r0", robot_type, boot=BOOT)
        if grid is not None:
            self.agent.set_map(grid)
        self.hold: float | None = None
        self.order: dict[str, Any] = {}
        self.ticks = 0
        self.routes: list[int] = []

    @property
    def now(self) -> float:
        return self.ticks * PERIOD

    def cycle(self, goal: Goal | None) -> Action:
        action = self.agent.think_and_act(Observation(self.plant.odometry(self.now), None), goal)
        if action.route is not None:
            self.routes.append(action.route.route)
        self.plant.drive(action.command)
        self.ticks += 1
        self.answer(action.intention)
        return action

    def answer(self, told: Intention) -> None:
        """The coordinator's, if there is one."""
        if self.hold is not None:
            directive = Directive("r0", BOOT, told.seq, told.standing.route, self.hold, **self.order)
            self.agent.receive_directives(DirectiveSet(1, self.ticks, self.now, 1.0, (directive,)), self.now)

    def live(self, goal: Goal | None, seconds: float) -> list[Action]:
        return [self.cycle(goal) for _ in range(round(seconds / PERIOD))]


@pytest.fixture
def life(plant: Any, tinybot: RobotType) -> Life:
    return Life(plant, tinybot, room())


@pytest.fixture
def driving(life: Life) -> Life:
    """On its way east with the way free for it."""
    life.hold = 99.0
    life.live(EAST, 5.0)
    assert life.plant.velocity.v > 0.3
    return life


def test_a_goal_makes_a_route_that_is_sent_once(life: Life) -> None:
    life.hold = 0.0
    actions = life.live(EAST, 10.0)
    assert life.routes == [1]
    route = actions[0].route
    assert route is not None
    assert (route.robot, route.boot, route.radius, route.max_speed) == ("r0", BOOT, 0.3, 0.5)
    assert route.path.point_at(0.0) == pytest.approx((0.0, 0.0))
    assert route.path.point_at(99.0) == pytest.approx((EAST.x, EAST.y))
    assert all(action.intention.standing.route == 1 for action in actions)


def test_while_no_coordinator_confirms_it_the_route_is_sent_again_and_again(life: Life) -> None:
    life.live(None, 6.0)
    assert len(life.routes) == 3
    assert len(set(life.routes)) == 1


def test_it_does_not_move_without_right_of_way(life: Life) -> None:
    life.hold = 0.0
    actions = life.live(EAST, 10.0)
    assert {action.command.v for action in actions} == {0.0}
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (0.0, 0.0)) < 0.01


def test_with_right_of_way_it_drives_there_and_says_that_it_has_arrived(life: Life) -> None:
    life.hold = 99.0
    last = life.live(EAST, 20.0)[-1]
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15
    assert (last.state, last.intention.plan.outcome, last.command.v) == ("arrived", Outcome.IDLE, 0.0)


def test_it_stops_before_the_point_that_it_was_told_to_hold(life: Life) -> None:
    life.hold, life.order = 2.0, {"waits_for": ("r1",), "expected_wait": 7.0}
    last = life.live(EAST, 15.0)[-1]
    assert 1.7 < life.plant.pose.x <= 2.0
    assert (last.state, last.intention.plan.outcome, last.intention.plan.eta) == ("waiting", Outcome.WAIT, 7.0)
    assert last.intention.standing.waits_for == ("r1",)


def test_on_its_way_it_tells_when_it_will_arrive(driving: Life) -> None:
    action = driving.cycle(EAST)
    assert (action.state, action.intention.plan.outcome, action.intention.plan.goal) == (
        "driving",
        Outcome.ARRIVE,
        "east",
    )
    seconds = 0
    while math.dist((driving.plant.pose.x, driving.plant.pose.y), (EAST.x, EAST.y)) > 0.1:
        driving.cycle(EAST)
        seconds += PERIOD  # type: ignore[assignment]
    assert action.intention.plan.eta == pytest.approx(seconds, abs=1.5)


def test_another_goal_while_driving_first_stops_it_and_then_makes_a_new_route(driving: Life) -> None:
    actions = []
    while not actions or actions[-1].route is None:
        actions.append(driving.cycle(WEST))
        assert len(actions) < 30
    stopping, changed = actions[:-1], actions[-1]
    assert len(stopping) >= 3
    assert {action.state for action in stopping} == {"stopping"}
    assert {action.intention.standing.route for action in stopping} == {1}
    assert stopping[-1].intention.standing.hold < 3.0  # it has given up the rest of the old one
    assert changed.route is not None
    assert changed.route.route == changed.intention.standing.route == 2
    assert changed.intention.standing.hold == 0.0
    assert changed.command.v == 0.0
    assert changed.route.path.point_at(99.0) == pytest.approx((WEST.x, WEST.y))


def test_goals_that_come_too_fast_end_in_the_last_one(driving: Life) -> None:
    for goal in (WEST, NORTH, WEST, NORTH):
        driving.cycle(goal)
    driving.live(NORTH, 25.0)
    assert math.dist((driving.plant.pose.x, driving.plant.pose.y), (NORTH.x, NORTH.y)) < 0.15


def test_who_is_called_back_to_its_first_goal_before_it_stands_gets_there_too(driving: Life) -> None:
    driving.cycle(WEST)
    driving.live(EAST, 25.0)
    assert math.dist((driving.plant.pose.x, driving.plant.pose.y), (EAST.x, EAST.y)) < 0.15


def test_without_a_goal_any_more_it_stops_where_it_is(driving: Life) -> None:
    last = driving.live(None, 3.0)[-1]
    x = driving.plant.pose.x
    assert (last.state, last.command, last.intention.plan.outcome) == ("idle", STANDSTILL, Outcome.IDLE)
    assert last.path is not None
    assert last.path.length == 0.0
    driving.live(None, 1.0)
    assert driving.plant.pose.x == pytest.approx(x, abs=1e-3)


@pytest.mark.parametrize(("goal", "gate"), [(IN_THE_WALL, 0.0), (EAST, 0.5)], ids=["in a wall", "behind a narrow gap"])
def test_where_there_is_no_way_to_the_goal_it_says_so_and_stands(
    plant: Any, tinybot: RobotType, goal: Goal, gate: float
) -> None:
    life = Life(plant, tinybot, room(gate))
    life.hold = 99.0
    actions = life.live(goal, 5.0)
    assert {action.state for action in actions[1:]} == {"no way"}
    assert {action.command for action in actions} == {STANDSTILL}
    assert actions[-1].intention.plan.outcome is Outcome.BLOCKED
    assert life.agent.no_way
    assert "\n" not in life.agent.no_way


def test_no_way_is_not_for_ever(plant: Any, tinybot: RobotType) -> None:
    life = Life(plant, tinybot, room(gate=0.5))
    life.hold = 99.0
    life.live(EAST, 2.0)
    life.agent.set_map(room(gate=2.0))
    life.live(EAST, 20.0)
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15
    assert life.agent.no_way == ""


def test_a_goal_before_the_map_is_kept_until_there_is_one(plant: Any, tinybot: RobotType) -> None:
    life = Life(plant, tinybot, None)
    life.hold = 99.0
    assert {action.state for action in life.live(EAST, 2.0)} == {"starting"}
    life.agent.set_map(room())
    life.live(EAST, 20.0)
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15


def test_carried_off_its_route_it_plans_another_one_from_where_it_is(driving: Life) -> None:
    before = driving.routes[-1]
    driving.plant.pose = Pose2D(driving.plant.pose.x, 2.0, 0.0)
    driving.live(EAST, 25.0)
    assert driving.routes[-1] == before + 1
    assert math.dist((driving.plant.pose.x, driving.plant.pose.y), (EAST.x, EAST.y)) < 0.15


def test_one_that_the_gate_has_stopped_says_that_it_is_blocked(driving: Life) -> None:
    driving.agent.hindrance = "something is in the way"
    action = driving.cycle(EAST)
    assert (action.state, action.intention.plan.outcome) == ("blocked", Outcome.BLOCKED)


class Watched(Life):
    """A robot with a lidar in a room with things that are not on its map; its gate stops it 0.5 m before one of them.

    The coordinator sees none of them.
    """

    def __init__(
        self, plant: Any, robot_type: RobotType, look: Callable[..., Scan], things: Discs, gate: float = 0.0
    ) -> None:
        super().__init__(plant, robot_type, room(gate))
        self.look, self.things, self.hold = look, np.array(things), 99.0
        beside = [(1.9, gate / 2, 1.9, 5.0), (1.9, -5.0, 1.9, -gate / 2)] if gate else []
        self.walls = np.array([*ROOM_WALLS, *beside])

    def cycle(self, goal: Goal | None) -> Action:
        pose = self.plant.pose
        scan = self.look(pose, self.walls, self.things, self.now)
        ahead = np.abs(np.angle(np.exp(1j * (scan.angle_min + scan.angle_increment * np.arange(180))))) < 0.6
        stopped = bool((scan.ranges[ahead] < 0.8).any())
        self.agent.hindrance = "something is in the way" if stopped else ""
        action = self.agent.think_and_act(Observation(self.plant.odometry(self.now), scan), goal)
        if action.route is not None:
            self.routes.append(action.route.route)
        self.plant.drive(replace(action.command, v=0.0) if stopped else action.command)
        self.ticks += 1
        self.answer(action.intention)
        return action


def test_before_something_unexpected_it_is_patient_and_then_goes_round_it(
    plant: Any, tinybot: RobotType, look: Callable[..., Scan]
) -> None:
    life = Watched(plant, tinybot, look, [(2.0, 0.0, 0.25)])
    actions = life.live(EAST, 30.0)
    blocked = [k for k, action in enumerate(actions) if action.state == "blocked"]
    changed = next(k for k, action in enumerate(actions) if action.intention.standing.route == 2)
    assert (changed - blocked[0]) * PERIOD == pytest.approx(PATIENCE, abs=1.0)  # it has to come to rest first
    way = actions[changed].path
    assert way is not None
    assert way.project(2.0, 0.0)[1] > 0.25 + tinybot.radius
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15
    assert actions[-1].state == "arrived"


def test_where_people_fill_the_only_gate_it_goes_on_waiting_and_drives_on_when_it_can(
    plant: Any, tinybot: RobotType, look: Callable[..., Scan]
) -> None:
    people = [(2.0, -0.5, 0.25), (2.0, 0.0, 0.25), (2.0, 0.5, 0.25)]
    life = Watched(plant, tinybot, look, people, gate=2.0)
    actions = life.live(EAST, 20.0)
    assert {action.state for action in actions[-100:]} == {"blocked"}
    assert set(life.routes) == {1}
    life.things = np.zeros((0, 3))
    life.live(EAST, 15.0)
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15
    assert set(life.routes) == {1}


def test_who_steps_aside_in_time_is_not_gone_round(plant: Any, tinybot: RobotType, look: Callable[..., Scan]) -> None:
    life = Watched(plant, tinybot, look, [(2.0, 0.0, 0.25)])
    while life.cycle(EAST).state != "blocked":
        assert life.ticks < 60
    life.live(EAST, 0.7 * PATIENCE)
    life.things = np.zeros((0, 3))
    life.live(EAST, 15.0)
    assert set(life.routes) == {1}
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15


def test_stopped_while_it_looks_elsewhere_it_turns_to_its_path_without_driving(
    plant: Any, tinybot: RobotType, look: Callable[..., Scan]
) -> None:
    life = Watched(plant, tinybot, look, [(-0.9, 0.0, 0.2)])
    life.plant.pose = Pose2D(0.0, 0.0, math.pi)
    turning = []
    while not turning or abs(life.plant.pose.yaw - (0.0 if turning[0].w < 0.0 else math.tau)) > 0.2:
        turning.append(life.cycle(EAST).command)
        assert len(turning) < 150
    assert {command.v for command in turning} == {0.0}
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (0.0, 0.0)) < 1e-6
    life.live(EAST, 15.0)
    assert math.dist((life.plant.pose.x, life.plant.pose.y), (EAST.x, EAST.y)) < 0.15


def test_intentions_count_from_one_and_never_stand_still(life: Life) -> None:
    assert [action.intention.seq for action in life.live(EAST, 1.0)] == list(range(1, 11))


def test_a_name_that_is_none_is_refused(tinybot: RobotType) -> None:
    with pytest.raises(InputError, match="robot name"):
        IntegratedAgent("Robot 1", tinybot, boot=1)


def test_a_robot_without_a_goal_that_is_found_elsewhere_says_where_it_stands(life: Life) -> None:
    life.live(None, 0.5)
    life.plant.pose = Pose2D(3.0, 3.0, 0.0)
    told = life.live(None, 0.5)
    assert life.routes == [1, 2]
    assert told[-1].path is not None
    assert told[-1].path.point_at(0.0) == pytest.approx((3.0, 3.0))


def test_a_robot_that_is_found_to_be_further_back_than_it_told_takes_a_new_route(life: Life) -> None:
    life.hold = 10.0
    life.live(EAST, 5.0)
    before = life.agent.right_of_way.progress
    life.plant.pose = Pose2D(life.plant.pose.x - 0.3, 0.0, 0.0)
    life.live(EAST, 2.0)
    assert len(life.routes) == 2
    assert life.agent.right_of_way.progress < before


def test_a_way_is_sought_again_when_the_robot_is_found_to_stand_on_free_floor(life: Life) -> None:
    life.plant.pose = Pose2D(5.9, 5.9, 0.0)  # not localized yet: inside a wall
    assert life.live(EAST, 0.5)[-1].state == "no way"
    life.plant.pose = Pose2D(0.0, 0.0, 0.0)
    assert life.live(EAST, 0.5)[-1].state != "no way"


def test_the_lease_runs_on_the_clock_that_the_robot_is_told_not_on_its_odometry_s_stamps(life: Life) -> None:
    told = life.agent.think_and_act(Observation(life.plant.odometry(1000.0), None), EAST, now=5.0).intention
    assert told.stamp == 1000.0
    directive = Directive("r0", BOOT, told.seq, told.standing.route, 0.0)
    life.agent.receive_directives(DirectiveSet(1, 1, 0.0, 1.0, (directive,)), 5.0)
    assert not life.agent.right_of_way.local
    life.agent.think_and_act(Observation(life.plant.odometry(1000.1), None), EAST, now=8.0)
    assert life.agent.right_of_way.local
