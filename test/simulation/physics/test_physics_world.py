"""Robots in the physics engine: they drive, stop at walls, and everything repeats bit for bit."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pybullet
import pytest

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.simulation.physics.contacts import Contact
from ewm_ros.simulation.physics.motion import velocity_of
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.scenario import Bodies, Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world, parse_world

FORWARD = Velocity(0.5, 0.0)
Make = Callable[..., PhysicsWorld]


def yard(starts: Sequence[Sequence[float]], **more: object) -> Scenario:
    """An empty yard of 10 m x 6 m around the origin with robots at these poses (jitter aside)."""
    goals = [[-4.0 + i, 2.5] for i in range(len(starts))]
    count = {"min": 1, "max": len(starts), "default": 1}
    robots = {"model": "tinybot", "count": count, "starts": list(starts), "goals": goals}
    content = {"name": "yard", "bounds": {"x": [-5, 5], "y": [-3, 3]}, "robots": robots, **more}
    return make_scenario(parse_world(content, "yard.yaml"), len(starts), 0)


@pytest.fixture
def make() -> Iterator[Make]:
    worlds: list[PhysicsWorld] = []

    def physics(scenario: Scenario, only: int | None = None, bodies: Bodies = "driven") -> PhysicsWorld:
        worlds.append(PhysicsWorld(scenario, only, bodies))
        return worlds[-1]

    yield physics
    for world in worlds:
        world.close()


def drive(world: PhysicsWorld, seconds: float, *commands: Velocity) -> list[Contact]:
    """Drive on with the same commands; returns the contacts that began."""
    contacts: list[Contact] = []
    for _ in range(round(seconds * 10)):
        world.step(commands)
        contacts += world.new_contacts
    return contacts


def test_a_robot_drives_where_it_looks_at_about_the_speed_it_is_told(make: Make) -> None:
    world = make(yard([[-4, 0, 0]]))
    before = world.pose(0)
    drive(world, 10.0, FORWARD)
    odometry, after = world.observe(0).odometry, world.pose(0)
    assert world.time == odometry.stamp == pytest.approx(10.0)
    assert odometry.v == pytest.approx(0.5, rel=0.08)
    travelled = math.hypot(after.x - before.x, after.y - before.y)
    assert travelled == pytest.approx(0.5 * (10.0 - 0.33 - 0.1), rel=0.05)
    bearing = math.atan2(after.y - before.y, after.x - before.x)
    assert bearing == pytest.approx(before.yaw, abs=0.01)


def test_a_turning_robot_drives_a_circle(make: Make) -> None:
    world = make(yard([[0, 0, 0]]))
    drive(world, 2.0, Velocity(0.3, 0.6))
    points = []
    for _ in range(105):
        world.step([Velocity(0.3, 0.6)])
        points.append((world.pose(0).x, world.pose(0).y))
    x, y = np.array(points).T
    assert np.ptp(x) == pytest.approx(1.0, rel=0.1)
    assert np.ptp(y) == pytest.approx(1.0, rel=0.1)
    assert world.observe(0).odometry.w == pytest.approx(0.6, rel=0.1)


@pytest.mark.parametrize("yaw", [0.0, 0.6, -1.2])
@pytest.mark.parametrize("thickness", [0.02, 1.0])
def test_a_robot_pushed_against_a_wall_does_not_go_through(make: Make, yaw: float, thickness: float) -> None:
    walls = [{"center": [1.0 + thickness / 2, 0], "size": [thickness, 6]}]
    world = make(yard([[0, 0, yaw]], walls=walls))
    contacts: list[Contact] = []
    for _ in range(300):
        world.step([FORWARD])
        contacts += world.new_contacts
        assert world.pose(0).x < 1.0 - 0.3 + 0.01
    assert contacts[0] == Contact("robot_0", "wall_0")
    assert contacts.count(Contact("robot_0", "wall_0")) == 1


@pytest.mark.parametrize("model", ["tinybot", "turtlebot4", "husky"])
def test_whatever_pushes_into_a_corner_stays_out_of_the_walls(make: Make, model: str) -> None:
    robots = {
        "model": model,
        "count": {"min": 1, "max": 1, "default": 1},
        "starts": [[3.5, 1.5, 0.9]],
        "goals": [[0, 0]],
    }
    content = {"name": "yard", "bounds": {"x": [-5, 5], "y": [-3, 3]}, "robots": robots}
    scenario = make_scenario(parse_world(content, "yard.yaml"), 1, 0)
    world, radius = make(scenario), scenario.types[0].radius
    for k in range(400):
        world.step([Velocity(2.0, 0.3 if k % 40 < 20 else -0.3)])
        assert max(world.pose(0).x - 5.0, world.pose(0).y - 3.0) + radius < 0.005
    assert world.collisions > 0


def test_a_wall_that_is_lower_than_a_robots_belly_stops_it_too(make: Make) -> None:
    world = make(yard([[-2, 0, 0]], walls=[{"center": [0, 0], "size": [0.2, 4], "height": 0.02}]))
    assert Contact("robot_0", "wall_0") in drive(world, 10.0, FORWARD)
    assert world.pose(0).x < -0.1 - 0.3 + 0.005


def test_a_robot_held_by_a_wall_measures_that_it_stands_and_can_back_out(make: Make) -> None:
    world = make(yard([[4, 0, 0]]))
    drive(world, 5.0, FORWARD)
    assert abs(world.observe(0).odometry.v) < 0.02
    drive(world, 4.0, Velocity(-0.5, 0.0))
    assert world.pose(0).x < 3.5


def test_two_robots_head_on_collide_once_until_they_part(make: Make) -> None:
    world = make(yard([[-1, 0, 0], [1, 0, math.pi]]))
    assert drive(world, 6.0, FORWARD, FORWARD) == [Contact("robot_0", "robot_1")]
    assert math.hypot(world.pose(0).x - world.pose(1).x, world.pose(0).y - world.pose(1).y) > 0.58
    assert world.collisions == 1
    drive(world, 3.0, Velocity(-0.5, 0.0), Velocity(-0.5, 0.0))
    assert drive(world, 6.0, FORWARD, FORWARD) == [Contact("robot_0", "robot_1")]
    assert world.collisions == 2


def test_a_robot_that_is_rammed_from_the_side_stays_upright_on_the_floor(make: Make) -> None:
    world = make(yard([[0, 0, 0], [0, -1, math.pi / 2]]))
    drive(world, 15.0, STANDSTILL, FORWARD)
    assert world.collisions >= 1
    for body in world._motion.bodies:
        (_, _, z), (qx, qy, _, _) = pybullet.getBasePositionAndOrientation(body, physicsClientId=world._client)
        assert z == pytest.approx(0.15, abs=1e-3)
        assert (qx, qy) == pytest.approx((0.0, 0.0), abs=1e-3)


def test_passing_closely_is_a_near_miss_and_counts_once(make: Make) -> None:
    for gap, expected in ((0.04, 1), (0.2, 0)):
        pillars = [{"center": [0.0, 0.3 + 0.3 + gap], "radius": 0.3}]
        world = make(replace(yard([[-2, 0, 0]], pillars=pillars), starts=(Pose2D(-2.0, 0.0, 0.0),)))
        seen: list[Contact] = []
        for _ in range(80):
            world.step([FORWARD])
            seen += world.near_misses
        assert seen == [Contact("robot_0", "pillar_0")] * expected
        assert world.near_miss_count == expected
        assert world.collisions == 0


RUN = """
import hashlib, sys, numpy as np
from ewm_ros.sensing import Velocity
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
digest = hashlib.sha256()
name, bodies, steps = sys.argv[1:]
with PhysicsWorld(make_scenario(load_world(name), 10, 3), bodies=bodies) as world:
    rng = np.random.default_rng(0)
    for _ in range(int(steps)):
        world.step([Velocity(float(v), float(w)) for v, w in rng.uniform((-0.2, -0.6), (0.8, 0.6), (10, 2))])
        for i in range(10):
            seen = world.observe(i)
            digest.update(repr(seen.odometry).encode() + seen.scan.ranges.tobytes())
        digest.update(repr((world.new_contacts, world.near_misses)).encode())
    print(world.collisions, world.near_miss_count, digest.hexdigest(), world.state_hash())
"""


def outputs(*arguments: str) -> list[str]:
    """What the run prints in each of two processes."""
    command = [sys.executable, "-c", RUN, *arguments]
    return [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]


def test_two_processes_agree_bit_for_bit_collisions_included() -> None:
    first, second = outputs("corridor", "driven", "250")
    assert first == second
    assert int(first.split()[0]) > 0


def test_two_processes_agree_bit_for_bit_among_people_and_on_wheels() -> None:
    for world, bodies, steps in (("crowd", "driven", "120"), ("corridor", "wheels", "30")):
        first, second = outputs(world, bodies, steps)
        assert first == second


def test_the_state_hash_tells_runs_with_equal_states_from_others(make: Make) -> None:
    scenario = make_scenario(load_world("doorway"), 3, 1)
    worlds = [make(scenario), make(scenario), make(make_scenario(load_world("doorway"), 3, 2))]
    for world in worlds:
        drive(world, 1.0, FORWARD, FORWARD, FORWARD)
    hashes = [world.state_hash() for world in worlds]
    assert hashes[0] == hashes[1] != hashes[2]
    worlds[0].step([FORWARD] * 3)
    worlds[1].step([FORWARD, FORWARD, Velocity(0.5, 1e-12)])
    assert worlds[0].state_hash() != hashes[0]
    assert worlds[0].state_hash() != worlds[1].state_hash()


def test_a_robot_alone_meets_the_same_slip_and_noise_as_in_company(make: Make) -> None:
    scenario = make_scenario(load_world("doorway"), 6, 1)
    company, alone = make(scenario), make(scenario, only=4)
    assert alone.indices == (4,)
    for _ in range(30):
        company.step([Velocity(0.3, 0.2)] * 6)
        alone.step([Velocity(0.3, 0.2)])
        a, b = company.observe(4), alone.observe(4)
        assert a.odometry == b.odometry
        assert a.scan is not None
        assert b.scan is not None
        same = a.scan.ranges == b.scan.ranges
        assert same.mean() > 0.8  # the rest of the rays meet the others
        assert (a.scan.ranges[~same] < b.scan.ranges[~same] + 0.1).all()


def test_observing_changes_nothing(make: Make) -> None:
    scenario = make_scenario(load_world("doorway"), 3, 1)
    watched, unwatched = make(scenario), make(scenario)
    for _ in range(20):
        for world in (watched, unwatched):
            world.step([FORWARD] * 3)
        assert watched.observe(0) is watched.observe(0)
    a, b = watched.observe(0), unwatched.observe(0)
    assert a.odometry == b.odometry
    assert a.scan is not None
    assert b.scan is not None
    assert (a.scan.ranges == b.scan.ranges).all()


def test_odometry_is_off_by_a_centimetre_and_ideal_odometry_is_not(make: Make) -> None:
    for scenario in (yard([[0, 0, 3.1]]), replace(yard([[0, 0, 3.1]]), varied=False)):
        world, errors = make(scenario), []
        for _ in range(100):
            world.step([Velocity(0.1, 0.3)])
            true, seen = world.pose(0), world.observe(0).odometry.pose
            assert -math.pi <= seen.yaw <= math.pi
            turn = math.remainder(seen.yaw - true.yaw, 2.0 * math.pi)
            errors.append((seen.x - true.x, seen.y - true.y, turn))
        largest = np.abs(errors).max(axis=0)
        if scenario.varied:
            assert (largest > 0.0).all()
            assert (largest < [0.05, 0.05, 0.02]).all()
        else:
            assert (largest == 0.0).all()


def test_ideal_robots_do_exactly_what_they_are_told_and_see_exact_ranges(make: Make) -> None:
    world = make(replace(yard([[-3, 0, 0], [-3, 2, 0]]), varied=False))
    starts = [world.pose(i) for i in range(2)]
    drive(world, 6.0, FORWARD, FORWARD)
    for i, start in enumerate(starts):
        seen, pose = world.observe(i), world.pose(i)
        assert (seen.odometry.v, seen.odometry.w) == pytest.approx((0.5, 0.0))
        travelled = math.hypot(pose.x - start.x, pose.y - start.y)
        assert travelled == pytest.approx(0.5 * (6.0 - 0.5 / 0.75 / 2 - 0.1), abs=0.01)
        assert seen.scan is not None
        assert seen.scan.ranges[0] == pytest.approx((5.0 - pose.x) / math.cos(pose.yaw))


def test_what_a_free_body_was_told_is_what_the_engine_has_it_do(make: Make) -> None:
    world = make(yard([[-3, 0, 0], [-3, 2, 0]]))
    for _ in range(30):
        world.step([FORWARD, Velocity(0.3, 0.5)])
        for k, body in enumerate(world._motion.bodies):
            engine = velocity_of(body, world.pose(k).yaw, world._client)
            twist = world._motion.velocities[k]
            # The last substep was driven along the heading at its beginning.
            assert engine == pytest.approx((twist[0] * math.cos(twist[1] / 60.0), twist[1]), abs=1e-12)


def test_ranges_are_noisy_by_a_centimetre_and_range_max_is_not(make: Make) -> None:
    world = make(yard([[4, 0, 0]]))
    scans = []
    for _ in range(200):
        world.step([STANDSTILL])
        scan = world.observe(0).scan
        assert scan is not None
        assert (scan.angle_min, len(scan.ranges)) == (0.0, 180)
        scans.append(scan.ranges)
    ranges = np.array(scans)
    met = ranges.max(axis=0) < 8.0
    assert ranges[:, met].std(axis=0).mean() == pytest.approx(0.01, rel=0.1)
    assert (ranges[:, ~met] == 8.0).all()
    assert 0 < (~met).sum() < 180


def test_the_seed_makes_robots_differ(make: Make) -> None:
    worlds = [make(make_scenario(load_world("doorway"), 3, seed)) for seed in (1, 2)]
    for world in worlds:
        drive(world, 3.0, FORWARD, FORWARD, FORWARD)
    speeds = {world.observe(i).odometry.v for world in worlds for i in range(3)}
    assert len(speeds) == 6


def test_starting_near_something_is_no_near_miss(make: Make) -> None:
    world = make(yard([[4.65, 0, 0], [3.92, 0, 0]]))
    world.step([STANDSTILL, STANDSTILL])
    assert world.near_miss_count == 0
    assert world.collisions == 0


@pytest.mark.parametrize("commands", [[], [STANDSTILL] * 2, [Velocity(math.nan, 0.0)], [Velocity(0.0, math.inf)]])
def test_impossible_commands_are_refused_and_nobody_moves(make: Make, commands: list[Velocity]) -> None:
    world = make(yard([[0, 0, 0]]))
    before = world.pose(0)
    with pytest.raises(InputError, match=r"command"):
        world.step(commands)
    assert world.pose(0) == before
    assert world.time == 0.0


def test_bodies_that_there_are_not_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match="unknown bodies 'legs': there are driven, wheels"):
        make(yard([[0, 0, 0]]), bodies="legs")


def test_robots_that_do_not_take_part_are_refused(make: Make) -> None:
    scenario = make_scenario(load_world("doorway"), 3, 1)
    with pytest.raises(InputError, match="no robot 3 among the 3"):
        make(scenario, only=3)
    with pytest.raises(InputError, match="no robot 0 in this run, only 2"):
        make(scenario, only=2).observe(0)


def test_closing_twice_is_all_right_and_leaves_other_worlds_alone(make: Make) -> None:
    scenario = make_scenario(load_world("doorway"), 3, 1)
    first, second = make(scenario), make(scenario)
    first.close()
    first.close()
    drive(second, 0.5, FORWARD, FORWARD, FORWARD)
    assert second.time == pytest.approx(0.5)
