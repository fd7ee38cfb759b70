"""Range checks of everything that comes in from the network, before any other code sees it.

Each check returns the value that it was given, or raises InputError with one line that names the field at fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.messages import (
    OUTCOMES,
    UINT32,
    Arbitration,
    Directive,
    DirectiveSet,
    GoalState,
    Route,
    check_robot_name,
)

POSITION_LIMIT = 10_000.0  # m, of any coordinate in the map frame
PROGRESS_LIMIT = 1_000_000.0  # m, of any arc length along a route
RADIUS_LIMIT = 100.0  # m, of footprints and of uncertainty
SPEED_LIMIT = 100.0  # m/s, and m/s^2 for accelerations
YAW_LIMIT = 1e6  # rad; headings need not be wrapped
ETA_LIMIT = 86_400.0  # s
LEASE_LIMIT = 3_600.0  # s
STAMP_LIMIT = float(2**31 - 1)  # s, the seconds of builtin_interfaces/Time are an int32
MAX_POINTS = 4096  # of a route
ROUTE_LIMIT = 250.0  # m; finding where two routes conflict takes time and memory with their lengths' product
MAX_PEERS = 64  # robots in one list
MAX_GRANTS = 256  # of one directive
MAX_FINDS = 8  # places of goals in one intention
MAX_OPTIONS = 16  # of one question
MAX_LINE = 400  # characters of a text for people
MAX_PROMPT = 65_536
GOAL = re.compile(r"[A-Za-z0-9_.,+ -]{0,32}")
CONFLICT_WORDS = ("crossing", "head_on", "following", "deadlock")
SOURCES = ("model", "cache", "solver")


def show(value: object) -> str:
    """A short text of a value for an error line: bounded however large or deep the value is."""
    if isinstance(value, str):
        return repr(value[:40])
    if value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64):
        return str(value)
    return f"of type {type(value).__name__}"


def integer(value: object, low: int, high: int, what: str) -> int:
    """An exact int (a bool is none) in [low, high]."""
    if type(value) is not int or not low <= value <= high:
        raise InputError(f"{what} is {show(value)}: it must be an integer from {low} to {high}")
    return value


def number(value: object, low: float, high: float, what: str) -> float:
    """A finite float or int (a bool is none) in [low, high]."""
    if type(value) is float and low <= value <= high:  # nearly always
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{what} is {show(value)}: it must be a number from {low:g} to {high:g}")
    return float(value)


def positive(value: object, high: float, what: str) -> float:
    """A float or int in (0, high]."""
    result = number(value, 0.0, high, what)
    if result == 0.0:
        raise InputError(f"{what} is 0: it must be more")
    return result


def goal_name(value: object) -> str:
    """Name of a goal: it reaches prompts and logs, so only plain characters, at most 32 of them; may be empty."""
    if type(value) is not str or not GOAL.fullmatch(value):
        raise InputError(f"goal is {show(value)}: at most 32 of A-Z a-z 0-9 _ . , + - and blank are accepted")
    return value


def robot_name(value: object, what: str) -> str:
    """A legal name of a robot, as a str."""
    if type(value) is not str:
        raise InputError(f"{what} is {show(value)}: it must be a robot's name")
    return check_robot_name(value)


def robot_names(values: Sequence[object], what: str) -> tuple[str, ...]:
    """At most 64 legal names of robots."""
    at_most(values, MAX_PEERS, what)
    return tuple(robot_name(value, what) for value in values)


def at_most(values: Sequence[object], limit: int, what: str) -> None:
    """Refuse a sequence with more than `limit` elements."""
    if len(values) > limit:
        raise InputError(f"{what} has {len(values)} entries: at most {limit} are accepted")


def check_header(robot: str, boot: int, seq: int, stamp: float) -> None:
    """The fields of an intention that travel outside of its payload; boot and seq are never 0.

    Raises:
        InputError: one of them is impossible.
    """
    robot_name(robot, "robot")
    integer(boot, 1, UINT32, "boot")
    integer(seq, 1, UINT32, "seq")
    number(stamp, 0.0, STAMP_LIMIT, "stamp")


def checked_route(
    robot: str,
    boot: int,
    route: int,
    stamp: float,
    x: Sequence[float],
    y: Sequence[float],
    radius: float,
    max_speed: float,
    max_acceleration: float,
    priority: int,
) -> Route:
    """A route as it came in from the network.

    Args:
        x, y: m, the polyline's points in the map frame; any sequence of numbers (list, array.array, numpy array).

    Raises:
        InputError: a name, number or list is impossible; the line names the robot.
    """
    robot_name(robot, "robot")
    try:
        path = checked_path(x, y)
        return Route(
            robot=robot,
            boot=integer(boot, 1, UINT32, "boot"),
            route=integer(route, 1, UINT32, "route"),
            stamp=number(stamp, 0.0, STAMP_LIMIT, "stamp"),
            path=path,
            radius=positive(radius, RADIUS_LIMIT, "radius"),
            max_speed=positive(max_speed, SPEED_LIMIT, "max_speed"),
            max_acceleration=positive(max_acceleration, SPEED_LIMIT, "max_acceleration"),
            priority=integer(priority, 0, 255, "priority"),
        )
    except InputError as error:
        raise InputError(f"route of {robot}: {error}") from error


def checked_path(x: Sequence[float], y: Sequence[float]) -> Polyline:
    """A path as it came in from the network.

    Args:
        x, y: m, the polyline's points in the map frame.

    Raises:
        InputError: they are no path, or it is too long.
    """
    path = Polyline(_points(x, y))
    if path.length > ROUTE_LIMIT:
        raise InputError(f"it is {path.length:.0f} m long: at most {ROUTE_LIMIT:g} m are accepted")
    return path


def _points(x: Sequence[float], y: Sequence[float]) -> FloatArray:
    """(N, 2) m of two lists of coordinates."""
    if not 1 <= len(x) <= MAX_POINTS or len(x) != len(y):
        raise InputError(f"path has {len(x)} x and {len(y)} y: it must have 1 to {MAX_POINTS} of each")
    try:
        points: FloatArray = np.array([x, y], dtype=np.float64).T
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("path holds something that is no number") from error
    if points.ndim != 2 or not (np.abs(points) <= POSITION_LIMIT).all():
        raise InputError(f"path has a coordinate that is not a number within {POSITION_LIMIT:g} m of the map's origin")
    return points


def checked_directives(directives: DirectiveSet) -> DirectiveSet:
    """A directive set as it came in from the network: it is applied as a whole, so one fault refuses all of it.

    Raises:
        InputError: a name, number or list is impossible, or two directives are for one robot.
    """
    try:
        integer(directives.coordinator, 1, UINT32, "coordinator")
        integer(directives.epoch, 1, UINT32, "epoch")
        number(directives.stamp, 0.0, STAMP_LIMIT, "stamp")
        positive(directives.lease, LEASE_LIMIT, "lease")
        at_most(directives.directives, MAX_PEERS, "directives")
        seen: set[str] = set()
        for directive in directives.directives:
            _check_directive(directive)
            if directive.robot in seen:
                raise InputError(f"two directives for {directive.robot}")
            seen.add(directive.robot)
    except InputError as error:
        raise InputError(f"directive set: {error}") from error
    return directives


def _check_directive(directive: Directive) -> None:
    robot = robot_name(directive.robot, "robot")
    try:
        integer(directive.boot, 1, UINT32, "boot")
        integer(directive.answered, 0, UINT32, "answered")
        integer(directive.route, 0, UINT32, "route")
        if (integer(directive.take_route, 0, UINT32, "take_route") == 0) != (directive.take_path is None):
            raise InputError("take_route and take_path must come together")
        number(directive.hold, 0.0, PROGRESS_LIMIT, "hold")
        number(directive.speed_limit, 0.0, SPEED_LIMIT, "speed_limit")
        if robot in robot_names(directive.waits_for, "waits_for"):
            raise InputError("it is told to wait for itself")
        if not math.isnan(directive.expected_wait):
            number(directive.expected_wait, 0.0, ETA_LIMIT, "expected_wait")
        at_most(directive.grants, MAX_GRANTS, "grants")
        for grant in directive.grants:
            integer(grant.region, 0, UINT32, "region")
            number(grant.enter, 0.0, PROGRESS_LIMIT, "enter")
            number(grant.leave, grant.enter, PROGRESS_LIMIT, "leave")
    except InputError as error:
        raise InputError(f"{robot}: {error}") from error


def checked_arbitration(told: Arbitration) -> Arbitration:
    """What was told of a question to the adviser, as it came in: it is shown to people, and acted upon by nobody.

    Raises:
        InputError: a number, name or word is impossible, or a text would do more to a terminal than fill a line.
    """
    try:
        integer(told.question, 1, UINT32, "question")
        number(told.stamp, 0.0, STAMP_LIMIT, "stamp")
        _one_of(told.kind, CONFLICT_WORDS, "kind")
        robot_names(told.robots, "robots")
        at_most(told.regions, MAX_GRANTS, "regions")
        for region in told.regions:
            integer(region, 0, UINT32, "region")
        at_most(told.options, MAX_OPTIONS, "options")
        for what, text in (
            *(("option", o) for o in told.options),
            ("signature", told.signature),
            ("model", told.model),
        ):
            _line(text, what)
        _line(told.rationale, "rationale")
        if len(told.prompt) > MAX_PROMPT:
            raise InputError(f"prompt has {len(told.prompt)} characters: at most {MAX_PROMPT} are accepted")
        if told.chosen:
            _one_of(told.chosen, [option.partition(":")[0] for option in told.options], "chosen")
        _one_of(told.source, SOURCES, "source")
        outcome, _, cause = told.outcome.partition(": ")
        _one_of(outcome, OUTCOMES, "outcome")
        _line(cause, "cause of the failure")
        number(told.latency, 0.0, ETA_LIMIT, "latency")
    except InputError as error:
        raise InputError(f"arbitration: {error}") from error
    return told


def checked_goal_state(told: GoalState) -> GoalState:
    """What a robot told of its goal, as it came in.

    Raises:
        InputError: a name, number or text is impossible.
    """
    try:
        check_header(told.robot, told.boot, 1, told.stamp)
        integer(told.number, 0, UINT32, "number")
        number(told.x, -POSITION_LIMIT, POSITION_LIMIT, "x")
        number(told.y, -POSITION_LIMIT, POSITION_LIMIT, "y")
        for value, limit, what in (
            (told.distance_remaining, PROGRESS_LIMIT, "distance_remaining"),
            (told.eta, ETA_LIMIT, "eta"),
        ):
            if not math.isnan(value):
                number(value, 0.0, limit, what)
        robot_names(told.waiting_for, "waiting_for")
        _line(told.text, "text")
    except InputError as error:
        raise InputError(f"goal_state: {error}") from error
    return told


def _one_of(value: str, words: Sequence[str], what: str) -> None:
    if value not in words:
        raise InputError(f"{what} is {show(value)}: it must be one of {', '.join(words)}")


def _line(text: str, what: str) -> None:
    if len(text) > MAX_LINE or not text.isprintable():
        raise InputError(f"{what} is {show(text)}: it must be one line of at most {MAX_LINE} characters")
