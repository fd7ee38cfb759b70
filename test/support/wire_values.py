"""Short ways to say what a robot has told: intentions and routes with all that a test does not care about filled in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ewm_ros.geometry import Polyline
from ewm_ros.messages import Arbitration, Intention, Knot, Outcome, Plan, Route, Standing

Points = Sequence[tuple[float, float]]


def route(robot: str, points: Points, *, boot: int = 1, number: int = 1, priority: int = 0) -> Route:
    """A tinybot's route."""
    return Route(robot, boot, number, 0.0, Polyline(points), 0.3, 0.5, 0.75, priority)


def intention(
    robot: str = "r0",
    *,
    boot: int = 1,
    seq: int = 1,
    stamp: float = 0.0,
    place: tuple[float, float] = (0.0, 0.0),
    **standing: Any,
) -> Intention:
    """A word of a robot at a place; `standing` has the fields of Standing, its route is 1 if not given."""
    plan = Plan("goal", Outcome.PROGRESS, math.inf, 1.0, (Knot(0.0, *place, 0.0, 0.1),))
    return Intention(robot, boot, seq, stamp, plan, Standing(**{"route": 1, **standing}))


def arbitration(question: int = 1, outcome: str = "asked", **told: Any) -> Arbitration:
    """What is told of a question about two robots that come to a crossing."""
    said = {
        "stamp": 12.5,
        "kind": "crossing",
        "signature": "0123abcd",
        "robots": ("robot_0", "robot_2"),
        "regions": (7,),
        "options": ("o1: r1 before r2", "o2: r2 before r1"),
        "prompt": "[]" if outcome == "asked" else "",
        "chosen": "o2" if outcome == "applied" else "",
        "source": "model" if outcome == "applied" else "solver",
        "model": "r1",
        "latency": 2.5 if outcome == "applied" else 0.0,
        "rationale": "Blood goes first." if outcome == "applied" else "",
    }
    return Arbitration(question=question, outcome=outcome, **{**said, **told})
