"""What one imagination costs: the network alone, beside a step-by-step loop of the same sizes, and a robot's whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.geometry import FloatArray
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.config import saved_architecture
from ewm_ros.world_model.network_runtime import Floats, Network, model_folder
from ewm_ros.world_model.predictor import Situation

WORLD, ROBOTS, STEPS = "intersection", 6, 200  # the lockstep run that the situations are those of
ROUNDS, A_ROUND = 200, 5  # of measuring network and loop in turn; imaginations of the network in each
WARM_UP = 10  # of both, before the first round


State = NDArray[np.floating]  # (256,), or (B, 256) of several
Imagine = Callable[[State], object]


@dataclass(frozen=True, slots=True, eq=False)
class ImaginationCost:
    """ms of process CPU for each of many imaginations, on one thread; `ewm bench imagination` prints them.

    Attributes:
        rollouts, horizon: how many futures of how many steps the network imagines at once.
        network: encoder, dynamics and decoder on ONNX Runtime.
        reference: a torch model of the same sizes, one step after the other; taken in turn with `network`.
        whole: of a robot: features of its situation, network, poses in the map.
    """

    rollouts: int
    horizon: int
    network: FloatArray
    reference: FloatArray
    whole: FloatArray

    def as_json(self) -> dict[str, object]:
        """The object that the command prints."""
        reference, ours = float(np.median(self.reference)), float(np.median(self.network))
        return {
            "rollouts": self.rollouts,
            "horizon": self.horizon,
            "ms": percentiles(self.network),
            "reference_ms": round(reference, 3),
            "ratio": round(reference / ours, 1),
            "whole_ms": percentiles(self.whole),
        }


class _Remembering(Network):
    """The network of a whole fleet; keeps the states that it is asked about."""

    def __init__(self, folder: Path) -> None:
        self.states: list[State] = []
        super().__init__(folder)

    def run_all(self, states: State) -> tuple[Floats, Floats]:
        self.states += list(states)
        return super().run_all(states)


class _Timed:
    """A robot's learned predictor under a clock."""

    def __init__(self, robot_type: RobotType, network: Network) -> None:
        self._predictor = LearnedPredictor(robot_type, network)
        self.ms: list[float] = []

    def imagine(self, situation: Situation) -> Imagination:
        began = time.process_time()
        imagination = self._predictor.imagine(situation)
        self.ms.append(1e3 * (time.process_time() - began))
        return imagination


def imagination_cost(model: str, seed: int = 0, steps: int = STEPS, rounds: int = ROUNDS) -> ImaginationCost:
    """Measure a model in the situations of a lockstep run, in which its robots drive by it.

    Args:
        model: name or path of its folder.
        steps: of the run, of 0.1 s.
        rounds: of comparing the network with the step-by-step loop.

    Raises:
        InputError: there is no such model or it does not run, torch is not installed, or a number is not positive.
    """
    for name, value in (("steps", steps), ("rounds", rounds)):
        if value < 1:
            raise InputError(f"{name} must be 1 or more, not {value}")
    folder = model_folder(model)
    network = _Remembering(folder)
    try:
        from ewm_ros.world_model.training.reference import step_by_step
    except ImportError as error:
        raise InputError("the step-by-step loop to compare with needs torch: pip install ewm-ros[train]") from error
    with step_by_step(saved_architecture(folder)) as reference:
        whole = _in_a_run(network, seed, steps)
        states = network.states[1:]  # the first is the network's own trial
        ours, theirs = _in_turn(Network(folder), reference, states, rounds)
    futures, _ = network.run(states[0])
    return ImaginationCost(futures.shape[0], futures.shape[1], ours, theirs, whole)


def _in_a_run(network: Network, seed: int, steps: int) -> FloatArray:
    """ms of all that its robots imagine in a lockstep run."""
    timed: list[_Timed] = []

    def predictor(robot_type: RobotType) -> GuardedPredictor:
        timed.append(_Timed(robot_type, network))
        return GuardedPredictor(robot_type, timed[-1])

    fleet = Fleet(make_scenario(load_world(WORLD), ROBOTS, seed), predictor=predictor)
    try:
        for _ in range(steps):
            fleet.step()
    finally:
        fleet.close()
    return np.array([ms for one in timed for ms in one.ms])


def _in_turn(
    network: Network,
    reference: Imagine,
    states: Sequence[State],
    rounds: int,
) -> tuple[FloatArray, FloatArray]:
    """ms of the network and of the reference, taken in turn: whatever else slows the machine slows both."""
    for k in range(WARM_UP):
        network.run(states[k % len(states)])
        reference(states[k % len(states)])
    ours, theirs = [], []
    for k in range(rounds):
        picked = [states[(k * A_ROUND + i) % len(states)] for i in range(A_ROUND)]
        ours += [_ms(network.run, state) for state in picked]
        theirs.append(_ms(reference, picked[0]))
    return np.array(ours), np.array(theirs)


def _ms(imagine: Imagine, state: State) -> float:
    began = time.process_time()
    imagine(state)
    return 1e3 * (time.process_time() - began)
