"""Bytes of messages read by hand are what rosbags reads of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bag_maker import TYPES, BagMaker
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.evaluation.bags import bag_wire
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Directive, DirectiveSet, Grant
from ewm_ros.robot import incoming

NAMES = st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True)
UINT32 = st.integers(1, 2**32 - 1)
STAMPS = st.integers(0, 2_000_000_000_000_000).map(lambda micros: micros / 1e6)
PLACES = st.floats(-9_999.0, 9_999.0)


class Said(BagMaker):
    """Keeps the messages that others write to a bag."""

    def __init__(self) -> None:
        self._clock = 0.0
        self.messages: list[Any] = []

    def write(self, topic: str, msg: Any) -> None:
        self.messages.append(msg)


def raw(say: Callable[[Said], None]) -> tuple[bytes, Any]:
    """The bytes of a message, and what rosbags reads of them."""
    said = Said()
    say(said)
    (msg,) = said.messages
    data = bytes(TYPES.serialize_cdr(msg, msg.__msgtype__))
    return data, TYPES.deserialize_cdr(data, msg.__msgtype__)


grants = st.builds(Grant, UINT32, st.just(1.0), st.just(2.0))
paths = st.sampled_from([None, Polyline([(0.0, 0.0), (1.0, 0.0)]), Polyline([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])])
directives = st.builds(
    Directive,
    robot=NAMES,
    boot=UINT32,
    answered=UINT32,
    route=UINT32,
    hold=st.just(3.0),
    grants=st.lists(grants, max_size=3).map(tuple),
    take_path=paths,
    waits_for=st.lists(NAMES, max_size=3).map(tuple),
)


@given(st.lists(directives, max_size=5), STAMPS)
def test_a_set_of_directives_answers_whom_it_names(orders: list[Directive], stamp: float) -> None:
    data, msg = raw(lambda bag: bag.directives(DirectiveSet(1, 2, stamp, 1.0, tuple(orders))))
    expected = [(d.robot.encode(), d.boot, d.answered) for d in msg.directives]
    assert bag_wire.answers(data) == (incoming.seconds(msg.header.stamp), expected)


@given(st.binary(max_size=400))
def test_nonsense_does_no_harm(data: bytes) -> None:
    bag_wire.answers(b"\0\1\0\0" + data)


@given(st.data())
def test_a_message_that_is_cut_off_is_left_to_who_can_say_what_is_wrong(data: st.DataObject) -> None:
    orders = (Directive("r0", 1, 5, 1, 0.0),)
    whole, _ = raw(lambda bag: bag.directives(DirectiveSet(1, 2, 3.0, 1.0, orders)))
    assert bag_wire.answers(whole[: data.draw(st.integers(0, len(whole) - 8))]) is None


def test_so_is_what_is_encoded_otherwise() -> None:
    _, directive_set = raw(lambda bag: bag.directives(DirectiveSet(1, 2, 3.0, 1.0, ())))
    data = bytes(TYPES.serialize_cdr(directive_set, directive_set.__msgtype__, little_endian=False))
    assert bag_wire.answers(data) is None
