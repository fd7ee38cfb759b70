"""Recorded robots, ours and others', become the windows that they would have become in a live recording."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from bag_maker import BagMaker
from rosbags.rosbag2 import StoragePlugin

from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import content_hash, find_bags
from ewm_ros.evaluation.bags.bag_windows import RobotTypes, add_bags, read_windows
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.messages import Intention, Knot, Outcome, Plan, Route, Standing
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.window_recorder import WindowRecorder
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.sensing import Odometry, Scan, Velocity
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.data_set import DataSet, Windows
from ewm_ros.world_model.layout import HISTORY, PEER, PEERS_AT, SECTORS, STATUS
from ewm_ros.world_model.predictor import Situation

WALL_CLOCK = 1_763_900_000.25  # s, the time of day of a physical robot
TINYBOT = load_robot_type("tinybot")
TYPES = RobotTypes("tinybot")
ARC = Velocity(0.3, 0.2)
STORAGES = pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
# Places in STATUS.
HAS_ROUTE, REMAINING, HOLD, FREE_TO_GO, WAITS, HINDERED, CHANGING, SINCE_ROUTE = 11, 12, 13, 14, 17, 19, 20, 23


def on_the_arc(time: float) -> Pose2D:
    """Where a robot is that drives ARC from the origin."""
    radius, turned = ARC.v / ARC.w, ARC.w * time
    return Pose2D(radius * math.sin(turned), radius * (1.0 - math.cos(turned)), turned)


def straight(time: float, speed: float = 0.3) -> Pose2D:
    return Pose2D(speed * time, 0.0, 0.0)


def drive_arc(bag: BagMaker, robot: str, begin: float, end: float, *, frame: str = "odom", rate: int = 20) -> None:
    """Odometry and commands of somebody else's robot, so many a second."""
    for i in range(round(begin * rate), round(end * rate)):
        bag.odometry(robot, Odometry(i / rate, on_the_arc(i / rate), ARC.v, ARC.w), frame)
        bag.command(robot, ARC)


def drive_straight(bag: BagMaker, robot: str, end: float, *, frame: str = "map") -> None:
    for i in range(round(end * 10)):
        bag.odometry(robot, Odometry(i / 10, straight(i / 10), 0.3, 0.0), frame)
        bag.command(robot, Velocity(0.3, 0.0))


def status(windows: Windows) -> np.ndarray:
    return windows.state[:, STATUS].astype(float)


# Somebody else's robot


@STORAGES
def test_a_robot_of_another_maker_becomes_windows_of_where_it_was_and_what_it_was_told(tmp_path, storage):
    with BagMaker(tmp_path / "bag", storage, clock=WALL_CLOCK) as bag:
        bag.goal("", 1.0, 3.0, "odom")
        for i in range(10):
            bag.scan("", Scan(i, 0.0, math.tau / 360, 8.0, np.full(360, 1.0)))
            drive_arc(bag, "", i, i + 1)
    windows, facts = read_windows(tmp_path / "bag", TYPES)

    assert windows.place[:, 2].tolist() == list(range(0, 50, 5))  # the last one's 5 s are the bag's last
    assert (facts["robots"], facts["windows"], facts["world"]) == (1, 10, "bag")
    assert (
        np.abs(windows.actions.astype(float) - [ARC.v / TINYBOT.max_speed, ARC.w / TINYBOT.max_turn_rate]).max() < 1e-3
    )
    line = Polyline([(0.0, 0.0), (1.0, 3.0)])
    for tick, future in zip(windows.place[:, 2].tolist(), windows.future.astype(float), strict=True):
        for step in (1, 20, 50):
            there = on_the_arc((tick + step) / 10)
            assert future[step - 1, 2] == pytest.approx(ARC.w * step / 10, abs=2e-3)
            assert abs(future[step - 1, 1]) == pytest.approx(line.project(there.x, there.y)[1], abs=0.01)
    assert windows.state[0, HISTORY.start] == pytest.approx(ARC.v / TINYBOT.max_speed, abs=1e-3)
    assert windows.state[0, SECTORS].astype(float) == pytest.approx(math.exp(-(1.0 - TINYBOT.radius)), abs=1e-3)


def test_poses_between_two_odometries_are_interpolated(tmp_path):
    """Seven odometries a second: a tick is in the middle of anywhere."""
    with BagMaker(tmp_path / "bag") as bag:
        drive_arc(bag, "/r", 0.0, 9.0, rate=7)
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    steps = np.arange(1, 51) / 10
    assert len(windows) >= 6
    for future in windows.future.astype(float):  # no goal: coordinates straight ahead
        assert future[:, 2] == pytest.approx(ARC.w * steps, abs=2e-3)
        x = future[:, 0] * TINYBOT.max_speed
        assert x == pytest.approx([on_the_arc(t).x for t in steps], abs=0.01)


def test_a_plan_is_followed_rather_than_the_straight_line_and_its_repetition_is_no_new_way(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.goal("/r", 4.0, 0.0)
        for i in range(100):
            x = 0.03 * i
            if i % 10 == 0:
                bag.plan("/r", [(x, 0.0), (3.0, 0.0), (3.0, 5.0)])
            bag.odometry("/r", Odometry(i / 10, Pose2D(x, 0.0, 0.0), 0.3, 0.0))
            bag.command("/r", Velocity(0.3, 0.0))
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    remaining = status(windows)[:, REMAINING] * 5.0 * TINYBOT.max_speed  # m, if it is not more than is looked ahead
    on_route_since = status(windows)[:, SINCE_ROUTE] * 5.0
    far = 10.0 * TINYBOT.max_speed
    assert remaining == pytest.approx(np.minimum(8.0 - 0.03 * windows.place[:, 2], far), abs=0.02)
    assert on_route_since == pytest.approx(windows.place[:, 2] / 10, abs=0.01)


def test_a_plan_from_before_the_bag_began_is_joined_where_the_robot_is(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.plan("/r", [(-6.0, 0.0), (3.0, 0.0)])
        drive_straight(bag, "/r", 6.0)
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    assert status(windows)[0, REMAINING] * 5.0 * TINYBOT.max_speed == pytest.approx(3.0, abs=0.01)


def test_a_window_knows_the_scan_of_its_moment_and_no_later_one(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        for i in range(60):
            bag.scan("/r", Scan(i / 10, 0.0, math.tau / 360, 8.0, np.full(360, 3.0 - 0.03 * i)))
            bag.odometry("/r", Odometry(i / 10, straight(i / 10), 0.3, 0.0))
            bag.command("/r", Velocity(0.3, 0.0))
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    seen = 3.0 - 0.03 * windows.place[:, 2] - TINYBOT.radius
    assert windows.state[:, SECTORS.start].astype(float) == pytest.approx(np.exp(-seen), abs=5e-4)


def test_a_goal_in_the_maps_frame_is_put_into_that_of_the_odometry(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.goal("/r", 2.0, 7.0)  # 3 m ahead of where the odometry began
        bag.transform("map", "odom", Pose2D(2.0, 4.0, math.pi / 2))
        drive_straight(bag, "/r", 6.0, frame="odom")
    windows, facts = read_windows(tmp_path / "bag", TYPES)
    assert status(windows)[0, REMAINING] * 5.0 * TINYBOT.max_speed == pytest.approx(3.0, abs=0.01)
    assert np.abs(windows.future[:, :, 1]).max() < 1e-3
    assert facts["remarks"] == []


def test_a_goal_in_a_frame_that_nothing_relates_to_the_odometrys_is_not_used_and_named(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.goal("/r", 2.0, 7.0)
        drive_straight(bag, "/r", 6.0, frame="odom")
    windows, facts = read_windows(tmp_path / "bag", TYPES)
    assert not status(windows)[:, HAS_ROUTE].any()
    assert facts["remarks"] == ["r: no transform tells where its goals in 'map' are"]


# Our own robots


class Shown(GuardedPredictor):
    """The closed form, which shows each situation to a recorder."""

    def __init__(self, robot_type: RobotType, recorder: WindowRecorder) -> None:
        super().__init__(robot_type, None)
        self.recorder = recorder
        self.newest: Situation

    def imagine(self, situation: Situation) -> Imagination:
        self.newest = situation
        self.recorder.observe(situation)
        return super().imagine(situation)


def record_doorway(folder: Path, seconds: float) -> Windows:
    """Four robots through a doorway, with all they sensed and said in a bag; the windows of the live recording."""
    scenario = make_scenario(load_world("doorway"), 4, 3)
    recorders = [WindowRecorder(robot_type, i) for i, robot_type in enumerate(scenario.types)]
    minds: list[Shown] = []

    def predictor(robot_type: RobotType) -> Shown:
        minds.append(Shown(robot_type, recorders[len(minds)]))
        return minds[-1]

    fleet = Fleet(scenario, predictor=predictor)
    assert fleet.coordinator is not None
    decide, said = fleet.coordinator.decide, []
    fleet.coordinator.decide = lambda *now: said.append(decide(*now)) or said[-1]  # type: ignore[method-assign]
    with BagMaker(folder, clock=WALL_CLOCK) as bag:
        while fleet.world.time < seconds:
            commands = fleet.step()
            for name, mind in zip(fleet.names, minds, strict=True):
                observation = mind.newest.observation
                assert observation.scan is not None
                bag.scan(f"/{name}", observation.scan)
                bag.odometry(f"/{name}", observation.odometry)
            for name in fleet.names:  # heard in the next period
                action = fleet.action(name)
                assert action is not None
                bag.intention(fleet.intentions[name])
                if action.route is not None:  # as nodes do: after the word that names it
                    bag.route(action.route)
            for name, recorder, command in zip(fleet.names, recorders, commands, strict=True):
                recorder.commanded(command)
                bag.command(f"/{name}", command, fleet.world.time)
            bag.directives(said[-1])
    fleet.close()
    return Windows.joined([recorder.windows() for recorder in recorders], [0] * 4)


def test_windows_from_a_bag_of_ours_are_those_that_were_recorded_live(tmp_path):
    live = record_doorway(tmp_path / "bag", 22.0)
    from_bag, facts = read_windows(tmp_path / "bag", TYPES)

    np.testing.assert_array_equal(from_bag.place, live.place)
    np.testing.assert_allclose(from_bag.future, live.future, atol=2e-3)
    np.testing.assert_allclose(from_bag.actions, live.actions, atol=1e-3)
    np.testing.assert_array_equal(from_bag.robot, live.robot)
    # Words are in cm: BASE_S by how far the hold point is, and the time since it moved (the last of STATUS) by when a
    # motion of less than that is seen.
    np.testing.assert_allclose(from_bag.state, live.state, atol=0.03)
    assert facts["robots"] == 4
    assert facts["scans"] == {f"robot_{i}": 220 for i in range(4)}
    # The run has what is to be compared: robots that hear others, and that wait for them.
    assert (live.state[:, PEERS_AT] > 0).sum() > 0.9 * len(live)
    assert (status(live)[:, WAITS] > 0).sum() > 10
    assert (status(live)[:, FREE_TO_GO] == 0).sum() > 10


def word(
    stamp: float, progress: float, hold: float, *, seq: int, robot: str = "r", outcome: Outcome = Outcome.ARRIVE
) -> Intention:
    plan = Plan("goal", outcome, 9.0, 0.9, (Knot(0.0, progress, 0.0, 0.0, 0.1),))
    standing = Standing(coordinator=7, epoch=1, route=1, progress=progress, hold=hold)
    return Intention(robot, 5, seq, stamp, plan, standing)


def our_route(robot: str = "r", radius: float = TINYBOT.radius) -> Route:
    path = Polyline([(0.0, 0.0), (9.0, 0.0)])
    return Route(robot, 5, 1, 0.0, path, radius, TINYBOT.max_speed, TINYBOT.max_acceleration)


@pytest.mark.parametrize(("frame", "hears"), [("map", True), ("odom", False)])
def test_somebody_elses_robot_hears_ours_if_it_is_known_where_both_are(tmp_path, frame, hears):
    with BagMaker(tmp_path / "bag") as bag:
        bag.route(our_route("ours"))
        for i in range(60):
            bag.intention(word(i / 10, 3.0 + 0.03 * i, 9.0, seq=i + 1, robot="ours"))
            bag.odometry("/theirs", Odometry(i / 10, straight(i / 10), 0.3, 0.0), frame)
            bag.command("/theirs", Velocity(0.3, 0.0))
    other = read_windows(tmp_path / "bag", TYPES)[0].state[:, PEERS_AT : PEERS_AT + PEER].astype(float)
    assert other[:, 0].tolist() == [float(hears)] * 2
    if hears:
        assert other[:, 1] * TINYBOT.max_speed == pytest.approx(2.5)  # 3 m ahead, further than is looked


def test_a_robot_that_falls_silent_is_no_longer_understood(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.route(our_route())
        for i in range(150):
            x = 0.03 * i
            bag.odometry("/r", Odometry(i / 10, Pose2D(x, 0.0, 0.0), 0.3, 0.0))
            bag.command("/r", Velocity(0.3, 0.0))
            if i <= 70:
                bag.intention(word(i / 10, x, x + 2.0, seq=i + 1))
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    assert windows.place[-1, 2] == 30  # the last whose 5 s end within a second of the robot's last word
    assert status(windows)[:, HOLD] * 5.0 * TINYBOT.max_speed == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(
    ("outcome", "hindered", "changing"),
    [(Outcome.ARRIVE, 0.0, 0.0), (Outcome.BLOCKED, 1.0, 0.0), (Outcome.PROGRESS, 0.0, 1.0)],
)
def test_what_a_robot_expects_tells_whether_it_is_hindered_or_about_to_change_its_route(
    tmp_path, outcome, hindered, changing
):
    with BagMaker(tmp_path / "bag") as bag:
        bag.route(our_route())
        for i in range(60):
            bag.odometry("/r", Odometry(i / 10, straight(i / 10), 0.3, 0.0))
            bag.command("/r", Velocity(0.3, 0.0))
            bag.intention(word(i / 10, 0.03 * i, 9.0, seq=i + 1, outcome=outcome))
    told = status(read_windows(tmp_path / "bag", TYPES)[0])[0]
    assert (told[HINDERED], told[CHANGING]) == (hindered, changing)
    assert told[FREE_TO_GO] == float(not hindered and not changing)


def test_a_bag_that_begins_in_the_middle_of_a_route_knows_the_progress(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.route(our_route())
        for i in range(60):
            x = 6.0 + 0.03 * i
            bag.odometry("/r", Odometry(i / 10, Pose2D(x, 0.0, 0.0), 0.3, 0.0))
            bag.command("/r", Velocity(0.3, 0.0))
            bag.intention(word(i / 10, x, 9.0, seq=1000 + i))
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    assert status(windows)[0, REMAINING] * 5.0 * TINYBOT.max_speed == pytest.approx(3.0, abs=0.02)


def test_a_robot_whose_route_does_not_fit_its_type_is_left_out(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.route(our_route("r", radius=0.6))
        drive_straight(bag, "/r", 6.0)
        drive_straight(bag, "/s", 6.0)
    _, facts = read_windows(tmp_path / "bag", TYPES)
    assert facts["robots"] == 1
    assert "r left out: its route tells of a radius of 0.60 m" in facts["remarks"][0]


# What bags lack


def test_no_window_reaches_over_a_gap_of_the_odometry(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        drive_arc(bag, "/r", 0.0, 7.0)
        drive_arc(bag, "/r", 7.35, 14.0)
    ticks = read_windows(tmp_path / "bag", TYPES)[0].place[:, 2].tolist()
    assert ticks == [0, 5, 10, 15, 75, 80, 85]


def test_a_clock_that_is_set_back_begins_another_life(tmp_path):
    with BagMaker(tmp_path / "bag", clock=1000.0) as bag:
        drive_arc(bag, "/r", 100.0, 106.0)
        drive_arc(bag, "/r", 0.0, 6.0)
    windows, _ = read_windows(tmp_path / "bag", TYPES)
    assert windows.place[:, 2].tolist() == [0, 5, 70, 75]
    assert windows.later(70).tolist() == [2, 3, -1, -1]  # far apart: no look ahead of a training takes them for one


def test_a_robot_that_somebody_else_drives_is_not_learned_from(tmp_path):
    """Its commands stop while it goes on: they are on another topic."""
    with BagMaker(tmp_path / "bag") as bag:
        drive_arc(bag, "/r", 0.0, 6.0)
        for i in range(120, 240):
            bag.odometry("/r", Odometry(i / 20, on_the_arc(i / 20), ARC.v, ARC.w), "odom")
    assert read_windows(tmp_path / "bag", TYPES)[0].place[-1, 2] == 10


def test_a_robot_without_commands_is_left_out_and_named(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        drive_straight(bag, "/commanded", 6.0)
        bag.odometry("/watched", Odometry(0.0, straight(0.0), 0.0, 0.0))
    _, facts = read_windows(tmp_path / "bag", TYPES)
    assert facts["remarks"] == ["watched left out: it has no cmd_vel"]
    assert list(facts["types"]) == ["commanded"]


def test_impossible_messages_are_refused_and_counted(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.odometry("/r", Odometry(0.0, Pose2D(math.nan, 0.0, 0.0), 0.0, 0.0))
        bag.command("/r", Velocity(math.inf, 0.0))
        drive_straight(bag, "/r", 6.0)
    windows, facts = read_windows(tmp_path / "bag", TYPES)
    assert len(windows) == 2
    assert facts["remarks"][0].startswith("2 messages refused, the first: x of the odometry is nan")


@pytest.mark.parametrize(
    ("fill", "complaint"),
    [
        (lambda bag: None, "it has no topic 'odom'"),
        (lambda bag: bag.command("/r", ARC), "it has no topic 'odom'"),
        (
            lambda bag: bag.odometry("/r", Odometry(0.0, straight(0.0), 0.0, 0.0)),
            r"none of its robots \(r\) has a topic",
        ),
        (lambda bag: drive_straight(bag, "/r", 4.0), "r left out: no 5 s are known without a gap"),
    ],
    ids=["empty", "no odometry", "no commands", "short"],
)
def test_a_bag_that_teaches_nothing_is_refused_with_the_reason(tmp_path, fill, complaint):
    with BagMaker(tmp_path / "bag") as bag:
        fill(bag)
    with pytest.raises(InputError, match=complaint):
        read_windows(tmp_path / "bag", TYPES)


@STORAGES
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_bag_is_refused_in_one_line(tmp_path, storage, share):
    with BagMaker(tmp_path / "bag", storage) as bag:
        drive_straight(bag, "/r", 6.0)
    (file,) = (path for path in (tmp_path / "bag").iterdir() if path.suffix != ".yaml")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"damaged or was never completed: ." if share else "is empty") as refusal:
        read_windows(tmp_path / "bag", TYPES)
    assert "\n" not in str(refusal.value)


@STORAGES
def test_a_bag_with_flipped_bytes_is_read_or_refused(tmp_path, storage):
    with BagMaker(tmp_path / "bag", storage) as bag:
        drive_straight(bag, "/r", 6.0)
    (file,) = (path for path in (tmp_path / "bag").iterdir() if path.suffix != ".yaml")
    content, rng, refused = file.read_bytes(), np.random.default_rng(4), 0
    for _ in range(30):
        spoilt = np.frombuffer(content, np.uint8).copy()
        spoilt[rng.integers(0, len(spoilt), 20)] = rng.integers(0, 256, 20)
        file.write_bytes(spoilt.tobytes())
        try:
            read_windows(tmp_path / "bag", TYPES)
        except InputError:
            refused += 1
    assert refused > 0


# Folders of bags, data sets


def two_bags(folder: Path) -> None:
    with BagMaker(folder / "monday" / "run", clock=WALL_CLOCK) as bag:
        drive_arc(bag, "/r", 0.0, 8.0)
    with BagMaker(folder / "tuesday", StoragePlugin.SQLITE3) as bag:
        drive_straight(bag, "/r", 7.0)


def test_bags_are_found_below_a_folder_once_each_and_loose_files_too(tmp_path):
    two_bags(tmp_path)
    shutil.copy(tmp_path / "monday" / "run" / "run.mcap", tmp_path / "copied.mcap")
    assert find_bags(tmp_path) == [tmp_path / name for name in ("copied.mcap", "monday/run", "tuesday")]
    assert find_bags(tmp_path / "tuesday") == [tmp_path / "tuesday"]
    assert content_hash(tmp_path / "copied.mcap") == content_hash(tmp_path / "monday" / "run")


def parts(folder: Path, count: int) -> Path:
    """A bag of several files that was never completed."""
    with BagMaker(folder) as bag:
        drive_straight(bag, "/r", 6.0)
    (folder / "metadata.yaml").unlink()
    content = next(folder.iterdir())
    for number in range(count):
        shutil.copy(content, folder / f"{folder.name}_{number}.mcap")
    content.unlink()
    return folder


def test_the_parts_of_a_bag_that_was_never_completed_are_one_bag(tmp_path):
    bag = parts(tmp_path / "run[1]", 3)
    shutil.copy(bag / "run[1]_0.mcap", bag / "extract.mcap")
    shutil.copy(bag / "run[1]_0.mcap", bag / "run1_0.mcap")
    assert find_bags(tmp_path) == [bag, bag / "extract.mcap", bag / "run1_0.mcap"]


def test_what_was_recovered_of_a_bag_stands_for_it_until_it_is_completed(tmp_path):
    bag = parts(tmp_path / "run", 2)
    shutil.copy(bag / "run_0.mcap", tmp_path / "loose.mcap")
    for name in ("run_recovered", "loose_recovered", "other_recovered"):
        with BagMaker(tmp_path / name):
            pass
    recovered = [tmp_path / name for name in ("loose_recovered", "other_recovered", "run_recovered")]
    assert find_bags(tmp_path) == recovered
    shutil.copy(tmp_path / "run_recovered" / "metadata.yaml", bag / "metadata.yaml")
    assert find_bags(tmp_path) == [*recovered[:2], bag]


def test_a_message_that_cannot_be_decoded_is_refused_and_the_rest_is_used(tmp_path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.write_bytes("/intentions", "ewm_ros/msg/Intention", b"\0\1\0\0" + bytes(16))
        drive_straight(bag, "/r", 7.0)
    _, told = read_windows(tmp_path / "bag", TYPES)
    assert told["windows"] > 0
    assert told["remarks"] == [
        "1 messages refused, the first: what was published as ewm_ros/msg/Intention cannot be decoded"
    ]


def test_bags_become_chunks_once_and_again_only_if_a_robots_type_changes(tmp_path):
    two_bags(tmp_path / "bags")
    with BagMaker(tmp_path / "bags" / "empty"):
        pass
    data_set = DataSet(tmp_path / "data", {"bags": True})
    assert list(add_bags(data_set, tmp_path / "bags")) == [
        "empty skipped: it has no topic 'odom' of type nav_msgs/msg/Odometry",
        "monday/run: 6 windows of 1 robots",
        "tuesday: 4 windows of 1 robots",
    ]
    before = data_set.fingerprint
    assert len(data_set.read(data_set.chunks)) == 10
    assert [chunk["episodes"][0]["world"] for chunk in data_set.chunks.values()] == ["bag", "bag"]

    again = DataSet(tmp_path / "data", {"bags": True})
    assert all("there already" in line for line in list(add_bags(again, tmp_path / "bags"))[1:])
    assert again.fingerprint == before

    anew = list(add_bags(again, tmp_path / "bags", "r=turtlebot4"))
    assert not any("there already" in line for line in anew)
    assert len(again.chunks) == 2
    assert again.fingerprint != before


def test_a_folder_without_a_bag_that_can_be_used_is_refused(tmp_path):
    data_set = DataSet(tmp_path / "data", {"bags": True})
    with pytest.raises(InputError, match="does not exist"):
        list(add_bags(data_set, tmp_path / "nowhere"))
    with pytest.raises(InputError, match="holds no rosbag"):
        list(add_bags(data_set, tmp_path / "data"))
    (tmp_path / "bags").mkdir()
    (tmp_path / "bags" / "notes.mcap").write_text("no bag")
    with pytest.raises(InputError, match=r"none of its bags can be used; notes.mcap: it is no MCAP file"):
        list(add_bags(data_set, tmp_path / "bags"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("submarine", "unknown robot type 'submarine'"),
        ("=tinybot", "write TYPE"),
        ("q=husky", "name 'q'.*robots are r"),
    ],
)
def test_wrong_robot_types_are_refused(tmp_path, text, complaint):
    two_bags(tmp_path / "bags")
    with pytest.raises(InputError, match=complaint):
        list(add_bags(DataSet(tmp_path / "data", {"bags": True}), tmp_path / "bags", text))


def test_each_robot_can_have_a_type_of_its_own():
    types = RobotTypes("husky, robot_1=tinybot")
    assert (types.of("robot_0").name, types.of("robot_1").name) == ("husky", "tinybot")
