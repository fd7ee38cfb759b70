"""`ewm bench` on the real thing: what it prints are the keys that other programs read."""

from __future__ import annotations

import json

import pytest

from ewm_ros.cli.app import main


@pytest.mark.ros
def test_cycles_of_a_real_fleet_are_measured(capfd: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "cycle", "--robots", "3", "--world", "doorway", "--processes", "one", "--seconds", "5"]
    assert main([*command, "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert list(figures) == ["robots", "processes", "cycle_ms", "observe_to_intention_ms", "messages_lost"]
    assert (figures["robots"], figures["processes"], figures["messages_lost"]) == (3, "one", 0)
    assert figures["cycle_ms"]["n"] > 60  # of 3 robots, ten times a second
    assert 0.0 < figures["observe_to_intention_ms"]["p50"] < figures["cycle_ms"]["p50"]
