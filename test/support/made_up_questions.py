"""Questions to the adviser that a test needs in no situation of their own."""

from __future__ import annotations

import math

from ewm_ros.coordination.arbitration.question import Kind, Option, Party, Question, aliased, numbered
from ewm_ros.coordination.arbitration.site import Facts, Site, make_site
from ewm_ros.messages import Knot, Outcome, Plan

SITE = make_site(
    ["Blood samples pass before all others.", "Cleaning robots let everybody else pass."],
    [(0, {"carries": "blood samples"}), (1, {"does": "cleaning"})],
    {"laboratory": (8.0, 2.0)},
)  # fmt: skip


def made_up_plan(goal: str = "dock_3", outcome: Outcome = Outcome.PROGRESS, eta: float = math.inf) -> Plan:
    """A plan to stand at the map's origin."""
    return Plan(goal, outcome, eta, 0.91, (Knot(0.0, 0.0, 0.0, 0.0, 0.1),))


def made_up_party(robot: str, facts: Facts = (), place: str = "", waited: float = 0.0) -> Party:
    """A robot on its way."""
    return Party(robot, facts, place, (3.5, -2.0), made_up_plan(), waited)


def made_up_question(kind: Kind = "crossing", site: Site = SITE) -> Question:
    """Who of two robots of the site is to pass first: r1 carries blood samples to the laboratory, r2 cleans."""
    robots = [made_up_party("robot_0", site.facts_of("robot_0"), "laboratory")]
    robots.append(made_up_party("robot_1", site.facts_of("robot_1")))
    options = [
        Option(("r1", "r2"), waits={"r2": 4.2}, total=4.2),
        Option(("r2", "r1"), waits={"r1": 7.04}, total=7.04),
    ]
    return Question(kind, aliased(robots), numbered(options), site.rules_hash, (77,), ((1, 1), (1, 1)))
