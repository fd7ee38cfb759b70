"""The reward of one step, term by term. docs/environments.md explains them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.physics.contacts import Contact

PROGRESS = 1.0  # per m that the robot has come nearer to its target, as the crow flies
ARRIVAL = 5.0  # when the robot comes to a goal of its own; taken back when it leaves it
FLEET = 5.0  # to everybody, times the change in the share of robots that are at goals of their own
DELIVERY = 5.0  # per order delivered
COLLISION = -5.0  # per contact that begins, to each robot in it
TIME = -0.01  # per step


def step_rewards(
    approached: FloatArray, arrived: FloatArray, delivered: FloatArray, contacts: FloatArray
) -> list[dict[str, float]]:
    """The terms of each robot's reward; its reward is their sum.

    Args:
        approached: (N,) m nearer to the target.
        arrived: (N,) 1 who has come to a goal of its own in this step, -1 who has left it.
        delivered: (N,) orders.
        contacts: (N,) that began.
    """
    table = {
        "progress": PROGRESS * approached,
        "arrival": ARRIVAL * arrived,
        "fleet": np.full(len(arrived), FLEET * arrived.mean()),
        "delivery": DELIVERY * delivered,
        "collision": COLLISION * contacts,
        "time": np.full(len(arrived), TIME),
    }
    return [{term: float(values[k]) for term, values in table.items()} for k in range(len(arrived))]


def counts(names: Sequence[str], contacts: Iterable[Contact]) -> FloatArray:
    """(N,) in how many contacts each robot takes part."""
    sides = [side for contact in contacts for side in (contact.robot, contact.other)]
    return np.array([sides.count(name) for name in names], dtype=np.float64)
