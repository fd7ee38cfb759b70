"""Routes and directive sets from the network: one clear line for whatever is wrong with them."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.intention.checks import MAX_POINTS, ROUTE_LIMIT, checked_directives, checked_path, checked_route, integer
from ewm_ros.messages import Directive, DirectiveSet, Grant

ROUTE: dict[str, Any] = {
    "robot": "robot_1",
    "boot": 3,
    "route": 1,
    "stamp": 1.5,
    "x": [0.0, 1.0, 1.0],
    "y": [0.0, 0.0, 2.0],
    "radius": 0.3,
    "max_speed": 0.5,
    "max_acceleration": 0.75,
    "priority": 2,
}


@pytest.mark.parametrize("sequence", [list, lambda v: array("f", v), lambda v: np.array(v, dtype=np.float32)])
def test_a_route_is_read_from_any_sequence_of_numbers(sequence: Any) -> None:
    route = checked_route(**{**ROUTE, "x": sequence(ROUTE["x"]), "y": sequence(ROUTE["y"])})
    assert (route.robot, route.route, route.priority, route.path.length) == ("robot_1", 1, 2, 3.0)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("robot", "Robot 1", "robot name 'Robot 1'"),
        ("robot", 7, "robot is 7"),
        ("boot", 0, "route of robot_1: boot is 0"),
        ("boot", True, "boot is True"),
        ("route", 0, "route is 0"),
        ("stamp", math.nan, "stamp is nan"),
        ("radius", 0.0, "radius is 0"),
        ("radius", math.nan, "radius is nan"),
        ("radius", 101.0, "radius is 101"),
        ("max_speed", math.inf, "max_speed is inf"),
        ("max_speed", -0.5, "max_speed is -0.5"),
        ("max_acceleration", 0.0, "max_acceleration is 0"),
        ("priority", 256, "priority is 256"),
        ("x", [], "0 x and 3 y"),
        ("x", [0.0, 1.0], "2 x and 3 y"),
        ("x", [0.0] * 5000, "5000 x"),
        ("x", [0.0, math.nan, 1.0], "path has a coordinate"),
        ("y", [0.0, 1e9, 1.0], "path has a coordinate"),
        ("y", [0.0, "a", 1.0], "path holds something that is no number"),
        ("y", [0.0, None, [1.0]], "path holds something that is no number"),
    ],
)
def test_an_impossible_route_is_refused(field: str, value: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        checked_route(**{**ROUTE, field: value})


DIRECTIVE = Directive(
    "robot_1", 3, 9, 1, 4.5, (Grant(77, 2.0, 4.0),), speed_limit=0.4, waits_for=("robot_2",), expected_wait=1.0
)
SET = DirectiveSet(12345, 1, 0.0, 1.0, (DIRECTIVE, replace(DIRECTIVE, robot="robot_2", waits_for=())))


def test_a_good_set_passes_unchanged() -> None:
    assert checked_directives(SET) is SET
    unknown_wait = replace(SET, directives=(replace(DIRECTIVE, expected_wait=math.nan, answered=0, route=0, hold=0.0),))
    assert checked_directives(unknown_wait) is unknown_wait


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"coordinator": 0}, "coordinator is 0"),
        ({"epoch": 0}, "epoch is 0"),
        ({"stamp": math.nan}, "stamp is nan"),
        ({"lease": 0.0}, "lease is 0"),
        ({"lease": math.nan}, "lease is nan"),
        ({"directives": (DIRECTIVE, DIRECTIVE)}, "directive set: two directives for robot_1"),
        ({"directives": (DIRECTIVE,) * 65}, "65 entries"),
    ],
)
def test_an_impossible_set_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        checked_directives(replace(SET, **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"robot": "ROBOT"}, "robot name"),
        ({"boot": 0}, "robot_1: boot is 0"),
        ({"answered": -1}, "answered is -1"),
        ({"route": 2**32}, "route is"),
        ({"hold": -0.1}, "hold is -0.1"),
        ({"hold": math.nan}, "hold is nan"),
        ({"hold": math.inf}, "hold is inf"),
        ({"take_route": -1}, "take_route"),
        ({"take_route": 3}, "must come together"),
        ({"take_path": Polyline([(0.0, 0.0)])}, "must come together"),
        ({"speed_limit": math.nan}, "speed_limit is nan"),
        ({"waits_for": ("robot_1",)}, "wait for itself"),
        ({"waits_for": ("No",)}, "robot name 'No'"),
        ({"expected_wait": -1.0}, "expected_wait is -1"),
        ({"expected_wait": math.inf}, "expected_wait is inf"),
        ({"grants": (Grant(1, 0.0, 1.0),) * 257}, "257 entries"),
        ({"grants": (Grant(2**32, 0.0, 1.0),)}, "region is"),
        ({"grants": (Grant(1, -1.0, 1.0),)}, "enter is -1"),
        ({"grants": (Grant(1, 2.0, 1.0),)}, "leave is 1"),
        ({"grants": (Grant(1, 0.0, math.nan),)}, "leave is nan"),
    ],
)
def test_one_impossible_directive_refuses_the_whole_set(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        checked_directives(replace(SET, directives=(*SET.directives[1:], replace(DIRECTIVE, **changes))))


@pytest.mark.parametrize("sequence", [list, lambda v: array("f", v), lambda v: np.array(v, dtype=np.float32)])
def test_a_path_is_read_from_any_sequence_of_numbers(sequence: Any) -> None:
    path = checked_path(sequence([0.0, 1.0, 1.0]), sequence([0.0, 0.0, 2.0]))
    assert path.points.tolist() == [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]
    assert checked_path([3.0], [4.0]).length == 0.0
    assert checked_path([0.0, ROUTE_LIMIT], [0.0, 0.0]).length == ROUTE_LIMIT


@pytest.mark.parametrize(
    ("x", "y", "complaint"),
    [
        ([], [], "0 x and 0 y"),
        ([0.0], [0.0, 1.0], "1 x and 2 y"),
        ([0.0] * (MAX_POINTS + 1), [0.0] * (MAX_POINTS + 1), f"1 to {MAX_POINTS}"),
        ([0.0, math.inf], [0.0, 0.0], "path has a coordinate"),
        ([0.0, "b"], [0.0, 0.0], "path holds something that is no number"),
        ([0.0, ROUTE_LIMIT + 1.0], [0.0, 0.0], f"it is {ROUTE_LIMIT + 1.0:.0f} m long"),
    ],
)
def test_an_impossible_path_is_refused(x: list[Any], y: list[Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        checked_path(x, y)


deep = st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner))


@settings(deadline=None)
@given(deep)
def test_a_complaint_is_one_short_line(value: object) -> None:
    try:
        integer(value, 0, 10, "field")
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
