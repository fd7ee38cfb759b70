"""Trajectories to plans of few knots and back, and the one line of text that a language model is shown of a plan."""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import Pose2D, wrap_angles
from ewm_ros.intention.checks import ETA_LIMIT, goal_name, number
from ewm_ros.intention.codec import CONFIDENCE_UNITS, ETA_UNITS
from ewm_ros.intention.outline import Outline, outline
from ewm_ros.messages import Outcome, Plan, Search
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

TEXT_GOAL = 24  # characters of the goal in the text


class IntentionCompressor:
    """Makes plans of trajectories: the fewest knots with which no step is off by more than 5 cm, 0.05 rad."""

    def compress(
        self,
        trajectory: Trajectory,
        goal: str,
        confidence: float,
        *,
        start: Pose2D | None = None,
        outcome: Outcome | None = None,
        eta: float = math.inf,
        search: Search | None = None,
        ready: Outline | None = None,
    ) -> Plan:
        """The plan that says the same as the trajectory.

        Its knots are rounded to what the wire carries, so that the plan arrives exactly as it was made.

        Args:
            goal: name of the goal, at most 32 of A-Z a-z 0-9 _ . , + - and blank.
            confidence: 0 to 1.
            start: pose at the trajectory's stamp; the first pose if not given.
            outcome: PROGRESS if the trajectory moves, else IDLE, if not given.
            eta: s until the outcome.
            search: told beside the plan, as it is.
            ready: the outline of this trajectory and start, where that has been worked out with others'.

        Raises:
            InputError: an argument is out of range, or no 51 knots can follow the trajectory.
        """
        outlined = ready or outline(trajectory, start)
        if outcome is None:
            outcome = Outcome.PROGRESS if outlined.moves else Outcome.IDLE
        return Plan(
            goal=goal_name(goal),
            outcome=outcome,
            eta=eta if eta == math.inf else round(number(eta, 0.0, ETA_LIMIT, "eta") * ETA_UNITS) / ETA_UNITS,
            confidence=round(number(confidence, 0.0, 1.0, "confidence") * CONFIDENCE_UNITS) / CONFIDENCE_UNITS,
            knots=outlined.knots,
            search=search,
        )

    def decompress(self, plan: Plan, stamp: float = 0.0, step: float = STEP, steps: int = HORIZON) -> Trajectory:
        """The trajectory of a plan: straight between the knots in x, y and radius, yaw along the shorter way.

        After the last knot the robot is taken to stay there.

        Args:
            stamp: s, of the intention that the plan came with.
        """
        t, x, y, yaw, radius = np.array([(k.t, k.x, k.y, k.yaw, k.radius) for k in plan.knots]).T
        times = step * np.arange(1, steps + 1)
        turned = np.interp(times, t, np.unwrap(yaw))
        poses = np.stack([np.interp(times, t, x), np.interp(times, t, y), wrap_angles(turned)], axis=1)
        return Trajectory(stamp, poses, np.interp(times, t, radius), step)

    def text(self, plan: Plan) -> str:
        """One line of JSON of under 50 DeepSeek tokens, whatever the goal.

        A goal of more than 24 characters is cut to its first 23 and a "~": a character is at most one token, and the
        rest of the line at most 22.

        Raises:
            InputError: the goal, eta or confidence is illegal.
        """
        goal = goal_name(plan.goal)
        if len(goal) > TEXT_GOAL:
            goal = f"{goal[: TEXT_GOAL - 1]}~"
        outcome = plan.outcome.name.lower()
        if plan.eta != math.inf:
            eta = number(plan.eta, 0.0, ETA_LIMIT, "eta")
            outcome += f" t={eta:.{1 if eta < 99.95 else 0}f}s"
        confidence = number(plan.confidence, 0.0, 1.0, "confidence")
        return f'{{"goal":"{goal}","outcome":"{outcome}","confidence":{confidence:.2f}}}'
