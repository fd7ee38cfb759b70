"""The fast solver: how far each robot may drive now, by a given order of passing, or by order of arrival and role.

Each robot holds an interval of its route. An interval grows only while the boxes that it spans with the others'
intervals stay free in the coordination space (O'Donnell and Lozano-Perez, ICRA 1989; critical sections as in Pecora et
al., ICAPS 2018). Where the order of passing settles who is first it grows up to what others are to pass before; else
only to a point from which the banker's test still finds an order in which all can drive to their goals. Robots that
wait longer, or whose role has priority, are served first.

Complete for: routes that can be driven one after the other, arrived robots staying at their goals. Who has to back out,
to move aside or to go round is seen to by the deadlock watch, which gives robots other routes.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.conflict_space import SHORT
from ewm_ros.coordination.lasting_answers import LastingAnswers
from ewm_ros.coordination.occupant import STOPPING, Occupant, own_interval
from ewm_ros.coordination.precedence import NOBODY_FIRST, Precedence
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.messages import Conflict, ConflictKind

LOOKAHEAD = 1.6  # m; the interval reaches this far ahead of the robot, so that it never brakes for a free way
REFILL = 1.3  # m; an interval is made longer only when less than this is left of it
SHORT_REGION = 3.0  # m; a shared region up to this long is granted as a whole: nobody stops in a crossing
LONGEST_WAIT = 600.0  # s; what would take longer is not known
MOST_ASKED = 12  # times a cycle that the banker is asked; with 50 robots each takes 0.2 ms


@dataclass(frozen=True, slots=True)
class Decision:
    """How far one robot may drive (m of progress), for whom it waits, and for how long about (s, nan: not known)."""

    hold: float
    waits_for: tuple[str, ...] = ()
    expected_wait: float = math.nan


class Solver:
    """Decides how far every robot may go. It remembers only what would be wasteful to ask again."""

    def __init__(self, book: RouteBook) -> None:
        self._book = book
        self._banker = Banker(book)
        self._refused: LastingAnswers[Decision] = LastingAnswers()
        self._last: dict[str, Decision] = {}
        self._order = NOBODY_FIRST
        self._asked = 0  # times that the banker has been asked in this cycle

    def decide(
        self,
        occupants: Mapping[str, Occupant],
        order: Precedence = NOBODY_FIRST,
        frozen: Container[str] = (),
    ) -> dict[str, Decision]:
        """Holds for all robots.

        Args:
            occupants: by robot name; `high` of those whose interval grows is raised in place.
            order: who passes first where it matters; it is executable.
            frozen: robots that get nothing now: they are to change their routes.

        Returns:
            a decision for each movable robot. A hold below `high` takes back what was granted; it frees nothing before
            the robot has acknowledged it.
        """
        finishable: set[str] | None = None
        self._asked = 0
        self._refused.note(occupants)
        decisions: dict[str, Decision] = {}
        for name in sorted(occupants, key=lambda n: (-occupants[n].priority, occupants[n].waiting_since, n)):
            me = occupants[name]
            if not me.movable or name in decisions:
                continue
            near = [
                o for o in self._book.neighbours(name) if not self._book.space(name, o).passed(me.low, occupants[o].low)
            ]
            others = [occupants[o] for o in near]
            undone = self._undo(me, others) or self._give_back(me, others, order)
            if undone is not None:
                decisions[name] = undone
                continue
            if name in frozen:
                continue
            if me.disabled:
                decisions[name] = Decision(me.low)  # others are to count on its staying where it is
                continue
            if me.high >= min(me.length, me.low + REFILL):
                decisions[name] = Decision(me.high)
                continue
            refused = self._refused.of(name) if order is self._order else None
            if refused is not None:
                wait = self._wait(me, me.high, refused.waits_for, occupants)
                decisions[name] = replace(refused, expected_wait=wait)
                continue
            want = self._rounded_up(me, near)
            limit, blockers = self._free(me, want, [occupants[o] for o in near], order)
            taken_back = self._take_back(me, want, blockers, occupants) if limit < want else {}
            for other, shorter in taken_back.items():
                if other not in decisions or shorter.hold < decisions[other].hold:
                    decisions[other] = shorter
            creep = limit >= want or all(self._makes_way(me, limit, occupants[other]) for other in blockers)
            end = self._uncontested(me, limit, near, occupants)
            if end < limit and order.settles(r for o in near for r in self._ahead(me, occupants[o])):
                end = limit if creep else max(end, self._in_order(me, limit, [occupants[o] for o in near], order))
            elif end < limit:
                # Who has to wait for somebody that crosses or comes the other way does not creep up to him, but waits
                # before the shared region: standing in the mouth of a corridor settles the order of all others too.
                finishable = self._banker.finishable(occupants) if finishable is None else finishable
                ends = self._waiting_places(me, limit, near) | ({limit} if creep else set())
                safe, finishable = self._safe(me, (e for e in ends if e > end), occupants, finishable)
                end = max(end, safe)
            if end > me.high:
                me.high = end
                self._refused.note_change(name, me)
            waits_for = blockers if limit < want else self._rivals(me, want, near, occupants) if end < limit else []
            decisions[name] = Decision(me.high, tuple(sorted(waits_for)), self._wait(me, end, waits_for, occupants))
            # Until one of those that matter here moves on, the answer would be the same: those near if the way is
            # taken, everybody if it would end in a deadlock.
            matter = [name, *near] if limit < want else list(occupants)
            self._refused.forget(name)
            if waits_for and not taken_back:
                self._refused.keep(name, decisions[name], matter)
        self._last, self._order = decisions, order
        return decisions

    def _undo(self, me: Occupant, others: Iterable[Occupant]) -> Decision | None:
        """A shorter interval, if somebody is found to be in mine: one that has just come, or was not heard so far."""
        end = me.high
        there: list[str] = []
        for other in others:
            free = self._book.tight_space(me.robot, other.robot).free_until(me.low, end, other.low, other.high)
            if free < end:
                end = max(free, me.low)
                there.append(other.robot)
        return Decision(end, tuple(sorted(there))) if there else None

    def _give_back(self, me: Occupant, others: Iterable[Occupant], order: Precedence) -> Decision | None:
        """A shorter interval, if mine goes into a region that another one is now preferred to pass first."""
        end, preferred = me.high, ""
        for other in others:
            if not order.prefers(other.robot, me.robot):
                continue
            for region in self._ahead(me, other):
                before = own_interval(region, me.robot)[0] - SHORT
                if me.low + STOPPING - SHORT < before < end:
                    end, preferred = before, other.robot
        return Decision(end, (preferred,)) if preferred else None

    def _rounded_up(self, me: Occupant, near: Iterable[str]) -> float:
        """Where the interval should end: ahead of the robot, and not in the middle of a crossing."""
        want = min(me.length, max(me.low + LOOKAHEAD, me.high))
        for other in near:
            for region in self._book.regions(me.robot, other):
                enter, leave = own_interval(region, me.robot)
                if enter < want < leave and leave - enter <= SHORT_REGION:
                    want = min(me.length, leave + 0.1)
        return want

    def _free(
        self, me: Occupant, want: float, others: Iterable[Occupant], order: Precedence
    ) -> tuple[float, list[str]]:
        """How far the way is free of the others' intervals and of what they are to pass first, and whose ends it."""
        limit = want
        blockers: list[tuple[float, str]] = []
        for other in others:
            passing = self._book.tight_space if other.stands or other.disabled else self._book.space
            end = passing(me.robot, other.robot).free_until(me.high, want, other.low, other.extent)
            end = min(end, self._reserved(me, want, other, order))
            if end < want and end < limit + 0.1:
                blockers = [b for b in blockers if b[0] < end + 0.1] + [(end, other.robot)]
                limit = min(limit, end)
        return max(limit, me.high), [robot for _, robot in blockers]

    def _ahead(self, me: Occupant, other: Occupant) -> Iterator[Conflict]:
        """The regions that both have still to leave; who is at its goal has left all, and stands there."""
        if me.arrived or other.arrived:
            return
        for region in self._book.regions(me.robot, other.robot):
            if me.low < own_interval(region, me.robot)[1] and other.low < own_interval(region, other.robot)[1]:
                yield region

    def _reserved(self, me: Occupant, want: float, other: Occupant, order: Precedence) -> float:
        """Where begins, up to `want`, what the other one is to pass before me.

        Before it has come to a region that is the region's beginning, then what it has still to drive through there.
        """
        end = want
        for region in self._ahead(me, other):
            mine, theirs = own_interval(region, me.robot), own_interval(region, other.robot)
            # Who has given back what it was granted gets it no more, though the order may still be the former one.
            yields = order.yields(me.robot, region) or order.prefers(other.robot, me.robot)
            if not yields or mine[0] >= end:
                continue
            if _is_past(region, other):
                space = self._book.space(me.robot, other.robot)
                end = min(end, space.free_until(me.high, end, max(other.low, theirs[0]), theirs[1]))
            elif mine[0] > me.high:
                end = min(end, mine[0] - SHORT)
        return end

    def _take_back(
        self, me: Occupant, want: float, blockers: Iterable[str], occupants: Mapping[str, Occupant]
    ) -> dict[str, Decision]:
        """Shorter intervals for robots of lower priority that block me and have not come near the place yet."""
        shorter = {}
        for name in blockers:
            other = occupants[name]
            if not other.movable or other.priority >= me.priority:
                continue
            end = self._book.space(name, me.robot).free_until(other.low, other.high, me.low, want)
            if other.low + STOPPING < end < other.high:
                shorter[name] = Decision(end, (me.robot,))
        return shorter

    def _makes_way(self, me: Occupant, limit: float, other: Occupant) -> bool:
        """Whether who ends my way at `limit` drives ahead of me in my direction, or out of a crossing."""
        for region in self._book.regions(me.robot, other.robot):
            enter, leave = own_interval(region, me.robot)
            if enter - 0.1 <= limit <= leave:
                return region.kind is ConflictKind.FOLLOWING or _is_past(region, other)
        return False

    def _uncontested(self, me: Occupant, limit: float, near: Iterable[str], occupants: Mapping[str, Occupant]) -> float:
        """Up to where, at most `limit`, nobody else will ever want to be."""
        end = limit
        for other in near:
            them = occupants[other]
            free = self._book.space(me.robot, other).free_until(me.high, end, them.low, them.length)
            end = max(min(end, free), me.high)
        return end

    def _in_order(self, me: Occupant, limit: float, others: Iterable[Occupant], order: Precedence) -> float:
        """The furthest place up to `limit` to wait at: before a region that somebody is to pass first, and in none.

        Where I am first I may stand: those that come after me keep out of there.
        """
        yielded = [own_interval(r, me.robot) for o in others for r in self._ahead(me, o) if order.yields(me.robot, r)]
        places = (enter - SHORT for enter, _ in yielded)
        free = (e for e in places if me.high < e <= limit and not any(a < e < b for a, b in yielded))
        return max(free, default=me.high)

    def _safe(
        self,
        me: Occupant,
        ends: Iterable[float],
        occupants: Mapping[str, Occupant],
        before: set[str],
    ) -> tuple[float, set[str]]:
        """The furthest of some ends that leaves an order in which all can finish, and who can finish then."""
        start = me.high
        for end in sorted(ends, reverse=True):
            if self._asked >= MOST_ASKED:
                break
            self._asked += 1
            me.high = end
            after = self._banker.finishable(occupants)
            me.high = start
            if me.robot in after and after >= before:
                return end, after
        return start, before

    def _waiting_places(self, me: Occupant, limit: float, near: Iterable[str]) -> set[float]:
        """Where to wait before shared regions, below `limit`, and not in the way of who crosses or comes towards me."""
        regions = [region for other in near for region in self._book.regions(me.robot, other)]
        against = [own_interval(r, me.robot) for r in regions if r.kind is not ConflictKind.FOLLOWING]
        places = {own_interval(region, me.robot)[0] - SHORT for region in regions}
        return {e for e in places if me.high < e < limit and not any(a < e < b for a, b in against)}

    def _rivals(self, me: Occupant, want: float, near: Iterable[str], occupants: Mapping[str, Occupant]) -> list[str]:
        """The robots that have still to pass what lies between my hold and where I want to go."""
        rivals = []
        for name in near:
            other = occupants[name]
            if self._book.space(me.robot, name).blocked(me.high, want, other.low, other.length) and not other.arrived:
                rivals.append(name)
        return rivals

    def _wait(self, me: Occupant, limit: float, waits_for: Iterable[str], occupants: Mapping[str, Occupant]) -> float:
        """s until those waited for should have made way; nan if one of them does not know when it can go on."""
        longest = 0.0
        for name in waits_for:
            other = occupants[name]
            theirs = self._last.get(name)
            before = theirs.expected_wait if theirs is not None and theirs.waits_for else 0.0
            longest = max(longest, before + self._passing_time(me, limit, other)) if not math.isnan(before) else before
            # Robots that wait for each other add up their waits for ever.
            if math.isnan(longest) or longest > LONGEST_WAIT:
                return math.nan
        return longest

    def _passing_time(self, me: Occupant, limit: float, other: Occupant) -> float:
        """s that the other drives until it is out of what ends my way at `limit`."""
        for region in self._book.regions(me.robot, other.robot):
            leave = own_interval(region, other.robot)[1]
            if own_interval(region, me.robot)[1] <= limit or leave <= other.low:
                continue
            if region.kind is ConflictKind.FOLLOWING and other.high > own_interval(region, other.robot)[0]:
                return 0.0  # it makes way all the time
            return (leave - other.low) / other.speed
        return 0.0


def _is_past(region: Conflict, robot: Occupant) -> bool:
    """Whether a robot is so far that its interval alone keeps others behind it: ahead of them, or on its way out."""
    enter, leave = own_interval(region, robot.robot)
    if region.kind is ConflictKind.FOLLOWING:
        return robot.low >= enter
    out = robot.low > (enter + leave) / 2.0 and robot.high >= leave
    return robot.low >= leave or (out and region.kind is ConflictKind.CROSSING)
