"""The shipped dilemmas are what they are said to be, and answers to them are judged by the words of their sites."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from made_up_questions import made_up_party

from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.question import Kind, Option, Question, aliased, numbered
from ewm_ros.coordination.arbitration.reply import Answer
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.runs import RunSpec, play, run
from ewm_ros.evaluation.words.dilemma_questions import posed
from ewm_ros.evaluation.words.dilemmas import Dilemma, Part, load_dilemma, load_dilemmas
from ewm_ros.evaluation.words.oracle import OracleAdviser
from ewm_ros.names import robot_name
from ewm_ros.resources import available
from ewm_ros.robot.guarded_predictor import GuardedPredictor, load_predictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet

PARTS: tuple[Part, ...] = ("prompt", "figure")
DILEMMAS = load_dilemmas()
# One of each kind of floor.
SAMPLE = (
    "dilemma-prompt-01-milk",
    "dilemma-figure-22-two-hot-lots",
    "dilemma-prompt-15-scrap",
    "dilemma-figure-03-laundry",
    "dilemma-prompt-09-patrol",
    "dilemma-figure-09-dung",
    "dilemma-prompt-29-two-couriers",
    "dilemma-figure-14-frame",
)

YARD = """
name: yard
bounds: {x: [-5, 5], y: [-5, 5]}
robots:
  model: tinybot
  count: {min: 3, max: 3, default: 3}
  starts: [[-4, 2, 0], [4, 0, 3.14], [-4, -2, 0]]
  goals: [[4, 2], [-4, 0], [4, -2]]
"""


def yard(tmp_path: Path, expected: str) -> Dilemma:
    """A world of three robots of which this is expected."""
    path = tmp_path / "yard.yaml"
    path.write_text(f"{YARD}expected: {expected}\n", encoding="utf-8")
    return load_dilemma(path)


def question(robots: int, *options: Option, kind: Kind = "crossing") -> Question:
    """About this many robots; r1 is robot 0 and so on, o1, o2, ... are in the order of what is done."""
    return Question(kind, aliased(made_up_party(robot_name(i)) for i in range(robots)), numbered(options), "")


def verdicts(dilemma: Dilemma, asked: Question) -> dict[str, bool | None]:
    """What is thought of each option, by what is done."""
    return {option.deed: dilemma.complies(asked, name) for name, option in asked.options.items()}


# --- judging ---


def test_who_passes_first_is_judged_by_the_tiers(tmp_path: Path) -> None:
    asked = question(2, Option(("r1", "r2")), Option(("r2", "r1")))
    dilemma = yard(tmp_path, "{set: figure, order: [[1], [0], [2]]}")
    assert verdicts(dilemma, asked) == {"r1 before r2": False, "r2 before r1": True}
    assert dilemma.right_options(asked) == ("o2",)


def test_an_order_of_three_complies_only_as_a_whole(tmp_path: Path) -> None:
    dilemma = yard(tmp_path, "{set: figure, order: [[0], [1, 2]]}")
    orders = [("r1", "r2", "r3"), ("r1", "r3", "r2"), ("r2", "r1", "r3"), ("r2", "r3", "r1")]
    assert list(verdicts(dilemma, question(3, *map(Option, orders))).values()) == [True, True, False, False]


def test_of_robots_in_one_tier_nothing_is_said(tmp_path: Path) -> None:
    dilemma = yard(tmp_path, "{set: figure, order: [[0, 1], [2]]}")
    asked = question(2, Option(("r1", "r2")), Option(("r2", "r1")))
    assert set(verdicts(dilemma, asked).values()) == {None}
    assert dilemma.right_options(asked) == ()


def test_a_robot_that_is_shown_but_passes_nobody_is_left_out(tmp_path: Path) -> None:
    dilemma = yard(tmp_path, "{set: figure, order: [[2], [0], [1]]}")
    assert dilemma.right_options(question(3, Option(("r1", "r2")), Option(("r2", "r1")))) == ("o1",)


def test_who_passes_first_passes_before_all_that_are_shown(tmp_path: Path) -> None:
    dilemma = yard(tmp_path, "{set: figure, passes: [2]}")
    assert dilemma.right_options(question(3, Option(("r1",)), Option(("r3",)), kind="deadlock")) == ("o2",)


@pytest.mark.parametrize("expected", ["{set: prompt, passes: [0]}", "{set: prompt, aside: [1, 2]}"])
def test_in_a_deadlock_the_right_ones_move_aside(tmp_path: Path, expected: str) -> None:
    away, both = Option(("r2",), aside=("r1",)), Option(("r1",), aside=("r2", "r3"))
    asked = question(3, away, both, kind="deadlock")
    assert verdicts(yard(tmp_path, expected), asked) == {away.deed: False, both.deed: True}


def test_of_one_that_goes_round_the_words_say_nothing(tmp_path: Path) -> None:
    round_them, aside = Option(("r1",), round=True), Option(("r1",), aside=("r2",))
    asked = question(2, round_them, aside, kind="deadlock")
    assert verdicts(yard(tmp_path, "{set: prompt, passes: [1]}"), asked) == {round_them.deed: None, aside.deed: False}


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ("{}", "expected.set: Field required"),
        ("{set: training, passes: [0]}", "expected.set: Input should be 'prompt' or 'figure'"),
        ("{set: prompt}", "expected: needs one of order, passes and aside"),
        ("{set: prompt, passes: [0], aside: [1]}", "expected: needs one of order, passes and aside"),
        ("{set: prompt, first: [0]}", "expected.first: Extra inputs are not permitted"),
        ("{set: prompt, order: [[0, 1, 2]]}", "expected.order: Tuple should have at least 2 items"),
        ("{set: prompt, order: [[0], [], [1, 2]]}", "expected.order.1: Tuple should have at least 1 item"),
        ("{set: prompt, order: [[0], 1, [2]]}", "expected.order.1: Input should be a valid tuple"),
        ("{set: prompt, order: [[0], [1.0], [2]]}", "expected.order.1.0: Input should be a valid integer"),
        ("{set: prompt, order: [[0], [1]]}", "expected: speaks of robots 0, 1; there are 0 to 2, each counts once"),
        ("{set: prompt, order: [[0], [1, 0], [2]]}", "expected: speaks of robots 0, 1, 0, 2; there are 0 to 2"),
        ("{set: prompt, passes: [3]}", "expected: speaks of robots 3, 0, 1, 2; there are 0 to 2, each counts once"),
        ("{set: prompt, aside: [2, 0, 1]}", "expected: names all robots, which leaves nobody"),
    ],
)
def test_a_wrong_expectation_is_refused_with_one_line(tmp_path: Path, expected: str, complaint: str) -> None:
    with pytest.raises(InputError) as refusal:
        yard(tmp_path, expected)
    assert str(refusal.value).startswith(f"{tmp_path / 'yard.yaml'}: {complaint}")
    assert "\n" not in str(refusal.value)


# --- what is shipped ---


@pytest.mark.parametrize("part", PARTS)
def test_there_are_enough_of_both_kinds_in_each_half(part: Part) -> None:
    found = load_dilemmas(part)
    assert len(found) >= 24
    assert {dilemma.part for dilemma in found} == {part}
    assert sum("order" not in dilemma.world.expected for dilemma in found) >= 5


@pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda dilemma: dilemma.path.stem)
def test_each_can_be_judged_by_hand(dilemma: Dilemma) -> None:
    world = dilemma.world
    assert world.name == dilemma.path.stem == f"dilemma-{dilemma.part}-{world.name.split('-', 2)[2]}"
    assert world.rules
    assert "(rule" in world.description  # which rule it is that decides
    words = [(world.site.facts_of(robot_name(i)), world.site.place_at(*g)) for i, g in enumerate(world.robots.goals)]
    for earlier, tier in enumerate(dilemma.tiers):
        later = [i for other in dilemma.tiers[earlier + 1 :] for i in other]
        assert not {words[i] for i in tier} & {words[i] for i in later}  # words could not tell them apart


def test_the_halves_share_no_rule_no_site_and_no_kind_of_fact() -> None:
    """What is tried on the one half must not be fitted to the other."""
    rules, sites, keys = (
        [{said for dilemma in DILEMMAS if dilemma.part == part for said in of(dilemma)} for part in PARTS]
        for of in (
            lambda dilemma: dilemma.world.rules,
            lambda dilemma: [dilemma.world.description.partition(".")[0]],
            lambda dilemma: [key for role in dilemma.world.roles for key in role.__pydantic_extra__],
        )
    )
    assert not rules[0] & rules[1]
    assert not sites[0] & sites[1]
    assert not keys[0] & keys[1]


@pytest.mark.parametrize("part", PARTS)
def test_neither_an_index_nor_an_alias_nor_the_first_option_gives_the_answer_away(part: Part) -> None:
    found = load_dilemmas(part)
    index = alias = option = 0
    for dilemma in found:
        site, goals = dilemma.world.site, dilemma.world.robots.goals
        robots = [
            made_up_party(robot_name(i), site.facts_of(robot_name(i)), site.place_at(*g)) for i, g in enumerate(goals)
        ]
        first = next(iter(aliased(robots).values())).robot
        passes = robot_name(0) in [robot_name(i) for i in dilemma.tiers[0]]
        named = first in [robot_name(i) for i in dilemma.tiers[0]]
        index, alias = index + passes, alias + named
        option += named if "order" in dilemma.world.expected else not named
    assert all(0.4 <= count / len(found) <= 0.6 for count in (index, alias, option))


def test_they_are_named_apart_from_the_nine_worlds() -> None:
    assert not [name for name in available("worlds", ".yaml") if name.startswith("dilemma")]


# --- driven ---


def check_the_question(dilemma: Dilemma, seed: int) -> bool:
    """It comes, and some but not all of its options comply; whether the solver's does."""
    asked = posed(dilemma, seed)
    assert (asked.question.kind == "deadlock") == ("order" not in dilemma.world.expected)
    assert 0 < len(asked.right) < len(asked.question.options)
    return asked.solvers in asked.right


@pytest.mark.parametrize("name", SAMPLE)
def test_the_words_are_asked_about(name: str) -> None:
    check_the_question(next(d for d in DILEMMAS if d.world.name == name), seed=0)


@pytest.mark.campaign
@pytest.mark.parametrize("part", PARTS)
def test_the_words_are_asked_about_in_all_and_arithmetic_gets_half_of_them_right(part: Part) -> None:
    found = load_dilemmas(part)
    for seed in range(5):
        assert 0.4 <= sum(check_the_question(dilemma, seed) for dilemma in found) / len(found) <= 0.6


def check_the_drive(dilemma: Dilemma, seed: int, folder: Path) -> None:
    """Whoever is asked goes by what is expected: so it is done, and all arrive without touching anything."""
    asked = posed(dilemma, seed)
    adviser = OracleAdviser({robot_name(i): rank for rank, tier in enumerate(dilemma.tiers) for i in tier})
    answers = AnswerCache(folder / "answers.sqlite")  # a deadlock is not kept up until somebody answers
    answers.put(asked.question, adviser.model, Answer(asked.right[0], "as expected"))
    fleet = Fleet(
        dilemma.scenario(seed), predictor=closed_form, arbiter=lambda site: Arbiter(site, adviser, answers)
    )  # fmt: skip
    try:
        episode, _ = play(fleet)
        assert episode.success(fleet.world.collisions)
        assert episode.deadlocks == 0
    finally:
        fleet.close()
    assert {told.outcome for told in fleet.arbitrations} <= {"asked", "applied"}
    arrived = [[episode.arrivals[i] for i in tier] for tier in dilemma.tiers]
    assert all(max(first) < min(later) for first, later in pairwise(arrived))


def closed_form(robot_type: RobotType) -> GuardedPredictor:
    """Foresees by the robot's own controller: quicker than a model, and nothing here depends on it."""
    return load_predictor(robot_type, "none")


@pytest.mark.parametrize("name", [SAMPLE[0], SAMPLE[5]])
def test_what_the_words_ask_for_is_done(name: str, tmp_path: Path) -> None:
    check_the_drive(next(d for d in DILEMMAS if d.world.name == name), 0, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda dilemma: dilemma.path.stem)
def test_what_the_words_ask_for_is_done_in_all(dilemma: Dilemma, seed: int, tmp_path: Path) -> None:
    check_the_drive(dilemma, seed, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda dilemma: dilemma.path.stem)
def test_nobody_touches_anything_where_nobody_is_asked(dilemma: Dilemma, seed: int) -> None:
    result = run(RunSpec(str(dilemma.path), dilemma.world.robots.count.default, seed, "intention", model="none"))
    assert (result.success, result.deadlocks) == (True, 0)
