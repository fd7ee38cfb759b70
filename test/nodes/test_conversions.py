import math
from array import array
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from wire_values import arbitration

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.intention.codec import decode_payload, encode_payload
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import (
    OUTCOMES,
    Arbitration,
    Conflict,
    ConflictKind,
    Directive,
    DirectiveSet,
    GoalState,
    GoalStatus,
    Grant,
    Intention,
    Knot,
    Outcome,
    Plan,
    Route,
    Standing,
)
from ewm_ros.msg import GoalState as GoalStateMsg
from ewm_ros.msg import Intention as IntentionMsg
from ewm_ros.nodes import conversions
from ewm_ros.robot import incoming

names = st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True)
nonces = st.integers(1, 2**32 - 1)
stamps = st.integers(0, 2 * 10**15).map(lambda us: us * 1e-6)
metres = st.floats(0.0, 1000.0, width=32)
near = st.floats(0.0, 5.0, width=32)  # so that no route is longer than is accepted
TYPES = message_types()
PLAN = Plan("3.0,-2.5", Outcome.ARRIVE, 4.2, 0.9, (Knot(0.0, 1.0, 2.0, 0.0, 0.1), Knot(1.0, 1.5, 2.0, 0.0, 0.2)))


def over_the_wire(msg):
    """As a receiver gets it."""
    return deserialize_message(serialize_message(msg), type(msg))


@given(names, nonces, nonces, stamps)
def test_an_intention_arrives_as_it_was_sent(robot, boot, seq, stamp):
    sent = Intention(robot, boot, seq, stamp, PLAN, Standing(coordinator=7, epoch=3, route=1, progress=2.0, hold=5.0))
    got = incoming.intention_from(deserialize_message(intention_bytes(sent), IntentionMsg))
    assert (got.robot, got.boot, got.seq) == (robot, boot, seq)
    assert got.stamp == pytest.approx(stamp, abs=1e-6)
    assert got.plan.outcome == PLAN.outcome
    assert [(k.t, k.x, k.y) for k in got.plan.knots] == [(0.0, 1.0, 2.0), (1.0, 1.5, 2.0)]
    assert got.standing.hold == 5.0
    assert math.isnan(got.standing.claim)


@given(names, nonces, nonces, stamps, st.lists(st.tuples(near, near), min_size=1, max_size=30), st.integers(0, 255))
def test_a_route_arrives_as_it_was_sent(robot, boot, route, stamp, points, priority):
    sent = Route(robot, boot, route, stamp, Polyline(points), 0.3, 0.5, 0.75, priority)
    got = incoming.route_from(over_the_wire(conversions.route_to(sent)))
    assert (got.robot, got.boot, got.route, got.priority) == (robot, boot, route, priority)
    np.testing.assert_allclose(got.path.points, sent.path.points, rtol=1e-6)
    assert got.radius == pytest.approx(0.3)


directives = st.builds(
    Directive,
    robot=names,
    boot=nonces,
    answered=nonces,
    route=nonces,
    hold=metres,
    grants=st.lists(st.builds(lambda r, e: Grant(r, e, e + 1.0), nonces, st.integers(0, 100).map(float))).map(tuple),
    waits_for=st.just(()),
    speed_limit=st.sampled_from([0.0, 0.25]),
    expected_wait=st.sampled_from([math.nan, 1.5]),
)


@given(nonces, nonces, stamps, st.lists(directives, max_size=10, unique_by=lambda d: d.robot).map(tuple))
def test_a_directive_set_arrives_as_it_was_sent(coordinator, epoch, stamp, orders):
    sent = DirectiveSet(coordinator, epoch, stamp, 1.0, orders)
    got = incoming.directives_from(over_the_wire(conversions.directives_to(sent)))
    assert (got.coordinator, got.epoch, got.lease) == (coordinator, epoch, 1.0)
    assert [repr(order) for order in got.directives] == [repr(order) for order in orders]


@given(st.integers(0, 10**6))
def test_a_hold_point_does_not_creep_on_by_being_sent_and_reported(centimetres):
    hold = centimetres / 100
    sent = DirectiveSet(1, 1, 0.0, 1.0, (Directive("a", 1, 1, 1, hold),))
    got = incoming.directives_from(over_the_wire(conversions.directives_to(sent))).directives[0].hold
    assert got <= hold
    _, reported = decode_payload(encode_payload(PLAN, Standing(route=1, hold=got)))
    assert reported.hold == hold


def test_conflicts_are_published_with_their_holder():
    conflict = Conflict(99, ConflictKind.HEAD_ON, ("a", "b"), (1.0, 2.0), (3.0, 4.0), 5.0, 6.0, "b")
    msg = over_the_wire(conversions.conflicts_to([conflict], 12.5))
    assert (msg.conflicts[0].region, msg.conflicts[0].holder, msg.conflicts[0].kind) == (99, "b", 1)
    assert list(msg.conflicts[0].robots) == ["a", "b"]
    assert (msg.header.stamp.sec, msg.header.stamp.nanosec) == (12, 500_000_000)


conflicts = st.builds(
    Conflict,
    region=nonces,
    kind=st.sampled_from(ConflictKind),
    robots=st.tuples(names, names),
    enter=st.tuples(metres, metres),
    leave=st.tuples(metres, metres),
    x=st.floats(-9_999.0, 9_999.0, width=32),
    y=st.floats(-9_999.0, 9_999.0, width=32),
    holder=st.sampled_from(["", "robot_1"]),
)


@given(st.lists(conflicts, max_size=5).map(tuple), stamps)
def test_conflicts_are_read_as_they_were_sent_from_ros_and_from_a_bag(told, stamp):
    msg = conversions.conflicts_to(told, stamp)
    read = TYPES.deserialize_cdr(serialize_message(msg), "ewm_ros/msg/ConflictArray")
    for got in (over_the_wire(msg), read):
        time, heard = incoming.conflicts_from(got)
        assert heard == told
        assert time == pytest.approx(stamp, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": 7}, "kind is 7"),
        ({"robots": ["a", "DROP TABLE"]}, "robot name"),
        ({"enter": [math.nan, 1.0]}, "progress of a conflict is nan"),
        ({"x": math.inf}, "x of a conflict is inf"),
        ({"holder": "B b"}, "robot name"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_an_impossible_conflict_is_refused_with_one_line(changes, complaint):
    msg = conversions.conflicts_to(
        [Conflict(9, ConflictKind.HEAD_ON, ("a", "b"), (1.0, 2.0), (3.0, 4.0), 5.0, 6.0)], 1.0
    )
    for key, value in changes.items():
        setattr(msg.conflicts[0], key, value)
    with pytest.raises(InputError) as refused:
        incoming.conflicts_from(over_the_wire(msg))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def intention_msg(**changes):
    msg = deserialize_message(intention_bytes(Intention("robot_1", 5, 1, 0.0, PLAN, Standing())), IntentionMsg)
    for key, value in changes.items():
        setattr(msg, key, value)
    return msg


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"robot": "Bad Name"}, "Bad Name"),
        ({"boot": 0}, "boot"),
        ({"seq": 0}, "seq"),
        ({"payload": array("B")}, "robot_1"),
        ({"payload": array("B", b"\xc1\xc1\xc1")}, "robot_1"),
    ],
)
def test_an_impossible_intention_is_refused_by_name(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        incoming.intention_from(intention_msg(**changes))


@given(st.binary(max_size=512))
def test_random_payloads_are_refused(payload):
    with pytest.raises(InputError):
        incoming.intention_from(intention_msg(payload=array("B", payload)))


def test_a_route_with_nan_is_refused_by_name():
    msg = conversions.route_to(Route("robot_1", 5, 1, 0.0, Polyline([(0, 0), (1, 1)]), 0.3, 0.5, 0.75))
    msg.x = array("f", [0.0, math.nan])
    with pytest.raises(InputError, match="robot_1"):
        incoming.route_from(msg)


@pytest.mark.parametrize("hold", [math.nan, math.inf, -1.0])
def test_a_directive_set_with_one_bad_hold_is_refused_as_a_whole(hold):
    orders = (Directive("a", 1, 1, 1, 1.0), Directive("b", 1, 1, 1, hold))
    with pytest.raises(InputError, match="b: hold"):
        incoming.directives_from(conversions.directives_to(DirectiveSet(1, 1, 0.0, 1.0, orders)))


paths = st.lists(st.tuples(near, near), min_size=1, max_size=30).map(Polyline)


@given(st.lists(st.tuples(directives, nonces, paths), min_size=1, max_size=5, unique_by=lambda asked: asked[0].robot))
def test_the_ways_that_robots_are_asked_to_take_arrive_as_they_were_sent(asked):
    orders = tuple(replace(order, take_route=number, take_path=path) for order, number, path in asked)
    got = incoming.directives_from(over_the_wire(conversions.directives_to(DirectiveSet(1, 1, 0.0, 1.0, orders))))
    assert [(order.robot, order.take_route) for order in got.directives] == [(o.robot, o.take_route) for o in orders]
    for received, sent in zip(got.directives, orders, strict=True):
        assert received.take_path.points.tolist() == sent.take_path.points.tolist()


def test_a_robot_that_is_to_keep_its_route_is_asked_for_no_way():
    orders = (Directive("a", 1, 1, 1, 1.0), Directive("b", 1, 1, 1, 1.0, take_route=4, take_path=Polyline([(1, 2)])))
    a, b = incoming.directives_from(
        over_the_wire(conversions.directives_to(DirectiveSet(1, 1, 0.0, 1.0, orders)))
    ).directives
    assert (a.take_route, a.take_path) == (0, None)
    assert (b.take_route, b.take_path.points.tolist()) == (4, [[1.0, 2.0]])


WAY = (array("f", [0.0, 1.0]), array("f", [0.0, 2.0]))
NO_WAY = (array("f"), array("f"))


@pytest.mark.parametrize(
    ("number", "way", "complaint"),
    [
        (3, NO_WAY, "b: take_route and take_path must come together"),
        (0, WAY, "b: take_route and take_path must come together"),
        (3, (WAY[0], NO_WAY[1]), "2 x and 0 y"),
        (3, (WAY[0], array("f", [0.0, math.nan])), "path has a coordinate"),
    ],
    ids=["a number without a way", "a way without a number", "a way without y", "a way to nowhere"],
)
def test_half_a_way_to_take_is_refused_with_one_line(number, way, complaint):
    orders = (Directive("a", 1, 1, 1, 1.0), Directive("b", 1, 1, 1, 1.0))
    msg = conversions.directives_to(DirectiveSet(1, 1, 0.0, 1.0, orders))
    msg.directives[1].take_route = number
    msg.directives[1].take_x, msg.directives[1].take_y = way
    with pytest.raises(InputError, match=complaint) as refused:
        incoming.directives_from(over_the_wire(msg))
    assert "\n" not in str(refused.value)


lines = st.text(max_size=100).filter(str.isprintable)
options = st.lists(lines, min_size=2, max_size=5).map(
    lambda texts: tuple(f"o{k}: {text}" for k, text in enumerate(texts, start=1))
)
tellings = st.builds(
    Arbitration,
    question=nonces,
    stamp=stamps.map(lambda s: round(s, 6)),
    kind=st.sampled_from(["crossing", "head_on", "following", "deadlock"]),
    signature=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    robots=st.lists(names, max_size=10).map(tuple),
    regions=st.lists(nonces, max_size=5).map(tuple),
    options=options,
    prompt=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300),
    chosen=st.sampled_from(["", "o1", "o2"]),
    source=st.sampled_from(["model", "cache", "solver"]),
    model=lines,
    outcome=st.sampled_from([*OUTCOMES, "failed: 503: the server is busy"]),
    latency=st.floats(0.0, 600.0, width=32),
    rationale=lines,
)


@given(tellings)
def test_what_is_told_of_a_question_arrives_as_it_was_sent(told):
    got = incoming.arbitration_from(over_the_wire(conversions.arbitration_to(told)))
    assert replace(got, stamp=told.stamp) == told
    assert got.stamp == pytest.approx(told.stamp, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"question": 0}, "question is 0"),
        ({"kind": "quarrel"}, "kind is 'quarrel'"),
        ({"robots": ["Robert'); DROP TABLE"]}, "robot name"),
        ({"options": ["o1: a"] * 1000}, "options has 1000 entries"),
        ({"options": ["o1: \x1b[31mred"]}, "option is"),
        ({"prompt": "x" * 100_000}, "prompt has 100000 characters"),
        ({"chosen": "o9"}, "chosen is 'o9': it must be one of o1, o2"),
        ({"source": "oracle"}, "source is 'oracle'"),
        ({"outcome": "guessed: all of it"}, "outcome is 'guessed'"),
        ({"outcome": "failed: two\nlines"}, "cause of the failure is"),
        ({"latency": -1.0}, "latency is -1.0"),
        ({"latency": math.nan}, "latency is nan"),
        ({"rationale": "first\nsecond"}, "rationale is"),
        ({"rationale": "x" * 10_000}, "rationale is"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_told_of_a_question_is_refused_with_one_line(changes, complaint):
    msg = conversions.arbitration_to(arbitration())
    for key, value in changes.items():
        setattr(msg, key, value)
    with pytest.raises(InputError, match="arbitration: ") as refused:
        incoming.arbitration_from(over_the_wire(msg))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_told_of_a_question_is_the_same_read_from_a_bag():
    raw = serialize_message(conversions.arbitration_to(arbitration(outcome="applied")))
    read = TYPES.deserialize_cdr(raw, "ewm_ros/msg/Arbitration")
    assert incoming.arbitration_from(read) == arbitration(outcome="applied")


times_to_go = st.one_of(st.just(math.nan), st.floats(0.0, 80_000.0, width=32))
goal_states = st.builds(
    GoalState,
    robot=names,
    boot=nonces,
    stamp=stamps.map(lambda s: round(s, 6)),
    number=st.integers(0, 2**32 - 1),
    sent=st.integers(0, 2 * 10**18),
    status=st.sampled_from(GoalStatus),
    x=st.floats(-10_000.0, 10_000.0),
    y=st.floats(-10_000.0, 10_000.0),
    distance_remaining=times_to_go,
    eta=times_to_go,
    waiting_for=st.lists(names, max_size=10).map(tuple),
    text=lines,
)


@given(goal_states)
def test_what_becomes_of_a_goal_arrives_as_it_was_told(told):
    got = incoming.goal_state_from(over_the_wire(conversions.goal_state_to(told)))
    assert repr(replace(got, stamp=told.stamp)) == repr(told)  # nan is nan here
    assert got.stamp == pytest.approx(told.stamp, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"robot": "Robot 1"}, "robot name"),
        ({"boot": 0}, "boot is 0"),
        ({"status": 17}, "status is 17"),
        ({"x": math.nan}, "x is nan"),
        ({"distance_remaining": -1.0}, "distance_remaining is -1.0"),
        ({"eta": math.inf}, "eta is inf"),
        ({"waiting_for": ["r"] * 100}, "waiting_for has 100 entries"),
        ({"text": "a\nb"}, "text is"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_cannot_become_of_a_goal_is_refused_with_one_line(changes, complaint):
    msg = conversions.goal_state_to(GoalState("robot_1", 5, 1.0))
    for key, value in changes.items():
        setattr(msg, key, value)
    with pytest.raises(InputError, match="goal_state: ") as refused:
        incoming.goal_state_from(over_the_wire(msg))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_message_and_the_value_name_the_same_fates_of_a_goal():
    assert {status.name: int(status) for status in GoalStatus} == {
        status.name: getattr(GoalStateMsg, status.name) for status in GoalStatus
    }
