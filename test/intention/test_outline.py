"""What is kept of several trajectories at once is what would be kept of each alone."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention import outline as room
from ewm_ros.intention.fewest_links import LinkGraph
from ewm_ros.intention.outline import outline, outlines
from ewm_ros.trajectory import HORIZON, STEP, Trajectory


def wandering(seed: int, steps: int = HORIZON, step: float = STEP) -> Trajectory:
    """A robot that drives, turns and stands for stretches of its own choice."""
    rng = np.random.default_rng(seed)
    pieces = np.repeat(np.arange(steps), rng.integers(1, 15, steps))[:steps]
    v, w = rng.choice([0.0, 0.3, 0.6], steps)[pieces], rng.normal(0.0, 0.8, steps)[pieces]
    yaw: FloatArray = np.cumsum(w) * step
    places = np.cumsum([v * np.cos(yaw), v * np.sin(yaw)], axis=1).T * step
    poses = np.column_stack([places, (yaw + math.pi) % math.tau - math.pi])
    return Trajectory(0.0, poses, np.cumsum(rng.uniform(0.0, 0.03, steps)))


def start_of(trajectory: Trajectory) -> Pose2D:
    return Pose2D(*trajectory.poses[0].tolist())


def link_fits(values: FloatArray, knots: FloatArray, tolerance: FloatArray, begin: int, end: int) -> bool:
    """Whether the line between two knots of (V, N) passes all values between them, told of it one by one."""
    share = (np.arange(begin + 1, end) - begin) / (end - begin)
    line = knots[:, begin, None] + share * (knots[:, end] - knots[:, begin])[:, None]
    off = np.abs(line - values[:, begin + 1 : end])
    return end == begin + 1 or bool(
        (off <= tolerance[:, begin + 1 : end]).all() and abs(knots[0, end] - knots[0, begin]) < 3.0
    )


def fewest(values: FloatArray, knots: FloatArray, tolerance: FloatArray) -> list[int]:
    """Of the paths of fewest links of (V, N) the one with the earliest last knot, then last but one, and so on."""
    rounds, before = [[0]], {0: 0}
    last = values.shape[1] - 1
    while last not in before:
        reached = {}
        for end in set(range(last + 1)) - set(before):
            froms = [begin for begin in rounds[-1] if begin < end and link_fits(values, knots, tolerance, begin, end)]
            reached.update({end: froms[0]} if froms else {})
        before.update(reached)
        rounds.append(sorted(reached))
    path = [last]
    while path[-1]:
        path.append(before[path[-1]])
    return path[::-1]


seeds = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(seeds, st.lists(st.sampled_from([1, 2, 7, HORIZON]), min_size=8, max_size=8))
def test_each_of_many_is_outlined_as_it_would_be_alone(some: list[int], lengths: list[int]) -> None:
    trajectories = [wandering(seed, steps) for seed, steps in zip(some, lengths, strict=False)]
    together = outlines(trajectories, [start_of(one) for one in trajectories])
    for trajectory, made in zip(trajectories, together, strict=True):
        alone = outline(trajectory, start_of(trajectory))
        assert made is not None
        assert (made.knots, made.moves) == (alone.knots, alone.moves)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(2, 24), st.floats(0.02, 0.5))
def test_of_all_paths_of_fewest_links_the_one_with_the_earliest_knots_is_found(
    seed: int, samples: int, tolerance: float
) -> None:
    rng = np.random.default_rng(seed)
    shape = (2, 5, samples)  # two values of five trajectories
    values: FloatArray = np.cumsum(np.cumsum(rng.normal(0.0, 0.1, shape), axis=2), axis=2)
    knots = values + rng.uniform(-0.01, 0.01, shape)
    allowed = tolerance * rng.uniform(0.8, 1.2, shape)
    found = LinkGraph(0.1 * np.arange(samples), values, knots, allowed, (0, 3.0)).paths()
    assert found == [fewest(values[:, k], knots[:, k], allowed[:, k]) for k in range(5)]


@given(st.lists(st.lists(st.floats(-10.0, 10.0), min_size=6, max_size=6), min_size=1, max_size=4))
def test_headings_are_followed_across_half_a_turn(headings: list[list[float]]) -> None:
    yaw = np.array(headings)
    room._unwrap(yaw)
    assert (yaw == np.unwrap(headings, axis=1)).all()


def test_one_that_cannot_be_told_leaves_the_others_as_they_are() -> None:
    good = wandering(3)
    nowhere = Trajectory(0.0, np.full((HORIZON, 3), math.nan), good.radius)
    spread = Trajectory(0.0, good.poses, good.radius - 1.0)
    odd = Trajectory(0.0, good.poses, good.radius, step=0.015)
    made = outlines([good, nowhere, spread, odd, good], [start_of(good)] * 5)
    assert [one is None for one in made] == [False, True, True, True, False]
    assert outlines([nowhere, spread], [start_of(good)] * 2) == [None, None]
    assert made[0] is not None and made[4] is not None
    assert made[0].knots == made[4].knots == outline(good, start_of(good)).knots


def test_most_trajectories_of_a_fleet_need_three_looks_whatever_its_size(monkeypatch) -> None:
    looks: list[int] = []
    whole = LinkGraph._links

    def counted(self, origins, others):
        looks.append(len(origins))
        return whole(self, origins, others)

    monkeypatch.setattr(room.LinkGraph, "_links", counted)
    straight = [
        Trajectory(0.0, np.outer(np.arange(1.0, 51.0), (0.05, 0.01 * k, 0.0)), np.full(50, 0.1)) for k in range(40)
    ]
    outlines(straight, [Pose2D(0.0, 0.0, 0.0)] * 40)
    assert looks == [40]  # all reach the end from the start: one look for all of them
    looks.clear()
    stopping = [
        Trajectory(0.0, np.outer(np.minimum(np.arange(1.0, 51.0), 10.0 + k), (0.05, 0.0, 0.0)), np.full(50, 0.1))
        for k in range(30)
    ]
    made = outlines(stopping, [Pose2D(0.0, 0.0, 0.0)] * 30)
    assert looks == [30, 30] and all(one is not None and len(one.knots) == 3 for one in made)
