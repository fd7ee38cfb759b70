"""What becomes of a network's numbers, and an untrained network on real situations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray
from situations import NOW, situations
from small_model import ROLLOUTS, small_model

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.intention.checks import RADIUS_LIMIT
from ewm_ros.randomness import stream
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.speed_profile import expected_motion
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import BESIDE, MEDIAN, OUTPUTS, PROGRESS, RADIUS, STATE_DIM, TURNED
from ewm_ros.world_model.network_runtime import Network
from ewm_ros.world_model.predictor import Situation

TINYBOT = load_robot_type("tinybot")
NORTH = PathFollower(Polyline([[1, 0], [1, 20]]), TINYBOT)


class Saying:
    """A network that always says the same, and keeps what it was asked."""

    def __init__(self, futures: FloatArray, probabilities: list[float]) -> None:
        self.futures, self.probabilities = futures.astype(np.float32), np.array(probabilities, np.float32)
        self.asked: list[NDArray[np.floating]] = []

    def run_all(self, states: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.asked += list(states)
        return np.array([self.futures] * len(states)), np.array([self.probabilities] * len(states))


def saying(futures: FloatArray, probabilities: list[float]) -> tuple[LearnedPredictor, Saying]:
    network = Saying(futures, probabilities)
    return LearnedPredictor(TINYBOT, network), network  # type: ignore[arg-type]


def future(seconds: float = 1.0) -> FloatArray:
    """(HORIZON, OUTPUTS): so many s of progress in all, sure of it."""
    said = np.zeros((HORIZON, OUTPUTS))
    said[:, PROGRESS] = np.linspace(0.0, seconds, HORIZON)
    said[:, MEDIAN], said[:, RADIUS] = 0.1, 0.2
    return said


def northward(stamp: float = NOW) -> Situation:
    """3 m along a route to the north, and looking there."""
    odometry = Odometry(stamp, Pose2D(1.0, 3.0, math.pi / 2), 0.5, 0.0)
    return Situation(Observation(odometry, None), NORTH, 3.0)


def test_numbers_become_poses_along_the_route() -> None:
    said = future(2.0)
    said[:, BESIDE], said[:, TURNED] = 0.25, 0.5
    imagination = saying(said[None], [1.0])[0].imagine(northward())
    trajectory = imagination.most_probable
    assert trajectory.stamp == NOW
    assert trajectory.step == STEP
    assert trajectory.poses[:, 0] == pytest.approx(0.75)  # left of the way north is west
    assert trajectory.poses[:, 1] == pytest.approx(3.0 + TINYBOT.max_speed * np.linspace(0.0, 2.0, HORIZON))
    assert trajectory.poses[:, 2] == pytest.approx(math.pi / 2 + 0.5)
    assert trajectory.radius == pytest.approx(0.2)
    assert trajectory.median == pytest.approx(0.1)


def test_the_most_probable_future_comes_first() -> None:
    futures = np.stack([future(1.0), future(2.0), future(3.0)])
    imagination = saying(futures, [0.25, 0.6, 0.15])[0].imagine(northward())
    ends = [rollout.poses[-1, 1] for rollout in imagination.rollouts]
    assert ends == pytest.approx([4.0, 3.5, 4.5])
    assert imagination.probabilities == pytest.approx((0.6, 0.25, 0.15))


def test_probabilities_sum_to_one_though_the_networks_do_not_quite() -> None:
    imagination = saying(np.stack([future(), future()]), [0.7001, 0.3])[0].imagine(northward())
    assert sum(imagination.probabilities) == pytest.approx(1.0, abs=1e-12)


def test_radii_are_what_the_wire_can_carry_and_the_median_no_larger() -> None:
    said = future()
    said[:10, RADIUS], said[10:, MEDIAN] = 1e6, 0.3
    trajectory = saying(said[None], [1.0])[0].imagine(northward()).most_probable
    assert (trajectory.radius[:10] == RADIUS_LIMIT).all()
    assert (trajectory.median <= trajectory.radius).all()


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [PROGRESS, BESIDE, TURNED, MEDIAN, RADIUS])
def test_what_is_no_number_is_refused(broken: float, where: int) -> None:
    said = future()
    said[20, where] = broken
    with pytest.raises(InputError, match=r"no number"):
        saying(said[None], [1.0])[0].imagine(northward())


@pytest.mark.parametrize("probability", [math.nan, math.inf, 0.0])
def test_a_probability_that_is_none_is_refused(probability: float) -> None:
    with pytest.raises(InputError, match=r"no number"):
        saying(future()[None], [probability])[0].imagine(northward())


def test_the_network_is_told_of_the_cycles_before() -> None:
    predictor, network = saying(future()[None], [1.0])
    for k in range(20):
        predictor.imagine(northward(NOW + 0.1 * k))
    alone, told_alone = saying(future()[None], [1.0])
    alone.imagine(northward(NOW + 1.9))
    assert len(network.asked) == 20
    assert network.asked[-1].shape == (STATE_DIM,)
    assert (network.asked[-1] != told_alone.asked[-1]).any()  # how long it has been on its route


# An untrained network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    pytest.importorskip("torch")
    return Network(small_model(tmp_path_factory.mktemp("models") / "small"))


ROOMY = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@ROOMY
@given(situation=situations(TINYBOT))
def test_a_network_imagines_something_sound_of_every_situation(network: Network, situation: Situation) -> None:
    imagination = LearnedPredictor(TINYBOT, network).imagine(situation)
    assert len(imagination.rollouts) == ROLLOUTS
    assert sum(imagination.probabilities) == pytest.approx(1.0)
    assert sorted(imagination.probabilities, reverse=True) == list(imagination.probabilities)
    for rollout in imagination.rollouts:
        assert rollout.poses.shape == (HORIZON, 3)
        assert np.isfinite(rollout.poses).all()
        assert (rollout.poses[:, 2] >= -math.pi).all()
        assert (rollout.poses[:, 2] <= math.pi).all()
        assert (rollout.median > 0.0).all()
        assert (rollout.median <= rollout.radius).all()


def bend_of(robot_type: RobotType) -> PathFollower:
    turn = [[2 + math.sin(a), 1 - math.cos(a)] for a in np.linspace(0, math.pi / 2, 16)]
    return PathFollower(Polyline([[0, 0], [2, 0], *turn, [3, 9]]), robot_type)


@pytest.mark.parametrize("name", ["tinybot", "turtlebot4", "husky"])
@pytest.mark.parametrize("hold", [math.inf, 2.0])
def test_untrained_it_foresees_the_nominal_motion_about(name: str, hold: float, network: Network) -> None:
    robot_type = load_robot_type(name)
    follower, full = bend_of(robot_type), robot_type.max_speed
    odometry = Odometry(NOW, Pose2D(0.5, 0.0, 0.0), full / 2.0, 0.0)
    situation = Situation(Observation(odometry, None), follower, 0.5, hold=hold, release=math.inf)
    progress, yaw = expected_motion(follower, situation)
    for rollout in LearnedPredictor(robot_type, network).imagine(situation).rollouts:
        off = np.hypot(*(rollout.poses[:, :2] - follower.path.sample(progress)).T)
        assert off.max() < 0.25 + 0.1 * (progress[-1] - 0.5)
        assert np.abs(rollout.poses[:, 2] - yaw).max() < 0.4


def test_robots_may_share_a_network(network: Network) -> None:
    one, other = LearnedPredictor(TINYBOT, network), LearnedPredictor(TINYBOT, network)
    rng = stream(0, 0, "elsewhere")
    for k in range(3):
        first = one.imagine(northward(NOW + 0.1 * k)).most_probable.poses
        pose = Pose2D(*rng.uniform(-9.0, 9.0, 2), 0.0)
        other.imagine(Situation(Observation(Odometry(NOW + 0.1 * k, pose, 0.0, 0.0), None), None))
    alone = LearnedPredictor(TINYBOT, network)
    for k in range(3):
        again = alone.imagine(northward(NOW + 0.1 * k)).most_probable.poses
    assert (first == again).all()
