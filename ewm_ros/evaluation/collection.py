"""Collects data to train the world model on: many different lockstep runs, over all cores, resumable."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass

import numpy as np

from ewm_ros import __version__
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.geometry import wrap_angles
from ewm_ros.randomness import LARGEST_SEED, stream
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.nominal_predictor import certain, radii, standing
from ewm_ros.robot.speed_profile import expected_motion
from ewm_ros.robot.window_recorder import WindowRecorder
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.procedural import FIRST_SEED, PREFIX
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import World, load_world
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Trajectory
from ewm_ros.world_model.data_set import DataSet, Windows
from ewm_ros.world_model.predictor import Situation

EPISODES = 4  # a chunk, if not told otherwise
LONGEST = 90.0  # s of an episode, if not told otherwise
AFTERWARDS = HORIZON * STEP  # s that an episode goes on when all have arrived: their last windows need them
WITHOUT_COORDINATOR = 0.1  # share of episodes that have none: robots go by the local rule
LOSING_IT = 0.1  # share of episodes in which the coordinator dies half-way
FAULTY = 0.15  # share of episodes on a network that loses and delays messages
IDEAL = 0.05  # share of episodes with ideal robots


@dataclass(frozen=True, slots=True)
class Collection:
    """What is to be collected.

    Attributes:
        worlds: shipped worlds, by name or path, for a share of the episodes; procedural ones for the rest.
        procedural: share of procedural worlds.
        seed: decides everything; the runs' own seeds are 1,000,000 and more.
        seconds: after which an episode ends, whoever has arrived.
        episodes: in a chunk.
    """

    worlds: tuple[str, ...]
    procedural: float = 0.6
    seed: int = FIRST_SEED
    seconds: float = LONGEST
    episodes: int = EPISODES

    def recipe(self) -> dict[str, object]:
        """For the manifest."""
        hashes = {world: _world_hash(load_world(world)) for world in self.worlds}
        return {**asdict(self), "worlds": list(self.worlds), "world_hashes": hashes, "version": __version__}

    def check(self) -> None:
        """Raise InputError if it cannot be collected."""
        if not self.worlds and self.procedural < 1.0:
            raise InputError("--worlds is empty: name some, or collect with --procedural 1")
        if not 0.0 <= self.procedural <= 1.0:
            raise InputError(f"--procedural {self.procedural}: it is a share, 0 to 1")
        if not FIRST_SEED <= self.seed <= LARGEST_SEED:
            raise InputError(
                f"--seed {self.seed}: training has the seeds from {FIRST_SEED} to {LARGEST_SEED}, lower ones are "
                "evaluated on"
            )
        if not AFTERWARDS < self.seconds < math.inf:
            raise InputError(f"--seconds {self.seconds}: a window alone takes {AFTERWARDS} s, so it must be more")
        for world in self.worlds:
            load_world(world)


@dataclass(frozen=True, slots=True)
class EpisodeSpec:
    """One episode to record."""

    world: str
    robots: int
    seed: int
    coordinator: str  # "there", "none" or "dies"
    loss: float
    delay: float
    varied: bool


class _Recording(GuardedPredictor):
    """Foresees the nominal motion, and shows each situation to a recorder.

    The speed profile is the closed form in a quarter of its time, and differs from it by 2 cm in the mean.
    """

    def __init__(self, robot_type: RobotType, recorder: WindowRecorder) -> None:
        super().__init__(robot_type, None)
        self._recorder = recorder

    def imagine(self, situation: Situation) -> Imagination:
        """One rollout with probability 1."""
        self._recorder.observe(situation)
        odometry, follower = situation.observation.odometry, situation.follower
        if follower is None:
            return standing(odometry)
        s, yaw = expected_motion(follower, situation)
        poses = np.concatenate([follower.path.sample(s), wrap_angles(yaw)[:, None]], axis=1)
        return certain(Trajectory(odometry.stamp, poses, radii(s - situation.progress)))


def draw_episode(collection: Collection, number: int) -> EpisodeSpec:
    """The episode with this number; the same in every process."""
    rng = stream(collection.seed, number, "episode")
    seed = FIRST_SEED + int(rng.integers(0, 10**9))
    procedural = rng.random() < collection.procedural
    world = f"{PREFIX}{seed}" if procedural else str(rng.choice(collection.worlds))
    count = load_world(world).robots.count
    kind, faulty = rng.random(), rng.random() < FAULTY
    coordinator = (
        "none" if kind < WITHOUT_COORDINATOR else "dies" if kind < WITHOUT_COORDINATOR + LOSING_IT else "there"
    )
    return EpisodeSpec(
        world=world,
        robots=int(rng.integers(count.min, count.max + 1)),
        seed=seed,
        coordinator=coordinator,
        loss=round(float(rng.uniform(0.0, 0.4)), 3) if faulty else 0.0,
        delay=round(float(rng.uniform(0.0, 0.3)), 3) if faulty else 0.0,
        varied=bool(rng.random() >= IDEAL),
    )


def record_episode(spec: EpisodeSpec, seconds: float = LONGEST) -> tuple[Windows, dict[str, object]]:
    """Run one episode of so many seconds at most; its windows, and what the manifest says of it."""
    world = load_world(spec.world)
    scenario = make_scenario(world, spec.robots, spec.seed, spec.varied)
    recorders = [WindowRecorder(robot_type, i) for i, robot_type in enumerate(scenario.types)]
    chosen = iter(recorders)

    def predictor(robot_type: RobotType) -> _Recording:
        return _Recording(robot_type, next(chosen))

    fleet = Fleet(scenario, "intention", Faults(spec.loss, spec.delay), predictor=predictor)
    try:
        _play(fleet, spec.coordinator, seconds, recorders)
    finally:
        fleet.close()
    windows = Windows.joined([recorder.windows() for recorder in recorders], [0] * len(recorders))  # one run
    told = {**asdict(spec), "world_hash": _world_hash(world), "windows": len(windows)}
    return windows, told


def _play(fleet: Fleet, coordinator: str, seconds: float, recorders: Sequence[WindowRecorder]) -> None:
    world, names = fleet.world, fleet.names
    episode = Episode.of(fleet.scenario, world.indices)
    limit = min(seconds, fleet.scenario.time_limit)
    dies = {"none": 0.0, "dies": limit / 4.0}.get(coordinator, math.inf)
    ends = math.inf
    while world.time < min(limit, ends):
        if world.time >= dies and fleet.coordinator is not None:
            fleet.stop_coordinator()
        for recorder, velocity in zip(recorders, fleet.step(), strict=True):
            recorder.commanded(velocity)
        episode.update(world.time, fleet.poses, fleet.waits_for, fleet.task.orders)
        if ends == math.inf and episode.reached == len(names) and fleet.scenario.task != "deliver":
            ends = world.time + AFTERWARDS


def collect(data_set: DataSet, collection: Collection, episodes: int, workers: int) -> Iterator[int]:
    """Record what is missing of so many episodes; yields how many more are there, after each chunk.

    What has been recorded stays, however it ends: it goes on from there.

    Args:
        episodes: in whole chunks: a few more may be recorded.
        workers: processes, at most.
    """
    numbers = range(-(-episodes // collection.episodes))
    missing = []
    for number in numbers:
        if data_set.has(chunk_name(number)):
            yield collection.episodes
        else:
            missing.append(number)
    if not missing:
        return
    with worker_pool(min(workers, len(missing))) as pool:
        running = {pool.submit(_chunk, collection, number): number for number in missing}
        for done in as_completed(running):
            windows, told = done.result()
            data_set.add(chunk_name(running.pop(done)), windows, told)  # it would keep all windows in memory
            yield collection.episodes


def chunk_name(number: int) -> str:
    """Of the chunk with this number."""
    return f"chunk-{number:05d}"


def _chunk(collection: Collection, number: int) -> tuple[Windows, list[dict[str, object]]]:
    parts, told = [], []
    for episode in range(number * collection.episodes, (number + 1) * collection.episodes):
        windows, facts = record_episode(draw_episode(collection, episode), collection.seconds)
        parts.append(windows)
        told.append({"number": episode, **facts})
    return Windows.joined(parts, [1] * len(parts)), told


def _world_hash(world: World) -> str:
    return hashlib.sha256(world.model_dump_json(warnings=False).encode()).hexdigest()[:16]
