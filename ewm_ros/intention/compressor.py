"""Trajectories to plans of few knots and back, and the one line of text that a language model is shown of a plan."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Pose2D, wrap_angles
from ewm_ros.intention.checks import ETA_LIMIT, POSITION_LIMIT, RADIUS_LIMIT, YAW_LIMIT, goal_name, number
from ewm_ros.intention.codec import CONFIDENCE_UNITS, ETA_UNITS
from ewm_ros.intention.knots import LENGTH_UNITS, MAX_KNOTS, TIME_LIMIT, TIME_UNITS, TURN, knot_of
from ewm_ros.messages import Outcome, Plan, Search
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

POSITION_TOLERANCE = 0.05  # m between a step of the trajectory and the decoded plan; of the radius too, or
RADIUS_TOLERANCE = 0.15  # of the radius, where that is more: it is an estimate
ANGLE_TOLERANCE = 0.05  # rad
MAX_STEPS = 200  # of one trajectory: time and memory grow with their square
TEXT_GOAL = 24  # characters of the goal in the text

# Four strips make an octagon inside the circle of the tolerance, so that each axis can be checked by itself.
_AXES = np.array([[1.0, 0.0], [0.0, 1.0], [math.sqrt(0.5), math.sqrt(0.5)], [math.sqrt(0.5), -math.sqrt(0.5)]])
_STRIP = POSITION_TOLERANCE * math.cos(math.pi / 8.0) - 1e-9
_TOLERANCE = np.array([_STRIP, _STRIP, _STRIP, _STRIP, ANGLE_TOLERANCE - 1e-9, POSITION_TOLERANCE - 1e-9])
_HALF_TURN = math.pi * (1.0 - 1.0 / TURN)


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
    ) -> Plan:
        """The plan that says the same as the trajectory.

        Its knots are rounded to what the wire carries, so that the plan arrives exactly as it was made. The radius is
        held to 5 cm or 15 %, and never too small at a knot.

        Args:
            goal: name of the goal, at most 32 of A-Z a-z 0-9 _ . , + - and blank.
            confidence: 0 to 1.
            start: pose at the trajectory's stamp; the first pose if not given.
            outcome: PROGRESS if the trajectory moves, else IDLE, if not given.
            eta: s until the outcome.
            search: told beside the plan, as it is.

        Raises:
            InputError: an argument is out of range, or no 51 knots can follow the trajectory.
        """
        times, values = _samples(trajectory, start)
        if outcome is None:
            away = np.abs(values - values[:, :1])[[0, 1, 4]].max(axis=1)
            outcome = Outcome.IDLE if math.hypot(away[0], away[1]) < POSITION_TOLERANCE > away[2] else Outcome.PROGRESS
        units = _rounded(values)
        chosen = _fewest_links(times, values, _meant(units))
        if len(chosen) > MAX_KNOTS:
            raise InputError(f"the trajectory needs {len(chosen)} knots: a plan has at most {MAX_KNOTS}")
        return Plan(
            goal=goal_name(goal),
            outcome=outcome,
            eta=eta if eta == math.inf else round(number(eta, 0.0, ETA_LIMIT, "eta") * ETA_UNITS) / ETA_UNITS,
            confidence=round(number(confidence, 0.0, 1.0, "confidence") * CONFIDENCE_UNITS) / CONFIDENCE_UNITS,
            knots=tuple(knot_of((round(times[i] * TIME_UNITS), *units[:, i].tolist())) for i in chosen),
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


def _samples(trajectory: Trajectory, start: Pose2D | None) -> tuple[FloatArray, FloatArray]:
    """Times (N,) s and values (6, N) of the start and of every step.

    The values are x, y, (x + y) / sqrt 2, (x - y) / sqrt 2 in m, the unwrapped yaw in rad, the radius in m.
    """
    poses, radius = trajectory.poses, trajectory.radius
    if not 1 <= len(poses) <= MAX_STEPS:
        raise InputError(f"a trajectory of {len(poses)} steps: it must have 1 to {MAX_STEPS}")
    ticks = trajectory.step * TIME_UNITS
    if not 1.0 <= ticks <= TIME_LIMIT * TIME_UNITS / len(poses) or abs(ticks - round(ticks)) > 1e-6:
        raise InputError(f"a trajectory with a step of {trajectory.step:g} s: it must be whole 0.01 s, 60 s in all")
    first = poses[0] if start is None else np.array([start.x, start.y, start.yaw])
    poses = np.concatenate([[first], poses])
    # There is no radius for the pose now: it grows from there as it does in the first step.
    now = radius[0] if len(radius) == 1 else min(max(2.0 * radius[0] - radius[1], 0.0), radius[0])
    radius = np.concatenate([[now], radius])
    # Comparisons with nan are false, so this refuses it too.
    if not (np.abs(poses) <= (POSITION_LIMIT, POSITION_LIMIT, YAW_LIMIT)).all():
        raise InputError(f"a trajectory with a pose that is not finite or beyond {POSITION_LIMIT:g} m")
    if not ((radius >= 0.0) & (radius <= RADIUS_LIMIT)).all():
        raise InputError(f"a trajectory with a radius outside 0 to {RADIUS_LIMIT:g} m")
    times = round(ticks) * np.arange(len(poses)) / TIME_UNITS
    return times, np.concatenate([_AXES @ poses[:, :2].T, [_unwrapped(poses[:, 2]), radius]])


def _unwrapped(yaw: FloatArray) -> FloatArray:
    """Headings (N,) without jumps of a full turn; most have none."""
    continuous: FloatArray = yaw if (np.abs(yaw[1:] - yaw[:-1]) < math.pi).all() else np.unwrap(yaw)
    return continuous


def _rounded(values: FloatArray) -> NDArray[np.int64]:
    """x, y, yaw (unwrapped) and radius of every sample in the units of the wire: (4, N)."""
    spread = np.rint(values[5] * LENGTH_UNITS)
    spread += spread / LENGTH_UNITS < values[5]
    scaled = [values[0] * LENGTH_UNITS, values[1] * LENGTH_UNITS, values[4] * (TURN / math.tau), spread]
    return np.rint(scaled).astype(np.int64)


def _meant(units: NDArray[np.int64]) -> FloatArray:
    """What a receiver makes of the rounded samples, as values (6, N)."""
    yaw, radius = units[2] * (math.tau / TURN), units[3] / LENGTH_UNITS
    return np.concatenate([_AXES @ (units[:2] / LENGTH_UNITS), [yaw, radius]])


def _fewest_links(times: FloatArray, values: FloatArray, knots: FloatArray) -> list[int]:
    """Indices of the knots on a path of fewest links from the first sample to the last.

    Breadth-first search in the graph of feasible links (Imai and Iri, "Computational-geometric methods for polygonal
    approximations of a curve", Computer Vision, Graphics, and Image Processing 36(1), 1986). Links are worked out when
    the search comes to them, those to the last sample first, as they end it: a robot that stands needs no others.
    """
    tolerance = np.repeat(_TOLERANCE[:, None], len(times), axis=1)
    tolerance[5] = np.maximum(tolerance[5], RADIUS_TOLERANCE * values[5])
    # Both bounds as upper ones: of the values, and of the values with the other sign.
    bounds = np.concatenate([tolerance + values, tolerance - values])
    mirrored = np.concatenate([knots, -knots])
    last = len(times) - 1
    to_last = _feasible_links(times[-1] - times[::-1], bounds[:, ::-1], mirrored[:, ::-1], np.array([0]))[0, ::-1]
    before = np.full(last, -1)
    frontier = np.array([0])
    while not to_last[frontier].any():
        begin = int(frontier[0]) + 1
        links = _feasible_links(times, bounds, mirrored, frontier)[:, :-1]
        links &= before[begin:] < 0
        reached = links.any(axis=0).nonzero()[0]
        before[begin + reached] = frontier[links[:, reached].argmax(axis=0)]
        frontier = begin + reached
    chosen = [last, int(frontier[to_last[frontier].argmax()])]
    while chosen[-1] != 0:
        chosen.append(int(before[chosen[-1]]))
    return chosen[::-1]


def _feasible_links(
    times: FloatArray, bounds: FloatArray, knots: FloatArray, rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether a straight line from knots to later knots passes every sample between them within the tolerance.

    The samples seen from knot i leave a cone of slopes, which narrows from sample to sample; the line to knot j must
    lie in what the samples up to j have left (O'Rourke, "An on-line algorithm for fitting straight lines between data
    ranges", Communications of the ACM 24(9), 1981).

    Args:
        bounds: (12, N), what the six values and their negatives may be at most.
        knots: (12, N), what they are at the knots.
        rows: (F,) the knots i, ascending.

    Returns:
        (F, N - 1 - rows[0]), of the knots j from rows[0] + 1 on.
    """
    onwards = slice(int(rows[0]) + 1, None)
    gap = times[onwards] - times[rows, None]
    earlier = gap <= 0.0
    start = knots[:, rows, None]
    cone = bounds[:, None, onwards] - start
    between = knots[:, None, onwards] - start
    # Half a turn and more would be decoded the other way round.
    links: NDArray[np.bool_] = np.abs(between[4]) < _HALF_TURN
    gap[earlier] = math.inf
    per_second = 1.0 / gap
    cone *= per_second
    between *= per_second
    if len(rows) > 1:
        cone += np.where(earlier, math.inf, 0.0)
    links &= (between <= np.minimum.accumulate(cone, axis=2, out=cone)).all(axis=0)
    # From one sample to the next there is nothing between.
    links[np.arange(len(rows)), rows - rows[0]] = True
    links &= ~earlier
    return links
