"""Several robots of one process imagine at once: one call of the network, and each what it would imagine alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from situations import NOW, situations
from small_model import small_model

from ewm_ros.robot.guarded_predictor import COMPARED_EVERY, GuardedPredictor
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.robot.shared_imagination import imagine_together
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.trajectory import STEP, Imagination
from ewm_ros.world_model.network_runtime import Floats, Network
from ewm_ros.world_model.predictor import Situation

TYPES = [load_robot_type(name) for name in ("tinybot", "turtlebot4", "husky")]
Seen = tuple[RobotType, Situation]
SEEN = st.sampled_from(TYPES).flatmap(lambda kind: st.tuples(st.just(kind), situations(kind)))


class Counted(Network):
    """A network that counts how often it is run, and on how many states."""

    def __init__(self, folder: Path) -> None:
        self.runs: list[int] = []
        super().__init__(folder)
        self.runs.clear()

    def run_all(self, states: NDArray[np.floating]) -> tuple[Floats, Floats]:
        self.runs.append(len(states))
        return super().run_all(states)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    return small_model(tmp_path_factory.mktemp("models") / "small")


def fleet(network: Network, seen: list[Seen]) -> list[GuardedPredictor]:
    return [GuardedPredictor(kind, LearnedPredictor(kind, network)) for kind, _ in seen]


def imagined(predictors: list[GuardedPredictor], seen: list[Seen]) -> list[Imagination]:
    return imagine_together(predictors, [situation for _, situation in seen])


def check_equal(one: Imagination, other: Imagination) -> None:
    assert one.probabilities == pytest.approx(other.probabilities, rel=1e-5)
    for mine, theirs in zip(one.rollouts, other.rollouts, strict=True):
        assert mine.stamp == theirs.stamp
        np.testing.assert_allclose(mine.poses, theirs.poses, atol=1e-5)
        np.testing.assert_allclose(mine.radius, theirs.radius, rtol=1e-5)
        np.testing.assert_allclose(mine.median, theirs.median, rtol=1e-5)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.lists(SEEN, min_size=1, max_size=7))
def test_each_imagines_what_it_would_imagine_alone_and_the_network_is_run_once(seen: list[Seen], model: Path) -> None:
    network = Counted(model)
    together = imagined(fleet(network, seen), seen)
    assert network.runs == [len(seen)]
    for predictor, (_, situation), imagination in zip(fleet(network, seen), seen, together, strict=True):
        assert predictor.source == "learned"
        check_equal(imagination, predictor.imagine(situation))


def later(situation: Situation, cycles: int) -> Situation:
    odometry = replace(situation.observation.odometry, stamp=NOW + cycles * STEP)
    return replace(situation, observation=replace(situation.observation, odometry=odometry))


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.lists(SEEN, min_size=3, max_size=3))
def test_a_robot_on_the_closed_form_joins_only_when_the_two_are_compared(seen: list[Seen], model: Path) -> None:
    network = Counted(model)
    predictors = fleet(network, seen)
    predictors[1].source = "closed form"
    cycles = round(2 * COMPARED_EVERY / STEP) + 1
    for cycle in range(cycles):
        imaginations = imagine_together(predictors, [later(situation, cycle) for _, situation in seen])
        assert len(imaginations[1].rollouts) == 1
    assert len(network.runs) == cycles
    assert network.runs.count(3) == 2
    assert network.runs.count(2) == cycles - 2


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.lists(SEEN, min_size=4, max_size=4))
def test_two_models_are_each_run_once_and_who_has_none_imagines_by_itself(seen: list[Seen], model: Path) -> None:
    one, other = Counted(model), Counted(model)
    without = GuardedPredictor(seen[3][0], None, "there is none")
    imaginations = imagined([*fleet(one, seen[:2]), *fleet(other, seen[2:3]), without], seen)
    assert (one.runs, other.runs) == ([2], [1])
    assert len(imaginations[3].rollouts) == 1
    check_equal(imaginations[2], fleet(other, seen[2:3])[0].imagine(seen[2][1]))
