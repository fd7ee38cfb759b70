"""The solver: nobody into a forbidden box, nobody nose to nose, and what is granted is taken back for priority only."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from protocol_fleet import corridor, crossing, roundabout
from scene import Scene
from wire_values import Points, route

from ewm_ros.coordination.precedence import Precedence
from ewm_ros.coordination.solver import LOOKAHEAD, STOPPING, Decision
from ewm_ros.messages import ConflictKind

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
NORTH: Points = [(0.0, -5.0), (0.0, 5.0)]


def test_alone_a_robot_is_let_run_ahead_of_its_hold_point() -> None:
    scene = Scene([EAST])
    assert scene.decide() == {"r0": Decision(LOOKAHEAD, (), 0.0)}
    scene.drive(300)
    assert scene.all_arrived


def test_one_of_two_gets_a_crossing_as_a_whole_and_the_other_waits_before_it() -> None:
    scene = Scene([EAST, NORTH])
    scene.place("r0", 3.2, 3.2)
    scene.place("r1", 3.0, 3.0)
    decisions = scene.decide()
    (region,) = scene.book.regions("r0", "r1")
    assert decisions["r0"].hold > region.leave[0]
    assert decisions["r0"].waits_for == ()
    assert decisions["r1"].hold < region.enter[1]
    assert decisions["r1"].waits_for == ("r0",)
    assert 0.0 < decisions["r1"].expected_wait < 10.0


def test_who_has_waited_longer_is_served_first() -> None:
    scene = Scene([EAST, NORTH])
    for name in ("r0", "r1"):
        scene.place(name, 3.2, 3.2)
    scene.occupants["r1"].waiting_since = 5.0
    assert scene.decide()["r0"].waits_for == ("r1",)


def test_two_are_never_nose_to_nose_in_a_corridor_of_one_lane() -> None:
    """r0 stands at the mouth; r1, well inside already, comes out before r0 is let in."""
    scene = Scene([p.points.tolist() for p in corridor(2)])
    (region,) = (r for r in scene.book.regions("r0", "r1") if r.kind is ConflictKind.HEAD_ON)
    for _ in range(700):
        scene.drive(1)
        inside = [
            enter + 0.1 < scene.occupants[name].low < leave - 0.1
            for name, enter, leave in zip(region.robots, region.enter, region.leave, strict=True)
        ]
        assert not all(inside)
    assert scene.all_arrived


@pytest.mark.parametrize("place", [corridor, crossing, roundabout])
@pytest.mark.parametrize("robots", [3, 6])
def test_everybody_arrives(place: object, robots: int) -> None:
    assert callable(place)
    scene = Scene([path.points.tolist() for path in place(robots)])
    assert scene.banker.finishable(scene.occupants) == set(scene.occupants)
    scene.drive(3000)
    assert scene.all_arrived


def test_those_who_face_each_other_in_a_lane_cannot_finish_and_a_third_one_can() -> None:
    scene = Scene([EAST, [(5.0, 0.0), (-5.0, 0.0)], [(-5.0, 3.0), (5.0, 3.0)]])
    assert scene.banker.finishable(scene.occupants) == {"r2"}
    scene.drive(300)
    assert scene.occupants["r2"].arrived


def test_whose_goal_lies_in_the_way_of_another_finishes_after_it() -> None:
    scene = Scene([[(-2.0, 0.0), (0.0, 0.0)], NORTH])
    assert scene.banker.finishable(scene.occupants) == {"r0", "r1"}
    scene.place("r0", 2.0, 2.0)  # already there: now r1 is shut out
    assert "r1" not in scene.banker.finishable(scene.occupants)


def test_a_robot_of_another_coordinator_may_be_anywhere_on_the_rest_of_its_route() -> None:
    scene = Scene([EAST, NORTH])
    scene.occupants["r1"].movable = False
    decisions = scene.decide()
    assert set(decisions) == {"r0"}
    scene.place("r0", 3.2, 3.2)
    assert scene.decide()["r0"].waits_for == ("r1",)
    scene.place("r1", 6.0, 6.0)
    assert scene.decide()["r0"] == Decision(3.2 + LOOKAHEAD, (), 0.0)


@pytest.mark.parametrize(
    ("priority", "low", "taken_back"),
    [(5, 1.0, True), (0, 1.0, False), (5, 4.28 - STOPPING, False), (5, 5.0, False)],
    ids=["far away", "no priority", "too near to stop", "inside"],
)
def test_right_of_way_is_taken_back_only_for_priority_and_only_from_who_can_stop(
    priority: int, low: float, taken_back: bool
) -> None:
    scene = Scene([EAST, NORTH], [priority, 0])
    scene.place("r0", 3.2, 3.2)
    scene.place("r1", low, 6.0)
    decisions = scene.decide()
    assert (decisions["r1"].hold < 6.0) == taken_back
    assert (decisions["r1"].waits_for == ("r0",)) == taken_back
    # Until r1 has said that it obeys, what it holds is r0's to keep out of.
    assert scene.occupants["r1"].high == 6.0 or not taken_back
    assert decisions["r0"].hold < scene.book.regions("r0", "r1")[0].enter[0]
    assert decisions["r0"].waits_for == ("r1",)


def test_followers_close_up() -> None:
    scene = Scene([[(-3.8, 0.0), (5.0, 0.0)], [(-5.0, 0.0), (3.5, 0.0)]])
    scene.drive(40)
    first, second = scene.occupants["r0"].low - 3.8, scene.occupants["r1"].low - 5.0
    assert 0.6 < first - second < 2.0
    scene.drive(300)
    assert scene.all_arrived


COORDINATE = st.integers(-10, 10).map(lambda half: half / 2.0)
WAY = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=2, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    st.lists(WAY, min_size=2, max_size=5),
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    st.lists(st.sampled_from([0.5, 1.0, 0.7]), min_size=5, max_size=5),
)
def test_intervals_never_span_a_forbidden_box_and_who_can_finish_does(
    ways: list[Points], priorities: list[int], speeds: list[float]
) -> None:
    scene = Scene(ways, priorities)
    starts = [way[0] for way in ways]
    assume(all(math.dist(a, b) >= 1.0 for i, a in enumerate(starts) for b in starts[:i]))
    can_finish = scene.banker.finishable(scene.occupants)
    scene.drive(5000, speeds)
    if can_finish == set(scene.occupants):
        assert scene.all_arrived


def test_a_robot_that_is_sent_the_other_way_is_not_refused_for_its_former_way() -> None:
    scene = Scene([[(0.0, 0.0), (5.0, 0.0)], [(0.9, 0.0), (0.9, 0.01)]])
    scene.place("r1", 0.0, 0.0)
    assert scene.decide()["r0"].waits_for == ("r1",)
    held = scene.occupants["r0"].high
    scene.book.put(route("r0", [(0.0, 0.0), (-5.0, 0.0)], number=2))
    scene.occupants["r0"].low = scene.occupants["r0"].high = 0.0
    scene.occupants["r0"].route = (1, 2)
    assert scene.decide()["r0"].hold > max(held, 1.0)


def test_robots_that_wait_for_each_other_do_not_know_how_long() -> None:
    scene = Scene([[(0.0, 0.0), (5.0, 0.0)], [(5.0, 0.0), (0.0, 0.0)]])
    waits = [scene.decide() for _ in range(500)][-1]
    assert all(math.isnan(w.expected_wait) or w.expected_wait < 600.0 for w in waits.values())


def test_whose_goal_lies_in_the_way_of_one_that_has_broken_down_need_not_wait_for_it() -> None:
    scene = Scene([[(-2.0, 0.0), (0.0, 0.0)], NORTH])
    scene.place("r1", 2.0, 2.0)
    scene.occupants["r1"].disabled = True
    assert scene.banker.finishable(scene.occupants) == {"r0"}


def test_who_yields_may_come_to_a_goal_that_is_in_the_way_of_others() -> None:
    """Each goal lies on the other one's way: only if one is sent aside again later, both can get there."""
    scene = Scene([[(-5.0, 0.0), (1.0, 0.0)], [(5.0, 0.0), (-1.0, 0.0)]])
    scene.book.put(route("r0", [(-5.0, 0.0), (-1.0, 0.0), (-1.0, 3.0), (1.0, 3.0), (1.0, 0.0)], number=2))
    scene.occupants["r0"].length = scene.book["r0"].path.length
    assert scene.banker.finishable(scene.occupants) == set()
    scene.occupants["r0"].yields = True
    assert scene.banker.finishable(scene.occupants) == {"r0"}


def test_a_robot_that_does_not_move_by_itself_finishes_nowhere_and_its_place_is_kept_free() -> None:
    scene = Scene([EAST, NORTH])
    scene.place("r1", 5.0)
    scene.occupants["r1"].disabled = True
    assert scene.banker.stuck(scene.occupants) == {"r0", "r1"}
    scene.place("r1", 2.0)
    assert scene.banker.stuck(scene.occupants) == {"r1"}
    scene.drive(300)
    assert scene.occupants["r0"].arrived


def test_who_is_to_pass_later_waits_before_the_region_though_it_is_there_first() -> None:
    scene = Scene([EAST, NORTH])
    (region,) = scene.book.regions("r0", "r1")
    scene.place("r0", 3.2)
    order = Precedence({region: "r1"})
    decision = scene.solver.decide(scene.occupants, order)["r0"]
    assert decision.hold < region.enter[0]
    assert decision.waits_for == ("r1",)
    scene.place("r1", region.leave[1] + 0.1)
    assert scene.solver.decide(scene.occupants, order)["r0"] == Decision(3.2 + LOOKAHEAD, (), 0.0)


def test_who_is_to_follow_keeps_behind_the_other_one_and_does_not_wait_till_that_is_through() -> None:
    scene = Scene([EAST, [(-5.5, -1.5), (-4.0, 0.0), (5.5, 0.0)]])
    (region,) = scene.book.regions("r0", "r1")
    assert region.kind is ConflictKind.FOLLOWING
    order = Precedence({region: "r1"})
    scene.place("r1", region.enter[1] + 2.0)
    scene.place("r0", 0.0)
    hold = scene.solver.decide(scene.occupants, order)["r0"].hold
    assert region.enter[0] < hold
    scene.check()


def test_of_several_places_to_wait_at_the_furthest_is_taken_that_is_in_nobody_s_way() -> None:
    """r0 is first at the crossing with r1 and second at the one with r2: it waits between the two."""
    scene = Scene([[(-1.5, 0.0), (8.0, 0.0)], [(0.0, -5.0), (0.0, 5.0)], [(2.2, -5.0), (2.2, 5.0)]])
    (near,), (far,) = scene.book.regions("r0", "r1"), scene.book.regions("r0", "r2")
    for _ in range(40):
        scene.occupants["r0"].high = scene.solver.decide(scene.occupants, Precedence({near: "r0", far: "r2"}))[
            "r0"
        ].hold
        scene.occupants["r0"].low = min(scene.occupants["r0"].low + 0.1, scene.occupants["r0"].high)
    assert near.leave[0] < scene.occupants["r0"].low < far.enter[0]


def test_robots_that_are_to_change_their_routes_get_nothing_now() -> None:
    scene = Scene([EAST, [(-5.0, 3.0), (5.0, 3.0)]])
    decisions = scene.solver.decide(scene.occupants, frozen={"r0"})
    assert set(decisions) == {"r1"}
    assert scene.occupants["r0"].high == 0.0


def test_another_order_is_answered_anew() -> None:
    """What was refused under the former order is not remembered."""
    scene = Scene([EAST, NORTH])
    (region,) = scene.book.regions("r0", "r1")
    scene.place("r0", 3.2)
    assert scene.solver.decide(scene.occupants, Precedence({region: "r1"}))["r0"].waits_for == ("r1",)
    assert scene.solver.decide(scene.occupants, Precedence({region: "r0"}))["r0"].waits_for == ()


def test_who_has_arrived_is_nobody_s_to_wait_for_if_there_is_room_to_pass() -> None:
    """r1's goal lies so near to r0's way that both cannot drive there at once; past r1 as it stands there is room."""
    scene = Scene([EAST, [(0.0, 5.0), (0.0, 0.74)]])
    (region,) = scene.book.regions("r0", "r1")
    length = scene.occupants["r1"].length
    scene.place("r1", length - 0.02)
    scene.place("r0", 4.0)
    assert scene.banker.stuck(scene.occupants) == frozenset()
    assert scene.solver.decide(scene.occupants, Precedence({region: "r1"}))["r0"] == Decision(4.0 + LOOKAHEAD, (), 0.0)


def test_that_a_robot_yields_makes_nobody_stuck_who_could_pass_before_it() -> None:
    scene = Scene([[(0.0, -3.0), (0.0, 0.0)], EAST])
    assert scene.banker.finishable(scene.occupants) == {"r0", "r1"}
    scene.occupants["r0"].yields = True
    assert scene.banker.finishable(scene.occupants) == {"r0", "r1"}
