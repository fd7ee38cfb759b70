"""The benchmark of the world counts steps; how fast they are is for the machine to say."""

from __future__ import annotations

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.world_speed import cost_per_robot, world_speed
from ewm_ros.simulation.physics.physics_world import PhysicsWorld


def test_the_figures_say_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    step = PhysicsWorld.step

    def counted(self: PhysicsWorld, commands: object) -> None:
        scan = self.observe(3).scan
        assert scan is not None
        seen.append(len(scan.ranges))
        step(self, commands)  # type: ignore[arg-type]

    monkeypatch.setattr(PhysicsWorld, "step", counted)
    speed = world_speed("intersection", 4, rays=90, steps=7)
    assert (speed.world, speed.robots, speed.rays, speed.bodies, speed.workers) == ("intersection", 4, 90, "driven", 1)
    assert len(seen) == 5 + 7
    assert set(seen) == {90}
    assert speed.world_steps_per_s > 0.0
    assert speed.realtime_factor == pytest.approx(speed.world_steps_per_s / 10.0)
    assert speed.step_ms == pytest.approx(1e3 / speed.world_steps_per_s)


def test_robots_keep_their_own_lidars_unless_told_otherwise() -> None:
    assert world_speed("doorway", 3, steps=2).rays == 180


def test_a_curve_has_a_point_for_each_number_of_robots_on_wheels_too() -> None:
    curve = cost_per_robot("doorway", (3, 5), rays=10, steps=2, bodies="wheels")
    assert [(point.robots, point.bodies) for point in curve] == [(3, "wheels"), (5, "wheels")]


def test_several_workers_run_an_environment_each() -> None:
    speed = world_speed("doorway", 3, rays=10, steps=20, workers=2)
    assert speed.workers == 2
    assert speed.world_steps_per_s > 0.0


@pytest.mark.parametrize(
    ("options", "culprit"),
    [({"rays": 0}, "rays"), ({"steps": 0}, "steps"), ({"workers": -1}, "workers"), ({"robots": 99}, "99")],
)
def test_impossible_measurements_are_refused(options: dict[str, int], culprit: str) -> None:
    with pytest.raises(InputError, match=culprit):
        world_speed("doorway", **{"robots": 3, **options})  # type: ignore[arg-type]
