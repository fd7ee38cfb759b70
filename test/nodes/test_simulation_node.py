import hashlib

import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_facts import BagFacts
from ewm_ros.nodes import topics
from ewm_ros.simulation.worlds.world_file import world_text

pytestmark = pytest.mark.ros


def play_all_others(graph, robots: int):
    """The test plays coordinator and robots that stand; returns what the robots sense."""
    graph.publisher(topics.DIRECTIVES)
    for i in range(robots):
        graph.publisher(topics.CMD_VEL.under(f"robot_{i}"))
    return [graph.collect(topics.ODOM.under(f"robot_{i}")) for i in range(robots)]


def test_it_runs_to_the_time_limit_and_reports(graph):
    goals = [graph.collect(topics.GOAL_POSE.under(f"robot_{i}")) for i in range(3)]
    maps, clock, said = (graph.collect(topic) for topic in (topics.MAP, topics.CLOCK, topics.DIAGNOSTICS))
    sensed = play_all_others(graph, 3)
    parameters = ("world:=doorway", "robots:=3", "seed:=1", "time_limit:=2.0", "realtime_factor:=2")
    process = graph.start("simulation_node", *parameters)
    graph.spin_until(lambda: not process.running)
    graph.spin_for(0.2)
    assert process.end() == (0, "")
    assert len(maps) == 1
    assert all(len(own) == 1 for own in goals)
    stamps = [msg.header.stamp.sec * 10 + msg.header.stamp.nanosec // 10**8 for msg in sensed[0]]
    assert stamps == list(range(len(stamps)))
    assert len(stamps) >= 20
    assert len(clock) >= 15  # best effort, depth 1
    last = {pair.key: pair.value for pair in said[-1].status[0].values}
    wanted = {keys.TIME: "2.0", keys.FINISHED: "true", keys.REACHED: "0", keys.COLLISIONS: "0"}
    assert wanted.items() <= last.items()
    assert 0.1 < float(last[keys.REALTIME_FACTOR]) < 2.2
    sha256 = hashlib.sha256(world_text("doorway").encode()).hexdigest()
    told = BagFacts.parse({key: last[key] for key in keys.RUN_FACTS})
    assert told == BagFacts("doorway", "", sha256, 3, 1, bodies="driven", varied=True, time_limit=2.0)


def test_robots_drive_as_commanded_and_stop_without_commands(graph):
    sensed = play_all_others(graph, 3)
    forward = topics.CMD_VEL.type()
    forward.twist.linear.x = 0.3
    command = graph.publisher(topics.CMD_VEL.under("robot_0"))
    graph.start("simulation_node", "world:=doorway", "robots:=3", "time_limit:=60.0", "realtime_factor:=2")
    timer = graph.node.create_timer(0.05, lambda: command.publish(forward))
    graph.spin_until(lambda: sensed[0] and sensed[0][-1].twist.twist.linear.x > 0.25)
    assert abs(sensed[1][-1].twist.twist.linear.x) < 0.01
    timer.cancel()
    graph.spin_until(lambda: abs(sensed[0][-1].twist.twist.linear.x) < 0.02)


def test_it_waits_for_the_others(graph):
    graph.publisher(topics.DIRECTIVES)
    process = graph.start("simulation_node", "world:=doorway", "robots:=3")
    clock = graph.collect(topics.CLOCK)
    maps = graph.collect(topics.MAP)
    graph.spin_until(lambda: maps)
    graph.spin_for(1.0)
    assert clock == []
    assert process.end(2) == (0, "")


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (("world:=atlantis",), "unknown world 'atlantis'"),
        (("world:=doorway", "robots:=0"), "parameter 'robots' must be an integer from 1 to 100"),
        (("world:=doorway", "robots:=40"), "takes 3 to 10 robots, not 40"),
        (("world:=doorway", "seed:=-1"), "parameter 'seed'"),
        (("realtime_factor:=0",), "parameter 'realtime_factor' is 0"),
    ],
)
def test_bad_parameters_end_it_with_one_line(graph, parameters, complaint):
    status, stderr = graph.start("simulation_node", *parameters).end()
    assert status == 2
    assert complaint in stderr
    assert stderr.count("\n") == 1
