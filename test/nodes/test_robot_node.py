import math
import struct
from array import array
from dataclasses import replace

import pytest
from geometry_msgs.msg import Twist
from rclpy.serialization import deserialize_message

from ewm_ros import diagnostics_keys as keys
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import Intention, Knot, Outcome, Plan, Standing
from ewm_ros.msg import DirectiveSet as DirectiveSetMsg
from ewm_ros.msg import Intention as IntentionMsg
from ewm_ros.nodes import conversions, topics
from ewm_ros.world_model.layout import LAYOUT

pytestmark = pytest.mark.ros

PLAN = Plan("", Outcome.IDLE, math.inf, 1.0, (Knot(0.0, 5.0, 5.0, 0.0, 0.1),))


def intention(robot: str, boot: int, seq: int = 1) -> bytes:
    return intention_bytes(Intention(robot, boot, seq, 0.0, PLAN, Standing()))


def status_of(messages, name: str) -> dict[str, str]:
    """Values of the newest status with this name."""
    for msg in reversed(messages):
        for status in msg.status:
            if status.name == name:
                return {pair.key: pair.value for pair in status.values}
    return {}


def test_it_stops_before_it_ends_and_says_nothing_on_stderr(graph, base, ending_signal):
    process = graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    process.send(ending_signal)
    graph.spin_until(lambda: not process.running)
    graph.spin_for(0.3)
    assert process.end() == (0, "")
    assert (base.velocity.v, base.velocity.w) == (0.0, 0.0)


def test_a_second_signal_while_it_ends_changes_nothing(graph, base, ending_signal):
    process = graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: base.commands)
    for _ in range(5):
        process.send(ending_signal)
        graph.spin_for(0.05)
    assert process.end() == (0, "")


def test_it_stops_when_its_sensors_die(graph, base):
    graph.start("robot_node", namespace="robot_0")
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    base.sensing = False
    graph.spin_until(lambda: not base.moves, timeout=2.0)
    said = graph.collect(topics.DIAGNOSTICS)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.GATE) == "stale odometry")


@pytest.mark.parametrize("latched", [True, False])
def test_an_emergency_stop_stops_it_until_it_is_taken_back(graph, base, latched):
    graph.start("robot_node", namespace="robot_0")
    estop = graph.publisher(replace(topics.ESTOP, qos=replace(topics.ESTOP.qos, latched=latched)))
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)
    estop.publish(topics.ESTOP.type(data=True))
    graph.spin_until(lambda: not base.moves, timeout=2.0)
    graph.spin_for(0.5)
    assert not base.moves
    estop.publish(topics.ESTOP.type(data=False))
    graph.spin_until(lambda: base.moves)


def test_a_robot_whose_name_is_taken_ends_with_one_line_and_never_touches_the_motors(graph):
    sender = graph.publisher(topics.INTENTIONS)
    seq = iter(range(1, 1000))
    graph.node.create_timer(0.05, lambda: sender.publish(intention("robot_0", 77, next(seq))))
    commands = graph.collect(topics.CMD_VEL.under("robot_0"))
    process = graph.start("robot_node", namespace="robot_0")
    graph.spin_until(lambda: not process.running)
    line = "robot_node: robot name 'robot_0' is already used by another running robot: choose another namespace\n"
    assert process.end() == (2, line)
    assert commands == []


def test_a_robot_that_was_there_first_stays_and_names_the_newcomer(graph, base):
    process = graph.start("robot_node", namespace="robot_0")
    sent = graph.collect(topics.INTENTIONS)
    said = graph.collect(topics.DIAGNOSTICS)
    graph.spin_until(lambda: sent and sent[-1].seq > 35)
    sender = graph.publisher(topics.INTENTIONS)
    graph.node.create_timer(0.05, lambda: sender.publish(intention("robot_0", 77)))
    graph.spin_until(lambda: "intentions" in status_of(said, "robot_0: ewm").get(keys.DROPPED, ""))
    assert process.running
    assert process.stderr.count("a second robot is named 'robot_0'") >= 1


def test_messages_of_garbage_are_counted_and_not_obeyed(graph, base):
    process = graph.start("robot_node", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    intentions, directives = graph.publisher(topics.INTENTIONS), graph.publisher(topics.DIRECTIVES)
    odometry = graph.publisher(topics.ODOM.under("robot_0"))
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves)

    def counted(cause: str) -> bool:
        return keys.split_counts(status_of(said, "robot_0: ewm").get(keys.DROPPED, "")).get(cause, 0) > 0

    # msgpack's nan in place of the horizon's eta.
    with_nan = deserialize_message(intention("robot_7", 5), IntentionMsg)
    with_nan.payload = array("B", bytes(with_nan.payload).replace(b"\xc0", b"\xcb\x7f\xf8" + bytes(6), 1))
    intentions.publish(with_nan)
    graph.spin_until(lambda: counted("intentions"))
    # No sender with our message class could make a payload of 1 MB.
    small = intention("robot_7", 5)
    before_payload = small[: -len(deserialize_message(small, IntentionMsg).payload) - 4]
    megabyte = before_payload + struct.pack("<I", 2**20) + bytes(2**20)
    flood = graph.node.create_timer(0.2, lambda: intentions.publish(megabyte))
    graph.spin_until(lambda: "'robot_7': a payload of 1048576 bytes" in process.stderr)
    flood.cancel()
    wild = conversions.DirectiveMsg(robot="robot_0", boot=1, answered=1, route=1, hold=math.nan)
    directives.publish(DirectiveSetMsg(coordinator=3, epoch=1, lease=1.0, directives=[wild]))
    graph.spin_until(lambda: counted("directives"))
    lost = topics.ODOM.type()
    lost.header.frame_id = "map"
    lost.pose.pose.position.x = math.nan
    odometry.publish(lost)
    graph.spin_until(lambda: counted("odom"))
    assert process.running
    assert base.moves
    assert "Traceback" not in process.stderr


def test_its_commands_may_be_plain_twists(graph):
    commands = graph.collect(replace(topics.CMD_VEL.under("robot_0"), type=Twist))
    graph.start("robot_node", "cmd_vel_stamped:=false", namespace="robot_0")
    graph.spin_until(lambda: commands)  # the watchdog's zero: there are no sensors
    assert commands[0].linear.x == 0.0


def test_it_tells_what_it_measures(graph, base):
    graph.start("coordinator_node")
    graph.start("robot_node", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: status_of(said, "robot_0: ewm").get(keys.CYCLE_MS))
    told = status_of(said, "robot_0: ewm")
    assert all(sample > 0.0 for sample in keys.split_samples(told[keys.CYCLE_MS]))
    assert len(keys.split_samples(told[keys.OBSERVE_TO_INTENTION_MS])) >= 1
    assert 50 < min(keys.split_samples(told[keys.INTENTION_BYTES])) < 600
    assert told[keys.MODE] in keys.MODES
    assert told[keys.DROPPED] == ""
    assert (told[keys.PREDICTOR], told[keys.DRIFT]) == ("learned", "")


def test_with_a_broken_world_model_it_drives_by_the_closed_form_and_says_so(graph, base, tmp_path):
    (tmp_path / "network.onnx").write_bytes(b"cut short")
    (tmp_path / "config.json").write_text(f'{{"layout": {LAYOUT}}}')
    process = graph.start("robot_node", f"world_model:={tmp_path}", namespace="robot_0")
    said = graph.collect(topics.DIAGNOSTICS)
    base.drive_to(5.0, 0.0)
    graph.spin_until(lambda: base.moves and status_of(said, "robot_0: ewm").get(keys.PREDICTOR) == "closed form")
    assert "network.onnx" in status_of(said, "robot_0: ewm")[keys.DRIFT]
    assert process.stderr.count("the closed-form predictor foresees robot_0") == 1


@pytest.mark.parametrize(
    ("parameters", "namespace", "complaint"),
    [
        ((), "", "the robot has no name"),
        ((), "Robot-0".replace("-", ""), "robot name 'Robot0'"),
        (("rate:=1000",), "robot_0", "parameter 'rate' is 1000: it must be a number from 1 to 50"),
        (("rate:=fast",), "robot_0", "parameter 'rate' is 'fast'"),
        (("priority:=256",), "robot_0", "parameter 'priority' must be an integer from 0 to 255"),
        (("robot_type:=unicorn",), "robot_0", "unknown robot type 'unicorn'"),
        (("cmd_vel_stamped:=7",), "robot_0", "parameter 'cmd_vel_stamped' must be true or false"),
    ],
)
def test_bad_parameters_end_it_with_one_line(graph, parameters, namespace, complaint):
    status, stderr = graph.start("robot_node", *parameters, namespace=namespace).end()
    assert status == 2
    assert stderr.startswith("robot_node: ")
    assert complaint in stderr
    assert stderr.count("\n") == 1
