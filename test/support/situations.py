"""Situations drawn at random, and their mirror images."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from random_paths import random_paths

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.messages import ConflictKind, Intention, Knot, Outcome, Plan, Standing
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Observation, Odometry, Scan
from ewm_ros.world_model.predictor import Neighbour, Situation

NOW = 100.0  # s, of the situations drawn
NAMES = tuple(f"r{i}" for i in range(1, 9))
ENDLESS = st.just(math.inf)


def knots(*places: tuple[float, float], every: float = 1.0) -> tuple[Knot, ...]:
    """A plan to be at these places, one every so many seconds."""
    return tuple(Knot(every * k, x, y, 0.0, 0.1) for k, (x, y) in enumerate(places))


def word(
    robot: str,
    *places: tuple[float, float],
    every: float = 1.0,
    stamp: float = NOW,
    outcome: Outcome = Outcome.PROGRESS,
    eta: float = math.inf,
    standing: Standing | None = None,
) -> Intention:
    """What another robot says that plans to be at these places."""
    plan = Plan("goal", outcome, eta, 0.9, knots(*places, every=every))
    return Intention(robot, 1, 1, stamp, plan, standing or Standing(route=1))


@st.composite
def neighbours(draw: st.DrawFn, pose: Pose2D) -> tuple[Neighbour, ...]:
    """None to eight others, near and far."""
    found = []
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        near = draw(st.sampled_from([1.0, 5.0, 50.0]))
        offset = st.tuples(st.floats(-near, near), st.floats(-near, near))
        places = [(pose.x + x, pose.y + y) for x, y in draw(st.lists(offset, min_size=1, max_size=4))]
        enter = st.floats(0.0, 8.0)
        mine, theirs = draw(enter), draw(enter)
        said = word(
            name,
            *places,
            every=draw(st.floats(0.1, 2.0)),
            stamp=NOW - draw(st.floats(-0.2, 3.0)),
            outcome=draw(st.sampled_from(Outcome)),
            eta=draw(ENDLESS | st.floats(0.0, 86_400.0)),
            standing=Standing(
                route=draw(st.integers(0, 1)),
                progress=draw(st.floats(0.0, 8.0)),
                hold=draw(st.floats(0.0, 8.0)),
                waits_for=("r0",) if draw(st.booleans()) else (),
            ),
        )
        shared = draw(st.none() | st.sampled_from(ConflictKind))
        speed = draw(st.sampled_from([0.0, 0.5, 1.0]))
        found.append(Neighbour(said, 0.3, speed, shared, (mine, mine + 1.0), (theirs, theirs + 1.0)))
    return tuple(found)


@st.composite
def scans(draw: st.DrawFn, robot_type: RobotType) -> Scan:
    """The type's own lidar, with walls at all distances."""
    lidar = robot_type.lidar
    seed = draw(st.integers(0, 2**32 - 1))
    ranges = np.random.default_rng(seed).uniform(0.0, lidar.range_max, lidar.rays)
    return Scan(NOW, 0.0, lidar.angle_increment, lidar.range_max, ranges)


@st.composite
def situations(draw: st.DrawFn, robot_type: RobotType) -> Situation:
    """A robot about where it should be on its route, if it has one."""
    path: Polyline | None = draw(st.none() | random_paths())
    progress, pose = 0.0, Pose2D(draw(st.floats(-9.0, 9.0)), draw(st.floats(-9.0, 9.0)), draw(st.floats(-3.0, 3.0)))
    if path is not None:
        progress = draw(st.floats(0.0, 1.0)) * path.length
        (x, y), along, aside = path.point_at(progress), path.heading_at(progress), draw(st.floats(-0.5, 0.5))
        yaw = along + draw(st.floats(-3.0, 3.0))
        pose = Pose2D(x - aside * math.sin(along), y + aside * math.cos(along), yaw)
    v, w = draw(st.floats(-0.1, robot_type.max_speed)), draw(st.floats(-1.0, 1.0)) * robot_type.max_turn_rate
    return Situation(
        Observation(Odometry(NOW, pose, v, w), draw(st.none() | scans(robot_type))),
        PathFollower(path, robot_type) if path is not None else None,
        progress,
        hold=draw(ENDLESS | st.floats(-1.0, 5.0).map(lambda ahead: progress + ahead)),
        release=draw(ENDLESS | st.just(0.0) | st.floats(0.0, 100.0)),
        speed_limit=draw(ENDLESS | st.floats(0.0, 1.0)),
        robot="r0",
        neighbours=draw(neighbours(pose)),
        waits_for=draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple)),
        hindered=draw(st.booleans()),
        changing=draw(st.booleans()),
    )


def mirrored(situation: Situation) -> Situation:
    """The same with left and right exchanged: everything on the other side of the map's x axis."""
    odometry, scan, follower = situation.observation.odometry, situation.observation.scan, situation.follower
    pose = odometry.pose
    odometry = replace(odometry, pose=Pose2D(pose.x, -pose.y, -pose.yaw), w=-odometry.w)
    if scan is not None:  # the ray straight ahead is the first and stays
        scan = replace(scan, ranges=np.roll(scan.ranges[::-1], 1))
    if follower is not None:
        follower = PathFollower(Polyline(follower.path.points * [1.0, -1.0]), follower.robot_type)
    others = []
    for other in situation.neighbours:
        plan = other.intention.plan
        there = tuple(knot._replace(y=-knot.y, yaw=-knot.yaw) for knot in plan.knots)
        others.append(replace(other, intention=replace(other.intention, plan=replace(plan, knots=there))))
    return replace(situation, observation=Observation(odometry, scan), follower=follower, neighbours=tuple(others))
