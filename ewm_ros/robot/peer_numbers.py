"""What the world model is told of the other robots: where each will be, what it intends, who goes first.

Several robots of a process hear the same words: what can be read from a word alone is read once for all of them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.messages import ConflictKind, Intention, Outcome
from ewm_ros.robot.route_frame import RouteFrame, places_of
from ewm_ros.robot_type import RobotType
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import NEAR, PEER, PEERS
from ewm_ros.world_model.predictor import Neighbour, Situation

PEER_TIMES = (0.0, 2.0, 5.0)  # s from now
LONG = 10.0  # s; what takes longer counts as this long
SLOWEST = 0.05  # m/s; who is slower counts as this fast
ENTERED = 0.05  # m beyond where a region begins, from where on a hold point lets its robot into it
KIND = {None: 0.0, ConflictKind.CROSSING: 0.0, ConflictKind.FOLLOWING: 1.0, ConflictKind.HEAD_ON: -1.0}
_STILL = (Outcome.IDLE, Outcome.BLOCKED)
_FAR = (2.0 * LONG, 2.0 * LONG)
_PLACES = 2 * len(PEER_TIMES)  # x and y of each
# Among the numbers of another robot: whether it is there, where it will be at PEER_TIMES, and all others.
_THERE, _AHEAD, _ASIDE, _OTHERS = 0, slice(1, 4), slice(4, 7), slice(7, PEER)
_SPEED = _OTHERS.start
_FREE = (-math.inf, math.inf, 1.0)
# Least, most and unit of each of them.
_LIMITS = [
    _FREE,
    *[(-1.0, 5.0, 1.0)] * 3,
    *[(-1.0, 1.0, 1.0)] * 3,
    *[_FREE] * 5,
    (-math.inf, LONG, 5.0),
    *[(-1.0, LONG, 5.0)] * 4,
    *[_FREE] * 3,
]
_LEAST, _MOST, _UNITS = np.array(_LIMITS).T


def peer_numbers(
    robots: Sequence[RobotType], situations: Sequence[Situation], frames: Sequence[RouteFrame]
) -> FloatArray:
    """The other robots as each of several sees them: those that it waits for first, then the nearest.

    Returns:
        (B, PEERS, PEER); 0 for those that are not there.
    """
    words: dict[tuple[int, float], _Word] = {}
    told: list[float] = []
    slots: list[int] = []  # of the (B * PEERS) that there are
    for k, (robot, situation) in enumerate(zip(robots, situations, strict=True)):
        now = situation.observation.odometry.stamp
        for slot, neighbour in enumerate(_nearest(situation), PEERS * k):
            key = id(neighbour.intention), now
            word = words.get(key)
            if word is None:
                word = words[key] = _read(neighbour.intention, now)
            told += _seen(robot, situation, neighbour, word)
            slots.append(slot)
    numbers = np.zeros((len(robots), PEERS, PEER))
    if slots:
        columns = np.array(told).reshape(len(slots), -1)
        numbers.reshape(-1, PEER)[slots] = _scaled(columns, np.array(slots), robots, frames)
    return numbers


def _scaled(
    told: FloatArray, slots: NDArray[np.intp], robots: Sequence[RobotType], frames: Sequence[RouteFrame]
) -> FloatArray:
    """(N, PEER): the numbers of N other robots, from (N, ...) what _seen tells of them and (N,) their slots."""
    points = np.zeros((len(robots) * PEERS, _PLACES))
    points[slots] = told[:, :_PLACES]
    reaches = [robot.max_speed * HORIZON * STEP for robot in robots]
    s, d = places_of(frames, points.reshape(len(robots), -1, 2), reaches)
    full = np.array([robot.max_speed for robot in robots])[slots // PEERS, None]
    numbers = np.empty((len(told), PEER))
    numbers[:, _THERE] = 1.0
    numbers[:, _AHEAD] = s.reshape(-1, len(PEER_TIMES))[slots] / full
    numbers[:, _ASIDE] = np.abs(d).reshape(-1, len(PEER_TIMES))[slots] - told[:, _PLACES, None]
    numbers[:, _OTHERS] = told[:, _PLACES + 1 :]
    numbers[:, _SPEED] /= full[:, 0]
    scaled: FloatArray = np.minimum(np.maximum(numbers, _LEAST), _MOST) / _UNITS
    return scaled


def _nearest(situation: Situation) -> list[Neighbour]:
    """The neighbours that are told of, in their order."""
    pose, waits_for = situation.observation.odometry.pose, situation.waits_for
    near: list[tuple[bool, float, int, Neighbour]] = []
    for neighbour in situation.neighbours:
        intention = neighbour.intention
        here = intention.plan.knots[0]
        if (distance := math.hypot(here.x - pose.x, here.y - pose.y)) < NEAR:
            near.append((intention.robot not in waits_for, distance, len(near), neighbour))
    near.sort()
    return [neighbour for *_, neighbour in near[:PEERS]]


class _Word(NamedTuple):
    """What another robot said: x, y (m) of where it will be at PEER_TIMES, its speed (m/s) at first, and its plan."""

    places: list[float]
    speed: float
    waiting: float
    idle: float
    eta: float


def _read(intention: Intention, now: float) -> _Word:
    plan, since = intention.plan, now - intention.stamp
    knots = plan.knots
    times = [knot.t for knot in knots]
    places: list[float] = []
    for later in PEER_TIMES:
        at = since + later
        k = bisect_right(times, at)
        before = knots[k - 1 if k else 0]
        x, y = before.x, before.y
        if 0 < k < len(knots):
            after = knots[k]
            share = (at - before.t) / (after.t - before.t)
            x += share * (after.x - x)
            y += share * (after.y - y)
        places += (x, y)
    speed = math.dist(places[0:2], places[2:4]) / (PEER_TIMES[1] - PEER_TIMES[0])
    return _Word(places, speed, float(plan.outcome == Outcome.WAIT), float(plan.outcome in _STILL), plan.eta)


def _seen(robot: RobotType, situation: Situation, other: Neighbour, word: _Word) -> tuple[float, ...]:
    """Its places, m between the two where they touch, and its numbers from _OTHERS on, not yet within their limits."""
    intention, standing, shared = other.intention, other.intention.standing, other.shared
    mine = theirs = _FAR
    holds = ours = 0.0
    if shared is not None:
        full, progress = robot.max_speed, situation.progress
        begin, end = other.mine
        mine = (begin - progress) / full, (end - progress) / full
        ours = float(situation.hold > begin + ENTERED)
        pace, progress = max(other.max_speed, SLOWEST), standing.progress
        begin, end = other.theirs
        theirs = (begin - progress) / pace, (end - progress) / pace
        holds = float(standing.hold > begin + ENTERED)
    return (
        *word.places,
        robot.radius + other.radius,
        word.speed,
        float(intention.robot in situation.waits_for),
        float(situation.robot in standing.waits_for),
        word.waiting,
        word.idle,
        word.eta,
        *mine,
        *theirs,
        holds,
        ours,
        KIND[shared],
    )
