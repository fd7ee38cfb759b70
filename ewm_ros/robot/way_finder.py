"""Which route a robot is to be on: to its goal, on a way that the coordinator asked it to take, or back from there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.intention.checks import ROUTE_LIMIT, goal_name
from ewm_ros.messages import NO_GOAL
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.route_planner import RoutePlanner

ASTRAY = 0.4  # m from the route, from which on a new one is planned
SET_BACK = 0.1  # m behind its progress at which a robot has been found to be further back than it told
OFFER_REACH = 0.45  # m; a way that begins further away is not taken; a robot may be ASTRAY beside its route
WAY_ENDS = 0.08  # m before the end of a way it was asked to take, where a robot that stands has come to its end
SAME_PLACE = 0.1  # m
PASSING = 0.2  # m kept from the footprint of what the robot goes round


@dataclass(frozen=True, slots=True)
class Goal:
    """A place to go to: m, map frame.

    Raises:
        InputError: the name is not at most 32 of the characters A-Z a-z 0-9 _ . , + - and blank.
    """

    name: str
    x: float
    y: float

    def __post_init__(self) -> None:
        goal_name(self.name)


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to take instead of the planned route; numbered, as the coordinator asks again and again."""

    number: int
    path: Polyline


class WayFinder:
    """Finds the robot's route and says when it needs another one.

    A robot that was asked out of the way of others plans to its goal anew from where that way ends; one without a goal
    returns to where it stood.

    Args:
        radius: m, of the robot's footprint.

    Attributes:
        goal: what the robot was told last.
        no_way: why there is no route to the goal; empty if there is one.
    """

    def __init__(self, radius: float) -> None:
        self._radius = radius
        self._planner: RoutePlanner | None = None
        self.goal: Goal | None = None
        self.no_way = ""
        self._home: Goal | None = None  # where a robot without a goal was asked away from
        self._offer: Offer | None = None  # that it is on or about to take
        self._rounds = 0  # ways round that it has found itself; numbered downwards
        self._on: tuple[Goal | None, Offer | None] | None = None
        self._tried_at = (math.nan, math.nan)  # where the newest route was planned from

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map of the floor; routes are planned on the newest one."""
        self._planner = RoutePlanner(grid, self._radius)
        self.no_way = ""

    def needs_route(self, pose: Pose2D, goal: Goal | None, path: Polyline | None, progress: float) -> bool:
        """Whether the robot has to change its route, for which it has to stand first.

        Args:
            goal: where it is told to go now.
            path: the route that it is on, None for none; progress: m along it.
        """
        astray = path is not None and _astray(pose, path, progress)
        moved = self.no_way and math.dist((pose.x, pose.y), self._tried_at) > ASTRAY
        if goal != self.goal:
            self.goal, self._home, self.no_way = goal, None, ""
            self._offer = None
        if moved:
            self.no_way = ""
        if astray:
            self._offer = None
        return self._on is None or self._on != self._wanted or astray

    def consider(self, offer: Offer, pose: Pose2D) -> None:
        """Take up a way that the coordinator asks for, if it begins here and is drivable on this robot's map."""
        if offer.number == (self._offer.number if self._offer else 0) or self._planner is None:
            return
        if math.dist(offer.path.point_at(0.0), (pose.x, pose.y)) > OFFER_REACH:
            return
        going_round = self._offer is not None and self._offer.number < 0
        if going_round and self._leads_to_goal(offer.path):
            return  # the coordinator does not see what this robot goes round
        way = _from(pose, offer.path)
        if not self._planner.drivable(way):
            return
        self._offer = offer
        if self.goal is None and self._home is None:
            self._home = Goal(NO_GOAL, pose.x, pose.y)

    def go_round(self, discs: FloatArray, pose: Pose2D) -> None:
        """Take a way to the goal round what is seen in the way, if there is one.

        Args:
            discs: (K, 3) m, x, y, radius.
        """
        aim, aside = self._destination, self._offer is not None and not self._leads_to_goal(self._offer.path)
        if self._planner is None or aim is None or aside:
            return
        kept = discs + np.array([0.0, 0.0, self._radius + PASSING])
        try:
            way = self._planner.plan_around((pose.x, pose.y), (aim.x, aim.y), kept)
        except InputError:
            return  # it waits on
        self._rounds += 1
        self._offer = Offer(-self._rounds, way)

    def _leads_to_goal(self, path: Polyline) -> bool:
        aim, end = self._destination, path.point_at(path.length)
        return aim is None or math.dist((aim.x, aim.y), end) <= SAME_PLACE

    def at_end(self, path: Polyline, progress: float) -> None:
        """The robot stands: if it has come to the end of a way that it was asked to take, it goes on to its goal."""
        if self._offer is None or self._on is None or self._on[1] is not self._offer:
            return
        if path.length - progress < WAY_ENDS and not self._leads_to_goal(path):
            self._offer = None

    @property
    def _wanted(self) -> tuple[Goal | None, Offer | None]:
        """What the route is to be: a way that was offered, whatever the goal, or one to the destination."""
        return (None, self._offer) if self._offer else (self._destination, None)

    @property
    def _destination(self) -> Goal | None:
        if self._planner is None or self.no_way:
            return None
        return self.goal or self._home

    def route(self, pose: Pose2D) -> Polyline:
        """A new route from where the robot stands; only the place itself if there is none, see `no_way`."""
        self._tried_at = (pose.x, pose.y)
        aim, path = self._destination, Polyline([[pose.x, pose.y]])
        if self._offer is not None:
            path = _from(pose, self._offer.path)
        elif aim is not None and self._planner is not None:
            try:
                path = self._planner.plan((pose.x, pose.y), (aim.x, aim.y))
                if path.length > ROUTE_LIMIT:
                    raise InputError(
                        f"the way to the goal is {path.length:.0f} m long: set a goal within {ROUTE_LIMIT:g} m"
                    )
            except InputError as error:
                self.no_way, path = str(error), Polyline([[pose.x, pose.y]])
        self._on = self._wanted
        # The wire carries float32: everybody must find the same conflicts on this route.
        return Polyline(path.points.astype(np.float32))


def _from(pose: Pose2D, path: Polyline) -> Polyline:
    """A path begun where the robot really is."""
    rest = path.points[1:] if len(path.points) > 1 else path.points
    return Polyline(np.concatenate([[[pose.x, pose.y]], rest]))


def _astray(pose: Pose2D, path: Polyline, progress: float) -> bool:
    """Whether the robot is not where its route and its progress say: pushed away, or found to be elsewhere."""
    nearest, distance = path.project(pose.x, pose.y, progress - ASTRAY, progress + 1.0)
    return distance > ASTRAY or nearest < progress - SET_BACK
