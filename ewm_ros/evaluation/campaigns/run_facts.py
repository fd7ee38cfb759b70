"""What a run was made of, as its line in a campaign says it: enough to know whether two runs are the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ewm_ros import __version__
from ewm_ros.evaluation.campaigns.run_files import world_hashes
from ewm_ros.evaluation.campaigns.runs import RunSpec
from ewm_ros.robot.guarded_predictor import model_sha256
from ewm_ros.simulation.network import Faults


@dataclass(frozen=True, slots=True)
class RunFacts:
    """RunSpec, with hashes of the files that its names and paths mean.

    Attributes:
        world, model: names or paths as they were given.
        arbiter: as ArbiterSpec.facts; never a key.
        world_sha256, robots_sha256, model_sha256: see run_files.py.
        version: of this package.
    """

    world: str
    robots: int
    seed: int
    policy: str
    faults: Faults
    varied: bool
    bodies: str
    model: str
    arbiter: dict[str, JsonValue] | None
    world_sha256: str
    robots_sha256: str
    model_sha256: str
    version: str


def facts_of(specs: Sequence[RunSpec]) -> list[RunFacts]:
    """Of runs that are to be made here, as their files are now; each is read once, however many runs it is for.

    Raises:
        InputError: a file is not there.
    """
    worlds = {world: world_hashes(world) for world in {spec.world for spec in specs}}
    arbiters = {arbiter: arbiter.facts() for arbiter in {spec.arbiter for spec in specs} if arbiter is not None}
    models = {model: model_sha256(model) for model in {spec.model for spec in specs}}
    return [
        RunFacts(
            world=spec.world,
            robots=spec.robots,
            seed=spec.seed,
            policy=spec.policy,
            faults=spec.faults,
            varied=spec.varied,
            bodies=spec.bodies,
            model=spec.model,
            arbiter=None if spec.arbiter is None else arbiters[spec.arbiter],
            world_sha256=worlds[spec.world].world_sha256,
            robots_sha256=worlds[spec.world].robots_sha256,
            model_sha256=models[spec.model],
            version=__version__,
        )
        for spec in specs
    ]
