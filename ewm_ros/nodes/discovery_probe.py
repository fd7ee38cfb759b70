"""One of two processes that look for each other, as `ewm doctor` starts them: does ROS work here, and how well?

    python -m ewm_ros.nodes.discovery_probe OWN_NAME OTHER_NAME TOPIC

Every stage that it gets through is one JSON object on a line of standard output; where it ends early, the last line on
standard error says why. After the first it waits for a line on standard input, so that both begin at once. The mere
import of rclpy ends a process with status 102 if the middleware cannot be loaded.
"""

from __future__ import annotations

import json
import signal
import sys
import time

import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

from ewm_ros.names import LATCHED
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.qos import profile

PATIENCE = 4.0  # s
TURN = 0.05  # s
LEAVING = 1  # s; now and then Fast DDS hangs where two processes leave at once: everything has been said by then


def main(own: str, other: str, topic: str) -> int:
    """Look for the other one; status 1 if it was not heard."""
    _passed("imported", middleware=rclpy.get_rmw_implementation_identifier())
    sys.stdin.readline()
    quicken_discovery()
    started = time.monotonic()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f"doctor_{own}")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    words: set[str] = set()
    publisher = node.create_publisher(String, topic, profile(LATCHED))
    node.create_subscription(String, topic, lambda msg: words.add(msg.data), profile(LATCHED))
    publisher.publish(String(data=own))
    # Each tells that it has heard, so that neither leaves before the other one has.
    goodbye, answered = f"{other} has heard", False
    while not (answered and goodbye in words) and time.monotonic() - started < PATIENCE:
        executor.spin_once(TURN)
        if not answered and words & {other, goodbye}:
            answered = True
            publisher.publish(String(data=f"{own} has heard"))
            _passed("heard", seconds=round(time.monotonic() - started, 3), nodes=len(node.get_node_names()))
    publisher.wait_for_all_acked(Duration(seconds=0.5))
    if answered:
        from ewm_ros.msg import Intention  # generated at installation: last, so that the rest is known without it

        serialize_message(Intention())
        _passed("messages")
    signal.alarm(LEAVING)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0 if answered else 1


def _passed(stage: str, **facts: object) -> None:
    print(json.dumps({"stage": stage, **facts}), flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
