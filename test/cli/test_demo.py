"""`ewm demo` for real: processes, DDS, a simulated world, a bag, and an end that leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rosbags.highlevel import AnyReader

from ewm_ros.cli.app import main
from ewm_ros.cli.demo import DemoRun
from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag
from ewm_ros.intention.codec import decode_intention
from ewm_ros.messages import Intention

pytestmark = pytest.mark.ros

DEMO = [
    sys.executable, "-c", "from ewm_ros.cli.app import script; script()",
    "demo", "--world", "doorway", "--robots", "3", "--seed", "1", "--no-view", "--json",
]  # fmt: skip
ROBOTS = {"robot_0", "robot_1", "robot_2"}


def intentions_in(bag: Path) -> list[Intention]:
    """All intentions of a bag, decoded as every receiver decodes them."""
    decoded = []
    with AnyReader([bag]) as reader:
        connections = [c for c in reader.connections if c.topic == "/intentions"]
        for connection, _, raw in reader.messages(connections):
            msg: Any = reader.deserialize(raw, connection.msgtype)
            stamp = msg.header.stamp.sec + 1e-9 * msg.header.stamp.nanosec
            decoded.append(decode_intention(msg.robot, msg.boot, msg.seq, stamp, bytes(msg.payload)))
    return decoded


def recorded(bags: Path) -> int:
    """Bytes of the bag that is being written."""
    return sum(file.stat().st_size for file in bags.glob("*/*.mcap"))


def running(pid: int, executable: str) -> int:
    """Id of the process of a node that a process has started."""
    (found,) = [p for p in descendants(pid) if executable in Path(f"/proc/{p}/cmdline").read_text()]
    return found


def descendants(pid: int) -> set[int]:
    """Ids of all processes that a process has started, directly or through others."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that in time"
        time.sleep(0.1)


def test_three_robots_change_rooms_on_real_ros_and_all_of_it_is_on_the_bag(tmp_path: Path) -> None:
    command = [*DEMO, "--record", str(tmp_path), "--realtime-factor", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    figures = json.loads(done.stdout)
    assert {
        "world", "robots", "seed", "reached", "collisions", "near_misses", "deadlocks", "makespan_s",
        "sum_of_delays_s", "cycle_ms", "observe_to_intention_ms", "intention_tokens", "intention_bytes",
        "prediction", "bag",
    } <= set(figures)  # fmt: skip
    assert (figures["world"], figures["robots"], figures["seed"]) == ("doorway", 3, 1)
    assert (figures["reached"], figures["collisions"], figures["deadlocks"]) == (3, 0, 0)
    assert figures["makespan_s"] > 10.0
    assert figures["cycle_ms"]["p50"] > 0.0
    assert figures["intention_tokens"]["max"] < 50

    evaluation: Any = evaluate_bag(Path(figures["bag"]))
    assert evaluation.demo_figures() == figures
    told_more = evaluation.figures()
    assert told_more["problems"] == []
    assert told_more["fleet"]["success"]
    assert 0.0 < told_more["fleet"]["minimum_separation_m"] < 2.0
    assert told_more["coordinator"]["predicted"] > 0
    assert told_more["communication"]["lost"]["share"] < 0.05
    assert told_more["world_model"]["coverage"]["90"] > 0.5

    told = intentions_in(Path(figures["bag"]))
    assert {intention.robot for intention in told} == ROBOTS
    assert max(i.stamp for i in told) - min(i.stamp for i in told) > figures["makespan_s"] - 5.0
    assert any(intention.standing.coordinator for intention in told)
    assert any(intention.standing.waits_for for intention in told)


WATCHED = """
import json, sys
from pathlib import Path
from ewm_ros.cli.app import main
from ewm_ros.cli.demo import DemoRun
run = DemoRun("doorway", 3, 1, realtime_factor=2.0, bag=Path(sys.argv[1]), seconds=9.0)
print(json.dumps([run.play(), run.live_figures()]))
"""


def test_what_was_heard_live_is_much_what_the_bag_holds(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WATCHED, str(tmp_path / "bag")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    recorded_figures, live = json.loads(done.stdout)
    assert recorded_figures == evaluate_bag(tmp_path / "bag").demo_figures()
    assert recorded_figures.keys() == live.keys()
    unlike = {"intention_tokens", "intention_bytes", "cycle_ms", "observe_to_intention_ms", "prediction"}
    assert {k: v for k, v in live.items() if k not in unlike} == {
        k: v for k, v in recorded_figures.items() if k not in unlike
    }
    # Whoever listens beside a running fleet may miss a message.
    for key, name in (("intention_tokens", "mean"), ("intention_bytes", "mean"), ("cycle_ms", "p50")):
        assert live[key][name] == pytest.approx(recorded_figures[key][name], rel=0.1)
    for name in ("accuracy", "ade_m", "fde_m"):
        assert live["prediction"][name] == pytest.approx(recorded_figures["prediction"][name], abs=0.1)


def test_a_bag_that_cannot_be_read_is_said_and_the_live_figures_stand(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = DemoRun("doorway", 3, 1, bag=tmp_path / "bag")
    assert run.recorded_figures() is None
    assert capfd.readouterr().err == (
        f"ewm: bag {tmp_path}/bag: it does not exist; the figures are those of the live table\n"
    )
    assert run.live_figures()["reached"] == 0


@pytest.mark.parametrize(
    ("robots", "factor"), [(3, 2), pytest.param(6, 1, marks=pytest.mark.campaign)], ids=["3 robots", "6 robots"]
)
def test_the_coordinator_is_killed_in_the_middle_and_comes_back_after_20_simulated_seconds(
    tmp_path: Path, robots: int, factor: int
) -> None:
    away = 20.0 / factor  # s of real time
    settings = [
        "demo", "--world", "doorway", "--robots", str(robots), "--seed", "1", "--realtime-factor", str(factor),
        "--respawn", str(away), "--record", str(tmp_path), "--no-view", "--json",
    ]  # fmt: skip
    process = subprocess.Popen([*DEMO[:3], *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: recorded(tmp_path) > 30_000 * robots or process.poll() is not None, 120.0)  # 12 simulated s
        os.kill(running(process.pid, "coordinator_node"), signal.SIGKILL)
        out, err = process.communicate(timeout=200.0)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate()
    figures = json.loads(out)
    assert (figures["reached"], figures["collisions"]) == (robots, 0), err
    told = intentions_in(Path(figures["bag"]))
    coordinators = list(dict.fromkeys(i.standing.coordinator for i in told if i.standing.coordinator))
    assert len(coordinators) == 2
    last = max(i.stamp for i in told if i.standing.coordinator == coordinators[0])
    first = min(i.stamp for i in told if i.standing.coordinator == coordinators[1])
    assert first - last > 15.0  # a lease or two of the time away go by before the robots say that they are alone
    alone = [i for i in told if last < i.stamp < first]
    assert {i.robot for i in alone if not i.standing.coordinator} == {f"robot_{k}" for k in range(robots)}
    assert any(i.standing.hold > i.standing.progress + 1.0 for i in alone[len(alone) // 2 :])  # by the local rule


def test_a_recorder_that_is_killed_ends_it_and_what_it_left_is_recovered_and_evaluated(tmp_path: Path) -> None:
    bags = tmp_path / "bags"
    process = subprocess.Popen(
        [*DEMO, "--record", str(bags)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: recorded(bags) > 15_000, 40.0)
        os.kill(running(process.pid, "recorder_node"), signal.SIGKILL)
        out, err = process.communicate(timeout=10.0)
    finally:
        process.kill()
    (bag,) = bags.iterdir()
    assert (process.returncode, out) == (1, "")
    assert "recorder ended with status -9" in err and f"`ewm bag recover {bag}`" in err
    assert main(["bag", "recover", str(bag)]) == 0
    figures = evaluate_bag(tmp_path / "bags" / f"{bag.name}_recovered").figures()
    assert (figures["world"], figures["robots"], figures["seed"]) == ("doorway", 3, 1)
    assert figures["collisions"] == 0 and figures["intention_bytes"] != {"mean": None, "max": None}


def test_ctrl_c_in_the_middle_ends_all_of_it_at_once_and_the_bag_is_whole(tmp_path: Path) -> None:
    bags = tmp_path / "bags"
    process = subprocess.Popen(
        [*DEMO, "--record", str(bags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    started: set[int] = set()
    try:
        wait_for(lambda: recorded(bags) > 15_000, 40.0)
        started = descendants(process.pid)
        assert len(started) == 6  # three robots, coordinator, simulation, recorder
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10.0)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "ewm: interrupted"
    assert not [pid for pid in started if os.path.exists(f"/proc/{pid}")]
    (bag,) = bags.iterdir()
    assert {intention.robot for intention in intentions_in(bag)} == ROBOTS
