"""An independent check of schedules on lane graphs: drive them in small steps and look at all distances.

It shares no code with what makes the schedules: of a scene it takes the numbers only, and works out anew when robots
are where.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ewm_ros.evaluation.costs.lane_graph import LaneGraph, Vertex
from ewm_ros.geometry import FloatArray

STEP = 0.01  # m that no robot travels further between two samples
TURN = 1e-3  # rad; a smaller change of direction is none
ROUNDING = 1e-9  # m


def closest_gaps(
    graph: LaneGraph, ways: Sequence[Sequence[int]], yaws: Sequence[float], delays: Sequence[float] | FloatArray
) -> FloatArray:
    """(N, N) m, how close the centres of each two robots come, from the start until all have arrived.

    Args:
        ways: vertices that each robot drives along.
        yaws: rad, where each faces at first.
        delays: s that each waits on its start vertex.
    """
    moves = [_moves(graph, way, yaw, float(delay)) for way, yaw, delay in zip(ways, yaws, delays, strict=True)]
    last = max((own[-1].end for own in moves if own), default=0.0)
    times = np.linspace(0.0, last, math.ceil(last * graph.drive.max_speed / STEP) + 2)
    places = np.stack(
        [_places(graph, graph.vertices[way[0]], own, times) for way, own in zip(ways, moves, strict=True)]
    )
    gaps = np.array([np.hypot(*np.moveaxis(places - place, 2, 0)).min(axis=1) for place in places])
    np.fill_diagonal(gaps, np.inf)
    return gaps


def conflicting_pairs(gaps: FloatArray, distance: float) -> list[tuple[int, int]]:
    """The pairs of robots that come closer than a distance (m)."""
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(gaps < distance - ROUNDING, 1))]


@dataclass(frozen=True, slots=True)
class _Move:
    """From rest to rest over a length (m) straight from one place to another, beginning and ending at some time (s)."""

    origin: Vertex
    target: Vertex
    length: float
    begin: float
    end: float


def _moves(graph: LaneGraph, way: Sequence[int], yaw: float, now: float) -> list[_Move]:
    """The straight drives of one robot that sets out now; turns in place are the pauses before them."""
    drive, moves = graph.drive, []
    # Where it stops to turn, and by how much; it starts from rest even if it need not turn.
    turns = [(k, turn) for k, turn in enumerate(_turns(graph, way, yaw)) if turn > 0.0 or k == 0]
    ends = [k for k, _ in turns[1:]] + [len(way) - 1]
    for (begun, turn), ended in zip(turns, ends, strict=False):
        origin, target = graph.vertices[way[begun]], graph.vertices[way[ended]]
        length = math.dist((origin.x, origin.y), (target.x, target.y))
        begin = now + _rest_to_rest(turn, drive.max_turn_rate, drive.max_turn_acceleration)
        now = begin + _rest_to_rest(length, drive.max_speed, drive.max_acceleration)
        moves.append(_Move(origin, target, length, begin, now))
    return moves


def _turns(graph: LaneGraph, way: Sequence[int], yaw: float) -> list[float]:
    """rad by which a robot has to turn on each vertex of its way but the last."""
    turns = []
    for a, b in pairwise(way):
        ahead = math.atan2(graph.vertices[b].y - graph.vertices[a].y, graph.vertices[b].x - graph.vertices[a].x)
        turn = abs(math.remainder(ahead - yaw, math.tau))
        turns.append(turn if turn >= TURN else 0.0)
        yaw = ahead
    return turns


def _rest_to_rest(length: float, speed: float, acceleration: float) -> float:
    """s for a length (m or rad) from rest to rest: a trapezoid of speed, or a triangle where that is too short."""
    if length < speed * speed / acceleration:
        return 2.0 * math.sqrt(length / acceleration)
    return length / speed + speed / acceleration


def _places(graph: LaneGraph, start: Vertex, moves: Sequence[_Move], times: FloatArray) -> FloatArray:
    """(T, 2) m, where a robot is at times (T,) s."""
    speed, acceleration = graph.drive.max_speed, graph.drive.max_acceleration
    places = np.tile([start.x, start.y], (len(times), 1))
    for move in moves:
        since, left = np.maximum(times - move.begin, 0.0), np.maximum(move.end - times, 0.0)
        # Both halves of a move are alike: speeding up for as long as it takes, then steady up to the middle.
        half = np.minimum(np.minimum(since, left), 0.5 * (move.end - move.begin))
        ramp = np.minimum(half, speed / acceleration)
        way = 0.5 * acceleration * ramp * ramp + speed * (half - ramp)
        share = np.where(since < left, way, move.length - way) / move.length
        step = np.array([move.target.x - move.origin.x, move.target.y - move.origin.y])
        begun = times > move.begin
        places[begun] = [move.origin.x, move.origin.y] + share[begun, None] * step
    return places
