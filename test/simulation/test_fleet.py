"""Whole fleets in lockstep: everybody arrives without a collision, whatever fails meanwhile, and again bit for bit."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.world_model.network_runtime import Network

Make = Callable[..., Fleet]


@pytest.fixture
def make() -> Iterator[Make]:
    fleets: list[Fleet] = []

    def fleet(world: str, seed: int = 1, policy: str = "intention", limit: float = math.inf, **faults: float) -> Fleet:
        scenario = make_scenario(load_world(world), 3, seed)
        scenario = replace(scenario, time_limit=min(limit, scenario.time_limit))
        fleets.append(Fleet(scenario, policy, Faults(**faults)))
        return fleets[-1]

    yield fleet
    for fleet_made in fleets:
        fleet_made.close()


def play(fleet: Fleet, until: float = math.inf, goals: object = None) -> Episode:
    """On to a time (s) or to the end of the episode."""
    episode = Episode(fleet.names, goals or fleet.scenario.goals, fleet.scenario.time_limit)  # type: ignore[arg-type]
    while fleet.world.time < until and not episode.finished:
        fleet.step()
        episode.update(fleet.world.time, poses(fleet), fleet.waits_for)
    return episode


def poses(fleet: Fleet) -> np.ndarray:
    return np.array([(p.x, p.y) for p in map(fleet.world.pose, fleet.world.indices)])


def check_success(fleet: Fleet, episode: Episode) -> None:
    assert fleet.world.collisions == 0
    assert episode.deadlocks == 0
    away = {
        n: fleet.agent(n).right_of_way.standing() for n, t in zip(fleet.names, episode.arrivals, strict=True) if t != t
    }
    assert episode.reached == 3, f"at {fleet.world.time:.0f} s: {away}"


def test_three_robots_change_rooms_through_a_door(make: Make) -> None:
    fleet = make("doorway")
    check_success(fleet, play(fleet))
    assert fleet.dropped == []


def test_so_they_do_when_a_third_of_the_messages_is_lost_and_the_rest_is_late(make: Make) -> None:
    fleet = make("doorway", loss=0.3, delay=0.2)
    check_success(fleet, play(fleet))


def test_and_when_messages_come_twice_and_overtake_each_other(make: Make) -> None:
    fleet = make("intersection", delay=0.1, duplication=0.5)
    check_success(fleet, play(fleet))


def test_the_coordinator_dies_for_20_s_in_the_middle(make: Make) -> None:
    fleet = make("doorway")
    play(fleet, 8.0)
    fleet.stop_coordinator()
    play(fleet, 28.0)
    fleet.start_coordinator()
    check_success(fleet, play(fleet))


def test_a_robots_process_dies_in_the_middle_and_is_started_again(make: Make) -> None:
    fleet = make("doorway")
    play(fleet, 10.0)
    name, boot = "robot_0", fleet.agent("robot_0").boot
    fleet.restart_robot(name)
    assert fleet.agent(name).boot != boot
    check_success(fleet, play(fleet))


def test_a_robot_comes_while_the_others_drive(make: Make) -> None:
    fleet = make("doorway")
    fleet.kill_robot("robot_2")
    play(fleet, 10.0)
    assert "robot_2" not in fleet.intentions
    fleet.restart_robot("robot_2")
    check_success(fleet, play(fleet))


def test_a_robot_that_is_stopped_gives_its_way_back_before_it_is_gone_and_may_come_again(make: Make) -> None:
    fleet = make("doorway", loss=0.2)
    play(fleet, 8.0)
    held = fleet.intentions["robot_1"].standing
    assert held.hold > held.progress + 0.2
    fleet.stop_robot("robot_1")
    play(fleet, 12.0)
    left = fleet.intentions["robot_1"]
    assert left.stamp < 11.0
    assert left.standing.route > held.route
    assert (left.standing.progress, left.standing.hold) == (0.0, 0.0)
    play(fleet, 20.0)
    assert fleet.intentions["robot_1"] == left
    fleet.restart_robot("robot_1")
    check_success(fleet, play(fleet))


def test_a_robot_is_sent_somewhere_else_on_its_way(make: Make) -> None:
    fleet = make("doorway")
    play(fleet, 8.0)
    home = fleet.scenario.starts[0]
    fleet.set_goal("robot_0", home.x, home.y)
    goals = [(home.x, home.y), *fleet.scenario.goals[1:]]
    check_success(fleet, play(fleet, goals=goals))


def test_without_coordination_they_get_stuck_in_the_corridor_where_with_it_all_arrive(make: Make) -> None:
    coordinated = make("corridor", limit=120.0)
    check_success(coordinated, play(coordinated))
    alone_minded = make("corridor", policy="none", limit=120.0)
    assert play(alone_minded).reached < 3


def test_a_period_of_the_whole_fleet_takes_one_run_of_the_network(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    run_all = Network.run_all

    def counted(network: Network, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        batches.append(len(states))
        return run_all(network, states)

    fleet = make("doorway")
    monkeypatch.setattr(Network, "run_all", counted)
    for _ in range(12):
        fleet.step()
    assert batches == [3] * 12


def test_nobody_hears_in_a_period_what_is_said_in_it(make: Make) -> None:
    fleet = make("doorway")
    play(fleet, 2.0)
    for name in fleet.names:
        for other, peer in fleet.agent(name).right_of_way.peers:
            assert peer.intention.seq == fleet.intentions[other].seq - 1


def test_what_is_dropped_in_the_last_step_counts() -> None:
    fleet = Fleet(make_scenario(load_world("warehouse"), 3, 0), "none", only=0)
    try:
        while not fleet.task.orders[0]:
            before = fleet.task.targets[0]
            fleet.step()
            pose = fleet.world.pose(0)
            there = math.dist((pose.x, pose.y), before) <= REACHED
            assert (fleet.task.targets[0] != before) == there
    finally:
        fleet.close()


PROGRAM = """
from ewm_ros.evaluation.campaigns.runs import RunSpec, run
from ewm_ros.simulation.network import Faults
print(run(RunSpec("doorway", 3, {seed}, "intention", Faults(loss=0.2, delay=0.1, duplication=0.1))).trace)
"""


def test_two_processes_give_the_same_run_bit_for_bit_and_another_seed_another() -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM.format(seed=seed)], stdout=subprocess.PIPE, text=True)
        for seed in (4, 4, 5)
    ]
    traces = [process.communicate(timeout=120)[0].split()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert traces[0] == traces[1] != traces[2]


def test_a_robot_alone_starts_and_is_named_as_in_company(make: Make) -> None:
    company = make("doorway")
    alone = Fleet(company.scenario, "none", only=2)
    try:
        assert alone.names == ("robot_2",)
        assert alone.world.pose(2) == company.world.pose(2)
    finally:
        alone.close()


def test_nobody_drives_in_the_second_in_which_all_only_listen(make: Make) -> None:
    fleet = make("doorway")
    before = poses(fleet)
    play(fleet, 1.0)
    assert np.hypot(*(poses(fleet) - before).T).max() < 0.02


def test_an_unknown_policy_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match="unknown policy 'luck': there are intention, none, orca"):
        Fleet(make_scenario(load_world("doorway"), 3, 1), "luck")
