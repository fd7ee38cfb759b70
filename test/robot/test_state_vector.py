"""What the world model is told: each number is where the layout says, is right, and is a number whatever happens."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from situations import NOW, mirrored, scans, situations, word

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.messages import ConflictKind, Outcome, Standing
from ewm_ros.robot.path_follower import HOLD_MARGIN, PathFollower
from ewm_ros.robot.state_vector import StateVector, state_vectors
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.sensing import Observation, Odometry, Scan
from ewm_ros.world_model.layout import (
    BASE_S,
    BASE_YAW,
    FREE,
    HISTORY,
    MIRRORED,
    NEAR,
    PEER,
    PEERS,
    PEERS_AT,
    PREVIEW,
    SECTORS,
    STATE_DIM,
    STATUS,
)
from ewm_ros.world_model.predictor import Neighbour, Situation

TINYBOT = load_robot_type("tinybot")
LINE = PathFollower(Polyline([[0, 0], [30, 0]]), TINYBOT)
CORNER = PathFollower(Polyline([[0, 0], [1, 0], [1, 5]]), TINYBOT)
# Places within STATUS.
(V, W, ASIDE, SIN, COS, *_, ROUTED, LEFT, HOLD, LET, STUCK, RELEASE, WAITS, LIMIT, HINDERED, CHANGING) = range(21)
STOOD, WAS_HINDERED, ON_ROUTE, HELD = range(21, 25)
# Places within the numbers of one other robot.
THERE, S, GAP, SPEED, WAITED_FOR, WAITING, OUTCOME_WAIT, IDLE, ETA, MINE, THEIRS, HOLDS, OURS, KIND = (
    0, 1, 4, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19,
)  # fmt: skip
ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


TYPES = [load_robot_type(name) for name in ("tinybot", "turtlebot4", "husky")]
SEEN = st.sampled_from(TYPES).flatmap(lambda kind: st.tuples(st.just(kind), situations(kind)))


def vector_of(*story: Situation, robot_type: RobotType = TINYBOT) -> FloatArray:
    """The vector at the end of some situations."""
    vector = StateVector(robot_type)
    for situation in story:
        vector.remember(situation)
    return vector.of(story[-1])[0]


def driving(stamp: float = NOW, v: float = 0.5, w: float = 0.0, scan: Scan | None = None, **more: Any) -> Situation:
    """On the line, 2 m along it, if nothing else is said."""
    pose = more.pop("pose", Pose2D(2.0, 0.0, 0.0))
    fields: dict[str, Any] = {"follower": LINE, "progress": 2.0, "robot": "r0", **more}
    return Situation(Observation(Odometry(stamp, pose, v, w), scan), **fields)


def status(*story: Situation) -> FloatArray:
    return vector_of(*story)[STATUS]


def peer(state: FloatArray, k: int) -> FloatArray:
    return state[PEERS_AT + PEER * k : PEERS_AT + PEER * (k + 1)]


# Whatever happens


@st.composite
def odd_scans(draw: st.DrawFn) -> Scan:
    """Any number of rays, any field of view, mounted either way up, and ranges that are none."""
    rays = draw(st.integers(1, 400))
    view = draw(st.floats(0.01, 8.0)) * draw(st.sampled_from([-1.0, 1.0]))
    increment = draw(st.sampled_from([view / rays, 0.0 if rays == 1 else view / rays, 1e-300]))
    seed = draw(st.integers(0, 2**32 - 1))
    ranges = np.random.default_rng(seed).choice([0.0, 1.0, 8.0, math.nan, math.inf, -math.inf], rays)
    return Scan(NOW, draw(st.floats(-12.0, 12.0)), increment, 8.0, ranges)


@st.composite
def odd_situations(draw: st.DrawFn) -> Situation:
    situation = draw(situations(TINYBOT))
    scan = draw(st.none() | odd_scans() | st.just(Scan(NOW, 0.0, 0.1, 8.0, np.empty(0))))
    follower, progress = situation.follower, situation.progress
    if draw(st.booleans()):
        follower, progress = PathFollower(Polyline([[1.0, 1.0]]), TINYBOT), 0.0
    elif follower is not None and draw(st.booleans()):
        progress = follower.path.length + draw(st.sampled_from([0.0, 0.01, 5.0]))
    others = [
        replace(other, max_speed=0.0, mine=(0.0, 0.0), theirs=(0.0, 0.0)) if draw(st.booleans()) else other
        for other in situation.neighbours
    ]
    return replace(
        situation,
        observation=replace(situation.observation, scan=scan),
        follower=follower,
        progress=progress,
        neighbours=tuple(others),
    )


@ANY
@given(st.lists(st.tuples(odd_situations(), st.floats(-100.0, 5.0)), min_size=1, max_size=3))
def test_it_is_256_finite_numbers_whatever_the_robot_is_in(story: list[tuple[Situation, float]]) -> None:
    vector, now = StateVector(TINYBOT), NOW
    for situation, later in story:
        now += later  # set back at times
        observation = situation.observation
        odometry = replace(observation.odometry, stamp=now)
        situation = replace(situation, observation=replace(observation, odometry=odometry))
        vector.remember(situation)
        state, frame = vector.of(situation)
        assert state.shape == (STATE_DIM,)
        assert np.isfinite(state).all()
        assert np.abs(state).max() < 1000.0
        assert frame.pose == odometry.pose


@ANY
@given(situations(TINYBOT))
def test_the_mirrored_situation_has_the_mirrored_vector(situation: Situation) -> None:
    wanted = vector_of(situation)
    wanted[list(MIRRORED)] *= -1.0
    wanted[SECTORS] = np.roll(wanted[SECTORS][::-1], 1)
    assert vector_of(mirrored(situation)) == pytest.approx(wanted, abs=1e-6)


@ANY
@given(situations(TINYBOT))
def test_and_training_mirrors_it_likewise(situation: Situation) -> None:
    torch = pytest.importorskip("torch")
    from ewm_ros.world_model.training.losses import Batch

    state = torch.from_numpy(np.stack([vector_of(situation)]))
    nothing = torch.zeros(1, 1, 3)
    image = Batch(state, nothing, nothing, nothing, state[:, None], nothing).mirrored()
    wanted = vector_of(mirrored(situation))
    assert image.state[0].numpy() == pytest.approx(wanted, abs=1e-6)
    assert image.later[0, 0].numpy() == pytest.approx(wanted, abs=1e-6)


@ANY
@given(situations(TINYBOT))
def test_the_same_situation_has_the_same_vector(situation: Situation) -> None:
    assert (vector_of(situation) == vector_of(situation)).all()


# The robot itself


def test_velocities_are_shares_of_the_limits() -> None:
    state = status(driving(v=0.25, w=-0.3))
    assert (state[V], state[W]) == (0.5, pytest.approx(-0.5))


def test_where_it_is_beside_its_route_and_how_it_is_turned() -> None:
    state = status(driving(pose=Pose2D(2.0, -0.15, 0.4)))
    assert state[ASIDE] == pytest.approx(-0.5)
    assert (state[SIN], state[COS]) == pytest.approx((math.sin(0.4), math.cos(0.4)))


def test_what_the_route_and_the_right_of_way_say() -> None:
    state = status(
        driving(
            hold=5.0,
            release=3.0,
            speed_limit=0.1,
            waits_for=("r1", "r2", "r3"),
            hindered=True,
            changing=False,
            progress=26.0,
        )
    )
    assert (state[ROUTED], state[LEFT], state[HOLD]) == (1.0, 4.0 / 0.5 / 5.0, 0.0)
    assert (state[LET], state[STUCK], state[RELEASE]) == (0.0, 0.0, pytest.approx(0.6))
    assert (state[WAITS], state[LIMIT], state[HINDERED], state[CHANGING]) == (1.0, pytest.approx(0.2), 1.0, 0.0)


@pytest.mark.parametrize(
    ("hold", "told"), [(3.0, 1.0 / 0.5 / 5.0), (1.0, 0.0), (2.0, 0.0), (29.0, 2.0), (math.inf, 2.0)]
)
def test_the_hold_point_is_told_as_the_time_to_it_at_full_speed(hold: float, told: float) -> None:
    assert status(driving(hold=hold))[HOLD] == pytest.approx(told)


@pytest.mark.parametrize(
    ("release", "told"), [(0.0, (1.0, 0.0, 0.0)), (10.0, (0.0, 0.0, 2.0)), (math.inf, (0.0, 1.0, 4.0))]
)
def test_the_release_is_told_with_its_extremes_apart(release: float, told: tuple[float, ...]) -> None:
    state = status(driving(release=release))
    assert (state[LET], state[STUCK], state[RELEASE]) == told


def test_nominal_progress_and_turns_are_told_ahead() -> None:
    state = vector_of(driving())
    assert state[BASE_S] == pytest.approx(0.2 * np.arange(1, 26), abs=1e-6)
    assert state[FREE] == pytest.approx(0.5 * np.arange(1, 11), abs=1e-6)
    assert (state[BASE_YAW] == 0.0).all()


def test_the_hold_point_bounds_what_is_expected_but_not_what_would_be_free() -> None:
    state = vector_of(driving(hold=3.0, release=math.inf))
    assert state[BASE_S][-1] == pytest.approx((1.0 - HOLD_MARGIN) / 0.5, abs=0.05)
    assert state[FREE][-1] == pytest.approx(5.0)


def test_bends_ahead_are_told_by_when_they_come_at_full_speed() -> None:
    bends, limits = np.split(vector_of(driving(follower=CORNER, progress=0.0, pose=Pose2D(0.0, 0.0, 0.0)))[PREVIEW], 2)
    assert bends == pytest.approx([0.0] * 3 + [0.5] * 7)  # the corner is at 2 s: its other side is told of
    assert limits[3] == pytest.approx(0.08 / 0.5)
    assert limits[9] == pytest.approx(1.0)


def test_a_robot_without_a_route_has_no_preview() -> None:
    state = vector_of(driving(follower=None, progress=0.0, pose=Pose2D(3.0, 4.0, 2.0)))
    assert state[STATUS][ROUTED] == state[STATUS][LEFT] == 0.0
    for part in (BASE_S, BASE_YAW, FREE, PREVIEW):
        assert (state[part] == 0.0).all()


# Its last second


def test_the_velocities_of_the_last_second_are_told() -> None:
    story = [driving(NOW + 0.1 * k, v=0.01 * k, w=-0.02 * k) for k in range(15)]
    history = vector_of(*story)[HISTORY]
    assert history[:5] == pytest.approx(np.array([0.12, 0.1, 0.08, 0.06, 0.04]) / 0.5)
    assert history[5:] == pytest.approx(np.array([-0.24, -0.2, -0.16, -0.12, -0.08]) / 0.6)


def test_before_there_was_anything_it_is_taken_to_have_been_the_same() -> None:
    assert vector_of(driving(v=0.2))[HISTORY][:5] == pytest.approx(0.4)


def test_how_long_it_has_stood_and_been_hindered_is_told() -> None:
    story = [driving(NOW + 0.1 * k, v=0.0 if k >= 10 else 0.2, hindered=k >= 15) for k in range(31)]
    assert status(*story)[[STOOD, WAS_HINDERED]] == pytest.approx([2.0 / 5.0, 1.5 / 5.0])
    moving = driving(NOW + 3.1, v=0.2)
    assert status(*story, moving)[[STOOD, WAS_HINDERED]] == pytest.approx([0.0, 0.0])


def test_how_long_it_has_been_on_its_route_and_held_there_is_told() -> None:
    other = PathFollower(Polyline([[0, 0], [30, 0]]), TINYBOT)
    story = [driving(NOW + 0.1 * k, follower=LINE if k < 10 else other, hold=5.0 if k < 20 else 6.0) for k in range(31)]
    assert status(*story)[[ON_ROUTE, HELD]] == pytest.approx([2.0 / 5.0, 1.0 / 5.0])


def test_what_takes_long_is_told_as_long() -> None:
    story = [driving(NOW + k, v=0.0, hold=5.0) for k in range(60)]
    assert status(*story)[[STOOD, ON_ROUTE, HELD]] == pytest.approx([2.0, 2.0, 2.0])


def test_when_time_is_set_back_everything_begins_anew() -> None:
    before = [driving(NOW + k, v=0.0, hold=5.0, hindered=True) for k in range(5)]
    after = [driving(0.1 * k, v=0.3, hold=5.0) for k in range(4)]
    assert vector_of(*before, *after).tolist() == vector_of(*after).tolist()


# Its lidar


def seen(scan: Scan, robot_type: RobotType = TINYBOT) -> FloatArray:
    return vector_of(driving(scan=scan), robot_type=robot_type)[SECTORS]


def scan_of(angle_min: float, increment: float, rays: int, wall: float) -> Scan:
    """A lidar that sees a post 1.3 m away, 17 degrees wide, in one direction (rad) and nothing else."""
    angles = angle_min + increment * np.arange(rays)
    off = np.abs((angles - wall + math.pi) % math.tau - math.pi)
    return Scan(NOW, angle_min, increment, 8.0, np.where(off < 0.15, 1.3, 8.0))


FAR = math.exp(-7.7)
NEARNESS = math.exp(-1.0)


def assert_only_there(nearness: FloatArray, sector: int) -> None:
    """The post is in this sector, and perhaps in those beside it."""
    assert nearness[sector] == pytest.approx(NEARNESS)
    assert np.roll(nearness, 17 - sector)[[*range(16), *range(19, 36)]] == pytest.approx([FAR] * 33)


@pytest.mark.parametrize("rays", [36, 37, 91, 180, 181, 360, 361, 720, 1081])
@pytest.mark.parametrize(("sector", "wall"), [(0, 0.0), (9, math.pi / 2), (18, math.pi), (27, -math.pi / 2)])
def test_sectors_go_round_from_straight_ahead(rays: int, sector: int, wall: float) -> None:
    assert_only_there(seen(scan_of(0.0, math.tau / rays, rays, wall)), sector)


@pytest.mark.parametrize("angle_min", [-math.pi, -1.0, 3.0])
@pytest.mark.parametrize("upside_down", [False, True])
def test_wherever_the_first_ray_points_and_whichever_way_it_turns(angle_min: float, upside_down: bool) -> None:
    increment = math.tau / 180 * (-1.0 if upside_down else 1.0)
    assert_only_there(seen(scan_of(angle_min, increment, 180, math.pi / 2)), 9)


@pytest.mark.parametrize("rays", [28, 270, 271, 1081])
@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize(("sector", "wall"), [(0, 0.0), (9, math.pi / 2), (30, -math.pi / 3)])
def test_a_lidar_that_sees_three_quarters_says_nothing_of_the_rest(
    rays: int, upside_down: bool, sector: int, wall: float
) -> None:
    view = 1.5 * math.pi
    side = -1.0 if upside_down else 1.0
    scan = scan_of(-side * view / 2.0, side * view / (rays - 1), rays, wall)
    assert_only_there(seen(scan), sector)
    everywhere = seen(replace(scan, ranges=np.full(rays, 1.3)))
    assert everywhere[15:22] == pytest.approx([FAR] * 7)  # 150 to 210 degrees
    assert everywhere[[0, 9, 13, 23, 27]] == pytest.approx([NEARNESS] * 5)


@pytest.mark.parametrize("increment", [0.0, 0.01, -0.01, 1e-300])
@pytest.mark.parametrize("direction", [0.0, 0.07, -1.6])
def test_a_single_ray_tells_of_the_sector_that_it_points_into(increment: float, direction: float) -> None:
    nearness = seen(Scan(NOW, direction, increment, 8.0, np.array([1.3])))
    assert np.count_nonzero(nearness > 2.0 * FAR) == 1
    assert nearness.argmax() == round(direction / (math.tau / 36)) % 36


@given(scans(TINYBOT))
def test_a_sector_tells_of_the_nearest_of_its_rays(scan: Scan) -> None:
    around = np.roll(scan.ranges, 2).reshape(36, 5).min(axis=1)  # two degrees between rays, sectors of ten
    assert seen(scan) == pytest.approx(np.exp(-np.maximum(around - TINYBOT.radius, 0.0)))


def test_who_touches_is_told_as_one_and_what_is_no_range_as_far_away() -> None:
    ranges = np.full(180, 8.0)
    ranges[0], ranges[45], ranges[90], ranges[135] = 0.1, math.nan, math.inf, -math.inf
    nearness = seen(Scan(NOW, 0.0, math.tau / 180, 8.0, ranges))
    assert nearness[0] == nearness[27] == 1.0
    assert nearness[[9, 18]] == pytest.approx([FAR, FAR])


def test_a_lidar_may_be_changed() -> None:
    vector = StateVector(TINYBOT)
    for rays in (180, 360, 180):
        situation = driving(scan=scan_of(0.0, math.tau / rays, rays, math.pi / 2))
        vector.remember(situation)
        assert_only_there(vector.of(situation)[0][SECTORS], 9)


def test_without_a_scan_nothing_is_near() -> None:
    assert (vector_of(driving())[SECTORS] == 0.0).all()


# The others


def other(robot: str, *places: tuple[float, float], **more: Any) -> Neighbour:
    shared = {key: more.pop(key) for key in ("shared", "mine", "theirs", "max_speed") if key in more}
    return Neighbour(word(robot, *places, **more), 0.2, **shared)


def test_nobody_there_is_told_by_nothing() -> None:
    state = vector_of(driving())
    assert (state[PEERS_AT:] == 0.0).all()


def test_those_it_waits_for_come_first_and_then_the_nearest() -> None:
    around = [other("r1", (3.0, 1.0)), other("r2", (2.0, 5.0)), other("r3", (8.0, 0.0)), other("r4", (2.0, 3.0))]
    state = vector_of(driving(neighbours=tuple(around), waits_for=("r3", "r2")))
    assert [peer(state, k)[THERE] for k in range(PEERS)] == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert [peer(state, k)[WAITED_FOR] for k in range(PEERS)] == [1.0, 1.0, 0.0, 0.0, 0.0]
    # Their places along the line, in s at full speed: r2, r3, r1, r4.
    assert [peer(state, k)[S] for k in range(4)] == pytest.approx([0.0, 5.0, 2.0, 0.0])


def test_only_so_many_are_told_of_and_nobody_far_away() -> None:
    many = tuple(other(f"r{k}", (2.0 + k, 1.0)) for k in range(1, 9))
    assert peer(vector_of(driving(neighbours=many)), PEERS - 1)[THERE] == 1.0
    away = (other("r1", (2.0 + NEAR + 0.1, 0.0)),)
    assert (vector_of(driving(neighbours=away, waits_for=("r1",)))[PEERS_AT:] == 0.0).all()


def test_where_another_robot_will_be_is_told_along_the_own_route() -> None:
    crossing = other("r1", (4.0, 1.2), (4.0, 0.2), every=5.0)
    told = peer(vector_of(driving(neighbours=(crossing,))), 0)
    assert told[S : S + 3] == pytest.approx([4.0, 4.0, 4.0])
    assert told[GAP : GAP + 3] == pytest.approx([0.7, 0.3, -0.3])
    assert told[SPEED] == pytest.approx(0.2 / 0.5)


def test_old_words_are_read_from_where_they_are_by_now() -> None:
    driven = other("r1", (4.0, 2.0), (4.0, 0.0), every=4.0, stamp=NOW - 2.0)
    told = peer(vector_of(driving(neighbours=(driven,))), 0)
    assert told[GAP : GAP + 3] == pytest.approx([0.5, -0.5, -0.5])


def test_what_another_robot_says_of_itself_is_told() -> None:
    waits = other("r1", (4.0, 1.0), outcome=Outcome.WAIT, eta=2.5, standing=Standing(route=1, waits_for=("r0",)))
    blocked = other("r2", (4.0, 2.0), outcome=Outcome.BLOCKED)
    state = vector_of(driving(neighbours=(waits, blocked)))
    assert peer(state, 0)[[WAITING, OUTCOME_WAIT, IDLE, ETA]] == pytest.approx([1.0, 1.0, 0.0, 0.5])
    assert peer(state, 1)[[WAITING, OUTCOME_WAIT, IDLE, ETA]] == pytest.approx([0.0, 0.0, 1.0, 2.0])


def test_the_region_that_is_shared_is_told_as_times_to_it() -> None:
    standing = Standing(route=1, progress=1.0, hold=3.5)
    crossing = other(
        "r1",
        (4.0, 1.0),
        standing=standing,
        shared=ConflictKind.HEAD_ON,
        mine=(3.0, 4.0),
        theirs=(3.0, 5.0),
        max_speed=1.0,
    )
    told = peer(vector_of(driving(neighbours=(crossing,), hold=2.9)), 0)
    assert told[MINE : MINE + 2] == pytest.approx([0.4, 0.8])
    assert told[THEIRS : THEIRS + 2] == pytest.approx([0.4, 0.8])
    assert (told[HOLDS], told[OURS], told[KIND]) == (1.0, 0.0, -1.0)


def test_without_a_shared_region_the_times_to_it_are_long() -> None:
    told = peer(vector_of(driving(neighbours=(other("r1", (4.0, 1.0)),))), 0)
    assert told[MINE : THEIRS + 2] == pytest.approx([2.0] * 4)
    assert (told[HOLDS], told[OURS], told[KIND]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("name", ["tinybot", "turtlebot4", "husky"])
def test_fast_and_slow_robots_look_alike(name: str) -> None:
    robot_type = load_robot_type(name)
    follower = PathFollower(Polyline([[0, 0], [60, 0]]), robot_type)
    full = robot_type.max_speed
    situation = driving(v=full, follower=follower, progress=2.0, hold=2.0 + 4.0 * full)
    state = vector_of(situation, robot_type=robot_type)
    assert state[STATUS][V] == 1.0
    assert state[STATUS][HOLD] == pytest.approx(0.8)
    assert state[BASE_S] == pytest.approx(0.2 * np.arange(1, 26), abs=1e-6)


@ANY
@given(seen=st.lists(SEEN, min_size=2, max_size=6))
def test_of_several_robots_at_once_each_vector_is_that_of_one(seen: list[tuple[RobotType, Situation]]) -> None:
    makers = [StateVector(kind) for kind, _ in seen]
    for maker, (_, situation) in zip(makers, seen, strict=True):
        maker.remember(situation)
    states, frames = state_vectors(makers, [situation for _, situation in seen])
    assert [frame.pose for frame in frames] == [situation.observation.odometry.pose for _, situation in seen]
    for state, (kind, situation) in zip(states, seen, strict=True):
        np.testing.assert_allclose(state, vector_of(situation, robot_type=kind), rtol=0.0, atol=1e-12)


def test_the_same_word_heard_by_several_robots_tells_each_what_it_would_alone() -> None:
    said = other("r1", (4.0, 1.0), (6.0, 1.0), (8.0, 3.0))
    heard = [driving(neighbours=(said,)), driving(NOW + 0.5, v=0.2, neighbours=(said,)), driving(neighbours=(said,))]
    makers = [StateVector(TINYBOT) for _ in heard]
    for maker, situation in zip(makers, heard, strict=True):
        maker.remember(situation)
    states, _ = state_vectors(makers, heard)
    for state, situation in zip(states, heard, strict=True):
        assert (peer(state, 0) == peer(vector_of(situation), 0)).all()
    assert (peer(states[0], 0) != peer(states[1], 0)).any()
