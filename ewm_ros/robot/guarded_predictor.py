"""The predictor that robots run: the learned one, watched, with the closed-form one to take over when it fails."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections import deque
from collections.abc import Collection, Sequence
from typing import Literal

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.robot.learned_predictor import LearnedPredictor, imagine_ahead
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot_type import RobotType
from ewm_ros.trajectory import HORIZON, Imagination, Rollouts
from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, Network, model_folder, shared_network
from ewm_ros.world_model.prediction_windows import PredictionWindows
from ewm_ros.world_model.predictor import Predictor, Situation
from ewm_ros.world_model.validator import Validator, learn_together, recalibrated

Source = Literal["learned", "closed form"]
DEFAULT = "default"  # the model that is shipped
NO_MODEL = "none"  # for robots that are to go by the closed form

# s between two windows on which both are judged: to run both each cycle would cost too much. Each robot has its own
# moment, by its name: fifty robots of one process that were all judged in the same cycle were late in it.
COMPARED_EVERY = 1.0
COMPARED = 30  # newest of these windows that are looked at
# Neighbours among them share 4 of their 5 s, so that one bad moment of the learned one costs it up to five: two are not
# enough yet.
BEHIND = 11  # windows by which the learned one has to have hit less to be replaced; it is back as soon as it is level


class GuardedPredictor:
    """Imagines with the learned predictor while that is fit for it, else with the closed form.

    It is out for good if it is missing, raises InputError, or gives anything but HORIZON finite poses a rollout. It is
    out for the time being while it drifts: while it has hit clearly fewer than the closed form of the newest windows
    on which both were judged. The one that is not in use goes on in the shadow, one imagination in COMPARED_EVERY.
    Each has a validator of its own, which recalibrates its radii.

    Args:
        robot_type: of the robot.
        learned: the learned predictor; None if there is none that runs.
        reason: why there is none.

    Attributes:
        source: which of the two imagines.
        reason: why it is the closed form, in one line; empty while it is not.
        takeovers: how often the closed form has taken over.
    """

    def __init__(self, robot_type: RobotType, learned: Predictor | None, reason: str = "") -> None:
        self.source: Source = "learned"
        self.reason = ""
        self.takeovers = 0
        self._learned = learned
        self._closed_form = NominalPredictor(robot_type)
        self._windows = PredictionWindows(predictors=2)
        self._validators: dict[Source, Validator] = {
            "learned": Validator(robot_type.radius, self._windows, predictor=0),
            "closed form": Validator(robot_type.radius, self._windows, predictor=1),
        }
        self._compared: deque[tuple[bool, bool]] = deque(maxlen=COMPARED)  # hits of the learned, of the closed form
        self._turn: int | None = None  # periods of COMPARED_EVERY that had begun when it imagined last
        if learned is None:
            self._give_up(reason or "there is no learned model")

    @property
    def validator(self) -> Validator:
        """Of the predictor in use: its accuracy, coverage and factors."""
        return self._validators[self.source]

    @property
    def drift(self) -> str:
        """What is wrong with the predictions, in one line; empty if nothing is."""
        return self.reason or self.validator.drift

    def imagine(self, situation: Situation) -> Imagination:
        """The recalibrated futures of the predictor in use. See Predictor."""
        return imagine_guarded([self], [situation])[0]

    def imagine_raw(self, situation: Situation) -> dict[Source, Imagination]:
        """What it imagines before recalibration: of the predictor in use, or of both when it is time to judge both."""
        compare = self._compares(situation)
        self._turn = _turn(situation)
        raw: dict[Source, Imagination] = {}
        if compare or self.source == "learned":
            learned = self._imagine_learned(situation)
            if learned is not None:
                raw["learned"] = learned
        elif isinstance(self._learned, LearnedPredictor):
            self._learned.remember(situation)  # or it would not know its last second when it is asked again
        if compare or self.source == "closed form":
            raw["closed form"] = self._closed_form.imagine(situation)
        return raw

    def validator_of(self, source: Source) -> Validator:
        """Of one of the two predictors."""
        return self._validators[source]

    @property
    def validators(self) -> Collection[Validator]:
        """Of both predictors."""
        return self._validators.values()

    def asks(self, situation: Situation) -> LearnedPredictor | None:
        """The learned predictor, if it is the one that `imagine` will ask about this situation."""
        if isinstance(self._learned, LearnedPredictor) and (self.source == "learned" or self._compares(situation)):
            return self._learned
        return None

    def _compares(self, situation: Situation) -> bool:
        """Whether it is time to judge both; when time has been set back, too."""
        return self._turn is not None and self._turn != _turn(situation)

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """Take where the robot really was; to be told once a cycle, before it imagines."""
        to_learned, to_closed = self._windows.happened(stamp, pose).split(2)
        of_closed = self._validators["closed form"].judge(to_closed)
        if self._learned is None:
            return
        of_learned = {verdict.stamp: verdict for verdict in self._validators["learned"].judge(to_learned)}
        for closed in of_closed:
            learned = of_learned.get(closed.stamp)
            if learned is not None and (learned.counts or closed.counts):
                self._compared.append((learned.hit, closed.hit))
                self._choose()

    def _imagine_learned(self, situation: Situation) -> Imagination | None:
        if self._learned is None:
            return None
        try:
            imagination = self._learned.imagine(situation)
        except InputError as error:
            self._give_up(str(error))
            return None
        if not _sound(imagination):
            self._give_up(f"the learned model gave something other than {HORIZON} finite poses")
            return None
        return imagination

    def _give_up(self, reason: str) -> None:
        """Do without the learned predictor from now on."""
        self._learned = None
        self._take_over(reason)

    def _take_over(self, reason: str) -> None:
        self.takeovers += self.source == "learned"
        self.source, self.reason = "closed form", reason

    def _choose(self) -> None:
        """Let the closed form take over from a learned predictor that drifts, and give way when it no longer does."""
        learned, closed = (sum(hits) for hits in zip(*self._compared, strict=True))
        if self.source == "learned" and closed - learned >= BEHIND:
            n = len(self._compared)
            self._take_over(
                f"accuracy {learned / n:.2f} over the last {n} windows compared, closed form {closed / n:.2f}"
            )
        elif self.source == "closed form" and closed <= learned:
            self.source, self.reason = "learned", ""


def imagine_guarded(predictors: Sequence[GuardedPredictor], situations: Sequence[Situation]) -> list[Imagination]:
    """GuardedPredictor.imagine of several robots at once: a network is run once for all that ask it."""
    asked: dict[Network, list[tuple[LearnedPredictor, Situation]]] = {}
    for predictor, situation in zip(predictors, situations, strict=True):
        learned = predictor.asks(situation)
        if learned is not None:
            asked.setdefault(learned.network, []).append((learned, situation))
    for questions in asked.values():
        imagine_ahead(*zip(*questions, strict=True))
    raw = [predictor.imagine_raw(situation) for predictor, situation in zip(predictors, situations, strict=True)]
    learn_together([validator for predictor in predictors for validator in predictor.validators])
    told: list[dict[Source, Imagination]] = [{} for _ in raw]
    alike: dict[tuple[Source, int], list[int]] = {}
    for k, imagined in enumerate(raw):
        for source, imagination in imagined.items():
            alike.setdefault((source, len(imagination.rollouts)), []).append(k)
    for (source, _), rows in alike.items():
        validators = [predictors[k].validator_of(source) for k in rows]
        for k, imagination in zip(rows, recalibrated(validators, [raw[k][source] for k in rows]), strict=True):
            told[k][source] = imagination
    return [imagined[predictor.source] for predictor, imagined in zip(predictors, told, strict=True)]


def load_predictor(robot_type: RobotType, model: str = DEFAULT) -> GuardedPredictor:
    """The predictor that a robot runs by default: of a model that is missing or broken it says why it does without.

    Args:
        model: a name in models/world_model, the path of a folder, or "none" for the closed form.
    """
    if model == NO_MODEL:
        return GuardedPredictor(robot_type, None, "no learned model was asked for")
    try:
        network = shared_network(model_folder(model))
    except InputError as error:
        return GuardedPredictor(robot_type, None, str(error))
    return GuardedPredictor(robot_type, LearnedPredictor(robot_type, network))


def check_model(model: str) -> None:
    """Raise InputError if a model that was asked for is not there; without the shipped one, robots do."""
    if model not in (DEFAULT, NO_MODEL):
        model_folder(model)


def model_sha256(model: str) -> str:
    """SHA-256 of a model's configuration followed by its network; empty for what robots do without.

    Raises:
        InputError: a file of it cannot be read.
    """
    if model == NO_MODEL:
        return ""
    try:
        folder = model_folder(model)
    except InputError:
        return ""
    paths = [path for path in (folder / CONFIG, folder / NETWORK) if path.is_file()]
    try:
        return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest() if paths else ""
    except OSError as error:
        raise InputError(f"world model {folder} cannot be read ({error.strerror})") from error


def _turn(situation: Situation) -> int:
    """How many periods of COMPARED_EVERY have begun, in which robots of different names are in different phases."""
    phase = zlib.crc32(situation.robot.encode()) / 2**32
    return math.floor(situation.observation.odometry.stamp / COMPARED_EVERY + phase)


def _sound(imagination: Imagination) -> bool:
    try:
        rollouts = Rollouts.of(imagination.rollouts)
    except ValueError:  # they are not all of the same length
        return False
    finite = math.isfinite(rollouts.poses.sum() + rollouts.radius.sum() + rollouts.median.sum())
    return rollouts.poses.shape[1] == HORIZON and finite
