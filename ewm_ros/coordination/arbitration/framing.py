"""From a conflict to a question: who is concerned, what could be done, and what each of that leads to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ewm_ros.coordination.arbitration.question import Kind, Option, Party, Question, aliased, numbered
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.traffic_plan import Contest, TrafficPlan
from ewm_ros.coordination.untangling import Option as WayOut
from ewm_ros.messages import Plan

CONCERNED = 5.0  # s by which an option has to change the wait of a third robot for that to be shown
TIE = 1.0  # s of delay of the whole fleet
MOST_PARTIES = 10
MOST_OPTIONS = 5

Pair = tuple[str, str]  # the first robot is to pass before the second
Effect = Pair | WayOut


@dataclass(frozen=True, slots=True)
class FleetState:
    """All that is known of the fleet at a moment.

    Attributes:
        book, order: the routes, and who passes whom first.
        occupants, plans: by robot.
        now: s of a steady clock.
        stamp: s of the clock that stamps are taken from.
    """

    book: RouteBook
    order: TrafficPlan
    occupants: Mapping[str, Occupant]
    plans: Mapping[str, Plan]
    now: float
    stamp: float


@dataclass(frozen=True, slots=True)
class Framed:
    """A question, and what each of its options comes to."""

    question: Question
    effects: Mapping[str, Effect]

    @property
    def robots(self) -> tuple[str, ...]:
        """Names in the order of the aliases."""
        return tuple(party.robot for party in self.question.parties.values())

    @property
    def is_tie(self) -> bool:
        """Whether the solver has next to no reason to prefer one option."""
        totals = [option.total for option in self.question.options.values()]
        return max(totals) - min(totals) < TIE


def order_question(contest: Contest, fleet: FleetState, site: Site) -> Framed | None:
    """Who of two is to pass first; None if only one of them can."""
    pairs: list[Pair] = [contest.robots, (contest.robots[1], contest.robots[0])]
    delays = {pair: fleet.order.delays_if(*pair, fleet.occupants) for pair in pairs}
    if not all(delays.values()):
        return None
    parties = aliased(_party(name, fleet, site) for name in [*contest.robots, *_concerned(contest, *delays.values())])
    alias = {party.robot: name for name, party in parties.items()}
    options = [
        Option(
            first=(alias[first], alias[second]),
            waits={alias[name]: wait for name, wait in delays[first, second].items() if name in alias},
            total=sum(delays[first, second].values()),
        )
        for first, second in pairs
    ]
    kind = cast(Kind, contest.regions[0].kind.name.lower())
    regions = tuple(region.region for region in contest.regions)
    return _framed(kind, parties, list(zip(options, pairs, strict=True)), fleet, site, regions)


def deadlock_question(ways: Sequence[WayOut], fleet: FleetState, site: Site) -> Framed | None:
    """Which way out of a deadlock; None if they do not differ in who does what."""
    names = sorted({name for way in ways for name in (way.passes, *way.ways)})[:MOST_PARTIES]
    parties = aliased(_party(name, fleet, site) for name in names)
    alias = {party.robot: name for name, party in parties.items()}
    options: list[tuple[Option, Effect]] = []
    for way in sorted(ways, key=lambda way: way.cost):
        if not alias.keys() >= {way.passes, *way.ways}:
            continue
        aside = tuple(sorted(alias[name] for name in way.ways if name != way.passes))
        option = Option((alias[way.passes],), aside, longer=way.cost, round=way.passes in way.ways)
        if len(options) < MOST_OPTIONS and option.deed not in {known.deed for known, _ in options}:
            options.append((option, way))
    return _framed("deadlock", parties, options, fleet, site) if len(options) > 1 else None


def _framed(
    kind: Kind,
    parties: Mapping[str, Party],
    options: Sequence[tuple[Option, Effect]],
    fleet: FleetState,
    site: Site,
    regions: tuple[int, ...] = (),
) -> Framed:
    ids = numbered(option for option, _ in options)
    effects = {option.deed: effect for option, effect in options}
    routes = tuple(fleet.occupants[party.robot].route for party in parties.values())
    question = Question(kind, parties, ids, site.rules_hash, regions, routes)
    return Framed(question, {name: effects[option.deed] for name, option in ids.items()})


def _concerned(contest: Contest, one: Mapping[str, float], other: Mapping[str, float]) -> list[str]:
    """The other robots whose wait depends most on who passes first."""
    change = {name: abs(wait - other.get(name, 0.0)) for name, wait in one.items() if name not in contest.robots}
    far = sorted((name for name, s in change.items() if s > CONCERNED), key=lambda name: (-change[name], name))
    return far[: MOST_PARTIES - 2]


def _party(name: str, fleet: FleetState, site: Site) -> Party:
    path, since = fleet.book[name].path, fleet.occupants[name].waiting_since
    goal = path.point_at(path.length)
    waited = 0.0 if math.isinf(since) else fleet.now - since
    return Party(name, site.facts_of(name), site.place_at(*goal), goal, fleet.plans[name], waited)
