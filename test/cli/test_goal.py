"""What `ewm goal` refuses before it looks for a robot; the rest is in test/nodes/test_goals.py."""

from __future__ import annotations

import pytest

from ewm_ros.cli.app import main

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["robot_0"], "write a place (ewm goal ROBOT X Y), or --cancel"),
        (["robot_0", "1", "2", "--cancel"], "write a place (ewm goal ROBOT X Y), or --cancel"),
        (["robot_0", "-1"], "a place has an X and a Y"),
        (["robot_0", "nan", "0"], "place nan 0: both must be from -10000 to 10000 m"),
        (["robot_0", "here", "0"], "Invalid value for 'X'"),
        (["robot_0", "--cancel", "--wait"], "--wait is for a place"),
        (["robot_0", "1", "2", "--timeout", "3"], "--timeout is for --wait"),
        (["Robot/0", "1", "2"], "robot name 'Robot/0'"),
    ],
)
def test_what_ewm_goal_refuses(args: list[str], complaint: str, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rclpy")
    assert main(["goal", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("ewm: ")
    assert complaint in err
    assert err.count("\n") == 1
