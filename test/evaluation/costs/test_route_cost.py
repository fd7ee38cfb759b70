"""What routes cost: figures of real plans on a real world."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.route_cost import route_cost


def test_figures_are_of_as_many_routes_as_asked_for() -> None:
    cost = route_cost("doorway", routes=20)
    figures = json.loads(json.dumps(cost.as_json()))
    assert figures["world"] == "doorway" and figures["routes"] == 20
    assert figures["cells"] == [208, 328] and figures["radius_m"] == 0.3
    assert 0.0 < figures["plan_ms"]["p50"] <= figures["plan_ms"]["p99"] <= figures["plan_ms"]["max"]
    assert figures["plan_ms"]["max"] == pytest.approx(cost.plan_ms.max(), abs=1e-3)
    assert figures["map_ms"] > 0.0
    # One door: there is never a second way.
    assert figures["alternatives_mean"] == 1.0
    assert 0.0 < figures["around_share"] <= 1.0
    assert 0.0 < figures["aside_mean"] <= 3.0
    assert figures["around_ms"]["max"] > 0.0 and figures["aside_ms"]["max"] > 0.0
    assert 1.0 < figures["mean_length_m"] < math.hypot(16.0, 10.0)


def test_the_places_are_those_of_the_seed() -> None:
    first, again, other = (route_cost("doorway", seed=seed, routes=5).length for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert not np.array_equal(first, other)


def test_another_robot_has_its_own_size() -> None:
    assert route_cost("corridor", "turtlebot4", routes=5).radius < 0.3


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="routes must be 1 or more, not 0"):
        route_cost("doorway", routes=0)
