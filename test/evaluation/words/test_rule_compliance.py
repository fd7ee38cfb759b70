"""Who let whom pass, read off trajectories: two roads cross at the origin, 8 s from everybody's start.

    1
    |           0 drives east, 1 drives south, 2 and others as told;
0 --+--> 0      0.5 m/s and a radius of 0.2 m for all of them
    |
    v 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.runs import RunSpec, run
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.evaluation.words.rule_compliance import RulePassages, Traffic, contests, expected_ranks, judge
from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.world_file import World, load_world, parse_world
from ewm_ros.trajectory import STEP

RADIUS = 0.2
Moment = tuple[float, float, float]  # s, m, m

EAST: list[Moment] = [(0, -4, 0), (16, 4, 0)]
SOUTH: list[Moment] = [(0, 0, 4), (16, 0, -4)]
EAST_WAITS: list[Moment] = [(0, -4, 0), (6, -1, 0), (10, -1, 0), (20, 4, 0)]
SOUTH_WAITS: list[Moment] = [(0, 0, 4), (6, 0, 1), (10, 0, 1), (20, 0, -4)]
FIRST_0, FIRST_1 = {0: 0, 1: 1}, {1: 0, 0: 1}
COMPLIES, VIOLATES = RulePassages(1, 1, {}), RulePassages(1, 0, {})


def drive(moments: Sequence[Moment], seconds: float | None = None) -> FloatArray:
    """(K, 2) m: straight from moment to moment, a row a step."""
    t, x, y = np.transpose(moments)
    steps = np.arange(round((seconds or t[-1]) / STEP) + 1) * STEP
    return np.stack([np.interp(steps, t, x), np.interp(steps, t, y)], axis=1)


def traffic(alone: Sequence[Sequence[Moment]], real: Sequence[Sequence[Moment]], stuck: Sequence[int] = ()) -> Traffic:
    """Robots that drive like this alone and like that together; all but those that are stuck arrive."""
    seconds = max(way[-1][0] for way in real)
    together = np.stack([drive(way, seconds) for way in real], axis=1)
    arrived = [i not in stuck for i in range(len(real))]
    return Traffic([drive(way) for way in alone], together, arrived, [RADIUS] * len(real))


def left_out(reason: str) -> RulePassages:
    return RulePassages(0, 0, {reason: 1})


def test_the_contest_is_where_they_would_come_too_close_for_the_first_time_if_both_drove_as_alone() -> None:
    (contest,) = contests(traffic([EAST, SOUTH], [EAST, SOUTH_WAITS]), FIRST_1)
    assert contest.robots == (1, 0)  # the one that is to pass first comes first
    assert contest.step * STEP == pytest.approx(7.2)
    assert contest.place == pytest.approx((-0.2, 0.2))


def test_it_complies_if_the_one_of_the_earlier_tier_comes_first() -> None:
    assert judge(traffic([EAST, SOUTH], [EAST, SOUTH_WAITS]), FIRST_0) == COMPLIES
    assert judge(traffic([EAST, SOUTH], [EAST_WAITS, SOUTH]), FIRST_1) == COMPLIES


def test_it_does_not_if_that_one_has_to_wait() -> None:
    assert judge(traffic([EAST, SOUTH], [EAST_WAITS, SOUTH]), FIRST_0) == VIOLATES
    assert judge(traffic([EAST, SOUTH], [EAST, SOUTH_WAITS]), FIRST_1) == VIOLATES


@pytest.mark.parametrize("ranks", [{}, {0: 0}, {0: 1, 1: 1}, {0: 0, 2: 1}], ids=str)
def test_nothing_is_said_of_robots_of_one_tier_or_none(ranks: dict[int, int]) -> None:
    assert judge(traffic([EAST, SOUTH], [EAST_WAITS, SOUTH]), ranks) == RulePassages(0, 0, {})


def test_who_would_come_by_later_contests_nothing() -> None:
    later: list[Moment] = [(0, 0, 4), (4, 0, 4), (20, 0, -4)]
    assert judge(traffic([EAST, later], [EAST_WAITS, later]), FIRST_0) == RulePassages(0, 0, {})


def test_two_that_pass_each_other_side_by_side_let_nobody_pass() -> None:
    there: list[Moment] = [(0, -4, 1), (2, -4, 0), (18, 4, 0), (20, 4, -1)]
    back: list[Moment] = [(0, 4, 1), (2, 4, 0), (18, -4, 0), (20, -4, -1)]
    left: list[Moment] = [(0, -4, 1), (2, -4, 0), (8, -1, 0), (10, 0, -0.3), (12, 1, 0), (18, 4, 0), (20, 4, -1)]
    right: list[Moment] = [(0, 4, 1), (2, 4, 0), (8, 1, 0), (10, 0, 0.3), (12, -1, 0), (18, -4, 0), (20, -4, -1)]
    assert judge(traffic([there, back], [left, right]), FIRST_0) == left_out("side_by_side")
    waits = [(t + 1.5, x, y) for t, x, y in right]
    assert judge(traffic([there, back], [left, waits]), FIRST_0) == COMPLIES


def test_who_has_arrived_by_another_way_contests_the_place_no_longer() -> None:
    detour: list[Moment] = [(0, 0, 4), (6, 3, 4), (22, 3, -4), (28, 0, -4)]
    assert judge(traffic([EAST, SOUTH], [EAST, detour]), FIRST_0) == left_out("elsewhere")
    assert judge(traffic([EAST, SOUTH], [EAST, detour]), FIRST_1) == left_out("elsewhere")


def test_who_is_stuck_before_the_place_is_still_to_come_and_hence_second() -> None:
    stuck: list[Moment] = [(0, 0, 4), (6, 0, 1), (60, 0, 1)]
    assert judge(traffic([EAST, SOUTH], [EAST, stuck], stuck=[1]), FIRST_0) == COMPLIES
    assert judge(traffic([EAST, SOUTH], [EAST, stuck], stuck=[1]), FIRST_1) == VIOLATES


def test_where_both_are_stuck_nobody_has_been_first() -> None:
    east: list[Moment] = [(0, -4, 0), (4, -2, 0), (60, -2, 0)]
    south: list[Moment] = [(0, 0, 4), (4, 0, 2), (60, 0, 2)]
    assert judge(traffic([EAST, SOUTH], [east, south], stuck=[0, 1]), FIRST_0) == left_out("elsewhere")


@pytest.mark.parametrize("ranks", [FIRST_0, FIRST_1], ids=str)
def test_a_robot_whose_start_lies_in_the_others_way_cannot_let_it_pass(ranks: dict[int, int]) -> None:
    out: list[Moment] = [(0, 2, 0), (12, -4, 0), (14, -4, 1)]  # from where 0 drives by, to a corner where it does not
    assert judge(traffic([EAST, out], [EAST_WAITS, out]), ranks) == left_out("only_one_order")


def test_with_a_bay_before_the_place_it_can() -> None:
    out: list[Moment] = [(0, 4, 0), (2, 3, 0), (4, 3, 1), (6, 3, 0), (20, -4, 0), (22, -4, -1)]
    whole: list[Moment] = [(0, -4, 1), (2, -4, 0), (18, 4, 0), (20, 4, 1)]
    waits: list[Moment] = [(0, 4, 0), (2, 3, 0), (4, 3, 1), (24, 3, 1), (26, 3, 0), (40, -4, 0), (42, -4, -1)]
    assert judge(traffic([whole, out], [whole, waits]), FIRST_0) == COMPLIES


@pytest.mark.parametrize("ranks", [FIRST_0, FIRST_1], ids=str)
def test_a_robot_whose_goal_lies_in_the_others_way_cannot_pass_first(ranks: dict[int, int]) -> None:
    ends: list[Moment] = [(0, 0, 4), (8, 0, 0)]
    assert judge(traffic([EAST, ends], [EAST, ends]), ranks) == left_out("only_one_order")


def test_a_robot_at_its_goal_is_in_the_way_as_long_as_the_other_one_comes() -> None:
    soon: list[Moment] = [(0, 0, 1), (2, 0, 0)]  # has long been there when 0 comes
    assert judge(traffic([EAST, soon], [EAST, soon]), FIRST_0) == left_out("only_one_order")


FAR: list[Moment] = [(0, 4, 4), (2, 5, 4)]  # of robot 2, alone; together it is in the way of another one


@pytest.mark.parametrize(("third", "verdict"), [(0, left_out("held_up")), (1, VIOLATES)], ids=["peer", "lower"])
def test_who_had_to_let_a_peer_pass_has_not_been_passed_over(third: int, verdict: RulePassages) -> None:
    """Robot 2 stands across the road of 0 until 1 is long past: nobody may push it away but those of earlier tiers."""
    blocks: list[Moment] = [(0, -2, 3), (3, -2, 0), (16, -2, 0), (22, -2, -3)]
    late: list[Moment] = [(0, -4, 0), (2, -3, 0), (18, -3, 0), (32, 4, 0)]
    scene = traffic([EAST, SOUTH, FAR], [late, SOUTH, blocks])
    assert judge(scene, {0: 0, 1: 1, 2: third}) == verdict
    assert judge(traffic([EAST, SOUTH], [late, SOUTH]), FIRST_0) == VIOLATES  # nothing else excuses it


def test_nor_is_it_to_anybodys_credit_if_the_other_one_had_to_let_its_peer_pass_anyway() -> None:
    blocks: list[Moment] = [(0, 3, 2), (3, 0, 2), (16, 0, 2), (22, -3, 2)]
    late: list[Moment] = [(0, 0, 4), (2, 0, 3), (18, 0, 3), (32, 0, -4)]
    scene = traffic([EAST, SOUTH, FAR], [EAST, late, blocks])
    assert judge(scene, {0: 0, 1: 1, 2: 1}) == left_out("held_up")
    assert judge(scene, {0: 0, 1: 1}) == left_out("held_up")  # of whom nothing is said may not be pushed away either
    assert judge(scene, {0: 0, 1: 2, 2: 0}) == COMPLIES  # it had to wait for those of earlier tiers, and did


CROSSING = {
    "name": "crossing",
    "bounds": {"x": [-3, 3], "y": [-3, 3]},
    "robots": {
        "model": "tinybot",
        "count": {"min": 1, "max": 2, "default": 2},
        "starts": [[-2, 0, 0], [0, -2, 1.5708]],
        "goals": [[2, 0], [0, 2]],
    },
}


def world(**changes: object) -> World:
    return parse_world({**CROSSING, **changes}, "crossing.yaml")


def test_tiers_are_read_from_what_a_world_expects() -> None:
    assert expected_ranks(world(expected={"order": [[1], [0]]})) == {1: 0, 0: 1}
    assert expected_ranks(world(expected={"order": [[], [0, 1]], "first": "robot_0"})) == {0: 1, 1: 1}
    assert expected_ranks(world()) == {}
    assert expected_ranks(world(expected={"first": "robot_1"})) == {}


@pytest.mark.parametrize(
    ("order", "culprit"),
    [
        ("robot_0", "valid list"),
        ([0, 1], "0: Input should be a valid list"),
        ([["robot_0"], [1]], "0.0: Input should be a valid integer"),
        ([[0], [1.0]], "1.0: Input should be a valid integer"),
        ([[0], [-1]], "1.0: Input should be greater than or equal to 0"),
        ([[0], [1, 0]], "robot 0 is there 2 times"),
        ([[0], [2]], "there is no robot 2, at most 2"),
    ],
    ids=str,
)
def test_an_order_that_cannot_be_is_refused_with_its_key(order: object, culprit: str) -> None:
    with pytest.raises(InputError, match=r"world 'crossing': expected\.order: ") as refusal:
        expected_ranks(world(expected={"order": order}))
    assert culprit in str(refusal.value)


def test_it_is_refused_where_nobody_has_a_goal_of_its_own() -> None:
    with pytest.raises(InputError, match=r"expected\.order: only in the task reach"):
        expected_ranks(world(task="allocate", expected={"order": [[0], [1]]}))


def test_what_the_ward_expects_is_what_its_rules_say() -> None:
    ward = load_world("ward")
    first = {"blood samples", "medicine"}
    after_meals = {"linen", "waste", "post", "empty trays"}
    ranks = expected_ranks(ward)
    for role in ward.roles:
        (said,) = role.__pydantic_extra__.values()
        tier = 0 if said in first else 1 if said == "meals" else 2 if said in after_meals else 3
        assert ranks[role.robot] == tier, said
        assert any(str(said) in rule.lower() or str(said).removesuffix("s") in rule.lower() for rule in ward.rules)
    assert len(ranks) == ward.robots.count.max


@pytest.fixture(params=[0, 1], ids="robot_{}_first".format)
def crossing(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A world whose rules say who of the two passes first."""
    first = int(request.param)
    words = {
        "roles": [{"robot": first, "carries": "blood samples"}, {"robot": 1 - first, "does": "cleaning"}],
        "rules": ["Cleaning robots let everybody else pass."],
        "expected": {"order": [[first], [1 - first]]},
    }
    file = tmp_path / "crossing.yaml"
    file.write_text(yaml.safe_dump({**CROSSING, **words}))
    return str(file)


def test_in_a_real_run_they_pass_as_the_rules_say_if_the_adviser_knows_them(crossing: str) -> None:
    spec = RunSpec(crossing, 2, 0, "intention", model="none")
    told = run(replace(spec, arbiter=ArbiterSpec(Advice("oracle", cache="none"), latency=0.2)))
    assert (told.rule_passages, told.rule_compliant, told.rule_left_out) == (1, 1, {})
    assert told.success
    assert told.arbitrations is not None
    assert told.arbitrations["applied"] == told.arbitrations["asked"] > 0
    assert told.arbitrations["latency_s"] == 0.2


def test_without_one_nobody_that_drives_knows_them(tmp_path: Path) -> None:
    results = []
    for first in (0, 1):
        file = tmp_path / f"crossing_{first}.yaml"
        file.write_text(yaml.safe_dump({**CROSSING, "expected": {"order": [[first], [1 - first]]}}))
        results.append(run(RunSpec(str(file), 2, 0, "intention", model="none")))
    assert results[0].trace == results[1].trace
    assert [result.rule_passages for result in results] == [1, 1]
    assert sorted(result.rule_compliant or 0 for result in results) == [0, 1]  # who passes is right for one of the two
    assert [result.arbitrations for result in results] == [None, None]


def test_an_oracle_has_to_know_something(tmp_path: Path) -> None:
    file = tmp_path / "crossing.yaml"
    file.write_text(yaml.safe_dump(CROSSING))
    spec = RunSpec(str(file), 2, 0, "intention")
    spec.check()
    with pytest.raises(InputError, match=r"oracle answers by a world's key expected\.order"):
        replace(spec, arbiter=ArbiterSpec(Advice("oracle"))).check()
    file_of_two = tmp_path / "twice.yaml"
    file_of_two.write_text(yaml.safe_dump({**CROSSING, "expected": {"order": [[0], [0]]}}))
    with pytest.raises(InputError, match="robot 0 is there 2 times"):
        replace(spec, world=str(file_of_two)).check()
