"""Plain values as the project's own messages; the way back is robot/incoming.py."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import Polyline
from ewm_ros.messages import Arbitration, Conflict, DirectiveSet, GoalState, Route
from ewm_ros.msg import Arbitration as ArbitrationMsg
from ewm_ros.msg import Conflict as ConflictMsg
from ewm_ros.msg import ConflictArray as ConflictArrayMsg
from ewm_ros.msg import Directive as DirectiveMsg
from ewm_ros.msg import DirectiveSet as DirectiveSetMsg
from ewm_ros.msg import GoalState as GoalStateMsg
from ewm_ros.msg import Grant as GrantMsg
from ewm_ros.msg import Route as RouteMsg
from ewm_ros.nodes.sensor_conversions import exact_stamp, header


def route_to(route: Route) -> RouteMsg:
    """A route to be published."""
    return RouteMsg(
        header=header(route.stamp),
        robot=route.robot,
        boot=route.boot,
        route=route.route,
        radius=route.radius,
        max_speed=route.max_speed,
        max_acceleration=route.max_acceleration,
        priority=route.priority,
        x=_column(route.path, 0),
        y=_column(route.path, 1),
    )


def directives_to(directives: DirectiveSet) -> DirectiveSetMsg:
    """A directive set to be published."""
    return DirectiveSetMsg(
        header=header(directives.stamp),
        coordinator=directives.coordinator,
        epoch=directives.epoch,
        lease=directives.lease,
        directives=[
            DirectiveMsg(
                robot=d.robot,
                boot=d.boot,
                answered=d.answered,
                route=d.route,
                hold=_not_more(d.hold),
                grants=[GrantMsg(region=g.region, enter=g.enter, leave=g.leave) for g in d.grants],
                take_route=d.take_route,
                take_x=_column(d.take_path, 0),
                take_y=_column(d.take_path, 1),
                speed_limit=d.speed_limit,
                waits_for=list(d.waits_for),
                expected_wait=d.expected_wait,
            )
            for d in directives.directives
        ],
    )


def _column(path: Polyline | None, k: int) -> array[float]:
    """One coordinate of all points of a path; empty for none."""
    return array("f", () if path is None else path.points[:, k])


def _not_more(metres: float) -> float:
    """The nearest float32 that is not greater: a hold point must not move on by being sent.

    Robots report their hold rounded up to whole cm. Were 3.94 sent as 3.9400001, it would be reported as 3.95, answered
    with 3.95, and so on.
    """
    single = np.float32(metres)
    # As float64: numpy would compare as float32, that is, after rounding.
    return float(single if float(single) <= metres else np.nextafter(single, np.float32(0.0)))


def conflicts_to(conflicts: Sequence[Conflict], time: float) -> ConflictArrayMsg:
    """Conflicts to be published."""
    return ConflictArrayMsg(
        header=header(time),
        conflicts=[
            ConflictMsg(
                region=c.region,
                kind=int(c.kind),
                robots=list(c.robots),
                enter=list(c.enter),
                leave=list(c.leave),
                x=c.x,
                y=c.y,
                holder=c.holder,
            )
            for c in conflicts
        ],
    )


def arbitration_to(told: Arbitration) -> ArbitrationMsg:
    """What is told of a question to the adviser, to be published."""
    return ArbitrationMsg(
        header=header(told.stamp),
        question=told.question,
        kind=told.kind,
        signature=told.signature,
        robots=list(told.robots),
        regions=array("I", told.regions),
        options=list(told.options),
        prompt=told.prompt,
        chosen=told.chosen,
        source=told.source,
        model=told.model,
        outcome=told.outcome,
        latency=told.latency,
        rationale=told.rationale,
    )


def goal_state_to(state: GoalState) -> GoalStateMsg:
    """How far a robot is with its goal, to be published."""
    return GoalStateMsg(
        header=header(state.stamp),
        robot=state.robot,
        boot=state.boot,
        number=state.number,
        sent=exact_stamp(state.sent),
        status=int(state.status),
        x=float(state.x),
        y=float(state.y),
        distance_remaining=float(state.distance_remaining),
        eta=float(state.eta),
        waiting_for=list(state.waiting_for),
        text=state.text,
    )
