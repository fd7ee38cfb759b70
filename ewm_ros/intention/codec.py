"""Plan and standing as the payload of msg/Intention.msg: a msgpack array, format version first.

docs/intention_format.md describes the bytes for other implementations. Decoding is strict: a payload is a legal one in
every field or it is refused with InputError; nothing else is ever raised.
"""

from __future__ import annotations

import math

import msgpack

from ewm_ros.errors import InputError
from ewm_ros.intention.checks import (
    ETA_LIMIT,
    MAX_FINDS,
    MAX_PEERS,
    POSITION_LIMIT,
    PROGRESS_LIMIT,
    at_most,
    check_header,
    goal_name,
    integer,
    number,
    robot_name,
    robot_names,
    show,
)
from ewm_ros.intention.knots import LENGTH_UNITS, pack_knots, round_down, round_up, unpack_knots
from ewm_ros.messages import UINT32, Consent, Intention, Outcome, Plan, Search, Standing

VERSION = 1  # of a payload that tells nothing of a search for goals
VERSION_WITH_SEARCH = 2
MAX_PAYLOAD = 512  # bytes, as in msg/Intention.msg
ETA_UNITS = 10  # per s
CONFIDENCE_UNITS = 100
BID_UNITS = 10  # per m

_FIELDS = 12  # without the tail of claim, claim_seq and consents
_FIELDS_WITH_TAIL = 15
_OUTCOMES = tuple(Outcome)
_PROGRESS_UNITS_LIMIT = int(PROGRESS_LIMIT) * LENGTH_UNITS
_POSITION_UNITS_LIMIT = int(POSITION_LIMIT) * LENGTH_UNITS
_BID_UNITS_LIMIT = int(PROGRESS_LIMIT) * BID_UNITS


def encode_payload(plan: Plan, standing: Standing) -> bytes:
    """The bytes of a plan and a standing.

    Rounded so that nobody believes in more free space than there is: hold, claim and the knots' radius up, progress
    down; and a bid up, so that only a robot that is at its goal bids 0.

    Raises:
        InputError: something is out of range, or there are so many knots and consents that 512 bytes do not hold them.
    """
    fields: list[object] = [
        VERSION if plan.search is None else VERSION_WITH_SEARCH,
        goal_name(plan.goal),
        integer(int(plan.outcome), 0, _OUTCOMES[-1], "outcome"),
        None if plan.eta == math.inf else round(number(plan.eta, 0.0, ETA_LIMIT, "eta") * ETA_UNITS),
        round(number(plan.confidence, 0.0, 1.0, "confidence") * CONFIDENCE_UNITS),
        pack_knots(plan.knots),
        integer(standing.coordinator, 0, UINT32, "coordinator"),
        integer(standing.epoch, 0, UINT32, "epoch"),
        integer(standing.route, 0, UINT32, "route"),
        round_down(number(standing.progress, 0.0, PROGRESS_LIMIT, "progress"), LENGTH_UNITS),
        round_up(number(standing.hold, 0.0, PROGRESS_LIMIT, "hold"), LENGTH_UNITS),
        robot_names(standing.waits_for, "waits_for"),
    ]
    if standing.consents or standing.claim_seq or not math.isnan(standing.claim):
        fields += _tail(standing)
    if plan.search is not None:
        fields.append(_search(plan.search))
    payload: bytes = msgpack.packb(fields)
    if len(payload) > MAX_PAYLOAD:
        raise InputError(f"an intention of {len(payload)} bytes: at most {MAX_PAYLOAD} are sent")
    return payload


def decode_payload(payload: bytes) -> tuple[Plan, Standing]:
    """The plan and the standing that some robot sent.

    Raises:
        InputError: it is not exactly what `encode_payload` could have made; too long ones are refused unread.
    """
    if len(payload) > MAX_PAYLOAD:
        raise InputError(f"a payload of {len(payload)} bytes: at most {MAX_PAYLOAD} are accepted")
    fields = _fields(payload)
    if not fields or type(fields[0]) is not int:
        raise InputError("the payload does not start with a format version")
    if fields[0] not in (VERSION, VERSION_WITH_SEARCH):
        reads = f"{VERSION} and {VERSION_WITH_SEARCH}"
        raise InputError(f"the payload has format version {fields[0]}, this program reads {reads}: update the older")
    more = fields[0] - VERSION
    if len(fields) not in (_FIELDS + more, _FIELDS_WITH_TAIL + more):
        needed = f"{_FIELDS + more} or {_FIELDS_WITH_TAIL + more} are needed"
        raise InputError(f"the payload has {len(fields)} fields: {needed}")
    search = _read_search(fields.pop()) if more else None
    _, goal, outcome, eta, confidence, knots, coordinator, epoch, route, progress, hold, waits_for, *tail = fields
    if type(knots) is not bytes:
        raise InputError(f"knots are {show(knots)}: they must be bytes")
    plan = Plan(
        goal=goal_name(goal),
        outcome=_OUTCOMES[integer(outcome, 0, _OUTCOMES[-1], "outcome")],
        eta=math.inf if eta is None else integer(eta, 0, int(ETA_LIMIT) * ETA_UNITS, "eta") / ETA_UNITS,
        confidence=integer(confidence, 0, CONFIDENCE_UNITS, "confidence") / CONFIDENCE_UNITS,
        knots=unpack_knots(knots),
        search=search,
    )
    claim, claim_seq, consents = _read_tail(tail)
    standing = Standing(
        coordinator=integer(coordinator, 0, UINT32, "coordinator"),
        epoch=integer(epoch, 0, UINT32, "epoch"),
        route=integer(route, 0, UINT32, "route"),
        progress=_metres(progress, "progress"),
        hold=_metres(hold, "hold"),
        waits_for=robot_names(_list(waits_for, "waits_for"), "waits_for"),
        claim=claim,
        claim_seq=claim_seq,
        consents=consents,
    )
    return plan, standing


def decode_intention(robot: str, boot: int, seq: int, stamp: float, payload: bytes) -> Intention:
    """An intention as it came in from the network; stamp in s.

    Raises:
        InputError: the payload or one of the fields beside it is illegal; the line names the robot.
    """
    check_header(robot, boot, seq, stamp)
    try:
        plan, standing = decode_payload(payload)
    except InputError as error:
        raise InputError(f"intention of {robot}: {error}") from error
    return Intention(robot, boot, seq, float(stamp), plan, standing)


def _tail(standing: Standing) -> list[object]:
    at_most(standing.consents, MAX_PEERS, "consents")
    claim = None
    if not math.isnan(standing.claim):
        claim = round_up(number(standing.claim, 0.0, PROGRESS_LIMIT, "claim"), LENGTH_UNITS)
    consents = [
        (
            robot_name(consent.robot, "robot of a consent"),
            integer(consent.boot, 1, UINT32, "boot of a consent"),
            integer(consent.claim, 1, UINT32, "claim of a consent"),
        )
        for consent in standing.consents
    ]
    return [claim, integer(standing.claim_seq, 0, UINT32, "claim_seq"), consents]


def _read_tail(tail: list[object]) -> tuple[float, int, tuple[Consent, ...]]:
    """claim (m, nan for none), claim_seq and consents."""
    if not tail:
        return math.nan, 0, ()
    claim, claim_seq, consents = tail
    return (
        math.nan if claim is None else _metres(claim, "claim"),
        integer(claim_seq, 0, UINT32, "claim_seq"),
        tuple(_consent(entry) for entry in _list(consents, "consents")),
    )


def _consent(entry: object) -> Consent:
    fields = _list(entry, "a consent")
    if len(fields) != 3:
        raise InputError(f"a consent has {len(fields)} fields: 3 are needed")
    robot, boot, claim = fields
    return Consent(
        robot_name(robot, "robot of a consent"),
        integer(boot, 1, UINT32, "boot of a consent"),
        integer(claim, 1, UINT32, "claim of a consent"),
    )


def _search(search: Search) -> list[object]:
    """The bid, or nil, and the finds' coordinates one after the other."""
    at_most(search.finds, MAX_FINDS, "finds")
    bid = None
    if search.bid != math.inf:
        if not search.finds:
            raise InputError("a bid without a find: it must be for the first one")
        bid = round_up(number(search.bid, 0.0, PROGRESS_LIMIT, "bid"), BID_UNITS)
    places = [number(value, -POSITION_LIMIT, POSITION_LIMIT, "a find") for find in search.finds for value in find]
    return [bid, *(round(value * LENGTH_UNITS) for value in places)]


def _read_search(value: object) -> Search:
    fields = _list(value, "search")
    if len(fields) % 2 == 0 or len(fields) > 1 + 2 * MAX_FINDS:
        raise InputError(f"search has {len(fields)} fields: a bid and x and y of at most {MAX_FINDS} finds are needed")
    bid, *places = fields
    if not places and bid is not None:
        raise InputError("search has a bid without a find: it must be for the first one")
    limit = _POSITION_UNITS_LIMIT
    metres = [integer(place, -limit, limit, "a find (cm)") / LENGTH_UNITS for place in places]
    return Search(
        finds=tuple(zip(metres[0::2], metres[1::2], strict=True)),
        bid=math.inf if bid is None else integer(bid, 0, _BID_UNITS_LIMIT, "bid (dm)") / BID_UNITS,
    )


def _fields(payload: bytes) -> list[object]:
    """The elements of the msgpack array that the payload must be; no maps, no extension types, nothing after it."""
    try:
        value = msgpack.unpackb(
            payload,
            strict_map_key=True,
            max_str_len=32,
            max_bin_len=MAX_PAYLOAD,
            max_array_len=MAX_PEERS,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        # Only the kind: the text of a decoding error repeats the bytes at fault.
        raise InputError(f"the payload is not the msgpack that is expected ({type(error).__name__})") from error
    return _list(value, "the payload")


def _list(value: object, what: str) -> list[object]:
    if type(value) is not list:
        raise InputError(f"{what} is {show(value)}: it must be an array")
    at_most(value, MAX_PEERS, what)
    return value


def _metres(value: object, what: str) -> float:
    return integer(value, 0, _PROGRESS_UNITS_LIMIT, f"{what} (cm)") / LENGTH_UNITS
