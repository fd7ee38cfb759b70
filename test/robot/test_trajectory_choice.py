"""Which imagined future a robot tells: its own scorer's, or for a while the one that an adviser names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ewm_ros.coordination.arbitration.adviser import AdviserStatus, Reply
from ewm_ros.coordination.arbitration.prompt import prompt_of
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import Site, make_site
from ewm_ros.geometry import Pose2D
from ewm_ros.messages import Directive, DirectiveSet
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.agent import Action, IntegratedAgent
from ewm_ros.robot.trajectory_choice import LASTS, LATE, MOST, AdvisedChooser, LocalScorer, distinct_futures
from ewm_ros.robot.way_finder import Goal
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Observation
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Rollouts
from ewm_ros.world_model.predictor import Situation
from ewm_ros.world_model.validator import Validator

GOAL = Goal("dock", 2.0, 0.0)
RADIUS = 0.1  # m, that these futures are off by at most
WAIT, HALFWAY, ARRIVE = 0.0, 1.0, 2.0  # m that they drive east
SITE = make_site(["Who carries samples does not wait."], [("r0", {"carries": "samples"})], {"the dock": (2.0, 0.0)})


def future(metres: float, after: float = HORIZON * STEP, north: float = 0.0) -> np.ndarray:
    """(T, 3): evenly along a straight line from the origin, and then standing at its end."""
    share = np.minimum(STEP * np.arange(1, HORIZON + 1) / after, 1.0)
    return np.stack([metres * share, north * share, np.zeros(HORIZON)], axis=1)


def imagined(*futures: tuple[np.ndarray, float], radius: float = RADIUS, stamp: float = 0.0) -> Imagination:
    """Of rollouts and their probabilities."""
    radii = np.full((len(futures), HORIZON), radius)
    rollouts = Rollouts(stamp, np.array([poses for poses, _ in futures]), radii, 0.4 * radii)
    return Imagination(rollouts, tuple(probability for _, probability in futures))


WAIT_OR_ARRIVE = imagined((future(WAIT), 0.6), (future(ARRIVE, 4.0), 0.4))


@dataclass
class Oracle:
    """An adviser that answers what and when the test wants."""

    model: str = "oracle"
    asked: list[tuple[int, Question]] = field(default_factory=list)
    waiting: list[Reply] = field(default_factory=list)

    @property
    def status(self) -> AdviserStatus:
        return AdviserStatus("closed", "", math.nan, len(self.asked), 0, (0, 0))

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        self.asked.append((number, question))

    def replies(self, now: float) -> Sequence[Reply]:
        told, self.waiting = self.waiting, []
        return told

    def close(self) -> None:
        """It holds nothing."""

    def says(self, choice: str = "", failure: str = "", number: int | None = None) -> None:
        """Answer the newest question, or one of a number."""
        self.waiting.append(Reply(self.asked[-1][0] if number is None else number, choice, failure=failure))


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def chooser(oracle: Oracle) -> AdvisedChooser:
    return AdvisedChooser(oracle, SITE, "r0")


def test_without_an_adviser_the_most_probable_future_is_told() -> None:
    assert LocalScorer().choose(WAIT_OR_ARRIVE, GOAL, 0.0) == 0


def test_futures_that_end_in_the_same_place_are_one_and_nobody_is_asked(
    chooser: AdvisedChooser, oracle: Oracle
) -> None:
    same = imagined(*((future(ARRIVE, after), 0.25) for after in (2.0, 3.0, 4.0, 5.0)))
    assert len(distinct_futures(same, GOAL)) == 1
    assert {chooser.choose(same, GOAL, 0.1 * k) for k in range(100)} == {0}
    assert oracle.asked == []


def test_ends_that_the_robot_cannot_tell_apart_itself_are_one() -> None:
    futures = (future(HALFWAY), 0.5), (future(HALFWAY, north=0.5), 0.5)
    assert len(distinct_futures(imagined(*futures, radius=0.4), GOAL)) == 2
    assert len(distinct_futures(imagined(*futures, radius=0.6), GOAL)) == 1


def test_what_is_unlikely_is_not_on_offer(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(imagined((future(WAIT), 0.95), (future(ARRIVE), 0.05)), GOAL, 0.0)
    assert oracle.asked == []


def test_unlikely_futures_that_come_to_the_same_are_on_offer_together() -> None:
    few = imagined((future(WAIT), 0.88), (future(ARRIVE), 0.06), (future(ARRIVE, 3.0), 0.06))
    waits, arrives = distinct_futures(few, GOAL)
    assert (waits.rollout, arrives.rollout) == (0, 1)
    assert arrives.share == pytest.approx(0.12)


def test_of_many_futures_the_most_probable_ones_are_on_offer() -> None:
    chances = [0.16, 0.15, 0.15, 0.14, 0.14, 0.13, 0.13]
    spread = imagined(*((future(HALFWAY, north=k), chance) for k, chance in enumerate(chances)))
    assert sorted(f.rollout for f in distinct_futures(spread, GOAL)) == list(range(MOST))


def test_a_robot_without_a_goal_asks_nobody(chooser: AdvisedChooser, oracle: Oracle) -> None:
    assert chooser.choose(WAIT_OR_ARRIVE, None, 0.0) == 0
    assert oracle.asked == []


def test_the_futures_are_put_in_words_and_numbers(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(imagined((future(HALFWAY), 0.5), (future(ARRIVE, 4.0), 0.3), (future(WAIT), 0.2)), GOAL, 0.0)
    ((_, question),) = oracle.asked
    assert [option.deed for option in question.options.values()] == [
        "r1 stays where it is, 2.0 m from its goal; 20 % likely",
        "r1 is 1.0 m further on, 1.0 m from its goal; 50 % likely",
        "r1 is at its goal after 3.4 s; 30 % likely",  # at 0.5 m/s it is within 0.3 m of it then
    ]
    assert [option.total for option in question.options.values()] == pytest.approx([4.9, 0.0, 0.0])
    shown = prompt_of(question, SITE)
    assert "Who carries samples does not wait." in shown[0]["content"]
    assert '"carries":"samples"' in shown[1]["content"]
    assert '"goal":"the dock"' in shown[1]["content"]
    assert "r0" not in shown[1]["content"]


def test_until_the_answer_comes_the_local_scorer_decides_and_then_the_answer_does(
    chooser: AdvisedChooser, oracle: Oracle
) -> None:
    assert {chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.1 * k) for k in range(50)} == {0}
    assert len(oracle.asked) == 1
    oracle.says("o2")
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 5.0) == 1
    assert chooser.failure == ""


def test_an_answer_is_about_outcomes_whatever_place_they_have_among_the_rollouts(
    chooser: AdvisedChooser, oracle: Oracle
) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says("o2")
    turned = imagined((future(1.8, 3.0), 0.5), (future(0.05), 0.3), (future(0.0), 0.2))
    assert chooser.choose(turned, GOAL, 1.0) == 0


def test_an_answer_is_not_used_while_other_futures_are_on_offer(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says("o2")
    wait_or_drive = imagined((future(WAIT), 0.6), (future(HALFWAY), 0.4))
    assert chooser.choose(wait_or_drive, GOAL, 1.0) == 0
    assert chooser.choose(WAIT_OR_ARRIVE, Goal("dock", 2.1, 0.0), 1.1) == 0
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 1.2) == 1


def test_an_answer_is_not_used_for_ever_and_then_it_is_asked_again(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says("o2")
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 2.0) == 1
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 2.0 + LASTS) == 0
    assert [number for number, _ in oracle.asked] == [1, 2]


def test_an_answer_that_comes_too_late_is_not_used(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says("o2")
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, LATE + 1.0) == 0
    assert chooser.failure == "the answer came after 31 s"


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        ({"failure": "429: too many requests"}, "429: too many requests"),
        ({"choice": "o7"}, "the answer is none of the options"),
        ({}, "the answer is none of the options"),
    ],
)
def test_any_failure_leaves_the_local_scorer_s_choice_and_is_named(
    chooser: AdvisedChooser, oracle: Oracle, reply: dict[str, str], named: str
) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says(**reply)
    assert {chooser.choose(WAIT_OR_ARRIVE, GOAL, 1.0 + 0.1 * k) for k in range(round(LASTS / 0.1) - 1)} == {0}
    assert chooser.failure == named
    assert len(oracle.asked) == 1  # it is not bothered at once again
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 1.0 + LASTS)
    assert len(oracle.asked) == 2


def test_a_reply_to_a_question_that_was_not_put_is_passed_over(chooser: AdvisedChooser, oracle: Oracle) -> None:
    chooser.choose(WAIT_OR_ARRIVE, GOAL, 0.0)
    oracle.says("o2", number=99)
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 1.0) == 0
    oracle.says("o2")
    assert chooser.choose(WAIT_OR_ARRIVE, GOAL, 2.0) == 1


class Undecided:
    """A predictor that sees the robot wait or arrive."""

    source, drift = "closed form", ""

    def __init__(self) -> None:
        self.validator = Validator(0.3)

    def imagine(self, situation: Situation) -> Imagination:
        return WAIT_OR_ARRIVE

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """It is not judged."""


def test_the_robot_tells_the_future_that_was_chosen_and_drives_as_before(
    plant: Any, tinybot: RobotType, chooser: AdvisedChooser, oracle: Oracle
) -> None:
    floor = OccupancyGrid(0.05, (-3.0, -3.0), np.zeros((120, 120), dtype=np.bool_))

    def life(chooser: AdvisedChooser | None) -> list[Action]:
        """2 s of a robot that has the way free for it; from half of it on the adviser has answered, if there is one."""
        body, actions = plant(tinybot, Pose2D(0.0, 0.0, 0.0)), []
        robot = IntegratedAgent("r0", tinybot, boot=1, predictor=Undecided(), chooser=chooser)
        robot.set_map(floor)
        for k in range(20):
            if k == 10 and chooser is not None:
                oracle.says("o2")
            action = robot.think_and_act(Observation(body.odometry(0.1 * k), None), GOAL)
            told = action.intention
            order = Directive("r0", 1, told.seq, told.standing.route, 99.0)
            robot.receive_directives(DirectiveSet(1, k + 1, 0.1 * k, 1.0, (order,)), 0.1 * k)
            body.drive(action.command)
            actions.append(action)
        return actions

    advised, alone = life(chooser), life(None)
    assert [action.command for action in advised] == [action.command for action in alone]
    assert alone[-1].command.v > 0.3
    assert [action.intention for action in advised[:10]] == [action.intention for action in alone[:10]]
    assert {action.intention.plan.knots[-1].x for action in alone} == {0.0}
    assert {action.intention.plan.knots[-1].x for action in advised[10:]} == {ARRIVE}
    # Of a future that is two thirds as likely as the other, there is so much less to be had.
    assert (advised[-1].intention.plan.confidence, alone[-1].intention.plan.confidence) == (0.6, 0.9)
