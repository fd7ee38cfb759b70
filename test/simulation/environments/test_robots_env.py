"""The worlds as PettingZoo environments: what agents observe, do and earn, when it ends, and that all of it repeats."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pettingzoo import AECEnv
from zoo_checks import MIXED, Screen, check_environment

from ewm_ros.errors import InputError
from ewm_ros.resources import available
from ewm_ros.sensing import Velocity
from ewm_ros.simulation import env as aec_env
from ewm_ros.simulation import parallel_env
from ewm_ros.simulation.environments import zoo
from ewm_ros.simulation.environments.robots_env import RobotsEnv
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

ROOT = Path(__file__).parents[3]
WORLDS = available("worlds", ".yaml")
Make = Callable[..., RobotsEnv]
Parts = dict[str, np.ndarray]


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Make]:
    """Makes environments of a yard of 20 m x 12 m around the origin, and closes them."""
    made: list[RobotsEnv] = []

    def make(starts: list[list[float]], seed: int = 0, options: dict[str, Any] | None = None, **more: Any) -> RobotsEnv:
        robots = {
            "model": more.pop("model", "tinybot"),
            "count": {"min": 1, "max": len(starts), "default": len(starts)},
            "starts": starts,
        }
        if "goals" in more:
            robots["goals"] = more.pop("goals")
        path = tmp_path / f"yard_{len(made)}.yaml"
        world = {"name": "yard", "bounds": {"x": [-10, 10], "y": [-6, 6]}, "robots": robots, **more}
        path.write_text(json.dumps(world))  # which is YAML too
        made.append(parallel_env(str(path), seed=seed, **(options or {})))
        return made[-1]

    yield make
    for environment in made:
        environment.close()


def parts_of(env: RobotsEnv, observations: dict[str, np.ndarray]) -> dict[str, Parts]:
    return {agent: env.layouts[agent].split(observation) for agent, observation in observations.items()}


def towards(x: float, y: float) -> list[float]:
    """A command to a place in base_link."""
    bearing = math.atan2(y, x)
    near = math.hypot(x, y) < 0.05
    return [0.0, 0.0] if near else [max(math.cos(bearing), 0.0) * min(math.hypot(x, y), 0.5), 2.0 * bearing]


def play(env: RobotsEnv, policy: Callable[[Parts], list[float]], most: int = 3000) -> dict[str, list[Any]]:
    """One episode; returns all rewards, terms and the last infos, by what they are."""
    observations, infos = env.reset()
    log: dict[str, list[Any]] = {"rewards": [], "terms": [], "ends": [], "infos": []}
    while env.agents and len(log["rewards"]) < most:
        parts = parts_of(env, observations)
        observations, rewards, terminations, truncations, infos = env.step({a: policy(parts[a]) for a in env.agents})
        for agent, observation in observations.items():
            assert env.observation_space(agent).contains(observation)
        assert env.state_space.contains(env.state())
        log["rewards"].append(rewards)
        log["terms"].append({agent: info["reward_terms"] for agent, info in infos.items()})
        log["ends"].append((terminations, truncations))
        log["infos"].append(infos)
    return log


def total(log: dict[str, list[Any]], agent: str, term: str) -> float:
    return float(sum(step[agent][term] for step in log["terms"]))


def to_target(parts: Parts) -> list[float]:
    assert parts["target"][0] == 1.0
    return towards(*parts["target"][1:])


def still(parts: Parts) -> list[float]:
    return [0.0, 0.0]


def test_robots_that_drive_to_their_targets_arrive_together_and_earn_their_way(yard: Make) -> None:
    env = yard([[-5, -2, 0], [-5, 2, 0]], goals=[[0, -2], [-2, 2]])
    log = play(env, to_target)
    assert log["ends"][-1] == (dict.fromkeys(env.possible_agents, True), dict.fromkeys(env.possible_agents, False))
    last = log["infos"][-1]
    assert all(info["reached"] for info in last.values())
    assert [info["collisions"] for info in last.values()] == [0, 0]
    # All have been there for 1 s: the fleet's last arrival is ten steps back, and nobody left again.
    everybody = [all(info["reached"] for info in infos.values()) for infos in log["infos"]]
    assert everybody[-12:] == [False] + [True] * 11
    for agent, way in (("robot_0", 5.0), ("robot_1", 3.0)):
        assert total(log, agent, "progress") == pytest.approx(way, abs=0.4)
        assert total(log, agent, "arrival") == total(log, agent, "fleet") == 5.0
        assert total(log, agent, "time") == pytest.approx(-0.01 * len(log["rewards"]))
        assert total(log, agent, "collision") == total(log, agent, "delivery") == 0.0
        earned = sum(rewards[agent] for rewards in log["rewards"])
        assert earned == pytest.approx(sum(total(log, agent, term) for term in log["terms"][0][agent]))


def test_who_leaves_its_goal_gives_its_bonus_back(yard: Make) -> None:
    env = yard([[-5, 0, 0], [5, 0, 0]], goals=[[-5, 0], [5, 3]])
    _, infos = env.reset()
    assert [infos[agent]["reached"] for agent in env.agents] == [True, False]
    terms = []
    while infos["robot_0"]["reached"]:
        *_, infos = env.step({"robot_0": [0.5, 0.0], "robot_1": [0.0, 0.0]})
        terms.append({agent: info["reward_terms"] for agent, info in infos.items()})
    assert (terms[-1]["robot_0"]["arrival"], terms[-1]["robot_1"]["arrival"]) == (-5.0, 0.0)
    assert (terms[-1]["robot_0"]["fleet"], terms[-1]["robot_1"]["fleet"]) == (-2.5, -2.5)
    assert sum(step["robot_0"]["arrival"] for step in terms) == -5.0


def test_time_runs_out_for_all_together(yard: Make) -> None:
    env = yard([[-5, 0, 0], [5, 0, 0]], goals=[[0, 3], [0, -3]], time_limit=2.0)
    log = play(env, still)
    assert len(log["rewards"]) == 20
    assert log["ends"][-1] == (dict.fromkeys(env.possible_agents, False), dict.fromkeys(env.possible_agents, True))
    assert env.agents == []
    assert len(play(yard([[-5, 0, 0]], goals=[[0, 3]], options={"time_limit": 0.5}), still)["rewards"]) == 5


def test_both_sides_of_a_collision_pay_for_it_once(yard: Make) -> None:
    env = yard([[-1, 0, 0], [1, 0, 3.1416], [5, 5, 0]], goals=[[4, 0], [-4, 0], [5, -5]], time_limit=8.0)
    log = play(env, lambda parts: [0.5, 0.0] if abs(parts["pose"][0]) < 3.0 else [0.0, 0.0])
    assert [info["collisions"] for info in log["infos"][-1].values()] == [1, 1, 0]
    assert [total(log, agent, "collision") for agent in env.possible_agents] == [-5.0, -5.0, 0.0]
    assert [info["near_misses"] for info in log["infos"][-1].values()] == [1, 1, 0]  # on the way into it


def test_no_gate_keeps_a_learner_from_driving_into_a_wall(yard: Make) -> None:
    env = yard([[8, 0, 0]], goals=[[0, 3]], time_limit=6.0)
    assert play(env, lambda parts: [0.5, 0.0])["infos"][-1]["robot_0"]["collisions"] == 1


def test_an_agent_observes_itself_its_target_and_its_peers(yard: Make) -> None:
    env = yard(
        [[0, 0, 0], [1.5, 1, 1.5708], [-9, 5, 0]],
        goals=[[3, 0], [0, 3], [-5, 5]],
        options={"varied": False, "time_limit": 10.0},
    )
    observations, infos = env.reset()
    pose = env._physics.pose(0)  # type: ignore[union-attr]
    parts = parts_of(env, observations)
    own = parts["robot_0"]
    assert own["pose"] == pytest.approx([pose.x, pose.y, math.cos(pose.yaw), math.sin(pose.yaw)], abs=1e-6)
    assert own["target"] == pytest.approx([1.0, 3.0, 0.0], abs=0.25)  # the start is moved by up to 0.05 m and rad
    assert own["time_left"] == pytest.approx([1.0])
    assert own["peers"][0] == pytest.approx([1.0, 1.5, 1.0, 0.0, 1.0, 0.0, 0.0], abs=0.25)
    assert own["peers"][1].tolist() == [0.0] * 7  # out of view
    assert own["scan"].shape == (180,)
    assert own["scan"].min() == pytest.approx(math.hypot(1.5, 1.0) - 0.3, abs=0.15)
    assert parts["robot_1"]["peers"][0] == pytest.approx([1.0, -1.0, 1.5, 0.0, -1.0, 0.0, 0.0], abs=0.25)
    assert infos["robot_2"]["target"] == (-5.0, 5.0)
    for _ in range(20):
        observations, *_ = env.step({"robot_0": [0.0, 0.3], "robot_1": [0.2, 0.0], "robot_2": [0.0, 0.0]})
    parts = parts_of(env, observations)
    assert parts["robot_0"]["velocity"] == pytest.approx([0.0, 0.3], abs=1e-3)
    assert parts["robot_0"]["peers"][0, 5:] == pytest.approx([0.2, 0.0], abs=1e-3)
    assert parts["robot_0"]["time_left"] == pytest.approx([0.8])


def test_peers_are_sorted_by_distance(yard: Make) -> None:
    env = yard([[0, 0, 0], [2, 0, 0], [-1, 0, 0], [0, 1.5, 0]], goals=[[5, y] for y in (-4, -2, 0, 2)])
    observations, _ = env.reset()
    peers = env.layouts["robot_0"].split(observations["robot_0"])["peers"]
    assert peers[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert np.hypot(peers[:, 1], peers[:, 2]) == pytest.approx([1.0, 1.5, 2.0], abs=0.15)


def allocation(yard: Make, **more: Any) -> RobotsEnv:
    """Two robots between two goals; each sees the goal beside it, nobody the other."""
    return yard([[-4, 0, 0], [4, 0, 0]], goals=[[-4, 2], [4, 2]], task="allocate", view=2.5, **more)


def test_in_allocate_nobody_is_told_a_goal_but_sees_those_in_view(yard: Make) -> None:
    env = allocation(yard)
    observations, infos = env.reset()
    parts = parts_of(env, observations)
    for agent in env.agents:
        assert parts[agent]["target"].tolist() == [0.0, 0.0, 0.0]
        assert infos[agent]["target"] is None
        assert parts[agent]["goals"][0] == pytest.approx([1.0, 0.0, 2.0, 0.0], abs=0.25)
        assert parts[agent]["goals"][1].tolist() == [0.0] * 4
    log = play(env, lambda parts: towards(*parts["goals"][0, 1:3]))
    assert all(log["ends"][-1][0].values())
    for agent in env.possible_agents:
        assert total(log, agent, "arrival") == total(log, agent, "fleet") == 5.0
        assert total(log, agent, "progress") == 0.0


def test_in_allocate_a_goal_belongs_to_whom_came_first(yard: Make) -> None:
    starts = [[-3, 2, 3.1416], [-4.08, 2, 0]]
    env = yard(starts, goals=[[-3.88, 2], [4, 2]], model="turtlebot4", task="allocate", time_limit=8.0)
    observations, infos = env.reset()
    assert (infos["robot_0"]["reached"], infos["robot_1"]["reached"]) == (False, True)
    seen = env.layouts["robot_0"].split(observations["robot_0"])["goals"][0]
    assert seen == pytest.approx([1.0, 0.9, 0.0, 1.0], abs=0.2)  # taken
    log = play(env, lambda parts: [0.1, 0.0] if parts["pose"][0] > -3.64 and parts["pose"][2] < 0.0 else [0.0, 0.0])
    last = log["infos"][-1]
    assert math.dist(env.state_layout.split(env.state())["robots"][0, :2], (-3.88, 2.0)) < 0.28
    assert (last["robot_0"]["reached"], last["robot_1"]["reached"]) == (False, True)
    assert total(log, "robot_0", "arrival") == total(log, "robot_0", "fleet") == 0.0


def test_in_deliver_orders_are_fetched_dropped_and_paid_until_time_is_up(yard: Make) -> None:
    stations = {"pick": [[-2, 0]], "drop": [[2, 0]]}
    env = yard([[-3, 0, 0]], stations=stations, task="deliver", time_limit=40.0)
    observations, infos = env.reset()
    parts = parts_of(env, observations)["robot_0"]
    assert infos["robot_0"]["target"] == (-2.0, 0.0)
    assert parts["loaded"].tolist() == [0.0]
    assert parts["stations"] == pytest.approx(np.array([[1.0, 0.0], [5.0, 0.0]]), abs=0.3)
    loaded = []
    log = play(env, lambda parts: loaded.append(parts["loaded"][0]) or to_target(parts))  # type: ignore[func-returns-value]
    last = log["infos"][-1]["robot_0"]
    assert log["ends"][-1] == ({"robot_0": False}, {"robot_0": True})
    assert last["orders"] >= 1
    assert total(log, "robot_0", "delivery") == 5.0 * last["orders"]
    assert set(loaded) == {0.0, 1.0}
    assert not any(info["robot_0"]["reached"] for info in log["infos"])
    # A new target is far away, and that costs nothing.
    assert min(step["robot_0"]["progress"] for step in log["terms"]) > -0.06


def test_the_state_holds_the_truth_about_all(yard: Make) -> None:
    walker = {"path": [[-8, -5], [8, -5]], "speed": 0.5, "radius": 0.25}
    env = yard([[-4, 0, 0], [4, 0, 0]], goals=[[-4, 2], [4, 2]], people=[walker])
    env.reset()
    before = env.state_layout.split(env.state())
    env.step({agent: [0.0, 0.0] for agent in env.agents})
    after = env.state_layout.split(env.state())
    pose = env._physics.pose(1)  # type: ignore[union-attr]
    assert after["robots"].shape == (2, 10)
    assert after["robots"][1, :4] == pytest.approx([pose.x, pose.y, math.cos(pose.yaw), math.sin(pose.yaw)], abs=1e-6)
    assert after["robots"][1, 6:].tolist() == [4.0, 2.0, 0.0, 0.0]
    assert after["goals"].tolist() == [[-4.0, 2.0], [4.0, 2.0]]
    assert abs(after["people"][0, 0] - before["people"][0, 0]) == pytest.approx(0.05, abs=1e-3)


def test_spaces_differ_in_a_mixed_fleet_and_agents_of_one_type_share_theirs(yard: Make) -> None:
    env = yard(
        [[-4, 0, 0], [0, 0, 0], [4, 0, 0]],
        goals=[[-4, 3], [0, 3], [4, 3]],
        model=["tinybot", "turtlebot4", "tinybot"],
    )
    small, large = (env.action_space(agent) for agent in ("robot_1", "robot_0"))
    assert small.high == pytest.approx([0.46, 1.9])  # type: ignore[attr-defined]
    assert large.high == pytest.approx([0.5, 0.6])  # type: ignore[attr-defined]
    assert env.observation_space("robot_0") == env.observation_space("robot_2") != env.observation_space("robot_1")
    observations, _ = env.reset()
    assert env.layouts["robot_1"].split(observations["robot_1"])["scan"].shape == (360,)


def test_actions_out_of_range_are_cut_off(yard: Make) -> None:
    def after(action: list[float]) -> str:
        env = yard([[-5, 0, 0]], goals=[[5, 0]])
        env.reset()
        for _ in range(10):
            env.step({"robot_0": action})
        return env.state_hash()

    assert after([9.0, -9.0]) == after([0.5, np.float32(-0.6)]) != after([0.4, -0.6])


@pytest.mark.parametrize("action", [[math.nan, 0.0], [0.0, math.inf], [0.5], 0.5, [[0.5, 0.0]], None, "go"])
def test_an_action_that_is_not_two_numbers_is_refused(yard: Make, action: object) -> None:
    env = yard([[-5, 0, 0]], goals=[[5, 0]])
    env.reset()
    with pytest.raises(InputError, match="the action of robot_0 must be two numbers, m/s and rad/s"):
        env.step({"robot_0": action})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"world": "doorwai"}, "unknown world 'doorwai'"),
        ({"robots": 11}, "takes 3 to 10 robots, not 11"),
        ({"seed": -1}, "0 or more"),
        ({"render_mode": "ansi"}, "unknown render_mode 'ansi': there are human, rgb_array"),
        ({"time_limit": 0.0}, "time_limit must be a number of s above 0"),
        ({"time_limit": math.nan}, "time_limit must be a number of s above 0"),
        ({"time_limit": "long"}, "time_limit must be a number of s above 0"),
        ({"bodies": "soft"}, "unknown bodies 'soft': there are driven, wheels"),
        ({"camera": "below"}, "unknown camera 'below': there are above, perspective"),
    ],
)
def test_wrong_options_are_refused_when_the_environment_is_made(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parallel_env(**{"world": "doorway", **options})


def test_robots_may_drive_on_wheels_and_on_nothing_else(yard: Make) -> None:
    env = yard([[-5, 0, 0]], goals=[[5, 0]], options={"bodies": "wheels"})
    observations, _ = env.reset()
    for _ in range(20):
        observations, *_ = env.step({"robot_0": [0.5, 0.0]})
    assert env.layouts["robot_0"].split(observations["robot_0"])["velocity"][0] == pytest.approx(0.5, rel=0.1)
    with pytest.raises(InputError, match="unknown bodies 'legs'"):
        yard([[-5, 0, 0]], goals=[[5, 0]], options={"bodies": "legs"}).reset()


def test_nothing_can_be_asked_before_the_first_episode_or_after_the_end(yard: Make) -> None:
    env = yard([[-5, 0, 0]], goals=[[5, 0]], options={"render_mode": "rgb_array"})
    for question in (env.state, env.state_hash, env.render):
        with pytest.raises(InputError, match=r"call reset\(\) first"):
            question()
    env.reset()
    env.close()
    env.close()
    with pytest.raises(InputError, match=r"call reset\(\) first"):
        env.render()
    env.reset()
    assert env.step({"robot_0": [0.5, 0.0]})[4]["robot_0"]["time"] == pytest.approx(0.1)


def test_a_picture_shows_the_robots_where_they_are(yard: Make) -> None:
    env = yard([[-5, 0, 0]], goals=[[5, 0]], options={"render_mode": "rgb_array"})
    env.reset()
    first = env.render()
    assert isinstance(first, np.ndarray)
    assert (first.shape, first.dtype) == ((400, 640, 3), np.uint8)
    for _ in range(20):
        env.step({"robot_0": [0.5, 0.0]})
    changed = np.argwhere((np.asarray(env.render()) != first).any(axis=2))
    rows, columns = changed.min(axis=0), changed.max(axis=0)
    assert len(changed) > 50
    assert rows[0] > 150 and columns[0] < 250  # the middle of the picture from north to south
    assert rows[1] > 100 and columns[1] < 250  # its western half


def test_a_copy_begins_anew_in_the_same_world(yard: Make) -> None:
    env = yard([[-5, 0, 0]], seed=7, goals=[[5, 0]])
    env.reset()
    copy = pickle.loads(pickle.dumps(env))
    assert copy.agents == []
    copy.reset()
    assert (copy.scenario, copy.state_hash()) == (env.scenario, env.state_hash())
    copy.close()


EPISODE = """
import hashlib, sys
from ewm_ros.simulation import parallel_env
world, robots, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
env = parallel_env(world, robots=robots, seed=seed, time_limit=1000.0)
observations, _ = env.reset()
for k, agent in enumerate(env.agents):
    env.action_space(agent).seed(k)  # the same actions whatever the seed of the world
told = hashlib.sha256()
for _ in range(600):
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    observations, rewards, *_ = env.step(actions)
    for agent in env.agents:
        told.update(observations[agent].tobytes() + repr(rewards[agent]).encode())
    told.update(env.state().tobytes())
print(env.state_hash(), told.hexdigest())
"""


@pytest.mark.parametrize(("world", "robots"), [("doorway", 4), ("crowd", 6), ("warehouse", 3), ("allocation", 3)])
def test_an_episode_of_600_steps_repeats_bit_for_bit_in_another_process(world: str, robots: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}

    def start(seed: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", EPISODE, world, str(robots), str(seed)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    told = []
    for process in [start(3), start(3), start(4)]:
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        told.append(out.split())
    assert told[0] == told[1]
    assert told[0][0] != told[2][0]
    assert told[0][1] != told[2][1]


def test_a_robot_alone_meets_the_same_slip_and_noise_as_in_company() -> None:
    env = parallel_env("circle", robots=6, seed=3)
    scenario = make_scenario(load_world("circle"), 6, 3)
    observations, _ = env.reset()
    command = Velocity(-0.2, 0.4)  # away from the middle, where the others are out of reach of lidar and body
    with PhysicsWorld(scenario, only=2) as alone:
        for _ in range(50):
            sensed = alone.observe(2)
            own = env.layouts["robot_2"].split(observations["robot_2"])
            pose = sensed.odometry.pose
            assert own["velocity"].tolist() == np.float32([sensed.odometry.v, sensed.odometry.w]).tolist()
            assert own["pose"][:2].tolist() == np.float32([pose.x, pose.y]).tolist()
            assert sensed.scan is not None
            same = own["scan"] == sensed.scan.ranges.astype(np.float32)
            assert same.mean() > 0.5  # the other rays meet the company
            assert env._physics.pose(2) == alone.pose(2)  # type: ignore[union-attr]
            assert len(env.agents) == 6
            observations, *_ = env.step({agent: [command.v, command.w] for agent in env.agents})
            alone.step([command])
    env.close()


def check_world(world: str, robots: int, cycles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """PettingZoo's own tests; the episodes are short enough for their ends to be tested too."""
    monkeypatch.setattr(zoo, "Window", Screen)
    options: dict[str, Any] = {"robots": robots, "seed": 1, "time_limit": 3.0}

    def parallel(render_mode: str | None = None) -> RobotsEnv:
        return parallel_env(world, render_mode=render_mode, **options)

    def aec(render_mode: str | None = None) -> AECEnv:
        return aec_env(world, render_mode=render_mode, **options)

    types = load_world(world).robots.model
    check_environment(parallel, aec, cycles, () if isinstance(types, str) else MIXED)


SPREAD = [("doorway", 3), ("intersection", 10), ("warehouse", 6), ("allocation", 3), ("crowd", 6), ("bottleneck", 4)]


@pytest.mark.parametrize(("world", "robots"), SPREAD)
def test_pettingzoo_finds_nothing_wrong(world: str, robots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check_world(world, robots, 40, monkeypatch)


@pytest.mark.campaign
@pytest.mark.parametrize("robots", [3, 6, 10])
@pytest.mark.parametrize("world", WORLDS)
def test_pettingzoo_finds_nothing_wrong_in_any_world(world: str, robots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check_world(world, robots, 200, monkeypatch)


@pytest.mark.parametrize("seed", [-1, 2.7, "7", True])
def test_a_wrong_seed_is_refused_and_changes_nothing(seed: Any) -> None:
    env = parallel_env("doorway", robots=3, seed=5)
    with pytest.raises(InputError, match="a seed must be an integer from 0"):
        env.reset(seed=seed)
    assert env.agents == []
    _, infos = env.reset()
    assert infos["robot_0"]["seed"] == 5
    env.close()
