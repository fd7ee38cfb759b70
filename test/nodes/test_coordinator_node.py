import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros.nodes import topics

pytestmark = pytest.mark.ros

OFF = "[coordinator]: no arbiter: the coordinator decides alone (parameter arbiter names a preset)"


def test_it_ends_cleanly(graph, ending_signal):
    process = graph.start("coordinator_node")
    sets = graph.collect(topics.DIRECTIVES)
    graph.spin_until(lambda: sets)
    status, stderr = process.end(ending_signal)
    assert status == 0
    (line,) = stderr.splitlines()
    assert line.endswith(OFF)


def test_without_robots_it_gives_signs_of_life_ten_times_a_second(graph):
    graph.start("coordinator_node")
    sets = graph.collect(topics.DIRECTIVES)
    graph.spin_until(lambda: len(sets) >= 10)
    assert len({msg.coordinator for msg in sets}) == 1
    assert [msg.epoch for msg in sets] == sorted({msg.epoch for msg in sets})


def test_a_second_coordinator_refuses_to_start(graph):
    first = graph.start("coordinator_node")
    sets = graph.collect(topics.DIRECTIVES)
    graph.spin_until(lambda: len(sets) >= 5)
    second = graph.start("coordinator_node")
    graph.spin_until(lambda: not second.running)
    status, stderr = second.end()
    nonce = sets[0].coordinator
    line = f"coordinator_node: another coordinator (nonce {nonce}) is already running: stop it first\n"
    assert status == 2
    assert stderr.endswith(f"{OFF}\n{line}")
    assert first.running


def test_it_answers_a_robot_and_shows_its_plan(graph, base):
    graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    sets, pictures = graph.collect(topics.DIRECTIVES), graph.collect(topics.MARKERS)
    said = graph.collect(topics.DIAGNOSTICS)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: any(order.hold > 1.0 for msg in sets for order in msg.directives))
    graph.spin_until(lambda: any(marker.ns == "plan/robot_0" for msg in pictures for marker in msg.markers))
    graph.spin_until(
        lambda: any(
            pair.key == keys.ROBOTS and pair.value == "1" for msg in said for s in msg.status for pair in s.values
        )
    )


def test_a_bad_lease_ends_it_with_one_line(graph):
    expected = "coordinator_node: parameter 'lease' is 0: it must be a number from 0.2 to 60\n"
    assert graph.start("coordinator_node", "lease:=0").end() == (2, expected)
