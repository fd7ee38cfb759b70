"""A cycle of several robots of one process at once: what can be worked out for all of them together is."""

from __future__ import annotations

from collections.abc import Sequence

from ewm_ros.errors import InputError
from ewm_ros.nodes.cycle import Due
from ewm_ros.nodes.robot_unit import RobotUnit
from ewm_ros.robot.bystanders import notice_together
from ewm_ros.robot.shared_imagination import imagine_together, outline_together
from ewm_ros.world_model.predictor import Situation


def think_together(due: Sequence[tuple[RobotUnit, Due]]) -> None:
    """One cycle of each robot about what it is due to think about; what they see and imagine is worked out at once."""
    notice_together([unit.agent.bystanders for unit, _ in due], [observed.observation for _, observed in due])
    prepared: list[tuple[RobotUnit, Due, Situation]] = []
    for unit, observed in due:
        try:
            prepared.append((unit, observed, unit.perceive(observed)))
        except InputError as error:
            unit.hold_back(error)
    situations = [situation for _, _, situation in prepared]
    imaginations = imagine_together([unit.predictor for unit, _, _ in prepared], situations)
    outlines = outline_together(situations, imaginations)
    for (unit, observed, situation), imagination, outline in zip(prepared, imaginations, outlines, strict=True):
        try:
            unit.act(observed, situation, imagination, outline)
        except InputError as error:
            unit.hold_back(error)
