"""Six robots at a doorway, as PettingZoo has it: each drives straight at its goal, and the rewards tell how that goes.

    python examples/pettingzoo_loop.py
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.simulation import parallel_env


def straight_at_it(target: np.ndarray) -> np.ndarray:
    """A command (m/s, rad/s) towards a target (known, x, y in base_link); who drives into a wall stays there."""
    _, x, y = target
    bearing = math.atan2(y, x)
    speed = min(math.hypot(x, y), 0.5) * max(math.cos(bearing), 0.0)
    return np.array([speed, np.clip(2.0 * bearing, -0.6, 0.6)], dtype=np.float32)


def main() -> None:
    """One episode of 30 s."""
    env = parallel_env("doorway", robots=6, seed=3, time_limit=30.0)
    observations, infos = env.reset()
    rewards = dict.fromkeys(env.agents, 0.0)
    while env.agents:
        parts = {agent: env.layouts[agent].split(observations[agent]) for agent in env.agents}
        actions = {agent: straight_at_it(parts[agent]["target"]) for agent in env.agents}
        observations, earned, _, _, infos = env.step(actions)
        for agent, reward in earned.items():
            rewards[agent] += reward
    for agent, info in infos.items():
        where = "at its goal" if info["reached"] else "not at its goal"
        print(f"{agent}: {where}, {info['collisions']} collisions, reward {rewards[agent]:.2f}")
    print(f"after {infos['robot_0']['time']:.0f} s; state {env.state_hash()[:16]}")
    env.close()


if __name__ == "__main__":
    main()
