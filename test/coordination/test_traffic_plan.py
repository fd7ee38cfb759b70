"""The order of passing: good, kept, changed for something, and fair."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest
from protocol_fleet import corridor, crossing, roundabout
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.occupant import STOPPING, own_interval
from ewm_ros.coordination.order_finder import DOUBLED_AFTER
from ewm_ros.coordination.precedence import is_executable
from ewm_ros.coordination.traffic_plan import RENEW_EVERY, TrafficPlan
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Conflict

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
NORTH: Points = [(0.0, -5.0), (0.0, 5.0)]
PLACES = {"crossing": crossing, "corridor": corridor, "roundabout": roundabout}


def plan_of(scene: Scene) -> TrafficPlan:
    assert scene.plan is not None
    return scene.plan


def planned(ways: list[Points], priorities: list[int] | None = None) -> Scene:
    """Robots at the beginnings of their ways, with an order of passing."""
    scene = Scene(ways, priorities or [], planned=True)
    renew(scene)
    return scene


def renew(scene: Scene, seconds: float = 0.0) -> None:
    scene.now += seconds
    plan_of(scene).update(scene.occupants, scene.now)


def first_of(scene: Scene) -> str:
    """Who passes first where the only two robots meet."""
    (first,) = plan_of(scene).precedence.first.values()
    return first


def turned(before: Mapping[Conflict, str], after: Mapping[Conflict, str]) -> int:
    """Regions in which another robot is to pass first than before."""
    return sum(after[region] != robot for region, robot in before.items() if region in after)


def watch_passing(scene: Scene, rounds: int = 2500) -> dict[tuple[str, str], str]:
    """Drive on; of each pair that meets once, who was in the middle of the place first."""
    names = sorted(scene.occupants)
    shared = {(a, b): scene.book.regions(a, b) for i, a in enumerate(names) for b in names[i + 1 :]}
    passed: dict[tuple[str, str], str] = {}
    for _ in range(rounds):
        scene.drive(1)
        for pair, regions in shared.items():
            for region in regions if len(regions) == 1 else ():
                for robot, enter, leave in zip(region.robots, region.enter, region.leave, strict=True):
                    if scene.occupants[robot].low > (enter + leave) / 2:
                        passed.setdefault(pair, robot)
    return passed


def test_who_comes_first_passes_first_and_the_schedule_says_how_long_the_other_one_waits() -> None:
    scene = planned([[(-4.5, 0.0), (5.0, 0.0)], NORTH])
    assert first_of(scene) == "r0"
    delays = plan_of(scene).delays
    assert delays["r0"] == 0.0 and delays["r1"] > 0.0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("robots", [3, 6])
def test_who_keeps_to_the_order_arrives_and_the_order_is_executable_all_the_time(place: str, robots: int) -> None:
    scene = Scene([path.points.tolist() for path in PLACES[place](robots)], planned=True)
    rounds = 0
    while not scene.all_arrived and rounds < 2000:
        scene.drive(1)
        rounds += 1
        assert is_executable(plan_of(scene).precedence.first)
    assert scene.all_arrived


@pytest.mark.parametrize("place", PLACES)
def test_robots_that_are_a_little_late_or_early_do_not_change_the_order(place: str) -> None:
    """No flapping: the order is asked for again and again, on progress that trembles, with robots that are alike."""
    scene = Scene([path.points.tolist() for path in PLACES[place](4)], planned=True)
    luck, changes, renewals = random.Random(3), 0, 0
    rounds = 0
    before: Mapping[Conflict, str] = {}
    while not scene.all_arrived and rounds < 2000:
        scene.drive(1, [luck.uniform(0.5, 1.0) for _ in scene.occupants])
        rounds += 1
        after = plan_of(scene).precedence.first
        renewals += after != before
        changes += turned(before, after)
        before = after
    assert scene.all_arrived
    assert changes <= 1, f"{changes} changes in {renewals} renewals"


def test_two_that_would_be_there_at_the_same_time_are_not_told_now_the_one_and_now_the_other() -> None:
    scene, luck = planned([EAST, NORTH]), random.Random(5)
    first = first_of(scene)
    for _ in range(60):
        for name in ("r0", "r1"):
            scene.place(name, luck.uniform(0.0, 0.4))
        renew(scene, RENEW_EVERY)
        assert first_of(scene) == first


def test_but_an_order_that_is_much_better_replaces_the_one_in_force() -> None:
    scene = planned([EAST, NORTH])
    first = first_of(scene)
    other = next(name for name in ("r0", "r1") if name != first)
    scene.place(other, 3.5)
    renew(scene, RENEW_EVERY)
    assert first_of(scene) == other


def test_between_renewals_the_order_stays() -> None:
    scene = planned([EAST, NORTH])
    before = plan_of(scene).precedence
    scene.place("r1", 3.5)
    renew(scene, RENEW_EVERY / 2)
    assert plan_of(scene).precedence is before
    scene.reroute("r1", NORTH)  # but for another route it is made anew at once
    scene.place("r1", 3.5)
    renew(scene)
    assert first_of(scene) == "r1"


def test_a_robot_of_higher_role_passes_first_though_it_comes_later() -> None:
    ways: list[Points] = [[(-3.0, 0.0), (5.0, 0.0)], [(0.0, -3.4), (0.0, 5.0)]]
    assert first_of(planned(ways)) == "r0"
    assert first_of(planned(ways, [0, 3])) == "r1"


def test_whoever_is_inside_passes_first_whatever_the_roles() -> None:
    scene = Scene([EAST, NORTH], [0, 9], planned=True)
    scene.place("r0", 4.0, 6.0)  # granted what it needs to pass
    scene.place("r1", 3.5)
    renew(scene)
    assert first_of(scene) == "r0"


def test_nobody_starves_whatever_comes_across() -> None:
    """Each time that one has passed r1's way the next one is there already, nearer to the crossing than r1."""
    across: Points = [(-1.0, 0.0), (5.0, 0.0)]
    scene = planned([across, [(0.0, -1.5), (0.0, 5.0)]])
    assert first_of(scene) == "r0"
    scene.occupants["r1"].waiting_since = 0.0
    waited = 0.0
    while first_of(scene) == "r0":
        assert waited < 10 * DOUBLED_AFTER
        scene.reroute("r0", across)
        renew(scene, 1.0)
        waited += 1.0
    assert waited > 1.0


def test_nose_to_nose_there_is_no_way_by_waiting() -> None:
    scene = planned([EAST, EAST[::-1]])
    plan = plan_of(scene)
    assert not plan.feasible
    assert plan.cost_of({}, scene.occupants, 0.0) == math.inf
    around = {"r1": Polyline([(5.0, 0.0), (5.0, 3.0), (-5.0, 3.0), (-5.0, 0.6)])}
    cost = plan.cost_of(around, scene.occupants, 0.0)
    assert around["r1"].length - 10.0 <= 0.5 * cost < around["r1"].length  # s at 0.5 m/s


def test_the_others_have_their_order_though_two_cannot_pass_each_other() -> None:
    scene = planned([EAST, EAST[::-1], [(-2.0, -4.0), (-2.0, 4.0)]])
    assert not plan_of(scene).feasible
    assert {"r0", "r2"} in [set(region.robots) for region in plan_of(scene).precedence.first]


def test_without_a_conflict_there_is_nothing_to_order() -> None:
    scene = planned([EAST, [(-5.0, 3.0), (5.0, 3.0)]])
    assert plan_of(scene).precedence.first == {}
    assert plan_of(scene).feasible
    assert plan_of(scene).delays == {"r0": 0.0, "r1": 0.0}


def test_a_robot_that_does_not_move_by_itself_has_no_part_in_it() -> None:
    scene = Scene([EAST, NORTH], planned=True)
    scene.occupants["r0"].disabled = True
    renew(scene)
    assert plan_of(scene).precedence.first == {}
    scene.occupants["r0"].disabled = False
    renew(scene)
    assert len(plan_of(scene).precedence.first) == 1


def test_nobody_is_to_wait_for_a_robot_that_has_arrived() -> None:
    """It is still in the place that its route ends in, by a few cm, and is not going to leave it."""
    scene = Scene([EAST, [(0.0, 5.0), (0.0, 0.74)]], planned=True)
    (region,) = scene.book.regions("r0", "r1")
    scene.place("r1", scene.occupants["r1"].length - 0.02)
    assert scene.occupants["r1"].arrived
    renew(scene)
    assert not plan_of(scene).precedence.yields("r0", region)


def other_first(scene: Scene) -> tuple[str, str]:
    """The order of the only two robots turned round."""
    first = first_of(scene)
    return next(name for name in scene.occupants if name != first), first


def test_robots_that_come_to_a_place_at_about_the_same_time_contest_it() -> None:
    scene = planned([EAST, NORTH, [(-5.0, 30.0), (5.0, 30.0)]])
    (contest,) = plan_of(scene).contests()
    assert contest.robots == ("r0", "r1")
    assert contest.regions == scene.book.regions("r0", "r1")


def test_who_comes_much_later_contests_nothing() -> None:
    assert planned([EAST, [(0.0, -25.0), (0.0, 5.0)]]).plan is not None
    assert plan_of(planned([EAST, [(0.0, -25.0), (0.0, 5.0)]])).contests() == []


def test_a_place_that_somebody_is_in_is_contested_no_more() -> None:
    scene = planned([EAST, NORTH])
    scene.place("r0", 4.6, 5.5)
    renew(scene, RENEW_EVERY)
    assert plan_of(scene).contests() == []


def test_either_order_of_two_is_said_to_make_the_other_one_wait() -> None:
    scene = planned([[path.points.tolist() for path in crossing(3)][k] for k in range(3)])
    plan = plan_of(scene)
    for contest in plan.contests():
        for first, second in (contest.robots, contest.robots[::-1]):
            delays = plan.delays_if(first, second, scene.occupants)
            assert set(delays) == set(scene.occupants)
            assert delays[second] > 0.0


def test_an_order_that_cannot_be_is_told_apart_from_one_without_waiting() -> None:
    """r1 stands in the way of r0: it cannot come second."""
    scene = planned([EAST, [(0.0, 0.0), (0.0, 5.0)]])
    plan = plan_of(scene)
    assert plan.delays_if("r0", "r1", scene.occupants) == {}
    assert plan.delays_if("r1", "r0", scene.occupants)


@pytest.mark.parametrize("turned_round", [False, True])
def test_a_preferred_order_is_kept_to_and_all_arrive(turned_round: bool) -> None:
    scene = planned([path.points.tolist() for path in crossing(3)])
    plan = plan_of(scene)
    wanted = {c.robots[::-1] if turned_round else c.robots for c in plan.contests()}
    preferred = {pair for pair in wanted if plan.delays_if(*pair, scene.occupants)}
    for pair in preferred:
        assert plan.prefer(*pair, scene.occupants, scene.now)
    passed = watch_passing(scene, 700)
    assert len(preferred) >= 2
    for first, second in preferred:
        assert passed[min(first, second), max(first, second)] == first
    assert scene.all_arrived


def test_it_is_forgotten_when_one_of_its_robots_takes_another_route() -> None:
    scene = planned([[(-4.5, 0.0), (5.0, 0.0)], NORTH])
    plan_of(scene).prefer("r1", "r0", scene.occupants, scene.now)
    renew(scene)
    assert first_of(scene) == "r1"
    renew(scene, 20.0)
    assert first_of(scene) == "r1"
    scene.reroute("r0", [(-4.5, 0.0), (5.0, 0.0)])
    renew(scene)
    assert first_of(scene) == "r0"


def test_it_does_not_count_for_who_is_inside_already() -> None:
    for pushed_in in range(6):
        far = 40.0 * pushed_in  # other names each time
        ways = [[(x, y + far) for x, y in [(-4.5, 0.0), (5.0, 0.0)]], [(x, y + far) for x, y in NORTH]]
        scene = Scene([[(0.0, -100.0 - k), (0.5, -100.0 - k)] for k in range(pushed_in)] + ways, planned=True)
        early, late = f"r{pushed_in}", f"r{pushed_in + 1}"
        renew(scene)
        assert first_of(scene) == early
        (region,) = scene.book.regions(early, late)
        enter, leave = own_interval(region, early)
        scene.place(early, enter - STOPPING + 0.02, leave)
        assert not plan_of(scene).prefer(late, early, scene.occupants, scene.now)
        assert first_of(scene) == early
        assert plan_of(scene).delays[early] == 0.0


def test_who_was_granted_the_place_but_can_still_stop_before_it_has_to_give_it_back() -> None:
    scene = planned([[(-4.5, 0.0), (5.0, 0.0)], NORTH])
    (region,) = scene.book.regions("r0", "r1")
    scene.place("r0", region.enter[0] - 1.0, region.leave[0] + 0.1)
    renew(scene, RENEW_EVERY)
    assert first_of(scene) == "r0"
    assert plan_of(scene).prefer("r1", "r0", scene.occupants, scene.now)
    assert plan_of(scene).precedence.prefers("r1", "r0")
    assert first_of(scene) == "r0"  # nobody else is let in before it has said that it holds the place no more
    passed = watch_passing(scene, 700)
    assert passed == {("r0", "r1"): "r1"}
    assert scene.all_arrived


def test_a_preference_that_would_end_in_a_deadlock_is_dropped() -> None:
    """r1 has come to stand in the way after it was told to pass second: now it has to be first."""
    scene = planned([EAST, NORTH])
    plan_of(scene).prefer("r0", "r1", scene.occupants, scene.now)
    renew(scene)
    assert first_of(scene) == "r0"
    scene.place("r1", 5.0)
    renew(scene, RENEW_EVERY)
    assert first_of(scene) == "r1"
    assert plan_of(scene).feasible
    assert scene.drive(400) is None and scene.all_arrived


def test_before_the_first_schedule_nothing_is_contested() -> None:
    scene = Scene([EAST, NORTH], planned=True)
    assert plan_of(scene).contests() == []
    assert plan_of(scene).precedence.first == {}
    assert not plan_of(scene).feasible
