"""The value types of the wire: what robots and the coordinator tell each other. msg/*.msg mirror them one to one.

Positions on a route are progress: arc length (m) from the route's first point. A place is always named together with
the route (and the boot of its robot) that it lies on, so that a reroute or a restart cannot be mistaken for progress.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline

ROBOT_NAME = re.compile(r"[a-z0-9_]{1,32}")
UINT32 = 2**32 - 1
# What becomes of a question to the adviser. Stale: the situation that it was asked about is over; unsafe: what was
# chosen is not possible without a collision or deadlock any more; late: no answer before the deadline; failed: no
# usable one.
OUTCOMES = ("asked", "applied", "stale", "unsafe", "late", "failed")
NO_GOAL = "none"  # the name of a robot's goal when it has none


def check_robot_name(name: str) -> str:
    """Return the name, or raise InputError: names reach topics and prompts, so only [a-z0-9_], 1 to 32 of them."""
    if not ROBOT_NAME.fullmatch(name):
        raise InputError(f"robot name {name[:40]!r} is not 1 to 32 of the characters a-z, 0-9 and _")
    return name


class Outcome(IntEnum):
    """What a robot expects to come of the plan that it sends."""

    ARRIVE = 0  # reach the goal, `eta` s from now
    PROGRESS = 1  # be further on the way at the end of the plan
    WAIT = 2  # stand until somebody else has passed
    IDLE = 3  # stand, without a goal or at it
    BLOCKED = 4  # stand because something unexpected is in the way, or a fault


class Knot(NamedTuple):
    """A pose of the plan and the radius (m) that should hold 90 % of what really happens then.

    t: s after the intention's stamp; x, y: m, yaw: rad, map frame.
    """

    t: float
    x: float
    y: float
    yaw: float
    radius: float


@dataclass(frozen=True, slots=True)
class Search:
    """What a robot that has to find a goal of its own tells the others of it.

    Attributes:
        finds: x, y (m, map frame) of goals that it knows of, a few at a time: the one that it takes comes first.
        bid: m that it has to drive at most to the first of them, which it takes; 0 if it is there, inf for none taken.

    A robot that knows of no goal yet tells that much: where it has been, it has looked.
    """

    finds: tuple[tuple[float, float], ...] = ()
    bid: float = math.inf


@dataclass(frozen=True, slots=True)
class Plan:
    """A compressed trajectory: few knots, what it is for and how sure the robot is.

    Attributes:
        goal: name of the goal, at most 32 characters.
        eta: s until the outcome; inf when it lies beyond the horizon.
        confidence: 0 to 1.
        knots: at least one; the first is the pose now (t = 0).
        search: None if the robot is told its goals.
    """

    goal: str
    outcome: Outcome
    eta: float
    confidence: float
    knots: tuple[Knot, ...]
    search: Search | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """ "I keep out of what `robot` claimed in its message `claim` (a seq of its `boot`) until it is through"."""

    robot: str
    boot: int
    claim: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a robot stands in the right-of-way protocol.

    Attributes:
        coordinator: nonce of the coordinator it follows, 0 for none.
        epoch: of the newest directive set it obeys (its acknowledgement), 0 for none.
        route: id of its route, 0 for none. A robot without one occupies the place where it stands.
        progress: m along the route.
        hold: m along the route; it will not pass this point without a further directive (or consented claim).
        waits_for: robots it was told to wait for.
        claim: while it acts by the local rule: m along the route up to which it asks the others' consent, else nan.
        claim_seq: seq of the intention that first made this claim, 0 for none.
        consents: claims of others that it has consented to and keeps out of.
    """

    coordinator: int = 0
    epoch: int = 0
    route: int = 0
    progress: float = 0.0
    hold: float = 0.0
    waits_for: tuple[str, ...] = ()
    claim: float = math.nan
    claim_seq: int = 0
    consents: tuple[Consent, ...] = ()

    @property
    def reach(self) -> float:
        """The furthest progress it may come to with what it holds and what it asks for."""
        return self.hold if math.isnan(self.claim) else max(self.hold, self.claim)


@dataclass(frozen=True, slots=True)
class Intention:
    """One robot's plan and standing. `boot` is drawn anew at each start of its process; `seq` counts from 1."""

    robot: str
    boot: int
    seq: int
    stamp: float
    plan: Plan
    standing: Standing


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Where a robot is going to drive, as a whole, sent when it changes.

    Attributes:
        route: id, counted from 1 by its robot in each boot.
        path: from where the robot stood to its goal, map frame.
        radius: m, of the robot's footprint.
        max_speed: m/s.
        max_acceleration: m/s^2, for braking too.
        priority: of the robot's role; higher passes first.
    """

    robot: str
    boot: int
    route: int
    stamp: float
    path: Polyline
    radius: float
    max_speed: float
    max_acceleration: float
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """Right of way through one shared region: the route is inside it from `enter` to `leave` (m of progress)."""

    region: int
    enter: float
    leave: float


@dataclass(frozen=True, slots=True)
class Directive:
    """The coordinator's order for one robot.

    Attributes:
        boot, answered: boot and seq of the newest intention of the robot that this order takes into account.
        route: the route that `hold` and `grants` lie on; 0 while the coordinator has not got it.
        hold: m; do not pass this point.
        take_route: number of an alternative route to change to once the robot stands, 0 to keep the present one. Told
            again in every set until the robot names another route than `route`.
        take_path: that route, map frame, from where the robot stands; None to keep the present one.
        speed_limit: m/s, 0 for none.
        waits_for: robots that have to pass first; empty while the hold point only runs ahead of the robot.
        expected_wait: s until the hold point is expected to move on; nan for unknown.
    """

    robot: str
    boot: int
    answered: int
    route: int
    hold: float
    grants: tuple[Grant, ...] = ()
    take_route: int = 0
    take_path: Polyline | None = None
    speed_limit: float = 0.0
    waits_for: tuple[str, ...] = ()
    expected_wait: float = math.nan


@dataclass(frozen=True, slots=True)
class DirectiveSet:
    """All orders of one moment; it is applied as a whole or not at all.

    Attributes:
        coordinator: nonce drawn at the coordinator's start; epoch counts its sets from 1.
        lease: s; without a newer set for this long, a robot enters no further shared region.
    """

    coordinator: int
    epoch: int
    stamp: float
    lease: float
    directives: tuple[Directive, ...]
    _by_robot: dict[str, Directive] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_robot", {directive.robot: directive for directive in self.directives})

    def of(self, robot: str) -> Directive | None:
        """The order for one robot, None if the set has none."""
        return self._by_robot.get(robot)


class ConflictKind(IntEnum):
    """How two routes share a region."""

    CROSSING = 0
    HEAD_ON = 1
    FOLLOWING = 2


@dataclass(frozen=True, slots=True)
class Conflict:
    """A region that two routes share and that does not fit both robots.

    Attributes:
        region: id; derived from the robots' names and the place on the map, so that a restart finds the same.
        robots: the two of them, sorted; enter and leave (m) are on their routes, in this order.
        x, y: m, middle of the region in the map frame.
        holder: the robot that has right of way, empty if nobody yet.
    """

    region: int
    kind: ConflictKind
    robots: tuple[str, str]
    enter: tuple[float, float]
    leave: tuple[float, float]
    x: float
    y: float
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Arbitration:
    """One question to the adviser, or what became of it: told when it is asked and again when it is over.

    Attributes:
        question: number, counted from 1 by its coordinator.
        kind: of the conflict: crossing, head_on, following or deadlock.
        signature: the same for the same situation in words.
        robots: in the order of their aliases r1, r2, ...
        regions: ids of the shared regions that it is about.
        options: "o1: what is done", one a possibility.
        prompt: what the model was shown, as JSON; empty in what is told when it is over.
        chosen: id of an option; empty if there was no usable answer, or none yet.
        source: model, cache or solver (whose answer stands).
        model: name of the model.
        outcome: asked, applied, or why not: one word of OUTCOMES, for failures followed by ": " and the cause.
        latency: s from the question to the answer.
        rationale: the model's words, shortened; never acted upon.
    """

    question: int
    stamp: float
    kind: str
    signature: str
    robots: tuple[str, ...]
    regions: tuple[int, ...]
    options: tuple[str, ...]
    prompt: str
    chosen: str
    source: str
    model: str
    outcome: str
    latency: float
    rationale: str


class GoalStatus(IntEnum):
    """What has become of a robot's newest goal."""

    NONE = 0  # it has been sent nowhere yet
    ACTIVE = 1  # it is on its way, or waits
    REACHED = 2  # it stood within 0.3 m of it; from then on it keeps its place there
    CANCELLED = 3  # it gave it up, stops and stays
    NO_WAY = 4  # its map has no way there; it drives on should one be found later


@dataclass(frozen=True, slots=True)
class GoalState:
    """How far a robot is with its newest goal.

    Attributes:
        boot: of the robot; stamp: s, when this was so.
        number: of the goal, counted from 1; 0 if there was none yet.
        sent: ns, the stamp of the message that sent it: by number and stamp together a sender knows its own.
        x, y: m, of the goal, map frame.
        distance_remaining: m along the route; nan if none leads there.
        eta: s; nan if not known, as while it waits.
        waiting_for: robots that pass first.
        text: for people.
    """

    robot: str
    boot: int
    stamp: float
    number: int = 0
    sent: int = 0
    status: GoalStatus = GoalStatus.NONE
    x: float = 0.0
    y: float = 0.0
    distance_remaining: float = math.nan
    eta: float = math.nan
    waiting_for: tuple[str, ...] = ()
    text: str = ""
