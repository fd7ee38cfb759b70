"""Right of way without a coordinator: one at a time, by everybody's consent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from wire_values import Points, route

from ewm_ros.coordination.local_rule import LocalRule
from ewm_ros.coordination.peers import Peers
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Consent, Intention, Knot, Outcome, Plan, Standing

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
NORTH: Points = [(0.0, -5.0), (0.0, 5.0)]
FAR_AWAY: Points = [(-5.0, 9.0), (5.0, 9.0)]
Heard = Callable[[str, str], bool]


class LocalRobot:
    """A robot by the local rule alone, that drives to its hold point at once."""

    def __init__(self, name: str, points: Points) -> None:
        self.name, self.path = name, Polyline(points)
        self.route = route(name, points, boot=int(name[1:]) + 1)
        self.peers = Peers(name, self.route.boot)
        self.peers.book.put(self.route)
        self.rule = LocalRule(name, self.route.boot, self.peers)
        self.low = self.hold = 0.0
        self.seq = 0

    def decide(self) -> None:
        self.rule.consent(self.low, self.hold)
        self.hold = self.rule.proceed(self.low, self.hold, self.path.length, self.seq + 1)

    def speak(self) -> Intention:
        self.seq += 1
        here = self.path.point_at(self.low)
        plan = Plan("goal", Outcome.PROGRESS, math.inf, 1.0, (Knot(0.0, *here, 0.0, 0.1),))
        standing = Standing(
            route=1,
            progress=self.low,
            hold=self.hold,
            claim=self.rule.claim,
            claim_seq=self.rule.claim_seq,
            consents=self.rule.consents,
        )
        return Intention(self.name, self.route.boot, self.seq, 0.1 * self.seq, plan, standing)


class Scene:
    """Robots that speak in turn; every word reaches those that `heard` says."""

    def __init__(self, *ways: Points) -> None:
        self.robots = {f"r{i}": LocalRobot(f"r{i}", points) for i, points in enumerate(ways)}

    def introduce(self, lacking: str = "") -> None:
        """Everybody hears of everybody, as in the time that a robot only listens; one route may get lost."""
        for speaker in self.robots.values():
            said = speaker.speak()
            for listener in self.robots.values():
                listener.peers.receive_intention(said)
                if speaker.name != lacking:
                    listener.peers.receive_route(speaker.route)

    def round(self, heard: Heard = lambda speaker, listener: True, step: float = 0.5) -> None:
        for speaker in self.robots.values():
            speaker.decide()
            said = speaker.speak()
            for listener in self.robots.values():
                if heard(speaker.name, listener.name):
                    listener.peers.receive_intention(said)
            self.check()
        for robot in self.robots.values():
            robot.low = min(robot.low + step, robot.hold)

    def check(self) -> None:
        """No two hold ways that meet."""
        names = list(self.robots)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                one, other = self.robots[a], self.robots[b]
                space = one.peers.book.tight_space(a, b) if b in one.peers.book else None
                assert space is None or not space.blocked(one.low, one.hold, other.low, other.hold), (a, b)

    @property
    def holds(self) -> Mapping[str, float]:
        return {name: robot.hold for name, robot in self.robots.items()}

    @property
    def all_arrived(self) -> bool:
        return all(robot.low > robot.path.length - 0.01 for robot in self.robots.values())


def test_two_at_a_crossing_go_one_after_the_other_the_earlier_named_first() -> None:
    scene = Scene(EAST, NORTH)
    scene.introduce()
    order: list[str] = []
    for _ in range(80):
        scene.round()
        order += [name for name, hold in scene.holds.items() if hold > 0.0 and name not in order]
    assert order == ["r0", "r1"]
    assert scene.all_arrived


def test_of_two_that_claim_at_the_same_moment_only_the_later_named_consents() -> None:
    scene = Scene(EAST, NORTH)
    scene.introduce()
    r0, r1 = scene.robots.values()
    for _ in range(3):
        r0.decide()
        r1.decide()
        said, answered = r0.speak(), r1.speak()
        r1.peers.receive_intention(said)
        r0.peers.receive_intention(answered)
        assert r0.rule.consents == ()
        scene.check()
    assert scene.holds == {"r0": 10.0, "r1": 0.0}


def test_nobody_drives_before_the_other_has_consented() -> None:
    scene = Scene(EAST, NORTH)
    scene.introduce()
    first = scene.robots["r0"]
    for _ in range(9):
        scene.round(lambda speaker, listener: listener != "r0")  # r0 is deaf: it hears of no consent
        assert first.hold == 0.0
    assert Consent("r0", 1, first.rule.claim_seq) in scene.robots["r1"].rule.consents
    scene.round()
    scene.round()
    assert first.hold == 10.0


def test_ways_that_do_not_meet_are_driven_at_once() -> None:
    scene = Scene(EAST, FAR_AWAY)
    scene.introduce()
    for _ in range(6):
        scene.round()
    assert scene.holds == {"r0": 10.0, "r1": 10.0}


def test_one_that_cannot_be_heard_any_more_keeps_all_others_standing() -> None:
    scene = Scene(EAST, FAR_AWAY)
    scene.introduce()
    for _ in range(20):
        scene.round(lambda speaker, listener: speaker != "r1")
    assert scene.holds["r0"] == 0.0


def test_one_whose_route_has_not_come_keeps_the_others_standing() -> None:
    scene = Scene(EAST, FAR_AWAY)
    scene.introduce(lacking="r1")
    for _ in range(20):
        scene.round()
    assert scene.holds["r0"] == 0.0


def test_whose_goal_would_shut_another_out_lets_that_one_pass_first() -> None:
    scene = Scene([(-5.0, 0.0), (0.0, 0.0)], NORTH)
    scene.introduce()
    for _ in range(4):
        scene.round()
    assert scene.holds["r0"] == 0.0
    assert scene.holds["r1"] == 10.0
    for _ in range(60):
        scene.round()
    assert scene.all_arrived


def test_two_that_stand_in_each_others_way_stay_where_they_are() -> None:
    scene = Scene(EAST, [(5.0, 0.0), (-5.0, 0.0)])
    scene.introduce()
    for _ in range(20):
        scene.round()
    assert set(scene.holds.values()) == {0.0}


def test_a_consent_is_kept_until_the_claimant_is_through() -> None:
    scene = Scene(EAST, NORTH)
    scene.introduce()
    for _ in range(4):
        scene.round(step=0.0)
    assert scene.holds == {"r0": 10.0, "r1": 0.0}
    for _ in range(10):
        scene.round(step=0.0)  # r0 has its right of way, but does not drive
    assert scene.holds == {"r0": 10.0, "r1": 0.0}


def test_a_robot_alone_needs_nobodys_consent() -> None:
    robot = LocalRobot("r0", EAST)
    robot.decide()
    robot.speak()
    robot.decide()
    assert robot.hold == 10.0


def test_what_is_withdrawn_is_claimed_no_more() -> None:
    robot = LocalRobot("r0", EAST)
    robot.decide()
    assert (robot.rule.claim, robot.rule.claim_seq) == (10.0, 1)
    robot.rule.withdraw()
    assert math.isnan(robot.rule.claim)
    assert robot.rule.claim_seq == 0


COORDINATE = st.integers(-10, 10).map(lambda half: half / 2.0)
WAY = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=2, max_size=3)


@settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(WAY, min_size=2, max_size=4), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.3, 0.6]))
def test_two_never_both_conclude_that_they_may_enter(ways: Sequence[Points], random: object, loss: float) -> None:
    draw: Callable[[], float] = random.random  # type: ignore[attr-defined]
    starts = [way[0] for way in ways]
    assume(all(math.dist(a, b) >= 1.0 for i, a in enumerate(starts) for b in starts[:i]))
    scene = Scene(*ways)
    scene.introduce()
    for _ in range(40):
        scene.round(lambda speaker, listener: draw() >= loss)


@pytest.mark.parametrize("robots", [3, 5])
def test_all_of_a_circle_of_crossings_arrive(robots: int) -> None:
    ways = []
    for i in range(robots):
        turn = 2 * math.pi * i / robots
        ends = [(-5.0, -1.2), (5.0, -1.2)]
        ways.append(
            [(x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)) for x, y in ends]
        )
    scene = Scene(*ways)
    scene.introduce()
    for _ in range(60 * robots):
        scene.round()
    assert scene.all_arrived
