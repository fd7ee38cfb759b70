"""A recorder that is killed at any moment loses the last second at most, and what it kept becomes a whole bag."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from foreign_bags import by_mcap
from processes import wait_for
from rosbags.highlevel import AnyReader

from ewm_ros.evaluation.bags.bag_files import open_bag
from ewm_ros.evaluation.bags.bag_recovery import recover
from ewm_ros.nodes import topics

RATE = 100  # messages a second
LOST = 1.2  # s that may be lost at most
PUBLISHER = Path(__file__).parents[1] / "support" / "steady_publisher.py"
NS = 10**9


class Publisher:
    """A process that publishes numbered messages for some readers, and knows when."""

    def __init__(self, log: Path, readers: int, domain: int) -> None:
        self._log = log
        command = [sys.executable, str(PUBLISHER), str(log), str(RATE), str(readers)]
        self._process = subprocess.Popen(command, env={**os.environ, "ROS_DOMAIN_ID": str(domain)})

    @property
    def times(self) -> list[int]:
        """ns at which each message was published."""
        lines = self._log.read_text().split("\n")[:-1] if self._log.exists() else []  # the last one may be half
        return [int(line) for line in lines]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def hiccup(times: list[int], until: int) -> float:
    """s of the longest time in the last seconds in which a busy machine did not let the publisher run."""
    last = [t for t in times if until - 3 * NS < t <= until]
    return max((b - a) / NS for a, b in pairwise(last)) - 1.0 / RATE


def check(bag: Path, times: list[int], killed: int) -> None:
    """The bag must become whole, with every message that had come in time."""
    done = recover(bag)
    assert done.out is not None
    with AnyReader([done.out]) as reader:
        found = [
            (reader.deserialize(data, connection.msgtype).question, heard)
            for connection, heard, data in reader.messages()
            if connection.topic == topics.ARBITRATIONS.name
        ]
        assert reader.message_count == done.messages == len(by_mcap(done.out))
    numbers = [number for number, _ in found]
    assert numbers == list(range(1, len(numbers) + 1))
    in_time = sum(t <= killed - (LOST + hiccup(times, killed)) * NS for t in times)
    assert len(numbers) >= in_time, f"{(killed - found[-1][1]) / NS:.2f} s are lost"
    assert recover(done.out).out is None
    with open_bag(done.out) as messages:
        assert messages.facts().seed == 7


def kill_recorders(graph, domain: int, folder: Path, moments: list[float]) -> None:
    """Recorders of one publisher, each killed so many s after it began; every other one splits its bag each second."""
    recorders = [
        graph.start(
            *("recorder_node", f"directory:={folder}/bag{i}", 'facts:=["seed=7"]'),
            *(["split_duration:=1.0"] if i % 2 else []),
        )
        for i in range(len(moments))
    ]
    publisher = Publisher(folder / "times", len(moments), domain)
    killed: dict[int, int] = {}
    try:
        wait_for(lambda: publisher.times, 60.0)
        begin = time.monotonic()
        for moment, i in sorted(zip(moments, range(len(moments)), strict=True)):
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            killed[i] = time.time_ns()
            recorders[i].send(signal.SIGKILL)
            recorders[i].end()
        wait_for(lambda: publisher.times[-1] > max(killed.values()), 10.0)
        times = publisher.times
    finally:
        publisher.stop()
    for i, moment in killed.items():
        check(folder / f"bag{i}", times, moment)
        if i % 2:
            assert len(list((folder / f"bag{i}").glob("*.mcap"))) >= 2


@pytest.mark.ros
def test_a_killed_recorder_loses_a_second_at_most(graph, domain: int, tmp_path: Path):
    kill_recorders(graph, domain, tmp_path, [2.6, 3.4])


@pytest.mark.ros
@pytest.mark.campaign
@pytest.mark.parametrize("seed", [1, 2])
def test_at_ten_random_moments_no_recorder_loses_more_than_a_second(graph, domain: int, tmp_path: Path, seed: int):
    rng = random.Random(seed)
    kill_recorders(graph, domain, tmp_path, [rng.uniform(2.5, 8.0) for _ in range(5)])
