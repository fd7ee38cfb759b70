"""`ewm goal`: send a robot of the current ROS domain to a place, or have it give its goal up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from ewm_ros.cli.common import AsJson, err, out, print_json
from ewm_ros.cli.fleet_processes import need_ros
from ewm_ros.errors import InputError
from ewm_ros.intention.checks import POSITION_LIMIT
from ewm_ros.messages import GoalState

if TYPE_CHECKING:  # rclpy is slow to import, and not there for the other commands
    from ewm_ros.nodes.goal_sender import GoalSender

# Numbers may be negative: what begins with a minus and is no option is an argument.
SETTINGS = {"ignore_unknown_options": True}


def goal(
    robot: Annotated[str, typer.Argument(metavar="ROBOT", help="Its name, which is its namespace.")],
    x: Annotated[float | None, typer.Argument(metavar="X", help="m east in the map.")] = None,
    y: Annotated[float | None, typer.Argument(metavar="Y", help="m north in the map.")] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give the goal up: stop, and stay.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until the robot is there, or will not come there.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.0, max=1e6, help="s to wait at most; as long as it takes if not given.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Send a robot to a place; exit status 1 if it does not go there, 2 if there is no such robot."""
    place = _place(x, y)
    if cancel == (place is not None):
        raise InputError("write a place (ewm goal ROBOT X Y), or --cancel")
    if cancel and wait:
        raise InputError("--wait is for a place: with --cancel there is nothing to wait for")
    if timeout is not None and not wait:
        raise InputError("--timeout is for --wait: without it, nothing is waited for")
    need_ros()
    from ewm_ros.nodes.goal_sender import GoalSender, NotDone

    why = ""
    with GoalSender(robot) as sender:
        try:
            if place is None:
                sender.cancel()
            else:
                taken = sender.send(*place)
                why = _followed(sender, taken, math.inf if timeout is None else timeout) if wait else ""
        except NotDone as error:
            why = str(error)
        state = sender.state
    if as_json:
        print_json(_figures(robot, state, why))
    elif why:
        err.print(f"ewm: {why}", markup=False, highlight=False, soft_wrap=True)
    else:
        out.print(_outcome(state, place is None, wait), markup=False, highlight=False, soft_wrap=True)
    return 1 if why else 0


def _place(x: float | None, y: float | None) -> tuple[float, float] | None:
    if x is None and y is None:
        return None
    if x is None or y is None:
        raise InputError("a place has an X and a Y (m, in the map)")
    if not max(abs(x), abs(y)) <= POSITION_LIMIT:  # nan is not, either
        raise InputError(f"place {x:g} {y:g}: both must be from {-POSITION_LIMIT:g} to {POSITION_LIMIT:g} m")
    return x, y


def _followed(sender: GoalSender, taken: GoalState, timeout: float) -> str:
    """Why the robot will not come there; empty if it has come."""
    shown: list[str] = []

    def show(state: GoalState) -> None:
        line = _progress(state)
        if line != (shown[-1] if shown else ""):
            shown.append(line)
            err.print(line, markup=False, highlight=False, soft_wrap=True)

    ending = sender.follow(taken, timeout, show)
    return "" if ending.reached else ending.why


def _progress(state: GoalState) -> str:
    parts = [f"{state.robot}: {state.text or state.status.name.lower().replace('_', ' ')}"]
    if state.waiting_for:
        parts.append(f"for {', '.join(state.waiting_for)}")
    if math.isfinite(state.distance_remaining):
        parts.append(f"{state.distance_remaining:.1f} m to go")
    if math.isfinite(state.eta):
        parts.append(f"{state.eta:.0f} s")
    return ", ".join(parts)


def _outcome(state: GoalState | None, cancelled: bool, waited: bool) -> str:
    assert state is not None
    if cancelled:
        return f"{state.robot} has no goal to drive to"
    place = f"({state.x:g}, {state.y:g})"
    return f"{state.robot} {'is at' if waited else 'is on its way to'} {place}"


def _figures(robot: str, state: GoalState | None, why: str) -> dict[str, object]:
    """What --json prints."""

    def finite(value: float) -> float | None:
        return round(value, 3) if math.isfinite(value) else None

    said = state or GoalState(robot, boot=0, stamp=0.0)
    return {
        "robot": robot,
        "number": said.number,
        "status": said.status.name.lower(),
        "x": said.x,
        "y": said.y,
        "distance_remaining_m": finite(said.distance_remaining),
        "eta_s": finite(said.eta),
        "waiting_for": list(said.waiting_for),
        "text": said.text,
        "why": why,
    }
