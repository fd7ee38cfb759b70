"""What is asked, when, and what becomes of the answers: the real coordinator, robots on rails, an adviser beside it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from in_process_adviser import Choose, InProcessAdviser, passes_first
from protocol_fleet import ProtocolFleet, crossing, roundabout

from ewm_ros.coordination.arbitration.arbiter import RETRY, Arbiter
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import NO_WORDS, Site, make_site
from ewm_ros.geometry import Polyline
from ewm_ros.messages import OUTCOMES, Arbitration
from ewm_ros.simulation.network import Faults

RULES = ["Robots with medicine pass before those with linen."]
WARD = make_site(RULES, [("r0", {"carries": "linen"}), ("r1", {"carries": "medicine"}), ("r2", {"carries": "post"})])
# r0 is there some seconds before r1: the solver lets it pass first.
CROSS = [Polyline([(-7.0, 0.0), (6.0, 0.0)]), Polyline([(0.0, -7.8), (0.0, 6.0)])]


class Run:
    """A fleet on rails, with one arbiter, and what it told."""

    def __init__(
        self,
        choose: Choose,
        site: Site = WARD,
        paths: list[Polyline] = CROSS,
        latency: float = 0.0,
        cache: AnswerCache | None = None,
        deadline: float = 120.0,
    ) -> None:
        self.adviser = InProcessAdviser(choose, latency)
        self.arbiter = Arbiter(site, self.adviser, cache, deadline=deadline)
        self.fleet = ProtocolFleet(paths, Faults(), arbiter=lambda: self.arbiter)
        self.fleet.start_coordinator()
        self.records: list[Arbitration] = []
        self.middle: list[str] = []  # robots in the order in which they come to the middle of the place

    def on(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Drive on for some time, or until something is so."""
        end = self.fleet.now + seconds
        while self.fleet.now < end and not until():
            self.fleet.step()
            self.records += self.arbiter.take_records()
            near = [r.name for r in self.fleet.robots if abs(r.place[0]) + abs(r.place[1]) < 0.3]
            self.middle += [name for name in near if name not in self.middle]

    def to_the_end(self) -> None:
        self.on(200.0, until=lambda: self.fleet.all_arrived)
        assert self.fleet.all_arrived

    @property
    def outcomes(self) -> list[str]:
        return [record.outcome for record in self.records]


def test_of_a_plain_crossing_nothing_is_asked() -> None:
    run = Run(passes_first("r1"), NO_WORDS)
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.adviser.asked == [] and run.records == []


def test_who_the_rules_say_passes_first_though_it_comes_later() -> None:
    run = Run(passes_first("r1"))
    run.to_the_end()
    assert run.middle == ["r1", "r0"]
    assert run.outcomes == ["asked", "applied"]
    asked, applied = run.records
    assert asked.kind == "crossing" and sorted(asked.robots) == ["r0", "r1"]
    (region,) = asked.regions
    assert region > 0
    assert [option.partition(": ")[0] for option in asked.options] == ["o1", "o2"]
    assert "linen" in asked.prompt and json.loads(asked.prompt)
    assert (applied.question, applied.source, applied.rationale) == (asked.question, "model", "as told")
    assert applied.chosen in ("o1", "o2") and applied.prompt == ""


def test_it_is_asked_as_soon_as_the_routes_are_known_and_only_once() -> None:
    run = Run(passes_first("r0"))
    run.on(2.0)
    assert len(run.adviser.asked) == 1
    run.to_the_end()
    assert len(run.adviser.asked) == 1
    assert run.middle == ["r0", "r1"]


def test_what_each_option_leads_to_is_told() -> None:
    run = Run(passes_first("r0"))
    run.on(2.0)
    (question,) = run.adviser.asked
    robots = {alias: party.robot for alias, party in question.parties.items()}
    waits = {robots[o.first[1]]: o.waits[o.first[1]] for o in question.options.values() if o.waits is not None}
    assert 0.0 < waits["r1"] < waits["r0"]  # r0 comes first: it would wait longer
    assert all(option.total > 0.0 for option in question.options.values())


def test_robots_that_words_do_not_tell_apart_are_not_asked_about_unless_the_solver_has_no_preference() -> None:
    twins = make_site(RULES, [("r0", {"carries": "linen"}), ("r1", {"carries": "linen"})])
    run = Run(passes_first("r1"), twins)
    run.to_the_end()
    assert run.adviser.asked == []
    even = [Polyline([(-7.0, 0.0), (6.0, 0.0)]), Polyline([(0.0, -7.0), (0.0, 6.0)])]
    run = Run(passes_first("r1"), twins, even)
    run.to_the_end()
    assert len(run.adviser.asked) == 1 and run.middle == ["r1", "r0"]


def test_facts_without_rules_are_reason_enough_and_rules_without_facts_too_where_places_differ() -> None:
    facts = make_site(roles=[("r1", {"carries": "a patient"})])
    run = Run(passes_first("r1"), facts)
    run.to_the_end()
    assert run.middle == ["r1", "r0"]
    places = make_site(["Whoever drives to the exit passes first."], places={"exit": (0.0, 6.0)})
    run = Run(passes_first("r1"), places)
    run.to_the_end()
    assert run.middle == ["r1", "r0"]
    assert {party.place for party in run.adviser.asked[0].parties.values()} == {"", "exit"}


def test_until_the_answer_is_there_the_solver_has_the_say() -> None:
    run = Run(passes_first("r1"), latency=1000.0)
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.outcomes[0] == "asked" and "applied" not in run.outcomes


def test_an_answer_that_comes_while_one_is_inside_is_stale() -> None:
    run = Run(passes_first("r1"), latency=13.0)
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.outcomes == ["asked", "stale"]
    assert run.records[1].source == "solver" and run.records[1].chosen


def test_a_grant_is_taken_back_while_its_holder_can_still_stop() -> None:
    """r0 has been granted the crossing and drives towards it; it stops, r1 passes, nobody is ever in danger."""
    run = Run(passes_first("r1"), latency=10.5)
    run.on(11.5)
    robot = run.fleet.robots[0]
    assert robot.place[0] > -3.5 and robot.rules.hold > 6.0  # well on its way, with the grant in its hands
    run.to_the_end()
    assert run.middle == ["r1", "r0"]
    assert run.outcomes == ["asked", "applied"]


def test_an_answer_after_the_deadline_changes_nothing_but_is_kept_for_the_next_time() -> None:
    cache = AnswerCache()
    run = Run(passes_first("r1"), latency=6.0, deadline=5.0, cache=cache)
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.outcomes == ["asked", "late"]
    again = Run(passes_first("r0"), latency=6.0, deadline=5.0, cache=cache)
    again.to_the_end()
    assert again.middle == ["r1", "r0"]
    assert again.adviser.asked == []
    assert [(record.outcome, record.source) for record in again.records] == [("applied", "cache")]
    assert "linen" in again.records[0].prompt


def test_no_usable_answer_leaves_the_solvers_and_is_asked_again_later_if_it_still_matters() -> None:
    run = Run(lambda question: "")
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.outcomes == ["asked", "failed: no answer"]
    far = [Polyline([(-40.0, 0.0), (6.0, 0.0)]), Polyline([(0.0, -40.8), (0.0, 6.0)])]
    run = Run(lambda question: "", paths=far)
    run.on(RETRY + 5.0)
    assert len(run.adviser.asked) == 2


def test_an_unknown_option_is_no_answer() -> None:
    run = Run(lambda question: "o9")
    run.to_the_end()
    assert run.middle == ["r0", "r1"]
    assert run.outcomes == ["asked", "failed: no known option was chosen"]


def test_the_answer_for_a_route_that_is_not_driven_any_more_is_stale() -> None:
    run = Run(passes_first("r1"), latency=4.0)
    run.on(3.0)
    run.fleet.robots[0].start()  # a new process, with a new route
    run.on(3.0)
    assert "stale" in run.outcomes
    run.to_the_end()


def test_orders_that_go_round_in_a_circle_cannot_all_be_applied() -> None:
    """Rock, paper, scissors: the third answer would leave all three waiting for each other."""
    beats = {("r0", "r1"), ("r1", "r2"), ("r2", "r0")}

    def choose(question: Question) -> str:
        for name, option in question.options.items():
            first, second = (question.parties[alias].robot for alias in option.first)
            if (first, second) in beats:
                return name
        raise AssertionError

    paths = [
        Polyline([(-7.0, 0.0), (6.0, 0.0)]),
        Polyline([(0.0, -7.0), (0.0, 6.0)]),
        Polyline([(5.0, -5.0), (-5.0, 5.0)]),
    ]
    run = Run(choose, paths=paths, latency=1.0)
    run.to_the_end()
    assert run.outcomes.count("asked") == 3
    assert run.outcomes.count("applied") == 2 and run.outcomes.count("unsafe") == 1


@pytest.mark.parametrize("robots", [3, 6, 8])
def test_in_one_cycle_at_most_one_question_is_put(robots: int) -> None:
    site = make_site(RULES, [(f"r{k}", {"carries": f"thing {k}"}) for k in range(robots)])
    run = Run(lambda question: "o1", site, crossing(robots))
    most = 0
    for _ in range(1200):
        before = len(run.adviser.asked)
        run.on(0.05)
        most = max(most, len(run.adviser.asked) - before)
        if run.fleet.all_arrived:
            break
    assert most == 1 and len(run.adviser.asked) >= robots - 1
    assert run.fleet.all_arrived


@pytest.mark.parametrize("choice", ["o1", "o2"])
def test_whatever_is_chosen_nobody_gets_stuck(choice: str) -> None:
    site = make_site(RULES, [(f"r{k}", {"carries": f"thing {k}"}) for k in range(6)])
    for paths in (crossing(6), roundabout(6)):
        run = Run(lambda question: choice, site, paths, latency=2.0)
        run.to_the_end()
        assert {outcome.partition(":")[0] for outcome in run.outcomes} <= set(OUTCOMES)


def test_closing_it_closes_what_it_holds() -> None:
    run = Run(passes_first("r0"))
    run.arbiter.close()
    assert run.adviser.closed
