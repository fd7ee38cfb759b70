"""A robot's goal from the moment that it was sent: how far the robot is, and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ewm_ros.messages import GoalState, GoalStatus, Outcome
from ewm_ros.robot.agent import STANDING_SPEED, Action
from ewm_ros.robot.way_finder import Goal
from ewm_ros.sensing import Odometry

REACHED = 0.3  # m from the goal, within which a robot that stands has reached it, whatever its radius
TWICE = 1.0  # s in which a message that is heard again is the same one, heard by two readers
PERIOD = 1.0  # s between two words about a goal that is under way, if nothing changes
STARTING = "starting"


class GoalKeeper:
    """Keeps the newest goal of one robot and judges what becomes of it.

    Every `now` is in s of a steady clock.

    Args:
        robot: its name.

    Attributes:
        goal: where the robot is to go, or has come to; None if nowhere.
    """

    def __init__(self, robot: str) -> None:
        self.goal: Goal | None = None
        self._state = GoalState(robot, boot=0, stamp=0.0)
        self._way: Action | None = None  # what the newest cycle on the way to the goal came to
        self._heard: tuple[Goal, int, float] | None = None  # the newest message and when it came
        self._told: tuple[object, ...] = ()
        self._told_at = -math.inf

    def send(self, goal: Goal, sent: int, now: float) -> tuple[int, int]:
        """Take a new goal in place of the one before, whatever has become of that.

        Args:
            sent: ns, the stamp of the message. One that is heard twice is one goal.

        Returns:
            By which number and stamp its states can be known.
        """
        if self._heard is None or self._heard[:2] != (goal, sent) or now - self._heard[2] > TWICE:
            self._heard = goal, sent, now
            self.goal, self._way = goal, None
            self._state = replace(
                self._state,
                number=self._state.number + 1,
                sent=sent,
                status=GoalStatus.ACTIVE,
                x=goal.x,
                y=goal.y,
                distance_remaining=math.nan,
                text="",
            )
        return self.newest

    @property
    def newest(self) -> tuple[int, int]:
        """Number and stamp of the newest goal."""
        return self._state.number, self._state.sent

    def cancel(self) -> None:
        """Give the goal up: the robot stops where it can, and stays."""
        self.goal = None
        if self._state.status in (GoalStatus.ACTIVE, GoalStatus.NO_WAY):
            self._end(GoalStatus.CANCELLED)

    def follow(self, action: Action, odometry: Odometry, no_way: str) -> None:
        """Take what a cycle came to, in which the robot was told to go to `goal`.

        Args:
            odometry: that the cycle was thought from.
            no_way: why there is no route; empty if there is one.
        """
        if self.goal is None or self._state.status not in (GoalStatus.ACTIVE, GoalStatus.NO_WAY):
            return
        standing = max(abs(odometry.v), abs(odometry.w)) <= STANDING_SPEED
        distance = math.dist((odometry.pose.x, odometry.pose.y), (self.goal.x, self.goal.y))
        if standing and distance <= REACHED:
            self._end(GoalStatus.REACHED, distance)
        elif no_way:
            self._end(GoalStatus.NO_WAY, text=no_way)
        else:
            self._way = action
            if self._state.status is GoalStatus.NO_WAY:
                self._state = replace(self._state, status=GoalStatus.ACTIVE)

    def tell(self, boot: int, stamp: float, now: float, hindrance: str = "") -> GoalState | None:
        """What is to be told now: what has changed, or once a second of a goal that is under way; None for nothing.

        Args:
            boot: of the robot.
            stamp: s, to tell it under.
            hindrance: why the robot is kept from driving, whatever it wants; empty if it is not.
        """
        state = self._state
        active = state.status is GoalStatus.ACTIVE
        newest = self._way if active else None
        waiting_for = newest.intention.standing.waits_for if newest is not None else ()
        doing = newest.state if newest is not None else STARTING
        text = (hindrance or doing) if active else state.text
        said = (boot, state.number, state.status, waiting_for, text)
        due = active and now - self._told_at >= PERIOD
        if said == self._told and not due:
            return None
        self._told, self._told_at = said, now
        state = replace(state, boot=boot, stamp=stamp, text=text)
        if newest is None:
            return state
        # Worked out here and not in every cycle: it is told ten times less often.
        rest, plan = self._rest(newest), newest.intention.plan
        known = plan.outcome is Outcome.ARRIVE and math.isfinite(rest) and math.isfinite(plan.eta)
        return replace(state, distance_remaining=rest, eta=plan.eta if known else math.nan, waiting_for=waiting_for)

    def _end(self, status: GoalStatus, distance: float = math.nan, text: str = "") -> None:
        self._state = replace(self._state, status=status, distance_remaining=distance, text=text)

    def _rest(self, action: Action) -> float:
        """m to drive; nan while the robot's route leads elsewhere, as when it makes room for others."""
        path = action.path
        if path is None or self.goal is None:
            return math.nan
        if math.dist(path.point_at(path.length), (self.goal.x, self.goal.y)) > REACHED:
            return math.nan
        return max(0.0, path.length - action.intention.standing.progress)


@dataclass(frozen=True, slots=True)
class Ending:
    """What has become of a goal in the end: reached, given up as was asked, or neither and why."""

    reached: bool
    cancelled: bool
    why: str = ""


def ending_of(state: GoalState, number: int, sent: int) -> Ending | None:
    """What a robot's newest state says of the goal with this number and stamp; None while it is under way.

    A goal to which there is no way has ended for who asked: what may be one day is not worth waiting for.
    """
    if (state.number, state.sent) != (number, sent):
        gone = "was sent elsewhere" if state.number > number else "was started again and has forgotten its goal"
        return Ending(False, False, f"{state.robot} {gone}")
    if state.status is GoalStatus.REACHED:
        return Ending(True, False)
    if state.status is GoalStatus.CANCELLED:
        return Ending(False, True, f"{state.robot} has given the goal up")
    if state.status is GoalStatus.NO_WAY:
        return Ending(False, False, state.text)
    return None
