"""How fast a world runs: steps of 0.1 s with all sensors read, alone and in several environments at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Observation, Velocity
from ewm_ros.simulation.worlds.scenario import Bodies, Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import STEP

if TYPE_CHECKING:
    from ewm_ros.simulation.physics.physics_world import PhysicsWorld

WARM_UP = 5  # steps before the measurement: compiled functions are made or loaded in the first
REPEATS = 3  # of each point of a curve: other programs only ever make it slower
CLEAR = 0.6  # m ahead of its body, without which a robot turns rather than drives on


@dataclass(frozen=True, slots=True)
class WorldSpeed:
    """Steps a second: of CPU time with one worker, of wall time over all of them with several."""

    world: str
    robots: int
    rays: int
    bodies: Bodies
    workers: int
    world_steps_per_s: float

    @property
    def realtime_factor(self) -> float:
        """Simulated seconds a second."""
        return STEP * self.world_steps_per_s

    @property
    def step_ms(self) -> float:
        """ms for one step."""
        return 1e3 / self.world_steps_per_s


def world_speed(
    world: str,
    robots: int,
    rays: int | None = None,
    steps: int = 300,
    seed: int = 0,
    bodies: Bodies = "driven",
    workers: int = 1,
) -> WorldSpeed:
    """Measure one world.

    Args:
        world: name or path.
        rays: of each lidar; None for those that the robots have.
        steps: that each worker measures.
        workers: processes with an environment each.

    Raises:
        InputError: the world, the number of robots or the kind of bodies is not there, or a number is not positive.
    """
    for name, value in (("rays", 1 if rays is None else rays), ("steps", steps), ("workers", workers)):
        if value < 1:
            raise InputError(f"{name} must be 1 or more, not {value}")
    scenario = _with_rays(make_scenario(load_world(world), robots, seed), rays)
    if workers == 1:
        rate = steps / _measure(scenario, steps, bodies).cpu
    else:
        rate = workers * steps / _wall_time(scenario, steps, bodies, workers)
    most_rays = max(robot.lidar.rays for robot in scenario.types)
    return WorldSpeed(world, robots, most_rays, bodies, workers, rate)


def cost_per_robot(
    world: str,
    counts: Sequence[int],
    rays: int | None = None,
    steps: int = 300,
    seed: int = 0,
    bodies: Bodies = "driven",
) -> tuple[WorldSpeed, ...]:
    """The same world with several numbers of robots, for a curve of `step_ms` over `robots`; the best of three each."""
    return tuple(
        max(
            (world_speed(world, count, rays, steps, seed, bodies) for _ in range(REPEATS)),
            key=lambda speed: speed.world_steps_per_s,
        )
        for count in counts
    )


@dataclass(frozen=True, slots=True)
class _Times:
    """s: CPU time of the measured steps, and when they began and ended on the machine's clock."""

    cpu: float
    began: float
    ended: float


def _with_rays(scenario: Scenario, rays: int | None) -> Scenario:
    if rays is None:
        return scenario
    lidars = (robot.lidar.model_copy(update={"rays": rays}) for robot in scenario.types)
    types = (robot.model_copy(update={"lidar": lidar}) for robot, lidar in zip(scenario.types, lidars, strict=True))
    return replace(scenario, types=tuple(types))


def _measure(scenario: Scenario, steps: int, bodies: Bodies, together: Barrier | None = None) -> _Times:
    from ewm_ros.simulation.physics.physics_world import PhysicsWorld  # slow to import: only for good input

    with PhysicsWorld(scenario, bodies=bodies) as physics:
        _run(physics, WARM_UP)
        if together is not None:
            together.wait()
        began = time.monotonic()
        cpu = _run(physics, steps)
        return _Times(cpu, began, time.monotonic())


def _run(physics: PhysicsWorld, steps: int) -> float:
    """CPU seconds of these steps, all sensors read in each; choosing the commands is not counted."""
    cpu = 0.0
    for _ in range(steps):
        began = time.process_time()
        seen = [physics.observe(index) for index in physics.indices]
        cpu += time.process_time() - began
        commands = [_wander(state, physics.scenario.types[i]) for i, state in zip(physics.indices, seen, strict=True)]
        began = time.process_time()
        physics.step(commands)
        cpu += time.process_time() - began
    return cpu


def _wander(state: Observation, robot: RobotType) -> Velocity:
    """Straight on where there is room, else turning: robots spread over the floor and rarely touch."""
    assert state.scan is not None
    ranges = state.scan.ranges
    side = len(ranges) // 12  # 30 degrees
    ahead = min(ranges[: side + 1].min(), ranges[-side - 1 :].min())
    if ahead > robot.radius + CLEAR:
        return Velocity(robot.max_speed, 0.0)
    return Velocity(0.0, robot.max_turn_rate)


def _wall_time(scenario: Scenario, steps: int, bodies: Bodies, workers: int) -> float:
    """s from when the first worker begins, with all of them warm, until the last is done."""
    together = multiprocessing.get_context("spawn").Barrier(workers)
    with worker_pool(workers, _join, (together,)) as pool:
        jobs = [pool.submit(_measure_together, scenario, steps, bodies) for _ in range(workers)]
        times = [job.result() for job in jobs]
    return max(t.ended for t in times) - min(t.began for t in times)


_together: Barrier | None = None  # of this worker process


def _join(together: Barrier) -> None:
    global _together
    _together = together


def _measure_together(scenario: Scenario, steps: int, bodies: Bodies) -> _Times:
    return _measure(scenario, steps, bodies, _together)
