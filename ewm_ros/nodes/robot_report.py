"""What a robot says of itself on /diagnostics, and in the log when another predictor foresees it."""

from __future__ import annotations

from collections import Counter

from diagnostic_msgs.msg import DiagnosticStatus

from ewm_ros import diagnostics_keys as keys
from ewm_ros.nodes import reporting
from ewm_ros.nodes.robot_unit import Phase, RobotUnit
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.robot.command_gate import ESTOP, OBSTACLE, STALE_ODOMETRY, STALE_SCAN
from ewm_ros.robot.guarded_predictor import GuardedPredictor

UNTHOUGHT = {Phase.RESTING: "inactive", Phase.LISTENING: "starting"}  # and sensors are awaited in the other phases


class RobotReport:
    """Tells of one robot, whenever it is asked.

    Args:
        host: the node that hosts the robot; its refused messages count as the robot's too.
        unit: the robot.
    """

    def __init__(self, host: TopicNode, unit: RobotUnit) -> None:
        self._host, self._unit = host, unit
        self._foreseen_by: tuple[str, str] | None = None

    def status(self, lifecycle: str) -> DiagnosticStatus:
        """The robot's status since the last one.

        Args:
            lifecycle: state of the host.
        """
        unit = self._unit
        self._mind_the_predictor(unit.predictor)
        action, gate = unit.action, unit.gated.reason
        state = action.state if action is not None else "waiting for sensors"
        if not unit.active:
            state = UNTHOUGHT.get(unit.phase, state)
        values = {
            keys.STATE: state,
            keys.LIFECYCLE: lifecycle,
            keys.COORDINATOR: keys.HEARD if unit.hears_coordinator else keys.SILENT,
            keys.WAITS_FOR: ",".join(action.intention.standing.waits_for) if action is not None else "",
            keys.MODE: keys.LOCAL if unit.agent.right_of_way.local else keys.COORDINATED,
            keys.GATE: gate,
            keys.CYCLE_MS: unit.answers.cycle_ms.take(),
            keys.OBSERVE_TO_INTENTION_MS: unit.intention_ms.take(),
            keys.INTENTION_BYTES: unit.intention_bytes.take(),
            keys.DROPPED: keys.join_counts(Counter(self._host.drops.counts) + unit.drops.counts),
            keys.PREDICTOR: unit.predictor.source,
            keys.DRIFT: unit.predictor.drift,
            **_prediction(unit.predictor),
        }
        text = ESTOP if gate == ESTOP else state
        return reporting.status(keys.ROBOT_STATUS.format(robot=unit.name), unit.name, self._level(state), text, values)

    def _level(self, state: str) -> bytes:
        gate = self._unit.gated.reason
        if gate in (STALE_ODOMETRY, STALE_SCAN):
            return reporting.ERROR
        if gate not in ("", OBSTACLE) or state in ("no way", "blocked") or self._unit.predictor.drift:
            return reporting.WARN
        return reporting.OK

    def _mind_the_predictor(self, predictor: GuardedPredictor) -> None:
        """Say in the log when the closed form takes over, why, and when the learned model is back."""
        now = (predictor.source, predictor.reason)
        if now == self._foreseen_by:
            return
        log = self._host.get_logger()
        if predictor.reason:
            log.warning(f"the closed-form predictor foresees {self._unit.name}: {predictor.reason}")
        elif self._foreseen_by is not None:
            log.info(f"the learned world model foresees {self._unit.name} again")
        self._foreseen_by = now


def _prediction(predictor: GuardedPredictor) -> dict[str, str]:
    """How well the robot has foreseen itself so far."""
    validator = predictor.validator
    detail = validator.sums.detail()
    return {
        keys.ACCURACY: keys.number(detail["accuracy"]),
        keys.COVERAGE: keys.number(detail["coverage"]["90"]),
        keys.RADIUS_FACTOR: keys.number(validator.factor),
    }
