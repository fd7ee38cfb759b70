"""A robot that is told no goal: it looks for goals, tells what it found, and takes one that no other robot takes.

Exploration goes to the place from which most can be seen that nobody has seen yet, discounted by the way to there: the
next best view of H. H. Gonzalez-Banos, J.-C. Latombe, "Navigation Strategies for Exploring Indoor Environments" (IJRR
21, 2002). What others will see from where they are going counts little, as in W. Burgard et al., "Coordinated
Multi-Robot Exploration" (IEEE Transactions on Robotics 21, 2005). The map is known, only the goals are not.
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.coordination.auction import LISTEN, Auction
from ewm_ros.coordination.finds import Finds, Point
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import Intention, Route, Search
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.planning.way_lengths import WayLengths
from ewm_ros.robot.coverage import Coverage, places_of
from ewm_ros.robot.way_finder import Goal

THERE = 0.25  # m from a goal, where the robot is at it
OCCUPIED = 0.3  # m; a goal that somebody is so near to, and nearer than the robot, is taken
DISCOUNT = 0.2  # 1/m, of what a place is worth to which the way is longer
LEFT_TO_OTHERS = 0.1  # of what a place counts that somebody is going to see
SOMEBODY_NEARER = 0.3  # of its worth that a place keeps if a robot that looks for a goal too is nearer to it
KEPT = 0.25  # of what was to be seen from the place that it goes to: as long as that is left, the robot keeps to it
SETTLED = 1.0  # s after which a choice stands that another robot has made too
STANDING = 0.2  # m; who has moved less stands
LEAVE = 60.0  # s in which a robot does not go again to where it could not get
CLOSE = 0.5  # m from the place that the robot goes to, from where on it looks for the next
NOBODY: FloatArray = np.empty((0, 2))


class Explorer:
    """One robot's search for a goal of its own.

    Args:
        robot: its name.
        radius: m, of its footprint.
        view: m, up to where it sees goals.
        patience: s of standing somewhere on the way, after which it goes somewhere else.
        tastes: of each robot another, so that robots which hear nothing of each other do not all go the same way: up to
            this share each place is worth more or less to it.
        listen: s of hearing the others before it goes anywhere: where they are and go to decides where it should look.

    Attributes:
        goal: where the robot wants to go; None to stay.
    """

    def __init__(
        self,
        robot: str,
        radius: float,
        view: float,
        patience: float = 20.0,
        tastes: tuple[np.random.Generator, float] | None = None,
        listen: float = LISTEN,
    ) -> None:
        self.goal: Goal | None = None
        self._radius, self._view, self._patience = radius, view, patience
        self._tastes_from, self._listen = tastes, listen
        self._began: float | None = None
        self._finds, self._auction = Finds(), Auction(robot)
        self._robot = robot
        self._peers: dict[str, Intention] = {}
        self._ends: dict[str, tuple[int, int, Point]] = {}  # boot, route and end of each peer's route
        self._grid: OccupancyGrid | None = None
        self._planner: RoutePlanner | None = None
        self._coverage: Coverage | None = None
        self._tastes: FloatArray = np.empty(0)
        self._from: dict[Point, WayLengths | None] = {}
        self._target: Point | None = None  # a place to look from
        self._chosen_at, self._hoped_for = -math.inf, 0.0
        self._avoided: dict[Point, float] = {}  # until when
        self._occupied: set[Point] = set()
        self._anchor: tuple[Point, float] | None = None  # where the robot stands, since when

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map of the floor; the search begins anew on it, with the goals that are known."""
        self._grid, self._planner = grid, RoutePlanner(grid, self._radius)
        self._coverage, self._target = None, None
        self._from = {}

    def receive_intention(self, intention: Intention, now: float) -> None:
        """Hear another robot: where it is it has looked, what it found, and what it takes.

        Raises:
            InputError: two running processes use one name.
        """
        if not self._auction.receive_intention(intention, now):
            return
        self._peers[intention.robot] = intention
        if intention.plan.search is None:
            return
        for find in intention.plan.search.finds:
            self._finds.learn(*find)
        if self._coverage is not None:
            self._coverage.look_from(np.array([_place_of(intention)]))

    def receive_route(self, route: Route) -> None:
        """Hear where another robot is going."""
        x, y = route.path.points[-1].tolist()
        self._ends[route.robot] = (route.boot, route.route, (x, y))

    def look(self, place: Point, goals: FloatArray, now: float, peers: FloatArray = NOBODY) -> Search:
        """See what is in view, choose where to go, and what to tell the others.

        Args:
            place: where the robot is, m.
            goals: (G, 2) m, that it sees.
            now: s of a steady clock.
            peers: (P, 2) m, other robots that it sees; only needed where they tell nothing.
        """
        self._began = now if self._began is None else self._began
        for goal in goals:
            known = self._finds.learn(float(goal[0]), float(goal[1]))
            theirs = float(np.hypot(*(peers - goal).T).min(initial=math.inf))
            occupied = theirs <= OCCUPIED and theirs <= math.dist(known, place)
            (self._occupied.add if occupied else self._occupied.discard)(known)
        if self._planner is not None and self._ready(place):
            self._leave_if_stuck(place, now)
            taken = self._settled(place, now)
            if taken is not None:
                self.goal, self._target = Goal(_name(taken), *taken), None
            elif now - self._began >= self._listen:
                self._choose(place, now, peers)
        return Search(self._finds.to_tell(self._auction.goal), self._auction.bid)

    def _ready(self, place: Point) -> bool:
        """Look around here; False where the robot can drive nowhere."""
        if self._coverage is None:
            assert self._grid is not None
            places, spacing = places_of(self._grid)
            ways = self._ways_from(place)
            if ways is None:
                return False
            self._coverage = Coverage(places[np.isfinite(ways.to(places))], self._view, spacing)
            self._tastes = np.ones(len(self._coverage.places))
            if self._tastes_from is not None:
                rng, share = self._tastes_from
                self._tastes = rng.uniform(1.0 - share, 1.0 + share, len(self._coverage.places))
        self._coverage.look_from(np.array([place]))
        return True

    def _ways_from(self, place: Point) -> WayLengths | None:
        """None for a place that no way leads from."""
        assert self._planner is not None
        try:
            return self._planner.lengths_from(place)
        except InputError:  # a robot that was pushed against a wall, or another one's wrong word of a goal
            return None

    def _leave_if_stuck(self, place: Point, now: float) -> None:
        """Who has been standing on its way for too long goes somewhere else: somebody is in the way."""
        goal = self.goal
        if self._anchor is None or math.dist(place, self._anchor[0]) > STANDING:
            self._anchor = (place, now)
        if goal is None or math.dist(place, (goal.x, goal.y)) <= THERE:
            self._anchor = (place, now)
        if now - self._anchor[1] > self._patience:
            assert goal is not None
            self._anchor = (place, now)
            self._avoided[goal.x, goal.y] = now + LEAVE
            self._target = None

    def _settled(self, place: Point, now: float) -> Point | None:
        """The goal that is this robot's by what is known now."""
        self._avoided = {point: until for point, until in self._avoided.items() if until > now}
        goals = [goal for goal in self._finds if goal not in self._avoided and goal not in self._occupied]
        names = self._auction.searching(now)
        points = np.array([place, *(_place_of(self._peers[name]) for name in names)])
        ways = {goal: self._ways_to(goal, points) for goal in goals}
        mine = {goal: 0.0 if math.dist(goal, place) <= THERE else float(way[0]) for goal, way in ways.items()}
        others = {name: {goal: float(way[k]) for goal, way in ways.items()} for k, name in enumerate(names, start=1)}
        return self._auction.settle(mine, now, others)

    def _ways_to(self, goal: Point, points: FloatArray) -> FloatArray:
        """(N,) m to drive to a goal from points, (N, 2) m."""
        if goal not in self._from:
            self._from[goal] = self._ways_from(goal)
        ways = self._from[goal]
        return np.full(len(points), math.inf) if ways is None else ways.back_from(points)

    def _choose(self, place: Point, now: float, peers: FloatArray) -> None:
        """Go to where most is to be seen."""
        coverage = self._coverage
        assert coverage is not None
        if not coverage.unseen.any():  # somebody was missed, or everything was taken when it was seen
            coverage.start_over()
            self._avoided.clear()
            coverage.look_from(np.array([place]))
        if self._target is not None and math.dist(place, self._target) > CLOSE and self._still_worth_it(now):
            return
        ways = self._ways_from(place)
        if ways is None:
            return
        lengths = ways.to(coverage.places)
        gains = coverage.gains(self._destinations(), LEFT_TO_OTHERS)
        seekers = [_place_of(self._peers[name]) for name in self._auction.unassigned(now)]
        others = np.concatenate([np.array(seekers).reshape(-1, 2), peers])
        theirs = np.hypot(coverage.places[:, None, 0] - others[:, 0], coverage.places[:, None, 1] - others[:, 1])
        nearer = theirs.min(axis=1, initial=math.inf) < lengths
        avoided = np.array([(x, y) in self._avoided for x, y in coverage.places.tolist()])
        worth = gains * self._tastes * np.where(nearer, SOMEBODY_NEARER, 1.0) * np.where(avoided, 1e-3, 1.0)
        best = int((worth * np.exp(-DISCOUNT * lengths)).argmax())
        x, y = coverage.places[best].tolist()
        self._target, self._hoped_for, self._chosen_at = (x, y), float(gains[best]), now
        self.goal = Goal(f"look {_name((x, y))}", x, y)

    def _still_worth_it(self, now: float) -> bool:
        """Whether enough is still to be seen from where the robot is going."""
        coverage = self._coverage
        assert coverage is not None and self._target is not None
        # Of two robots that have chosen the same at the same time, the one with the earlier name keeps to it.
        earlier = now - self._chosen_at <= SETTLED
        destinations = self._destinations(before=self._robot) if earlier else NOBODY
        gains = coverage.gains(destinations, LEFT_TO_OTHERS)
        at = int(np.hypot(*(coverage.places - self._target).T).argmin())
        return bool(gains[at] > KEPT * self._hoped_for)

    def _destinations(self, before: str | None = None) -> FloatArray:
        """(P, 2) m, where the others that search are going; only of those with earlier names, if one is given."""
        found = []
        for name, intention in self._peers.items():
            if intention.plan.search is None or (before is not None and name > before):
                continue
            boot, route, end = self._ends.get(name, (0, 0, (0.0, 0.0)))
            on_it = (boot, route) == (intention.boot, intention.standing.route)
            found.append(end if on_it else (intention.plan.knots[-1].x, intention.plan.knots[-1].y))
        return np.array(found).reshape(-1, 2)


def _place_of(intention: Intention) -> Point:
    return (intention.plan.knots[0].x, intention.plan.knots[0].y)


def _name(place: Point) -> str:
    return f"{place[0]:.1f},{place[1]:.1f}"
