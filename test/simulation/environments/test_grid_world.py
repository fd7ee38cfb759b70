"""The grid world of the reference paper: its rules, what agents see and hear, and what they reach without a word."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from zoo_checks import COMPOSED, Screen, check_environment

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.simulation import grid_aec_env, grid_env
from ewm_ros.simulation.environments import zoo
from ewm_ros.simulation.environments.grid_sweep import Sweeper, SweepScore, sweep_score
from ewm_ros.simulation.environments.grid_world import GridWorld

STAY, NORTH, EAST, SOUTH, WEST = range(5)


def place(env: GridWorld, agents: list[tuple[int, int]]) -> None:
    """Put the agents on these cells."""
    env._places[:] = agents


def corners(**options: object) -> GridWorld:
    """A grid in which goals lie in opposite corners, and an episode of it that has begun."""
    env = grid_env(size=6, goals_apart=5, **options)  # type: ignore[arg-type]
    seed = next(k for k in range(10_000) if _goals_of(env, k) == {(0, 0), (5, 5)})
    env.reset(seed=seed)
    return env


def _goals_of(env: GridWorld, seed: int) -> set[tuple[int, int]]:
    env.reset(seed=seed)
    return {(int(x), int(y)) for x, y in env._goals}


def both(env: GridWorld, action: object) -> dict[str, object]:
    return dict.fromkeys(env.agents, action)


def test_agents_on_different_goals_have_succeeded() -> None:
    env = corners()
    place(env, [(1, 0), (5, 4)])
    _, rewards, terminations, truncations, infos = env.step({"agent_0": WEST, "agent_1": NORTH})
    assert rewards == {"agent_0": pytest.approx(0.99), "agent_1": pytest.approx(0.99)}
    assert all(terminations.values())
    assert not any(truncations.values())
    assert infos["agent_0"]["success"]
    assert env.agents == []


def test_agents_on_the_same_goal_pay_and_play_on() -> None:
    env = corners()
    place(env, [(1, 0), (0, 1)])
    _, rewards, terminations, _, infos = env.step({"agent_0": WEST, "agent_1": SOUTH})
    assert rewards == {"agent_0": pytest.approx(-0.11), "agent_1": pytest.approx(-0.11)}
    assert not any(terminations.values())
    assert infos["agent_1"]["at_goal"]


def test_one_agent_on_a_goal_is_not_enough() -> None:
    env = corners()
    place(env, [(0, 0), (2, 2)])
    _, rewards, terminations, _, infos = env.step(both(env, STAY))
    assert set(rewards.values()) == {-0.01}
    assert not any(terminations.values())
    assert (infos["agent_0"]["at_goal"], infos["agent_1"]["at_goal"]) == (True, False)


def test_with_three_agents_only_those_that_share_a_goal_pay() -> None:
    env = grid_env(agents=3)
    env.reset()
    first, second, _ = (tuple(goal) for goal in env._goals.tolist())
    place(env, [first, first, second])
    _, rewards, terminations, _, _ = env.step(both(env, STAY))
    assert [rewards[agent] for agent in env.agents] == pytest.approx([-0.11, -0.11, -0.01])
    assert not any(terminations.values())


def test_a_move_off_the_grid_is_a_stay_and_agents_do_not_block_each_other() -> None:
    env = corners()
    place(env, [(2, 0), (2, 1)])
    env.step({"agent_0": SOUTH, "agent_1": SOUTH})
    assert env._places.tolist() == [[2, 0], [2, 0]]


def test_an_episode_is_cut_off_after_its_steps() -> None:
    env = corners(steps=3)
    place(env, [(2, 2), (2, 2)])
    for _ in range(2):
        _, _, terminations, truncations, _ = env.step(both(env, STAY))
        assert not any(truncations.values())
    observations, _, terminations, truncations, _ = env.step(both(env, STAY))
    assert all(truncations.values())
    assert not any(terminations.values())
    assert set(observations) == set(env.possible_agents)


def test_starts_and_goals_lie_on_cells_of_their_own() -> None:
    env = grid_env(size=4, agents=8)
    for seed in range(50):
        env.reset(seed=seed)
        assert len({tuple(cell) for cell in [*env._places.tolist(), *env._goals.tolist()]}) == 16


def test_goals_can_be_kept_out_of_one_view() -> None:
    env = grid_env(goals_apart=5)
    for seed in range(50):
        observations, _ = env.reset(seed=seed)
        for observation in observations.values():
            assert env.rules.window_of(observation)[1].sum() <= 1.0
    with pytest.raises(InputError, match="1000 draws found no 5 goals 6 cells apart"):
        grid_env(size=7, agents=5, goals_apart=6, seed=1).reset()


def test_an_agent_sees_its_surroundings_and_no_more() -> None:
    env = corners(vision=1)
    place(env, [(1, 1), (2, 2)])
    observations, *_ = env.step(both(env, STAY))
    off_grid, goals, peers = env.rules.window_of(observations["agent_0"])
    assert off_grid.sum() == 0.0
    assert np.argwhere(goals).tolist() == [[0, 0]]  # south-west of it
    assert np.argwhere(peers).tolist() == [[2, 2]]  # north-east of it
    place(env, [(5, 0), (2, 2)])
    observations, *_ = env.step(both(env, STAY))
    off_grid, goals, peers = env.rules.window_of(observations["agent_0"])
    assert off_grid.tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 1]]  # rows from south
    assert goals.sum() == peers.sum() == 0.0
    assert env.rules.place_in(observations["agent_0"]) == (5, 0)


def test_a_message_is_heard_by_all_others_one_step_later() -> None:
    env = grid_env(agents=3, message=(2, 3))
    observations, _ = env.reset()
    silence = [observation[-10:] for observation in observations.values()]
    assert np.array_equal(silence, np.zeros((3, 10)))
    said = {"agent_0": [STAY, 0, 0], "agent_1": [STAY, 1, 2], "agent_2": [STAY, 0, 1]}
    observations, *_ = env.step({agent: np.array(action) for agent, action in said.items()})
    zero, one, two = [1, 0, 1, 0, 0], [0, 1, 0, 0, 1], [1, 0, 0, 1, 0]
    assert observations["agent_0"][-10:].tolist() == [*one, *two]
    assert observations["agent_1"][-10:].tolist() == [*two, *zero]
    assert observations["agent_2"][-10:].tolist() == [*zero, *one]
    assert env.state()[-15:].tolist() == [*zero, *one, *two]


def test_the_spaces_are_what_they_are_said_to_be() -> None:
    env = grid_env(vision=2, agents=3, message=(4,))
    observations, _ = env.reset()
    assert env.observation_space("agent_0").shape == (3 * 25 + 3 + 2 * 4,)
    assert env.action_space("agent_0") == MultiDiscrete([5, 4])
    assert grid_env().action_space("agent_1") == Discrete(5)
    assert all(env.observation_space(agent).contains(observation) for agent, observation in observations.items())
    assert env.state_space.contains(env.state())


@pytest.mark.parametrize("action", [5, -1, 1.5, "north", [0, 0], None])
def test_an_action_outside_its_space_is_refused(action: object) -> None:
    env = grid_env()
    env.reset()
    with pytest.raises(InputError, match="the action of agent_0 is not in Discrete"):
        env.step({"agent_0": action, "agent_1": STAY})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"size": 1}, "size of a grid world must be 2 or more, not 1"),
        ({"agents": 1}, "agents of a grid world must be 2 or more"),
        ({"vision": 0}, "vision of a grid world must be 1 or more"),
        ({"steps": 0}, "steps of a grid world must be 1 or more"),
        ({"size": 3, "agents": 5}, "no room for 5 agents"),
        ({"message": (2, 1)}, "needs 2 symbols or more"),
    ],
)
def test_impossible_sizes_are_refused(options: dict[str, int], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        grid_env(**options)  # type: ignore[arg-type]


def test_in_letters_north_is_up() -> None:
    env = corners(render_mode="ansi")
    place(env, [(0, 0), (2, 5)])
    assert env.render() == "\n".join(
        [
            "  .   .   1   .   .   G",
            *["  .   .   .   .   .   ."] * 4,
            " [0]  .   .   .   .   .",
        ]
    )
    place(env, [(0, 5), (0, 5)])
    assert str(env.render()).splitlines()[0] == " 0+   .   .   .   .   G"


def test_in_colours_an_agent_is_where_it_should_be() -> None:
    env = corners(render_mode="rgb_array")
    place(env, [(0, 0), (2, 5)])
    picture = env.render()
    assert isinstance(picture, np.ndarray)
    middle = picture[16::32, 16::32]  # of each cell, rows from north
    coloured = {tuple(cell) for cell in np.argwhere((middle != 255).any(axis=2)).tolist()}
    assert coloured == {(0, 2), (0, 5), (5, 0)}  # agent, free goal, agent on its goal
    assert len({tuple(middle[cell]) for cell in coloured}) == 3


def test_a_copy_begins_anew_with_the_same_rules() -> None:
    env = grid_env(size=7, message=(2,), seed=4)
    env.reset()
    copy = pickle.loads(pickle.dumps(env))
    assert (copy.rules, copy.agents) == (env.rules, [])
    copy.reset()
    assert (copy.state() == env.state()).all()


@pytest.mark.parametrize("size", [10, 15])
def test_two_that_sweep_and_never_speak_nearly_always_succeed(size: int) -> None:
    score = sweep_score(grid_env(size), 100)
    assert score.success >= 0.97
    assert score.mean_steps < score.steps_99 < size**2


def test_those_that_walk_at_random_mostly_do_not() -> None:
    env, rng, successes = grid_env(10), stream(0, 0, "random walk"), 0
    for _ in range(20):
        env.reset()
        while env.agents:
            *_, infos = env.step({agent: int(rng.integers(5)) for agent in env.agents})
        successes += infos["agent_0"]["success"]
    assert successes <= 10


@pytest.mark.parametrize(("size", "vision"), [(6, 2), (10, 2), (15, 2), (9, 1), (12, 3), (4, 2), (3, 4)])
def test_a_sweep_that_finds_no_goal_has_seen_every_cell(size: int, vision: int) -> None:
    env = grid_env(size, vision=vision)
    observations, _ = env.reset(seed=size)
    sweeper = Sweeper(env.rules, stream(0, 0, "sweep"))
    seen = np.zeros((size, size), dtype=bool)
    for _ in range(size**2):
        x, y = env.rules.place_in(observations["agent_0"])
        seen[max(x - vision, 0) : x + vision + 1, max(y - vision, 0) : y + vision + 1] = True
        observations["agent_0"][: np.prod(env.rules.window)] = 0.0
        action = sweeper.act(observations["agent_0"])
        env._places[1] = env._places[0]  # so that the episode goes on
        observations, *_ = env.step({"agent_0": action, "agent_1": action})
    assert seen.all()


def test_the_interval_is_wilsons() -> None:
    low, high = SweepScore(100, 90, 10.0, 20.0).interval
    assert (low, high) == (pytest.approx(0.8256, abs=1e-4), pytest.approx(0.9448, abs=1e-4))
    assert SweepScore(1000, 1000, 10.0, 20.0).interval == (pytest.approx(0.9962, abs=1e-4), 1.0)
    with pytest.raises(InputError, match="1 episode or more"):
        sweep_score(grid_env(), 0)


@pytest.mark.parametrize(("agents", "message"), [(2, ()), (4, ()), (3, (2, 4))])
def test_pettingzoo_finds_nothing_wrong(agents: int, message: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "Window", Screen)

    def parallel(render_mode: str | None = None) -> GridWorld:
        return grid_env(agents=agents, message=message, render_mode=render_mode)

    def aec(render_mode: str | None = None) -> object:
        return grid_aec_env(agents=agents, message=message, render_mode=render_mode)

    check_environment(parallel, aec, 300, COMPOSED if message else ())  # type: ignore[arg-type]


def test_before_the_first_reset_there_is_no_state() -> None:
    with pytest.raises(InputError, match="call reset"):
        grid_env().state()
