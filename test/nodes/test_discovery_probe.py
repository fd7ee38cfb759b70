"""Two processes that look for each other, as `ewm doctor` starts them."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ros


def start(own, other, topic, domain):
    return subprocess.Popen(
        [sys.executable, "-m", "ewm_ros.nodes.discovery_probe", own, other, topic],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def stages(process):
    out, _ = process.communicate("\n", timeout=30)
    return process.returncode, [json.loads(line)["stage"] for line in out.splitlines()]


def test_two_find_each_other_and_can_send_the_packages_messages(domain):
    first, second = (start(own, other, "/probe", domain) for own, other in (("a", "b"), ("b", "a")))
    second.stdin.write("\n")
    second.stdin.flush()
    for process in (first, second):
        status, passed = stages(process)
        assert passed == ["imported", "heard", "messages"]
        assert status in (0, -14)  # now and then Fast DDS hangs at the end, and the process ends itself


def test_one_alone_gives_up(domain):
    status, passed = stages(start("a", "b", "/probe", domain))
    assert (status, passed) == (1, ["imported"])
