"""Paths as planners make them, drawn at random."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray, Polyline


def arc(radius: float, turn: float) -> FloatArray:
    """Points of a left arc from the origin, heading east, as the planner makes them."""
    count = max(math.ceil(radius * turn / 0.1), math.ceil(turn / math.radians(12.0))) + 1
    angles = np.linspace(0.0, turn, count)
    return np.stack([radius * np.sin(angles), radius * (1.0 - np.cos(angles))], axis=1)


@st.composite
def random_paths(draw: st.DrawFn) -> Polyline:
    """Straight pieces of 0.3 to 2 m joined by arcs or by corners of every size."""
    x, y, heading, points = 0.0, 0.0, 0.0, [(0.0, 0.0)]
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.floats(0.3, 2.0))
        x, y = x + length * math.cos(heading), y + length * math.sin(heading)
        points.append((x, y))
        turn = draw(st.floats(-3.1, 3.1))
        if draw(st.booleans()):
            bend = arc(draw(st.floats(0.2, 1.0)), abs(turn)) * [1.0, math.copysign(1.0, turn)]
            cos, sin = math.cos(heading), math.sin(heading)
            points += [(x + cos * dx - sin * dy, y + sin * dx + cos * dy) for dx, dy in bend.tolist()]
            x, y = points[-1]
        heading += turn
    return Polyline(points)
