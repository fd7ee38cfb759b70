"""The world model's networks: what goes in and out, and whose policy an imagination follows."""

from __future__ import annotations

import pytest
from made_up_data import made_up_windows

from ewm_ros.world_model.layout import ACTION_DIM, BASE_S, BASE_YAW, BESIDE, MEDIAN, OUTPUTS, PROGRESS, RADIUS, TURNED

torch = pytest.importorskip("torch")

from ewm_ros.world_model.training.network import ImaginedTrajectoryGenerationModule, SimNorm, WorldModel  # noqa: E402

LATENT, HIDDEN, ROLLOUTS = 16, 16, 3


@pytest.fixture
def model():
    """A small untrained model."""
    torch.manual_seed(0)
    return WorldModel(latent_dim=LATENT, hidden_dim=HIDDEN, rollouts=ROLLOUTS)


@pytest.fixture
def states():
    """Six made-up states."""
    return torch.from_numpy(made_up_windows(0).state[:6]).float()


def all_differ(one, other) -> bool:
    """Whether each future of the one departs from the other's."""
    return bool(((one - other)[..., PROGRESS].abs().amax(-1) > 1e-4).all())


def random_actions(seed: int, count: int, horizon: int = 50):
    return torch.rand(count, horizon, ACTION_DIM, generator=torch.Generator().manual_seed(seed))


def test_the_default_sizes_are_the_users() -> None:
    model = WorldModel()
    assert (model.encoder[0].in_features, model.encoder[-1].out_features) == (256, 128)
    assert model.encoder[0].out_features == 512
    assert (model.horizon, model.rollouts) == (50, 10)
    assert sum(p.numel() for p in model.parameters()) * 4 < 4e6  # bytes


def test_commands_in_and_a_future_of_the_whole_horizon_out(model, states) -> None:
    assert model(states, random_actions(0, 6)).shape == (6, 50, OUTPUTS)


def test_other_commands_make_another_future_from_where_they_differ(model, states) -> None:
    actions = random_actions(0, 6)
    other = actions.clone()
    other[:, 20:] += 0.5
    one, two = model(states, actions), model(states, other)
    assert torch.equal(one[:, :20], two[:, :20])
    assert all_differ(one[:, 20:], two[:, 20:])


def test_latents_are_soft_choices_in_groups_of_eight(model, states) -> None:
    sums = SimNorm()(torch.randn(5, 24)).unflatten(-1, (3, 8)).sum(-1)
    assert torch.allclose(sums, torch.ones(5, 3))
    latents = model.latents(model.encode(states), random_actions(0, 6))
    assert latents.shape == (6, 5, LATENT)
    assert torch.allclose(latents.unflatten(-1, (2, 8)).sum(-1), torch.ones(6, 5, 2))
    assert (latents >= 0.0).all()


def test_the_latents_are_the_dynamics_taken_chunk_by_chunk(model, states) -> None:
    actions = random_actions(1, 6)
    z = model.encode(states)
    latents = model.latents(z, actions)
    for k in range(5):
        z = model.step(z, actions[:, 10 * k : 10 * (k + 1)])
        assert torch.equal(latents[:, k], z)
    assert torch.equal(model(states, actions), model.decode(states, latents))


def test_an_imagination_has_futures_odds_and_the_actions_that_lead_there(model, states) -> None:
    futures, odds, actions = model.imagine(states)
    assert futures.shape == (6, ROLLOUTS, 50, OUTPUTS)
    assert odds.shape == (6, ROLLOUTS)
    assert actions.shape == (6, ROLLOUTS, 50, ACTION_DIM)
    assert not torch.equal(futures[:, 0], futures[:, 1])
    first, chance, _ = model.imagine(states, rollouts=1)
    assert torch.allclose(first, futures[:, :1], atol=1e-6)
    assert torch.equal(chance, odds[:, :1])


def test_untrained_it_foresees_nearly_the_nominal_motion(model, states) -> None:
    states[:, BASE_YAW] = torch.linspace(0.04, 1.0, 25)
    futures, _, _ = model.imagine(states)
    assert torch.allclose(futures[:, :, 1::2, PROGRESS], states[:, None, BASE_S].expand(-1, ROLLOUTS, -1), atol=0.5)
    assert torch.allclose(futures[:, :, 1::2, TURNED], states[:, None, BASE_YAW].expand(-1, ROLLOUTS, -1), atol=0.5)
    assert (futures[..., BESIDE].abs() < 0.05).all()
    with torch.no_grad():
        model.decoder[-1].weight.zero_()
    futures, _, _ = model.imagine(states)
    assert torch.allclose(futures[:, :, 1::2, PROGRESS], states[:, None, BASE_S].expand(-1, ROLLOUTS, -1), atol=1e-5)
    assert torch.allclose(futures[:, :, 1::2, TURNED], states[:, None, BASE_YAW].expand(-1, ROLLOUTS, -1), atol=1e-5)
    between = 0.5 * (futures[..., 1:-2:2, PROGRESS] + futures[..., 3::2, PROGRESS])
    assert torch.allclose(futures[..., 2:-1:2, PROGRESS], between, atol=1e-5)  # and evenly in between


def test_the_radius_of_90_percent_is_never_the_smaller(model, states) -> None:
    with torch.no_grad():
        model.decoder[-1].weight.mul_(1000.0)
    futures, _, _ = model.imagine(states)
    assert (futures[..., RADIUS] >= futures[..., MEDIAN]).all()
    assert futures.isfinite().all()


def test_an_own_policy_is_asked_for_each_chunk_and_decides_what_is_imagined(model, states) -> None:
    module = ImaginedTrajectoryGenerationModule(model)
    asked = []

    def constant(value: float):
        def policy(latents):
            asked.append(latents.shape)
            return torch.full((len(latents), 10, ACTION_DIM), value)

        return policy

    slow, chances = module.generate_trajectories(states, constant(0.1))
    assert asked == [(6 * ROLLOUTS, LATENT)] * 5
    assert slow.shape == (6, ROLLOUTS, 50, OUTPUTS)
    assert torch.allclose(chances.sum(-1), torch.ones(6))
    fast, _ = module.generate_trajectories(states, constant(1.0))
    own, _ = module.generate_trajectories(states)
    assert all_differ(slow, fast)
    assert all_differ(slow, own)
    assert torch.equal(slow, module.generate_trajectories(states, constant(0.1))[0])


def test_the_models_own_policy_is_the_one_that_imagines_if_none_is_given(model, states) -> None:
    module = ImaginedTrajectoryGenerationModule(model)
    assert torch.equal(module.generate_trajectories(states, model.act)[0], module.generate_trajectories(states)[0])


def test_a_policy_that_looks_at_the_latents_drives_each_rollout_its_own_way(model, states) -> None:
    def policy(latents):
        return latents[:, :10, None].expand(-1, -1, ACTION_DIM)

    _, _, actions = model.imagine(states, policy=policy)
    assert not torch.equal(actions[:, 0], actions[:, 1])
    assert actions.shape == (6, ROLLOUTS, 50, ACTION_DIM)


def test_a_single_state_and_a_shorter_horizon_do_too(model, states) -> None:
    module = ImaginedTrajectoryGenerationModule(model)
    futures, chances = module.generate_trajectories(states[0], horizon=7)
    assert (futures.shape, chances.shape) == ((1, ROLLOUTS, 7, OUTPUTS), (1, ROLLOUTS))
    whole, _ = module.generate_trajectories(states[:1])
    assert torch.equal(futures, whole[:, :, :7])


@pytest.mark.parametrize("horizon", [0, -1, 51])
def test_a_horizon_that_the_model_does_not_have_is_refused(horizon, model, states) -> None:
    with pytest.raises(ValueError, match="this model imagines 1 to 50"):
        ImaginedTrajectoryGenerationModule(model).generate_trajectories(states, horizon=horizon)


def test_a_model_of_a_shorter_horizon_foresees_its_part_of_the_nominal_motion(states) -> None:
    model = WorldModel(latent_dim=LATENT, hidden_dim=HIDDEN, rollouts=ROLLOUTS, horizon=25, chunk=5)
    with torch.no_grad():
        model.decoder[-1].weight.zero_()
    futures, _, _ = model.imagine(states)
    assert futures.shape == (6, ROLLOUTS, 25, OUTPUTS)
    assert torch.allclose(futures[:, 0, 1::2, PROGRESS], states[:, 0:12], atol=1e-5)


@pytest.mark.parametrize(("horizon", "chunk"), [(60, 10), (0, 10), (45, 10)])
def test_a_model_of_an_impossible_horizon_is_refused(horizon, chunk) -> None:
    with pytest.raises(ValueError, match=f"a horizon of {horizon} steps"):
        WorldModel(latent_dim=LATENT, hidden_dim=HIDDEN, horizon=horizon, chunk=chunk)
