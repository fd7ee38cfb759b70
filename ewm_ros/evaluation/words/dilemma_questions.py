"""The questions that come of dilemmas: each is driven in lockstep until its coordinator asks what the words decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ewm_ros.coordination.arbitration.adviser import AdviserStatus, Reply
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.errors import InputError
from ewm_ros.evaluation.words.dilemmas import Dilemma
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.world_model.predictor import WatchedPredictor

PATIENCE = 60.0  # s of simulated time in which a dilemma has to come to its question


@dataclass(frozen=True, slots=True)
class Posed:
    """A question that words decide.

    Attributes:
        right: ids of the options that comply with the site's words.
    """

    dilemma: Dilemma
    question: Question
    right: tuple[str, ...]

    @property
    def solvers(self) -> str:
        """Id of the option that the solver takes by itself: that of the least delay, of a deadlock the least way."""
        options = self.question.options
        return min(options, key=lambda name: (options[name].total, options[name].longer, name))


def posed(dilemma: Dilemma, seed: int) -> Posed:
    """Drive a dilemma until it is asked about.

    Raises:
        InputError: it does not come to a question that the words decide.
    """
    listener = _Listener()

    def closed_form(robot_type: RobotType) -> WatchedPredictor:
        return load_predictor(robot_type, "none")

    fleet = Fleet(dilemma.scenario(seed), predictor=closed_form, arbiter=lambda site: Arbiter(site, listener))
    try:
        while fleet.world.time < PATIENCE:
            fleet.step()
            while listener.asked:
                question = listener.asked.pop(0)
                verdicts = {name: dilemma.complies(question, name) for name in question.options}
                if None not in verdicts.values() and len(set(verdicts.values())) > 1:
                    return Posed(dilemma, question, tuple(name for name, good in verdicts.items() if good))
    finally:
        fleet.close()
    raise InputError(f"{dilemma.path}: in {PATIENCE:.0f} s nothing is asked that the words of the site decide")


class _Listener:
    """Remembers what it is asked, and answers nothing."""

    model = "nobody"
    status = AdviserStatus("closed", "", math.nan, 0, 0, (0, 0))

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        self.asked.append(question)

    def replies(self, now: float) -> Sequence[Reply]:
        return ()

    def close(self) -> None:
        pass
