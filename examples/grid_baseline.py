"""The grid world of the reference paper, played by agents that do not communicate at all.

    python examples/grid_baseline.py [EPISODES]
"""

from __future__ import annotations

import sys

from ewm_ros.errors import InputError
from ewm_ros.simulation.environments.grid_sweep import sweep_score
from ewm_ros.simulation.environments.grid_world import grid_env

CASES = ((6, 2), (10, 2), (15, 2), (10, 4), (15, 4))  # cells along each side, agents
VISION = 2  # cells


def main() -> None:
    """A table of success with 95 % confidence intervals, goals anywhere and goals never seen together."""
    try:
        episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    except ValueError:
        sys.exit(f"the number of episodes must be a whole number, {sys.argv[1]!r} is none")
    print("| grid | agents | goals | success | 95 % interval | mean steps | 99 % within |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size, agents in CASES:
        for goals_apart, goals in ((1, "anywhere"), (2 * VISION + 1, "never seen together")):
            if goals_apart > 1 and agents > 2:
                continue  # four goals so far apart do not fit into every grid
            env = grid_env(size, agents, VISION, goals_apart=goals_apart)
            try:
                score = sweep_score(env, episodes)
            except InputError as error:
                sys.exit(str(error))
            low, high = score.interval
            shown = f"{100 * score.success:.1f} % | {100 * low:.1f} to {100 * high:.1f} %"
            print(f"| {size} x {size} | {agents} | {goals} | {shown} | {score.mean_steps:.1f} | {score.steps_99:.0f} |")


if __name__ == "__main__":
    main()
