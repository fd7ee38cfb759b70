"""Who takes which goal: an auction without an auctioneer, in which each robot finds the winners in what all have told.

The consensus-based auction of H.-L. Choi, L. Brunet, J. P. How, "Consensus-Based Decentralized Auctions for Robust Task
Allocation" (IEEE Transactions on Robotics 25(4), 2009), for one goal a robot. Its list of winning bids is here what
each robot tells of itself: the goal that it takes, and as its bid how far it is from there, in steps of a factor of 2.

1. Of two robots that take the same goal, the one with the lower bid keeps it (the earlier name, if they are equal); the
   other lets go as soon as it hears of it. While a robot keeps a goal its bid only falls, so that an old message never
   makes it look better than it is: of two, never both let go. It falls in few steps, so that two that drive side by
   side do not each seem to be ahead, by as much as the other's words are late.
2. A robot without a goal takes the one that it gets when the shortest way of all decides, then the next shortest, and
   so on: that is what such auctions end with, so few of them have to begin. If nobody else takes a free goal after all,
   it takes the nearest.
3. A goal changes hands, or a robot its goal, only if that is nearer by a clear margin, and never once the robot that
   has it is close to it.
4. A robot that has fallen silent gives up its goal in the others' eyes, unless it was there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ewm_ros.coordination.finds import SAME_PLACE, Point
from ewm_ros.coordination.roster import Roster
from ewm_ros.messages import Intention, Search

LISTEN = 1.0  # s of hearing the others before the first bid, but for a goal that the robot is at
WAIT = 1.0  # s in which a free goal is left to who should have it
MARGIN = 2.0  # m that a way must be shorter for a goal to change hands, or a robot its goal
CLOSE = 1.5  # m of way left from which on nothing but being there first takes a goal from a robot
SILENT = 5.0  # s without a word after which a robot's goal is free, unless it was there

Ways = Mapping[Point, float]


class Auction:
    """One robot's part in the auction.

    Args:
        robot: its name, unique in the fleet.

    Attributes:
        goal: that it takes now, None for none.
        bid: m that it is from there at most: CLOSE, twice that, four times that and so on; 0 if it is there, inf if it
            takes none.
    """

    def __init__(self, robot: str) -> None:
        self.goal: Point | None = None
        self.bid = math.inf
        self._robot = robot
        self._roster = Roster()
        self._began: float | None = None
        self._free_since: dict[Point, float] = {}

    def receive_intention(self, intention: Intention, now: float) -> bool:
        """Hear a robot; whether it is another one's newest word.

        Raises:
            InputError: two running processes use one name.
        """
        return intention.robot != self._robot and self._roster.take(intention, now)

    def settle(self, ways: Ways, now: float, others: Mapping[str, Ways] | None = None) -> Point | None:
        """The goal that this robot takes now, None if there is none for it.

        Args:
            ways: m to drive to each goal that it may take; 0 for one that it is at, inf for one that it cannot get to.
            now: s of a steady clock.
            others: the same for other robots, as far as it is known.
        """
        if self._began is None:
            self._began = now
        if self.goal is not None:
            self._keep_or_let_go(self.goal, ways.get(self.goal, math.inf), now)
        free = [goal for goal in ways if self._best_of_others(goal, now)[0] == math.inf]
        self._free_since = {goal: self._free_since.get(goal, now) for goal in free}
        if now - self._began < LISTEN:
            choice = next((goal for goal in free if ways[goal] == 0.0 and self.goal is None), None)
        elif self.goal is None:
            choice = self._first_choice(ways, others or {}, now)
        elif self.bid > CLOSE:
            choice = self._nearest(ways, others or {}, now, most=ways[self.goal] - MARGIN)
        else:
            choice = None
        if choice is not None:
            self.goal, self.bid = choice, _as_bid(ways[choice])
        return self.goal

    def unassigned(self, now: float) -> list[str]:
        """Names of the other robots that look for a goal and have none, as far as is known."""
        return [name for name, search in self._searching(now) if search.bid == math.inf]

    def searching(self, now: float) -> list[str]:
        """Names of all other robots that look for a goal, or have taken one."""
        return [name for name, _ in self._searching(now)]

    def _keep_or_let_go(self, goal: Point, way: float, now: float) -> None:
        self.bid = min(self.bid, _as_bid(way))
        if way == math.inf or self._best_of_others(goal, now) < (self.bid, self._robot):
            self.goal, self.bid = None, math.inf

    def _first_choice(self, ways: Ways, others: Mapping[str, Ways], now: float) -> Point | None:
        free = [goal for goal in self._free_since if ways[goal] < math.inf]
        bidders = {self._robot: ways, **{name: others[name] for name in self.unassigned(now) if name in others}}
        mine = _sequential_greedy(bidders, free).get(self._robot)
        if mine is not None:
            return mine
        ripe = {goal: ways[goal] for goal in ways if now - self._free_since.get(goal, -math.inf) >= WAIT}
        return self._nearest(ripe, others, now)

    def _nearest(self, ways: Ways, others: Mapping[str, Ways], now: float, most: float = math.inf) -> Point | None:
        """The nearest goal, less than `most` (m) away, that is free or may be taken from who has it."""
        for way, goal in sorted((way, goal) for goal, way in ways.items() if way < most):
            bid, holder = self._best_of_others(goal, now)
            theirs = others.get(holder, {}).get(goal, bid / 2.0)
            if bid == math.inf or (bid > CLOSE and _as_bid(way) < bid and way + MARGIN < theirs):
                return goal
        return None

    def _best_of_others(self, goal: Point, now: float) -> tuple[float, str]:
        """Lowest bid for a goal, and whose it is; inf if nobody else takes it."""
        bids = [
            (search.bid, name)
            for name, search in self._searching(now)
            if search.bid < math.inf and math.dist(search.finds[0], goal) <= SAME_PLACE
        ]
        return min(bids, default=(math.inf, ""))

    def _searching(self, now: float) -> Iterator[tuple[str, Search]]:
        for name in self._roster:
            search = self._roster[name].plan.search
            if search is not None and (search.bid == 0.0 or self._roster.silence(name, now) <= SILENT):
                yield name, search


def _sequential_greedy(bidders: Mapping[str, Ways], goals: list[Point]) -> dict[str, Point]:
    """Who gets which goal if the shortest way of all decides, then the shortest of the rest, and so on."""
    pairs = sorted((ways.get(goal, math.inf), name, goal) for name, ways in bidders.items() for goal in goals)
    won: dict[str, Point] = {}
    for way, name, goal in pairs:
        if way < math.inf and name not in won and goal not in won.values():
            won[name] = goal
    return won


def _as_bid(way: float) -> float:
    """The next step of bids above a way; 0 only for a robot that is there."""
    if way in (0.0, math.inf):
        return way
    return CLOSE * 2.0 ** max(math.ceil(math.log2(way / CLOSE)), 0)
