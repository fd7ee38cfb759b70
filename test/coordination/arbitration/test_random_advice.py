"""Whatever an adviser says, whenever: on faulty networks nobody is ever in danger, and all arrive."""

from __future__ import annotations

import random

import protocol_fleet
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from in_process_adviser import InProcessAdviser
from protocol_fleet import ProtocolFleet, corridor, crossing, roundabout

from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.site import make_site
from ewm_ros.geometry import Polyline
from ewm_ros.simulation.network import Faults

PLACES = {"crossing": crossing, "corridor": corridor, "roundabout": roundabout}
SITE = make_site(["The heavier load passes first."], [(f"r{k}", {"carries": f"{k} kg"}) for k in range(8)])

FAULTS = st.builds(
    Faults,
    loss=st.sampled_from([0.0, 0.3, 0.7]),
    delay=st.sampled_from([0.0, 0.3, 0.9]),
    duplication=st.sampled_from([0.0, 0.3]),
)
EVENT = st.tuples(st.integers(20, 500), st.sampled_from(["kill", "start", "restart r0", "restart r1"]))


def live_through(
    place: str, robots: int, faults: Faults, seed: int, latency: float, cached: bool, events: list[tuple[int, str]]
) -> None:
    luck = random.Random(seed)
    cache = AnswerCache() if cached else None

    def arbiter() -> Arbiter:
        adviser = InProcessAdviser(lambda question: luck.choice([*question.options, "", "o9"]), latency)
        return Arbiter(SITE, adviser, cache, deadline=15.0)

    fleet = ProtocolFleet(PLACES[place](robots), faults, seed, arbiter=arbiter)
    fleet.start_coordinator()
    happening = sorted(events)
    for tick in range(600):
        while happening and happening[0][0] == tick:
            event = happening.pop(0)[1]
            if event == "kill":
                fleet.kill_coordinators()
            elif event == "start":
                fleet.start_coordinator()
            else:
                fleet.robots[int(event[-1])].start()
        fleet.step()
    fleet.heal()
    if not fleet.coordinators:
        fleet.start_coordinator()
    for _ in range(3000):
        if fleet.all_arrived:
            break
        fleet.step()
    assert fleet.all_arrived


LANE = [
    Polyline([(-6.0, 3.0), (-3.0, 0.0), (3.0, 0.0), (6.0, 3.0)]),
    Polyline([(6.0, -3.0), (3.0, 0.0), (-3.0, 0.0), (-6.0, -3.0)]),
]


# Cases in which the preferred robot was let into a lane that the other one could not stop before any more.
@pytest.mark.parametrize(
    ("speed", "delay", "latency"), [(0.5, 0.1, 6.5), (0.5, 0.2, 6.4), (0.7, 0.0, 4.7), (1.0, 0.0, 3.2), (1.0, 0.0, 3.3)]
)
def test_an_answer_just_before_one_enters_a_lane_does_not_leave_both_in_it(
    speed: float, delay: float, latency: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_fleet, "SPEED", speed)
    dearest = InProcessAdviser(lambda question: max(question.options, key=lambda o: question.options[o].total), latency)
    arbiter = Arbiter(SITE, dearest)
    fleet = ProtocolFleet(LANE, Faults(delay=delay), round(10 * latency), arbiter=lambda: arbiter)
    fleet.start_coordinator()
    for _ in range(1500):
        if fleet.all_arrived:
            break
        fleet.step()
    assert fleet.all_arrived


# Shrinking a failure would take longer than all the rest: the failing case is printed as it was drawn.
ANY_CASE = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@settings(ANY_CASE, max_examples=12, derandomize=True)
@given(
    place=st.sampled_from(sorted(PLACES)),
    robots=st.integers(3, 5),
    faults=FAULTS,
    seed=st.integers(0, 999),
    latency=st.sampled_from([0.0, 1.0, 5.0, 20.0]),
    cached=st.booleans(),
    events=st.lists(EVENT, max_size=3),
)
def test_nobody_touches_anybody_and_all_arrive(
    place: str, robots: int, faults: Faults, seed: int, latency: float, cached: bool, events: list[tuple[int, str]]
) -> None:
    live_through(place, robots, faults, seed, latency, cached, events)


@pytest.mark.campaign
@settings(ANY_CASE, max_examples=400)
@given(
    place=st.sampled_from(sorted(PLACES)),
    robots=st.integers(3, 6),
    faults=FAULTS,
    seed=st.integers(0, 999),
    latency=st.sampled_from([0.0, 0.3, 1.0, 5.0, 20.0]),
    cached=st.booleans(),
    events=st.lists(EVENT, max_size=5),
)
def test_a_long_campaign_of_the_same(
    place: str, robots: int, faults: Faults, seed: int, latency: float, cached: bool, events: list[tuple[int, str]]
) -> None:
    live_through(place, robots, faults, seed, latency, cached, events)
