"""Publishes numbered questions on /arbitrations (reliable, with a queue) and notes when, until it is killed.

Arguments: file for the times, one line a message in ns; messages a second; how many readers to wait for.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rclpy

from ewm_ros.nodes import topics
from ewm_ros.nodes.discovery import quicken_discovery
from ewm_ros.nodes.qos import profile


def main(log: str, rate: str, readers: str) -> None:
    quicken_discovery()
    rclpy.init()
    node = rclpy.create_node("steady_publisher")
    topic = topics.ARBITRATIONS
    publisher = node.create_publisher(topic.type, topic.name, profile(topic.qos))
    while publisher.get_subscription_count() < int(readers):
        time.sleep(0.02)
    question = topic.type(kind="crossing", prompt="x" * 200)
    due = time.monotonic()
    with Path(log).open("w", buffering=1) as times:
        while True:
            question.question += 1
            publisher.publish(question)
            times.write(f"{time.time_ns()}\n")
            due += 1.0 / float(rate)
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
