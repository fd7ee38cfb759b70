"""What a bag tells of its run is what the run was, whoever recorded it and whatever the bag lacks."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from bag_maker import TYPES, BagMaker
from recorded_fleet import RecordedFleet
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg
from wire_values import intention

from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import BagFacts
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags import bag_reading, bag_scene, bag_wire
from ewm_ros.evaluation.bags.bag_evaluation import DEMO_KEYS, Evaluation, evaluate_bag
from ewm_ros.evaluation.campaigns.runs import RunSpec, free_flow_arrivals, play
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.geometry import Pose2D
from ewm_ros.messages import GoalState, GoalStatus
from ewm_ros.resources import share
from ewm_ros.sensing import Odometry
from ewm_ros.world_model.prediction_score import PredictionDetail

WORLD, ROBOTS, SEED = "doorway", 3, 1
Story = list[tuple[str, Any]]


class Notebook(BagMaker):
    """Keeps what is said, so that several bags can be made of it."""

    def __init__(self) -> None:
        self._clock = 0.0
        self.story: Story = []

    def write(self, topic: str, msg: Any) -> None:
        self.story.append((topic, msg))


@dataclass(frozen=True)
class Told:
    """A lockstep run: how it was judged, and what was said in it."""

    episode: Episode
    collisions: int
    near_misses: int
    delays: float | None
    prediction: PredictionDetail
    story: Story


@pytest.fixture(scope="module")
def told() -> Told:
    spec = RunSpec(WORLD, ROBOTS, SEED, "intention", varied=False, model="none")
    notebook, scenario = Notebook(), spec.scenario()
    for name, (x, y) in zip(scenario.names, scenario.goals, strict=True):
        notebook.goal(f"/{name}", x, y)
    fleet = RecordedFleet(notebook, scenario, predictor=spec.predictor)
    episode, _ = play(fleet)
    fleet.report(finished=True)
    fleet.close()
    return Told(
        episode,
        fleet.world.collisions,
        fleet.world.near_miss_count,
        episode.sum_of_delays(free_flow_arrivals(spec)),
        fleet.prediction.detail(),
        notebook.story,
    )


@lru_cache
def alone(content: str, spec: RunSpec) -> tuple[float | None, ...]:
    """Arrivals of each robot alone in a world with this content."""
    return free_flow_arrivals(spec)


@pytest.fixture(autouse=True)
def nobody_drives_alone_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each evaluation keeps the world in a file of its own, and so would have every robot drive alone again."""

    def arrivals(spec: RunSpec) -> tuple[float | None, ...]:
        return alone(Path(spec.world).read_text(encoding="utf-8"), replace(spec, world=WORLD))

    monkeypatch.setattr(bag_scene, "free_flow_arrivals", arrivals)


def world_file() -> str:
    return (share() / "worlds" / f"{WORLD}.yaml").read_text(encoding="utf-8")


def facts(**more: Any) -> BagFacts:
    return BagFacts(world="/gone/doorway.yaml", world_file=world_file(), robots=ROBOTS, seed=SEED, varied=False, **more)


def recorded(
    folder: Path, story: Story, known: BagFacts | None = None, storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    with BagMaker(folder, storage, facts=None if known is None else known.as_text()) as bag:
        for topic, msg in story:
            bag.write(topic, msg)
    return folder


@pytest.fixture(scope="module")
def bag(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As our recorder makes it; the world's file is only in it."""
    return recorded(tmp_path_factory.mktemp("bags") / "run", told.story, facts())


@pytest.fixture(scope="module")
def evaluation(bag: Path) -> Evaluation:
    return evaluate_bag(bag)


def told_by_simulation(**more: str) -> Callable[[Story], Story]:
    """The story with more words of the simulation."""

    def change(story: Story) -> Story:
        last = Notebook()
        _, msg = story[-1]
        pairs = {pair.key: pair.value for pair in msg.status[0].values}
        last.status(keys.SIMULATION_STATUS, {**pairs, **more})
        return [*story[:-1], *last.story]

    return change


def without(story: Story, *topics: str) -> Story:
    return [(topic, msg) for topic, msg in story if topic not in topics]


def shared(evaluation: Evaluation, *but: str) -> dict[str, object]:
    """Figures that do not tell of the bag itself."""
    left_out = {"bag", "problems", "communication", *but}
    return {key: value for key, value in evaluation.figures().items() if key not in left_out}


def test_a_recorded_run_is_judged_as_it_was_when_it_was_made(told: Told, evaluation: Evaluation, bag: Path) -> None:
    figures, episode = evaluation.figures(), told.episode
    assert episode.makespan is not None
    assert told.delays is not None
    assert (figures["world"], figures["robots"], figures["seed"], figures["simulated"]) == (WORLD, ROBOTS, SEED, True)
    assert (figures["reached"], figures["collisions"]) == (episode.reached, told.collisions)
    assert (figures["near_misses"], figures["deadlocks"]) == (told.near_misses, episode.deadlocks)
    assert figures["makespan_s"] == round(episode.makespan, 3)
    assert figures["sum_of_delays_s"] == pytest.approx(told.delays, abs=1e-3)
    assert (figures["bag"], figures["problems"]) == (str(bag), [])
    assert figures["duration_s"] == pytest.approx(episode.time - 0.1)


def test_so_is_what_no_demo_prints(told: Told, evaluation: Evaluation) -> None:
    figures: Any = evaluation.figures()
    assert figures["fleet"]["success"] == told.episode.success(told.collisions)
    assert figures["fleet"]["flow_time_s"] == pytest.approx(sum(told.episode.arrivals), abs=1e-3)
    assert figures["fleet"]["deadlock_time_s"] == 0.0
    assert 0.1 < figures["fleet"]["minimum_separation_m"] < 1.0
    assert 0.95 < figures["fleet"]["path_efficiency"] <= 1.0


def test_plans_are_scored_much_as_the_robots_scored_themselves(told: Told, evaluation: Evaluation) -> None:
    """They did so before their plans were rounded for the wire."""
    figures: Any = evaluation.figures()
    model, own = figures["world_model"], told.prediction
    assert own["accuracy"] is not None
    assert model["accuracy"] == pytest.approx(own["accuracy"], abs=0.03)
    assert model["fde_m"] == pytest.approx(own["fde_m"], abs=0.02)
    assert model["ade_m"] == pytest.approx(own["ade_m"], abs=0.02)
    assert model["coverage"]["90"] == pytest.approx(own["coverage"]["90"], abs=0.05)
    assert model["coverage"]["50"] is None  # intentions carry no such radius
    assert figures["prediction"] == {
        "accuracy": model["accuracy"],
        "ade_m": model["ade_m"]["5s"],
        "fde_m": model["fde_m"],
    }


def test_the_demos_figures_are_among_them(evaluation: Evaluation) -> None:
    assert tuple(evaluation.demo_figures()) == DEMO_KEYS
    assert evaluation.figures().items() >= evaluation.demo_figures().items()


def test_the_storage_does_not_matter_nor_how_it_is_read(
    told: Told, evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = recorded(tmp_path / "run", told.story, facts(), StoragePlugin.SQLITE3)
    for where, read in ((bag_reading, "intention_in"), (bag_wire, "answers"), (bag_reading, "odometry_and_frame")):
        monkeypatch.setattr(where, read, lambda data: None)  # as if it were encoded by another machine
    assert shared(evaluate_bag(other)) == shared(evaluation)


def test_robots_may_be_heard_in_any_order(told: Told, evaluation: Evaluation, tmp_path: Path) -> None:
    """Messages of about a step are shuffled, but those of each topic stay in their order."""
    draw, story = random.Random(3), told.story[:-1]
    mixed: Story = []
    for begin in range(0, len(story), 3 * ROBOTS):
        part = story[begin : begin + 3 * ROBOTS]
        by_topic = {topic: [msg for other, msg in part if other == topic] for topic, _ in part}
        order = [topic for topic, _ in part]
        draw.shuffle(order)
        mixed += [(topic, by_topic[topic].pop(0)) for topic in order]
    other = evaluate_bag(recorded(tmp_path / "run", [*mixed, told.story[-1]], facts()))
    assert shared(other) == shared(evaluation)


def test_a_bag_of_another_recorder_is_understood_by_what_the_simulation_says(
    told: Told, evaluation: Evaluation, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(world_file().encode()).hexdigest()
    said = BagFacts(WORLD, "", sha256, ROBOTS, SEED, varied=False).as_text()
    other = evaluate_bag(recorded(tmp_path / "run", told_by_simulation(**said)(told.story)))
    assert shared(other) == shared(evaluation)
    assert other.figures()["problems"] == []
    assert other.facts.world_sha256 == sha256


def test_a_world_that_is_another_one_here_is_not_taken_for_it(told: Told, tmp_path: Path) -> None:
    said = BagFacts(WORLD, "", "0" * 64, ROBOTS, SEED, varied=False).as_text()
    bag = recorded(tmp_path / "run", told_by_simulation(**said)(told.story))
    figures: Any = evaluate_bag(bag).figures()
    assert any("their hashes differ; goals are those on the topics" in line for line in figures["problems"])
    assert (figures["reached"], figures["sum_of_delays_s"]) == (ROBOTS, None)
    with pytest.raises(InputError, match=r"run: it was recorded in another world than what is 'doorway' here"):
        evaluate_bag(bag, WORLD)


def test_a_world_can_be_named_for_a_bag_that_does_not_hold_it(
    told: Told, evaluation: Evaluation, tmp_path: Path
) -> None:
    bag = recorded(tmp_path / "run", told.story, replace(facts(), world_file=""))
    assert evaluate_bag(bag).figures()["sum_of_delays_s"] is None  # /gone/doorway.yaml
    named = evaluate_bag(bag, WORLD)
    assert shared(named) == shared(evaluation)
    bare = recorded(tmp_path / "bare", told.story)
    with pytest.raises(InputError, match="tells neither how many robots there were nor their seed"):
        evaluate_bag(bare, WORLD)


def test_robots_that_nobody_simulated_are_judged_by_their_topics(
    told: Told, evaluation: Evaluation, tmp_path: Path
) -> None:
    figures: Any = evaluate_bag(recorded(tmp_path / "run", without(told.story, "/diagnostics"))).figures()
    simulated: Any = evaluation.figures()
    assert (figures["simulated"], figures["world"], figures["seed"]) == (False, None, None)
    assert (figures["collisions"], figures["sum_of_delays_s"], figures["realtime_factor"]) == (None, None, None)
    assert (figures["robots"], figures["reached"], figures["deadlocks"]) == (ROBOTS, ROBOTS, 0)
    assert figures["makespan_s"] == pytest.approx(simulated["makespan_s"] - 0.1)  # from the first odometry on
    assert figures["fleet"]["success"]
    for key in ("minimum_separation_m", "path_efficiency", "deadlock_time_s"):
        assert figures["fleet"][key] == simulated["fleet"][key]
    assert figures["world_model"] == simulated["world_model"]
    assert "collisions are not known" in figures["problems"][-1]


def test_a_robot_that_nobody_heard_is_named(told: Told, tmp_path: Path) -> None:
    story = without(told.story, "/robot_1/odom")
    figures: Any = evaluate_bag(recorded(tmp_path / "run", story, facts())).figures()
    assert figures["problems"] == ["robot_1 has no odometry in the bag: nobody knows where it was"]
    assert (figures["reached"], figures["makespan_s"]) == (ROBOTS, None)  # the former as the simulation counted
    assert figures["communication"]["lost"]["count"] == 0


def near(folder: Path, say: Callable[[BagMaker, str, float], None]) -> Any:
    """Figures of two robots without a simulation, 1 m apart on a map that each knows by transforms of its own.

    Args:
        say: what else a robot tells at a time.
    """
    with BagMaker(folder, clock=1.7e9) as bag:
        for robot, y in (("ada", 0.0), ("bob", 1.0)):
            bag.write(f"/{robot}/tf_static", transform(Pose2D(10.0, y, 0.0)))
        for k in range(100):
            for robot in ("ada", "bob"):
                x = 0.05 * k
                bag.odometry(f"/{robot}", Odometry(0.1 * k, Pose2D(x, 0.0, 0.0), 0.5, 0.0), "odom")
                bag.intention(intention(robot, seq=k + 1, stamp=0.1 * k, place=(x, 0.0)))
                say(bag, robot, 0.1 * k)
    return evaluate_bag(folder).figures()


def transform(pose: Pose2D) -> Any:
    said = Notebook()
    said.transform("map", "odom", pose)
    return said.story[0][1]


def test_each_robots_odometry_is_taken_to_the_map_by_its_own_transforms(tmp_path: Path) -> None:
    figures = near(tmp_path / "run", lambda bag, robot, time: None)
    assert (figures["robots"], figures["reached"], figures["near_misses"]) == (2, 0, 0)
    assert figures["duration_s"] == pytest.approx(9.9)
    assert figures["fleet"]["success"] is False
    assert "nothing tells the size of ada: it has no route" in figures["problems"]


def test_goals_may_be_told_by_the_robots_themselves(tmp_path: Path) -> None:
    def say(bag: BagMaker, robot: str, time: float) -> None:
        status = GoalStatus.REACHED if robot == "ada" and time > 5.0 else GoalStatus.ACTIVE
        if round(time * 10) % 10 == 0:
            bag.goal_state(GoalState(robot, 1, time, 1, status=status, x=20.0, y=0.0))

    figures = near(tmp_path / "run", say)
    assert (figures["reached"], figures["makespan_s"], figures["fleet"]["success"]) == (1, None, False)


def test_where_nothing_tells_what_frame_a_robot_is_in_that_is_said(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "run") as bag:
        bag.odometry("/ada", Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0), "odom")
        bag.intention(intention("ada", seq=1))
        bag.intention(intention("eve", seq=1))
    figures: Any = evaluate_bag(tmp_path / "run").figures()
    assert "the odometry of ada is in frame 'odom', and no transform tells where that is" in figures["problems"]
    assert "eve told 1 intentions and is no robot of this run" in figures["problems"]
    assert figures["fleet"]["success"] is None


def test_messages_that_are_impossible_are_refused_and_counted(told: Told, tmp_path: Path) -> None:
    extra = Notebook()
    for _ in range(2):
        extra.odometry("/robot_0", Odometry(1.0, Pose2D(float("nan"), 0.0, 0.0), 0.0, 0.0))
    extra.status(keys.SIMULATION_STATUS, {keys.TIME: "1.0"})  # of a version that says less
    story = [*told.story[:100], *extra.story, *told.story[100:]]
    problems: Any = evaluate_bag(recorded(tmp_path / "run", story, facts())).figures()["problems"]
    assert problems[0].startswith("2 messages refused: x of the odometry is nan")
    assert problems[1].startswith("1 messages refused: the status of 'simulation' lacks")


def test_messages_that_cannot_be_decoded_are_refused_and_counted_and_the_rest_is_judged(
    told: Told, evaluation: Evaluation, tmp_path: Path
) -> None:
    bag = tmp_path / "run"
    cut = b"\0\1\0\0" + bytes(16)
    with BagMaker(bag, facts=facts().as_text()) as maker:
        for number, (topic, msg) in enumerate(told.story):
            if number == 100:
                maker.write_bytes("/intentions", "ewm_ros/msg/Intention", cut)
                maker.write_bytes("/routes", "ewm_ros/msg/Route", cut)
                maker.write_bytes("/directives", "ewm_ros/msg/DirectiveSet", b"\0\1\0\0" + b"\xff" * 40)
            maker.write(topic, msg)
    found = evaluate_bag(bag)
    problems: Any = found.figures()["problems"]
    assert problems[:3] == [
        f"1 messages refused: what was published as ewm_ros/msg/{kind} cannot be decoded"
        for kind in ("Intention", "Route", "DirectiveSet")
    ]
    assert shared(found) == shared(evaluation)


def test_progress_goes_from_nothing_to_all(bag: Path) -> None:
    shares: list[float] = []
    evaluate_bag(bag, progress=shares.append)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert len(shares) > 2


def test_one_line_sums_it_up(evaluation: Evaluation) -> None:
    line = str(evaluation)
    assert line.startswith("the run ended after 34.8 simulated s: 3 of 3 robots at their goals, 0 collisions, 0 near")
    assert "makespan 33.9 s, prediction accuracy 0.97" in line
    assert evaluation.good


def test_a_run_that_was_interrupted_is_called_that_and_was_not_good(told: Told, tmp_path: Path) -> None:
    story = told_by_simulation(**{keys.FINISHED: "false", keys.COLLISIONS: "1"})(told.story)
    evaluation = evaluate_bag(recorded(tmp_path / "run", story, facts()))
    assert str(evaluation).startswith("the run was interrupted after")
    assert not evaluation.good


def empty(folder: Path) -> Path:
    with BagMaker(folder):
        pass
    return folder


def foreign(folder: Path) -> Path:
    with BagMaker(folder) as bag:
        bag.odometry("/carter", Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0))
    return folder


def outdated(folder: Path) -> Path:
    kind = "ewm_ros/msg/Grant"
    types = get_types_from_msg("uint32 region\nfloat64 enter\n", kind)
    store = type(TYPES)()
    store.register(types)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/grants", kind, typestore=store)
        writer.write(connection, 1, bytes(store.serialize_cdr(store.types[kind](1, 2.0), kind)))
    return folder


def torn(folder: Path) -> Path:
    foreign(folder)
    (file,) = folder.glob("*.mcap")
    file.write_bytes(file.read_bytes()[:-100])
    return folder


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (empty, "it is empty"),
        (foreign, "it has no topic of ewm_ros, such as /intentions, but /carter/odom"),
        (outdated, "ewm_ros/msg/Grant is defined otherwise in it than in this version"),
        (torn, "it is damaged or was never completed"),
        (lambda folder: folder, "does not exist"),
    ],
    ids=["empty", "foreign", "outdated", "torn", "missing"],
)
def test_what_cannot_be_evaluated_is_refused_in_one_line(
    make: Callable[[Path], Path], complaint: str, tmp_path: Path
) -> None:
    bag = make(tmp_path / "bag")
    with pytest.raises(InputError) as refused:
        evaluate_bag(bag)
    line = str(refused.value)
    assert line.startswith(f"bag {bag}: ")
    assert complaint in line
    assert "\n" not in line
