"""The wire: what is sent arrives within its rounding, and no bytes whatever do more than raise InputError."""

from __future__ import annotations

import gc
import math
import random
import string
import tracemalloc
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.payload_cost import damaged, fullest_payload
from ewm_ros.intention.checks import MAX_FINDS
from ewm_ros.intention.codec import MAX_PAYLOAD, decode_intention, decode_payload, encode_payload
from ewm_ros.messages import UINT32, Consent, Knot, Outcome, Plan, Search, Standing
from ewm_ros.randomness import stream

names = st.text("abcz019_", min_size=1, max_size=32)
uint32 = st.integers(0, UINT32)
nonzero = st.integers(1, UINT32)
metres = st.floats(0.0, 1e6)


@st.composite
def knots(draw: st.DrawFn, most: int = 8) -> tuple[Knot, ...]:
    gaps = draw(st.lists(st.floats(0.02, 7.0), max_size=most - 1))
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    position = st.floats(-10_000.0, 10_000.0)
    return tuple(
        Knot(t, draw(position), draw(position), draw(st.floats(-100.0, 100.0)), draw(st.floats(0.0, 100.0)))
        for t in times
    )


coordinate = st.floats(-10_000.0, 10_000.0)
finds = st.lists(st.tuples(coordinate, coordinate), max_size=MAX_FINDS).map(tuple)
searches = finds.flatmap(
    lambda found: st.builds(
        Search, st.just(found), st.just(math.inf) | st.floats(0.0, 1e6) if found else st.just(math.inf)
    )
)
plans = st.builds(
    Plan,
    goal=st.text(string.ascii_letters + string.digits + "_.,+- ", max_size=32),
    outcome=st.sampled_from(Outcome),
    eta=st.floats(0.0, 86_400.0) | st.just(math.inf),
    confidence=st.floats(0.0, 1.0),
    knots=knots(),
    search=st.none() | searches,
)
standings = st.builds(
    Standing,
    coordinator=uint32,
    epoch=uint32,
    route=uint32,
    progress=metres,
    hold=metres,
    waits_for=st.lists(names, max_size=3).map(tuple),
    claim=metres | st.just(math.nan),
    claim_seq=uint32,
    consents=st.lists(st.builds(Consent, names, nonzero, nonzero), max_size=3).map(tuple),
)
SIMPLE = Plan("dock_3", Outcome.ARRIVE, 4.2, 0.91, (Knot(0.0, 1.0, 2.0, 3.0, 0.1), Knot(5.0, 3.0, 2.0, 3.0, 0.3)))
SEARCHING = replace(SIMPLE, search=Search(((-6.8, 5.6), (3.6, -5.6)), 4.3))
TAILED = Standing(7, 8, 9, 1.0, 2.0, ("robot_1",), 3.0, 4, (Consent("robot_2", 5, 6),))


@settings(deadline=None)
@given(plans, standings)
def test_everything_arrives_within_its_rounding(plan: Plan, standing: Standing) -> None:
    received, stands = decode_payload(encode_payload(plan, standing))
    assert (received.goal, received.outcome) == (plan.goal, plan.outcome)
    assert received.eta == plan.eta or abs(received.eta - plan.eta) <= 0.0501
    assert abs(received.confidence - plan.confidence) <= 0.00501
    assert len(received.knots) == len(plan.knots)
    for got, sent in zip(received.knots, plan.knots, strict=True):
        assert abs(got.t - sent.t) <= 0.00501
        assert abs(got.x - sent.x) <= 0.00501
        assert abs(got.y - sent.y) <= 0.00501
        assert abs(math.remainder(got.yaw - sent.yaw, math.tau)) <= math.pi / 512 + 1e-9
        assert -math.pi <= got.yaw < math.pi
    check_search(received.search, plan.search)
    exact = ("coordinator", "epoch", "route", "waits_for", "claim_seq", "consents")
    assert all(getattr(stands, field) == getattr(standing, field) for field in exact)


def check_search(got: Search | None, sent: Search | None) -> None:
    assert (got is None) == (sent is None)
    if got is not None and sent is not None:
        assert len(got.finds) == len(sent.finds)
        for place, original in zip(got.finds, sent.finds, strict=True):
            assert math.dist(place, original) <= 0.0071
        assert got.bid == sent.bid or sent.bid <= got.bid <= sent.bid + 0.1001


@settings(deadline=None)
@given(plans, standings)
def test_what_was_received_once_is_sent_on_unchanged(plan: Plan, standing: Standing) -> None:
    payload = encode_payload(plan, standing)
    assert encode_payload(*decode_payload(payload)) == payload


@settings(deadline=None)
@given(plans, standings)
@example(SIMPLE, Standing(progress=1.1, hold=1.1, claim=1.1))
@example(SIMPLE, Standing(progress=2.0 - 1e-12, hold=2.0 + 1e-12, claim=5e-324))
def test_nobody_believes_in_more_free_space_than_there_is(plan: Plan, standing: Standing) -> None:
    received, stands = decode_payload(encode_payload(plan, standing))
    assert standing.progress - 0.01001 <= stands.progress <= standing.progress
    assert standing.hold <= stands.hold <= standing.hold + 0.01001
    if math.isnan(standing.claim):
        assert math.isnan(stands.claim)
    else:
        assert standing.claim <= stands.claim <= standing.claim + 0.01001
    for got, sent in zip(received.knots, plan.knots, strict=True):
        assert sent.radius <= got.radius <= sent.radius + 0.01001


def test_the_tail_costs_nothing_in_normal_running() -> None:
    assert len(msgpack.unpackb(encode_payload(SIMPLE, Standing()))) == 12
    assert len(msgpack.unpackb(encode_payload(SIMPLE, Standing(claim=0.0)))) == 15


def test_a_robot_that_is_told_its_goals_sends_what_it_sent_before_there_were_searches() -> None:
    old = bytes.fromhex(  # made by the program as it was then
        "9c01a6646f636b5f33002a5bc40ec8019003e80314f403900300002807080964ccc891a7726f626f745f31"
    )
    plan, standing = decode_payload(old)
    assert (plan.goal, plan.search, standing.waits_for) == ("dock_3", None, ("robot_1",))
    assert encode_payload(plan, standing) == old


@pytest.mark.parametrize("standing", [Standing(), TAILED], ids=["bare", "tailed"])
def test_a_search_costs_few_bytes(standing: Standing) -> None:
    bare, searching = (len(encode_payload(plan, standing)) for plan in (SIMPLE, SEARCHING))
    assert searching - bare <= 17
    assert len(encode_payload(replace(SIMPLE, search=Search()), standing)) - bare <= 4


def test_only_a_robot_that_is_at_its_goal_bids_nothing() -> None:
    for bid, told in ((0.0, 0.0), (1e-9, 0.1), (4.3, 4.3), (4.31, 4.4)):
        search = Search(((1.0, 2.0),), bid)
        received, _ = decode_payload(encode_payload(replace(SIMPLE, search=search), Standing()))
        assert received.search is not None and received.search.bid == told


# ---- bytes that nobody meant


def shortest(payload: bytes) -> bytes:
    """The same legal payload as it would be sent: integers in their shortest forms, no tail that says nothing."""
    fields = msgpack.unpackb(payload)
    if fields[12:15] == [None, 0, []]:
        del fields[12:15]
    packed: bytes = msgpack.packb(fields)
    return packed


def read_or_refuse(payload: bytes) -> bool:
    """True if the payload was read, and rightly so: what was read, sent on, is the same payload.

    Every exception but InputError, and every text of several lines, fails the test.
    """
    try:
        plan, standing = decode_payload(payload)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 200
        return False
    assert encode_payload(plan, standing) == shortest(payload)
    return True


@settings(deadline=None)
@given(st.binary(max_size=MAX_PAYLOAD))
def test_random_bytes(payload: bytes) -> None:
    read_or_refuse(payload)


plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=40) | st.binary()
trees = st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=2))


@settings(deadline=None)
@given(st.integers(0, 15), trees)
def test_any_value_in_any_field(field: int, value: object) -> None:
    fields = msgpack.unpackb(encode_payload(SEARCHING, TAILED))
    fields[field] = value
    read_or_refuse(msgpack.packb(fields))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_for_knots(data: bytes) -> None:
    fields = msgpack.unpackb(encode_payload(SIMPLE, TAILED))
    fields[5] = data
    read_or_refuse(msgpack.packb(fields))


@settings(deadline=None)
@given(plans, standings, st.lists(st.tuples(st.integers(0, MAX_PAYLOAD - 1), st.integers(1, 255)), max_size=4))
def test_flipped_bits_of_any_legal_payload(plan: Plan, standing: Standing, flips: list[tuple[int, int]]) -> None:
    data = bytearray(encode_payload(plan, standing))
    for place, bits in flips:
        data[place % len(data)] ^= bits
    read_or_refuse(bytes(data))


ORIGINALS = (
    encode_payload(SIMPLE, Standing()),
    encode_payload(SIMPLE, TAILED),
    encode_payload(SEARCHING, Standing()),
    encode_payload(SEARCHING, TAILED),
    fullest_payload(),
)


def test_ten_thousand_random_and_mutated_payloads() -> None:
    payloads = list(damaged(ORIGINALS, 10_000, stream(1, 0, "payloads")))
    assert len(set(payloads)) > 5_000
    read = sum(map(read_or_refuse, payloads))
    assert 1_000 < read < 5_000  # a flipped bit of a coordinate is legal; most damage is not


def test_memory_stays_flat_over_ten_thousand_payloads() -> None:
    payloads = list(damaged(ORIGINALS, 11_000, stream(2, 0, "payloads")))

    def read(some: Sequence[bytes]) -> None:
        for payload in some:
            with suppress(InputError):
                decode_payload(payload)

    tracemalloc.start()
    try:
        read(payloads[:1_000])
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        read(payloads[1_000:])
        _, peak = tracemalloc.get_traced_memory()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10_000  # bytes: one a payload
    assert peak - before < 1_000_000  # at any time, whatever lengths the bytes claim


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x91" * MAX_PAYLOAD,
        b"\x81\x90\x90",
        b"\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xdd\xff\xff\xff\xff",
        b"\xa2\xff\xfe",
        b"\x01",
        b"\x90",
    ],
    ids=["empty", "deep", "unhashable key", "timestamp", "huge array", "not UTF-8", "no array", "empty array"],
)
def test_hostile_msgpack(payload: bytes) -> None:
    assert not read_or_refuse(payload)


def test_a_megabyte_is_refused_before_msgpack_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("msgpack was given the bytes")

    monkeypatch.setattr(msgpack, "unpackb", fail)
    with pytest.raises(InputError, match="1000000 bytes: at most 512"):
        decode_payload(b"\x91" * 1_000_000)


def with_field(field: int, value: object) -> bytes:
    fields = msgpack.unpackb(encode_payload(SEARCHING, TAILED))
    fields[field] = value
    packed: bytes = msgpack.packb(fields)
    return packed


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        (0, 3, "format version 3"),
        (0, 1, "16 fields: 12 or 15 are needed"),
        (0, True, "does not start with a format version"),
        (1, "dock\n3", "goal is"),
        (1, 'a"}', "goal is"),
        (1, b"dock", "goal is of type bytes"),
        (2, 5, "outcome is 5"),
        (2, False, "outcome is False"),
        (3, math.nan, "eta is nan"),
        (3, math.inf, "eta is inf"),
        (3, -1, "eta is -1"),
        (4, 101, "confidence is 101"),
        (4, 0.5, "confidence is 0.5"),
        (5, "text", "knots are 'text'"),
        (5, b"", "knots hold 0 numbers"),
        (6, 2**32, "coordinator is 4294967296"),
        (7, None, "epoch is None"),
        (8, -1, "route is -1"),
        (9, math.nan, "progress"),
        (10, -1, "hold"),
        (10, 10**8 + 1, "hold"),
        (11, "robot_1", "waits_for is 'robot_1'"),
        (11, ["Robot"], "robot name 'Robot'"),
        (11, [1], "waits_for is 1"),
        (12, math.nan, "claim"),
        (13, 2**32, "claim_seq"),
        (14, [["robot_1", 0, 1]], "boot of a consent is 0"),
        (14, [["robot_1", 1]], "a consent has 2 fields"),
        (14, [3], "a consent is 3"),
        (15, None, "search is None"),
        (15, [], "search has 0 fields"),
        (15, [43, 1], "search has 2 fields"),
        (15, [43], "a bid without a find"),
        (15, [-1, 0, 0], "bid .dm. is -1"),
        (15, [1.5, 0, 0], "bid .dm. is 1.5"),
        (15, [None, 0, 10**6 + 1], "a find .cm. is 1000001"),
        (15, [None, 0, math.nan], "a find .cm. is nan"),
        (15, [None] + [0] * 18, "search has 19 fields"),
    ],
)
def test_a_field_out_of_range_is_named(field: int, value: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        decode_payload(with_field(field, value))


def test_nothing_may_follow_and_no_element_may_be_missing() -> None:
    payload = encode_payload(SIMPLE, Standing())
    for wrong in (payload + b"\xc0", payload[:-1], msgpack.packb(msgpack.unpackb(payload)[:11])):
        with pytest.raises(InputError):
            decode_payload(wrong)


@pytest.mark.parametrize(
    ("plan", "standing"),
    [
        (Plan("dock", Outcome.IDLE, math.nan, 0.5, SIMPLE.knots), Standing()),
        (Plan("dock", Outcome.IDLE, 1.0, math.nan, SIMPLE.knots), Standing()),
        (Plan("dock", Outcome.IDLE, 1.0, 1.5, SIMPLE.knots), Standing()),
        (Plan("x" * 33, Outcome.IDLE, 1.0, 0.5, SIMPLE.knots), Standing()),
        (replace(SIMPLE, search=Search((), 1.0)), Standing()),
        (replace(SIMPLE, search=Search(((0.0, 0.0),), math.nan)), Standing()),
        (replace(SIMPLE, search=Search(((0.0, math.inf),))), Standing()),
        (replace(SIMPLE, search=Search(((0.0, 0.0),) * 9)), Standing()),
        (SIMPLE, Standing(hold=math.nan)),
        (SIMPLE, Standing(hold=math.inf)),
        (SIMPLE, Standing(progress=-0.1)),
        (SIMPLE, Standing(claim=-1.0)),
        (SIMPLE, Standing(coordinator=2**32)),
        (SIMPLE, Standing(waits_for=("Robot",))),
        (SIMPLE, Standing(waits_for=("r",) * 65)),
        (SIMPLE, Standing(consents=(Consent("r" * 32, UINT32, UINT32),) * 12)),
    ],
)
def test_nothing_is_sent_that_a_receiver_would_refuse(plan: Plan, standing: Standing) -> None:
    with pytest.raises(InputError):
        encode_payload(plan, standing)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 51), st.randoms(use_true_random=False))
def test_the_longest_plan_of_a_robot_at_its_limits_fits(count: int, rng: random.Random) -> None:
    # Up to 1 m/s, at the edge of the largest map, another pose at every step of 0.1 s, in a fleet of ten.
    path = [Knot(0.0, 9_990.0, -9_990.0, 3.0, 0.0)]
    for i in range(1, count):
        last = path[-1]
        path.append(
            Knot(i / 10, last.x + rng.uniform(-0.1, 0.1), last.y + rng.uniform(-0.1, 0.1), rng.uniform(-3, 3), 0.1)
        )
    consents = tuple(Consent(f"robot_{i}", UINT32, 10_000) for i in range(3))
    plan = Plan("g" * 32, Outcome.ARRIVE, 5.0, 1.0, tuple(path))
    standing = Standing(UINT32, UINT32, UINT32, 9_000.0, 9_001.0, ("robot_1",), 9_002.0, 10_000, consents)
    assert len(encode_payload(plan, standing)) <= MAX_PAYLOAD


# ---- beside the payload


def test_an_intention_is_put_together_from_its_message() -> None:
    intention = decode_intention("robot_4", 11, 12, 1.5, encode_payload(SIMPLE, TAILED))
    assert (intention.robot, intention.boot, intention.seq, intention.stamp) == ("robot_4", 11, 12, 1.5)
    assert intention.standing == TAILED


@pytest.mark.parametrize(
    ("robot", "boot", "seq", "stamp", "complaint"),
    [
        ("", 1, 1, 0.0, "robot name"),
        ("../etc", 1, 1, 0.0, "robot name"),
        ("robot_1", 0, 1, 0.0, "boot is 0"),
        ("robot_1", 1, 2**32, 0.0, "seq is 4294967296"),
        ("robot_1", 1, 1, math.nan, "stamp is nan"),
        ("robot_1", 1, 1, -1.0, "stamp is -1"),
    ],
)
def test_fields_beside_the_payload_are_checked(robot: str, boot: int, seq: int, stamp: float, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        decode_intention(robot, boot, seq, stamp, encode_payload(SIMPLE, Standing()))


def test_a_bad_payload_is_reported_with_the_robots_name() -> None:
    with pytest.raises(InputError, match=r"^intention of robot_4: eta is -1"):
        decode_intention("robot_4", 1, 1, 0.0, with_field(3, -1))
