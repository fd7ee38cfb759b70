"""The loss falls where robots get better at foreseeing, and the figures are those that are measured in runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_up_data import made_up_windows

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.messages import ConflictKind, Intention, Knot, Outcome, Plan, Standing
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.state_vector import StateVector
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import Observation, Odometry, Scan
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.layout import BASE_S, BESIDE, MEDIAN, OUTPUTS, PROGRESS, RADIUS, STATE_DIM, TURNED
from ewm_ros.world_model.predictor import Neighbour, Situation

torch = pytest.importorskip("torch")

from ewm_ros.world_model.training.losses import Batch, errors, figures, losses  # noqa: E402
from ewm_ros.world_model.training.network import WorldModel  # noqa: E402

SURE = 0.01  # m, the radii of a model that knows
CHUNKS = 5


def made_up_batch(seed: int = 0) -> Batch:
    """100 windows of robots that bend off a little, whose later states are there."""
    windows, rng = made_up_windows(seed), np.random.default_rng(seed)
    future = windows.future.astype(np.float32)
    future[..., 1] = np.cumsum(rng.normal(0.0, 0.01, future.shape[:2]), axis=1)
    future[..., 2] = np.cumsum(rng.normal(0.0, 0.02, future.shape[:2]), axis=1)
    later = rng.uniform(0.0, 0.1, (len(windows), CHUNKS, STATE_DIM)).astype(np.float32)
    known = rng.random((len(windows), CHUNKS)) < 0.8
    return Batch(
        torch.from_numpy(windows.state.astype(np.float32)),
        torch.from_numpy(future),
        torch.from_numpy(windows.actions.astype(np.float32)),
        torch.from_numpy(windows.robot),
        torch.from_numpy(later),
        torch.from_numpy(known.astype(np.float32)),
    )


class Oracle:
    """Stands in for a model: foresees the truth but for an offset along the route in each rollout.

    Args:
        offsets: m, for each rollout.
        odds: log-odds of the rollouts.
        radius: m, that it tells at every step.
    """

    def __init__(self, batch: Batch, offsets=(0.0,), odds=None, radius: float = SURE) -> None:
        count, self.rollouts = len(batch.state), len(offsets)
        self._actions, full = batch.actions, batch.robot[:, 0]
        self._futures = torch.zeros(count, self.rollouts, HORIZON, OUTPUTS)
        self._futures[..., (PROGRESS, BESIDE, TURNED)] = batch.future[:, None]
        self._futures[..., PROGRESS] += torch.tensor(offsets)[:, None] / full[:, None, None]
        self._futures[..., (MEDIAN, RADIUS)] = math.log(radius)
        self._odds = torch.zeros(count, self.rollouts) + torch.tensor(odds or [0.0] * self.rollouts)

    def imagine(self, state, rollouts):
        actions = self._actions[:, None].expand(-1, rollouts, -1, -1)
        return self._futures[:, :rollouts], self._odds[:, :rollouts], actions

    def encode(self, state):
        return torch.zeros(*state.shape[:-1], 8)

    def latents(self, z, actions):
        return torch.zeros(len(z), CHUNKS, 8)

    def decode(self, state, latents):
        return self._futures[:, 0]


def loss_of(batch: Batch, **oracle) -> dict[str, float]:
    model = Oracle(batch, **oracle)
    return {name: float(value) for name, value in losses(model, batch, model.rollouts).items()}


def test_the_better_a_model_foresees_the_lower_its_loss() -> None:
    batch = made_up_batch()
    perfect, near, far = (loss_of(batch, offsets=(off,)) for off in (0.0, 0.1, 0.6))
    assert perfect["loss"] < near["loss"] < far["loss"]
    for part in ("distance", "expected", "misses", "radii", "dynamics"):
        assert perfect[part] < near[part] < far[part], part
    assert perfect["distance"] == pytest.approx(0.0, abs=1e-3)
    assert perfect["actions"] == perfect["turning"] == perfect["consistency"] == 0.0


def test_the_distance_is_in_diameters_and_of_the_best_rollout() -> None:
    batch = made_up_batch()
    assert loss_of(batch, offsets=(0.1, 0.8))["distance"] == pytest.approx(0.1 / 0.4, rel=1e-3)
    assert loss_of(batch, offsets=(0.1, 0.8))["expected"] == pytest.approx(0.45 / 0.4, rel=1e-3)


def test_a_model_that_knows_which_rollout_is_right_has_the_lower_loss() -> None:
    batch = made_up_batch()
    right, unsure, wrong = (loss_of(batch, offsets=(0.0, 0.8), odds=odds) for odds in ([3, 0], [0, 0], [0, 3]))
    for part in ("choice", "expected", "misses", "loss"):
        assert right[part] < unsure[part] < wrong[part], part
    assert "choice" not in loss_of(batch)  # there is none among one


@pytest.mark.parametrize("part", ["radii", "dynamics_radii"])
def test_the_radii_that_fit_the_errors_cost_least(part: str) -> None:
    batch = made_up_batch()
    costs = {radius: loss_of(batch, offsets=(0.2,), radius=radius)[part] for radius in (0.05, 0.1, 0.2, 0.4, 0.8)}
    assert min(costs, key=costs.__getitem__) == 0.2
    assert costs[0.1] - costs[0.2] > costs[0.4] - costs[0.2]  # too sure is worse than too careful: mostly 90 %


def test_standing_robots_weigh_less_than_those_that_move() -> None:
    batch = made_up_batch()
    batch.future[50:], batch.state[50:, BASE_S] = 0.0, 0.0
    assert batch.counts.tolist() == [True] * 50 + [False] * 50
    moving_wrong = Oracle(batch)
    moving_wrong._futures[:50, ..., PROGRESS] += 1.0
    standing_wrong = Oracle(batch)
    standing_wrong._futures[50:, ..., PROGRESS] += 1.0
    one, other = (float(losses(model, batch, 1)["distance"]) for model in (moving_wrong, standing_wrong))
    assert one == pytest.approx(other / 0.3, rel=0.02)


def test_latents_are_held_against_what_was_seen_later_where_it_was() -> None:
    torch.manual_seed(0)
    model, batch = WorldModel(latent_dim=16, hidden_dim=16, rollouts=2), made_up_batch()
    with torch.no_grad():
        latents = model.latents(model.encode(batch.state), batch.actions)
        apart = ((latents - model.encode(batch.later)) ** 2).sum(-1)
    weight = torch.where(batch.counts, 1.0, 0.3)
    by_window = [apart[k][batch.known[k] > 0].mean() if batch.known[k].any() else 0.0 for k in range(len(apart))]
    expected = (torch.tensor(by_window) * weight).sum() / weight.sum()
    assert losses(model, batch, 2)["consistency"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_every_weight_of_the_model_is_learned_from_the_loss() -> None:
    torch.manual_seed(0)
    model, batch = WorldModel(latent_dim=16, hidden_dim=16, rollouts=2), made_up_batch()
    losses(model, batch, 2)["loss"].backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0.0]
    assert untouched == []


def test_mirrored_twice_is_as_it_was() -> None:
    batch = made_up_batch()
    once, twice = batch.mirrored(), batch.mirrored().mirrored()
    for name in Batch.__slots__:
        assert torch.equal(getattr(batch, name), getattr(twice, name)), name
    for name in ("state", "future", "actions", "later"):
        changed = not torch.equal(getattr(batch, name), getattr(once, name))
        assert changed == (name != "actions"), name  # the made-up robots are not told to turn


def seen_from(side: float) -> np.ndarray:
    """The state of a robot on a bent way, a wall beside it and another robot ahead; side -1 is the mirror image."""
    tinybot = load_robot_type("tinybot")
    vector = StateVector(tinybot)
    follower = PathFollower(Polyline([[0.0, 0.0], [1.0, 0.0], [2.0, side * 1.5], [6.0, side * 1.5]]), tinybot)
    ranges = 1.0 + np.arange(180) / 40.0
    scan = Scan(1.5, 0.0, math.tau / 180, 8.0, ranges if side > 0 else np.roll(ranges[::-1], 1))
    knots = (Knot(0.0, 1.5, side * 1.0, side * 2.0, 0.1), Knot(4.0, 0.5, side * 0.4, side * 2.5, 0.1))
    plan = Plan("dock", Outcome.PROGRESS, math.inf, 0.8, knots)
    other = Intention("robot_1", 1, 1, 1.5, plan, Standing(route=1, progress=1.0, hold=3.0))
    neighbour = Neighbour(other, 0.2, 0.5, ConflictKind.HEAD_ON, (0.8, 2.0), (1.5, 2.7))
    for k in range(16):
        time = k * STEP
        odometry = Odometry(time, Pose2D(0.2 * time, side * 0.05, side * 0.1), 0.2, side * (0.1 + 0.02 * k))
        situation = Situation(Observation(odometry, scan), follower, 0.2 * time, 1.2, 1.0, neighbours=(neighbour,))
        vector.remember(situation)
    return vector.of(situation)[0]


def test_the_mirrored_state_is_what_the_robot_sees_in_the_mirrored_world() -> None:
    left, right = (torch.from_numpy(seen_from(side))[None] for side in (1.0, -1.0))
    assert (left - right).abs().sum() > 1.0
    nothing = torch.zeros(1, HORIZON, 3)
    mirrored = Batch(left, nothing, nothing[..., :2], torch.ones(1, 2), left, torch.ones(1, 1)).mirrored()
    assert torch.allclose(mirrored.state, right, atol=1e-9)


def test_errors_are_metres_between_foreseen_and_true_places() -> None:
    batch = made_up_batch()
    outputs = torch.zeros(len(batch.state), 2, HORIZON, OUTPUTS)
    outputs[..., (PROGRESS, BESIDE)] = batch.future[:, None, :, :2]
    outputs[:, 1, :, PROGRESS] += 6.0  # s at 0.5 m/s
    outputs[:, 1, :, BESIDE] += 4.0
    told = errors(outputs, batch)
    assert torch.allclose(told[:, 0], torch.zeros(()), atol=2e-4)
    assert torch.allclose(told[:, 1], torch.tensor(5.0), atol=1e-4)


def test_the_figures_are_those_that_one_counts_by_hand() -> None:
    torch.manual_seed(0)
    model, batch = WorldModel(latent_dim=16, hidden_dim=16, rollouts=3), made_up_batch()
    batch.future[::5], batch.state[::5, BASE_S] = 0.0, 0.0  # some stand
    with torch.no_grad():
        model.encoder[-1].weight.mul_(20.0)  # so that not all choose the same rollout
        model.chances[-1].weight.mul_(100.0)
        model.decoder[-1].bias.normal_()
        futures, odds, _ = model.imagine(batch.state)
    foreseen, odds = futures.numpy(), odds.numpy()
    future, state, robot = batch.future.numpy(), batch.state.numpy(), batch.robot.numpy()
    counted = dict.fromkeys(("windows", "hits", "ade", "fde", "inside50", "inside90"), 0.0)
    chosen = set()
    for k in range(len(state)):
        full, radius = robot[k]
        best = int(np.argmax(odds[k]))
        chosen.add(best)
        if max(np.abs(future[k, :, 0]).max(), state[k, BASE_S].max()) * full <= 0.3:
            continue
        told = foreseen[k, best]
        away = np.hypot(full * (told[:, PROGRESS] - future[k, :, 0]), told[:, BESIDE] - future[k, :, 1])
        counted["windows"] += 1
        counted["hits"] += bool((away <= 2.0 * radius).all())
        counted["ade"] += away.mean()
        counted["fde"] += away[-1]
        counted["inside50"] += (away <= np.exp(told[:, MEDIAN])).mean()
        counted["inside90"] += (away <= np.exp(told[:, RADIUS])).mean()
    assert len(chosen) > 1
    assert 0 < counted["hits"] < counted["windows"] == 80
    assert 0 < counted["inside50"] < counted["inside90"] < 80
    told = {name: float(value) for name, value in figures(model, batch, 3).items()}
    assert told == pytest.approx(counted, rel=1e-4)
