"""A robot drives, and what was written down is what then happened."""

from __future__ import annotations

import math
from collections.abc import Container

import numpy as np
import pytest

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.route_frame import BESIDE, RouteFrame
from ewm_ros.robot.state_vector import StateVector
from ewm_ros.robot.window_recorder import STANDING_KEPT, WindowRecorder
from ewm_ros.sensing import Observation, Odometry, Velocity
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.data_set import EVERY
from ewm_ros.world_model.layout import STATE_DIM
from ewm_ros.world_model.predictor import Situation

INDEX = 3
BEND = Polyline([[0, 0], [2, 0], *[[2 + math.sin(a), 1 - math.cos(a)] for a in np.linspace(0, 1.57, 16)], [3, 9]])
ALL: range = range(10**6)


class Life:
    """A robot that follows a path and is written down; what it did can be looked up by tick."""

    def __init__(self, tinybot, plant, path: Polyline = BEND, hold: float = math.inf) -> None:
        self.robot_type, self.hold = tinybot, hold
        self.recorder = WindowRecorder(tinybot, INDEX)
        self.follower = PathFollower(path, tinybot)
        self._vector = StateVector(tinybot)
        self._robot, self._progress = plant(tinybot, Pose2D(*path.points[0], 0.3)), 0.0
        self.poses: list[Pose2D] = []
        self.commands: list[Velocity] = []
        self.states: list[np.ndarray] = []
        self.frames: list[RouteFrame] = []

    def live(self, ticks: int, seen: Container[int] = ALL, told: Container[int] = ALL) -> Life:
        """Go through so many ticks; only some of them are seen, and of some the command is not told."""
        for tick in range(ticks):
            odometry = self._robot.odometry(tick * STEP)
            situation = Situation(
                Observation(odometry, None), self.follower, self._progress, self.hold, math.inf, robot="r0"
            )
            command = self.follower.command(odometry.pose, self._robot.velocity, self._progress, self.hold)
            if tick in seen:
                self.recorder.observe(situation)
                if tick in told:
                    self.recorder.commanded(command)
            self._vector.remember(situation)
            state, frame = self._vector.of(situation)
            self.poses.append(odometry.pose)
            self.commands.append(command)
            self.states.append(state)
            self.frames.append(frame)
            self._robot.drive(command)
            self._progress = self.follower.progress(self._robot.pose, self._progress)
        return self

    @property
    def ticks(self) -> list[int]:
        """Those that windows were written of."""
        return self.recorder.windows().place[:, 2].tolist()


def test_windows_have_what_was_known_what_was_told_and_what_happened(tinybot, plant) -> None:
    life = Life(tinybot, plant).live(131)
    windows = life.recorder.windows()
    assert windows.place.tolist() == [[0, INDEX, tick] for tick in range(0, 81, EVERY)]
    assert windows.robot == pytest.approx(np.tile([tinybot.max_speed, tinybot.radius], (len(windows), 1)))
    for row, (_, _, tick) in enumerate(windows.place.tolist()):
        assert windows.state[row] == pytest.approx(life.states[tick], abs=2e-3, rel=2e-3)
        frame, ahead = life.frames[tick], range(tick + 1, tick + HORIZON + 1)
        there = np.array([(pose.x, pose.y, pose.yaw) for pose in life.poses])[ahead]
        s, d, turned = windows.future[row].astype(np.float64).T
        back = frame.poses(s * tinybot.max_speed, d, turned)
        assert back[:, :2] == pytest.approx(there[:, :2], abs=0.01)
        assert np.cos(back[:, 2] - there[:, 2]) == pytest.approx(1.0, abs=1e-4)
        told = [(life.commands[t - 1].v, life.commands[t - 1].w) for t in ahead]
        limits = [tinybot.max_speed, tinybot.max_turn_rate]
        assert windows.actions[row] * limits == pytest.approx(np.array(told), abs=1e-3)


def test_shapes_and_types_are_those_of_a_data_set_even_without_windows(tinybot) -> None:
    windows = WindowRecorder(tinybot, INDEX).windows()
    assert windows.state.shape == (0, STATE_DIM)
    assert windows.future.shape == (0, HORIZON, 3)
    assert windows.actions.shape == (0, HORIZON, 2)
    assert (windows.robot.shape, windows.place.shape) == ((0, 2), (0, 3))
    assert [windows.state.dtype, windows.future.dtype, windows.actions.dtype] == [np.float16] * 3
    assert (windows.robot.dtype, windows.place.dtype) == (np.float32, np.int32)


def test_a_life_that_is_too_short_has_no_window(tinybot, plant) -> None:
    assert Life(tinybot, plant).live(HORIZON).ticks == []
    assert Life(tinybot, plant).live(HORIZON + 1).ticks == [0]


def test_a_gap_drops_the_windows_that_it_lies_in(tinybot, plant) -> None:
    gap = 72
    life = Life(tinybot, plant).live(161, seen=set(range(161)) - {gap})
    assert life.ticks == [tick for tick in range(0, 111, EVERY) if not tick < gap <= tick + HORIZON]


def test_a_command_that_is_not_known_drops_the_windows_that_it_lies_in(tinybot, plant) -> None:
    missing = 72
    life = Life(tinybot, plant).live(161, told=set(range(161)) - {missing})
    assert life.ticks == [tick for tick in range(0, 111, EVERY) if not tick <= missing < tick + HORIZON]


def test_of_windows_in_which_nothing_moves_few_are_kept(tinybot, plant) -> None:
    held = Life(tinybot, plant, hold=0.0).live(261)
    assert held.ticks == list(range(0, 211, EVERY * STANDING_KEPT))


def test_windows_in_which_the_robot_should_have_moved_are_kept_all(tinybot) -> None:
    follower, recorder = PathFollower(Polyline([[0, 0], [9, 0]]), tinybot), WindowRecorder(tinybot, INDEX)
    for tick in range(101):
        odometry = Odometry(tick * STEP, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0)
        recorder.observe(Situation(Observation(odometry, None), follower))
        recorder.commanded(Velocity(0.1, 0.0))
    assert recorder.windows().place[:, 2].tolist() == list(range(0, 51, EVERY))


def spin(tinybot, rate: float) -> np.ndarray:
    """What a window says of a robot without a route that spins on the spot, and is carried away besides."""
    recorder = WindowRecorder(tinybot, INDEX)
    for tick in range(HORIZON + 1):
        yaw = math.remainder(3.0 + rate * tick * STEP, math.tau)
        odometry = Odometry(tick * STEP, Pose2D(0.1 * tick, 0.0, yaw), 0.0, rate)
        recorder.observe(Situation(Observation(odometry, None), None))
        recorder.commanded(Velocity(0.0, rate))
    return recorder.windows().future[0].astype(np.float64)


@pytest.mark.parametrize("rate", [-2.0, 0.5, 2.0])
def test_turns_are_counted_on_beyond_half_a_turn(rate: float, tinybot) -> None:
    assert spin(tinybot, rate)[:, 2] == pytest.approx(rate * STEP * np.arange(1, HORIZON + 1), abs=0.01)


def test_who_is_carried_off_its_way_counts_as_so_far_beside_it(tinybot) -> None:
    assert np.abs(spin(tinybot, 0.5)[:, 1]).max() == pytest.approx(BESIDE)
