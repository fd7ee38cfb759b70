"""How robots drove: how much further than planned, and how long they stood in deadlocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

import numpy as np

from ewm_ros.evaluation.figures.episode import STUCK_TIME, Episode
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import Route
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.trajectory import STEP

STRIDE = 0.05  # m; where a robot was is joined in steps of this length, since noise makes a standing robot tremble
LEAST = 0.5  # m; a robot that was to drive less than this tells nothing of how straight it drove
TOLD_BEFORE = 1.0  # s that a route may be older than the goal that it is to: whoever sends a robot has another clock
LONGEST = 10 * STEP  # s that a step counts for at most: in a longer gap nobody knows what happened


class DrivingFigures:
    """Collects one run.

    Args:
        episode: the referee, who is to see each step before it comes here.

    Attributes:
        deadlock_time: s that robots stood in deadlocks, all added up, with the 20 s after which one is called so.
    """

    def __init__(self, episode: Episode) -> None:
        self._episode = episode
        self.deadlock_time = 0.0
        self._deadlocks = 0
        robots = len(episode.names)
        self._routes: dict[str, list[Route]] = {name: [] for name in episode.names}
        self._anchors = np.full((robots, 2), math.nan)
        self._driven = np.zeros(robots)
        self._times: list[float] = []
        self._odometers: list[FloatArray] = []  # (N,) m driven so far, at each time
        self._places: list[FloatArray] = []  # (N, 2) m, likewise

    def route(self, route: Route) -> None:
        """Take a robot's route."""
        if route.robot in self._routes:
            self._routes[route.robot].append(route)

    def step(self, time: float, places: FloatArray) -> None:
        """Take where the robots are at a time (s): (N, 2) m, nan for one that has not been heard yet."""
        new = np.isnan(self._anchors[:, 0])
        self._anchors[new] = places[new]
        moved = np.hypot(*(places - self._anchors).T)
        far = moved >= STRIDE
        self._driven[far] += moved[far]
        self._anchors[far] = places[far]
        fresh, self._deadlocks = self._episode.deadlocks - self._deadlocks, self._episode.deadlocks
        since = min(time - self._times[-1], LONGEST) if self._times else 0.0
        # Those that are new stand since STUCK_TIME, and until this moment.
        self.deadlock_time += STUCK_TIME * fresh + since * (self._episode.deadlocks_left - fresh)
        self._times.append(time)
        self._odometers.append(self._driven + np.where(far, 0.0, moved))
        self._places.append(places)

    def path_efficiency(self, journeys: Mapping[int, tuple[float, float]]) -> float | None:
        """Mean over journeys of the way that was planned by the way that was driven; None without one to tell of.

        Planned is the first route that the robot told of to where it arrived, driven is what it drove from then on.
        Without a route it is the straight line from where the robot was when it was sent, and all since then.

        Args:
            journeys: by index of the robot when it was sent, and when it arrived (s).
        """
        times = np.array(self._times)
        shares = [self._share(times, robot, *journey) for robot, journey in journeys.items()] if self._times else []
        known = [share for share in shares if share is not None]
        return fmean(known) if known else None

    def _share(self, times: FloatArray, robot: int, began: float, arrived: float) -> float | None:
        """Of one journey; None if it was too short, or if it is not known where the robot was."""
        begin, end = (min(int(times.searchsorted(time)), len(times) - 1) for time in (began, arrived))
        start, place = self._places[begin][robot], self._places[end][robot]
        planned = math.dist(start, place)
        for route in self._routes[self._episode.names[robot]]:
            left = math.dist(route.path.points[-1], place)
            if began - TOLD_BEFORE <= route.stamp <= arrived and left <= REACHED:
                planned = route.path.length - left
                begin = max(begin, min(int(times.searchsorted(route.stamp)), end))
                break
        driven = float(self._odometers[end][robot] - self._odometers[begin][robot])
        if not (planned >= LEAST and driven > 0.0):
            return None
        return min(planned / driven, 1.0)
