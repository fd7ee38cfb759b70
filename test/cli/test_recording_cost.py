import os
import time

import pytest

from ewm_ros.cli.recording_cost import cpu_seconds, recording_cost


def test_the_cpu_of_a_process_is_what_it_says_itself():
    before = time.process_time()
    told = cpu_seconds(os.getpid())
    assert before - 0.1 <= told <= time.process_time() + 0.1


@pytest.mark.ros
def test_a_fleets_messages_are_on_the_bag_and_what_it_costs_is_told():
    cost = recording_cost(10, 1.0, "everything", seed=0)  # less would cost no tick of 10 ms
    assert (cost.robots, cost.profile) == (10, "everything")  # a busy machine may drop some
    assert cost.messages_per_s > 0.0
    assert cost.bytes_per_s > cost.messages_per_s
    assert cost.cpu_share > 0.0
