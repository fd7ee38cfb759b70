"""What the launch files would start, without ROS's launch: they only make its actions of these descriptions."""

from __future__ import annotations

import ast
import importlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ewm_ros.cli.app import app
from ewm_ros.deployment.arguments import Argument, read_all
from ewm_ros.deployment.processes import ProcessSpec
from ewm_ros.deployment.run_files import LAUNCH_FILES
from ewm_ros.deployment.steps import Include, ShowInRviz, Start
from ewm_ros.errors import InputError

LAUNCH = Path(__file__).parents[2] / "launch"
ARGUMENTS = [(file.name, argument) for file in LAUNCH_FILES.values() for argument in file.arguments]


def steps(name: str, texts: Mapping[str, str]) -> list[Start | ShowInRviz]:
    """All that a launch file does, files that it includes followed to their ends."""
    file = LAUNCH_FILES[name]
    found: list[Start | ShowInRviz] = []
    for step in file.plan(read_all(file.arguments, texts)):
        found += steps(step.file, step.texts) if isinstance(step, Include) else [step]
    return found


def processes(name: str, **texts: str) -> list[ProcessSpec]:
    return [step.spec for step in steps(name, texts) if isinstance(step, Start)]


def as_json(specs: list[ProcessSpec]) -> list[str]:
    """In which 1, 1.0 and true differ."""
    return [json.dumps([s.executable, s.name, s.namespace, dict(s.parameters)], sort_keys=True) for s in specs]


@pytest.fixture
def started_by_ewm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `ewm demo` with some options would start."""
    from ewm_ros.cli.demo import DemoRun

    monkeypatch.setattr("ewm_ros.cli.fleet_processes.need_ros", lambda: None)
    monkeypatch.setattr(time, "strftime", lambda form: "20261123-120000")
    seen: list[list[ProcessSpec]] = []

    def keep(run: DemoRun, view: bool) -> dict[str, Any]:
        seen.append(run.processes)
        return {"reached": 0, "collisions": 0, "deadlocks": 0}

    monkeypatch.setattr(DemoRun, "play", keep)

    def ask(*options: str) -> list[ProcessSpec]:
        done = CliRunner().invoke(app, ["demo", *options], standalone_mode=False)
        assert done.exception is None, done.exception
        return seen[-1]

    return ask


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ([], {}),
        (["--robots", "4", "--seed", "7", "--model", "none"], {"robots": "4", "seed": "7", "world_model": "none"}),
        (["--world", "allocation"], {"world": "allocation"}),
        (["--world", "doorway", "--realtime-factor", "3"], {"world": "doorway", "realtime_factor": "3"}),
        (["--seconds", "20", "--simultaneous"], {"time_limit": "20", "simultaneous": "true"}),
        (["--ideal", "--bodies", "wheels"], {"varied": "False", "bodies": "wheels"}),
        (
            ["--loss", "0.1", "--delay", "200", "--duplication", "0.3"],
            {"loss": "0.1", "delay": "0.2", "duplication": "0.3"},
        ),
        (
            ["--record", "{tmp}/runs", "--record-profile", "everything"],
            {"record": "{tmp}/runs", "record_profile": "everything"},
        ),
        (["--composition"], {"use_composition": "True"}),
        (
            ["--world", "ward", "--arbiter", "ollama", "--arbiter-model", "r1", "--arbiter-cache", "none"],
            {"world": "ward", "arbiter": "ollama", "arbiter_model": "r1", "arbiter_cache": "none"},
        ),
    ],
    ids=lambda value: " ".join(value) or "default" if isinstance(value, list) else "",
)
def test_ros_launch_starts_what_ewm_demo_starts(
    options: list[str], texts: dict[str, str], started_by_ewm: Any, tmp_path: Path
) -> None:
    by_ewm = started_by_ewm(*(option.format(tmp=tmp_path) for option in options))
    by_launch = processes("demo.launch.py", **{k: text.format(tmp=tmp_path) for k, text in texts.items()})
    assert as_json(by_launch) == as_json(by_ewm)


def test_a_demo_includes_the_files_of_its_nodes() -> None:
    demo = LAUNCH_FILES["demo.launch.py"]
    included = [step.file for step in demo.plan(read_all(demo.arguments, {"robots": "3"})) if isinstance(step, Include)]
    assert included == ["coordinator.launch.py", *["robot.launch.py"] * 3, "simulation.launch.py"]


def test_an_included_file_is_given_a_text_for_each_of_its_arguments() -> None:
    # Or it would take what happens to be set by the file that includes it.
    for name in ("demo.launch.py", "evaluate.launch.py"):
        file = LAUNCH_FILES[name]
        for step in file.plan(read_all(file.arguments, {"record": ""} if name.startswith("demo") else {})):
            if isinstance(step, Include):
                assert step.texts.keys() == LAUNCH_FILES[step.file].names


def test_a_robot_gets_only_what_is_said_so_that_its_params_file_says_the_rest(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").touch()
    (step,) = steps("robot.launch.py", {"namespace": "/carrier/", "params_file": f"{tmp_path}/site.yaml", "rate": "5"})
    assert isinstance(step, Start)
    assert (step.spec.executable, step.spec.name, step.spec.namespace) == ("robot_node", "robot", "carrier")
    assert step.spec.parameters == {"use_sim_time": False, "autostart": True, "rate": 5.0}
    assert step.params_file == f"{tmp_path}/site.yaml"


def test_robots_and_the_coordinator_come_back_and_nothing_else_does(tmp_path: Path) -> None:
    for composed in ("False", "True"):
        texts = {"use_respawn": "True", "respawn_delay": "3", "record": str(tmp_path), "use_composition": composed}
        delays = {s.spec.executable: s.respawn_delay for s in steps("demo.launch.py", texts) if isinstance(s, Start)}
        robots = "robots_node" if composed == "True" else "robot_node"
        assert delays == {"recorder_node": None, "coordinator_node": 3.0, robots: 3.0, "simulation_node": None}


@pytest.mark.parametrize(
    ("texts", "shown"),
    [({}, True), ({"headless": "True"}, False), ({"use_rviz": "False"}, False), ({"headless": "0"}, True)],
)
def test_rviz_is_shown_unless_it_is_not_wanted(texts: dict[str, str], shown: bool) -> None:
    assert (ShowInRviz() in steps("demo.launch.py", texts)) == shown


def test_an_evaluation_is_a_demo_that_is_recorded_and_judged(tmp_path: Path) -> None:
    texts = {"world": "doorway", "robots": "3", "seed": "5", "record": str(tmp_path)}
    judged = steps("evaluate.launch.py", texts)
    assert [step.judged for step in judged if isinstance(step, Start)] == [True, False, False, False, False, False]
    plain = as_json(processes("demo.launch.py", **texts))
    assert as_json([step.spec for step in judged if isinstance(step, Start)])[1:] == plain[1:]
    defaults = {argument.name: argument.default for argument in LAUNCH_FILES["evaluate.launch.py"].arguments}
    assert (defaults["record"], defaults["judge"]) == ("runs", "True")


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        ({"robots": "six"}, "argument 'robots' is 'six': it must be an integer"),
        ({"robots": "99"}, "takes 3 to 10 robots, not 99"),
        ({"world": "atlantis"}, "unknown world 'atlantis'"),
        ({"world_model": "/nowhere"}, "/nowhere"),
        ({"arbiter": "chatty"}, "unknown arbiter preset 'chatty'"),
        ({"log_level": "loud"}, "argument 'log_level' is 'loud': it must be one of debug"),
        ({"params_file": "/nowhere.yaml"}, "params_file '/nowhere.yaml' does not exist"),
        ({"judge": "True"}, "argument 'judge' is True without a bag to judge by: give 'record', too"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_started(texts: dict[str, str], line: str) -> None:
    with pytest.raises(InputError, match=line):
        steps("demo.launch.py", texts)


def base_and_other(argument: Argument, tmp_path: Path) -> tuple[dict[str, str], str]:
    """Texts with which an argument has an effect, and another one for it."""
    (tmp_path / "a.yaml").touch()
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text("secret")
    base = {"namespace": "robot_0"}
    if argument.name == "respawn_delay":
        base["use_respawn"] = "True"
    if argument.name in ("judge", "record_profile"):
        base["record"] = str(tmp_path)
    if argument.name.startswith("arbiter_"):
        base["arbiter"] = "ollama"
    named = {"world": "doorway", "params_file": f"{tmp_path}/a.yaml", "record": f"{tmp_path}/b", "robots": "5"}
    named |= {"namespace": "robot_9", "arbiter": "vllm", "world_model": "none", "loss": "0.5", "duplication": "0.5"}
    named |= {"arbiter_url": "http://127.0.0.1:8000/v1", "arbiter_key_file": f"{tmp_path}/key"}
    named["network_loss"] = named["network_duplication"] = "0.5"
    if argument.name in named:
        return base, named[argument.name]
    if argument.choices:
        return base, next(word for word in argument.choices if word != argument.default)
    kinds = {"switch": "True" if argument.default != "True" else "False", "integer": "7", "number": "7.5"}
    return base, kinds.get(argument.kind, "other")


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS, ids=lambda value: getattr(value, "name", value))
def test_every_argument_has_an_effect(
    name: str, argument: Argument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda form: "20261123-120000")
    base, other = base_and_other(argument, tmp_path)
    base = {key: text for key, text in base.items() if key in LAUNCH_FILES[name].names}
    if name == "evaluate.launch.py" and argument.name == "judge":
        other = "False"
    assert steps(name, {**base, argument.name: other}) != steps(name, base)


def test_every_argument_is_described_in_a_sentence_and_named_once() -> None:
    for file in LAUNCH_FILES.values():
        assert len(file.names) == len(file.arguments), file.name
        for argument in file.arguments:
            assert argument.description.endswith("."), argument
            assert not argument.default or argument.read(argument.default) is not None, argument


def test_the_files_are_those_and_each_only_hands_its_description_to_ros_launch() -> None:
    assert {path.name for path in LAUNCH.glob("*.py")} == set(LAUNCH_FILES)
    for path in LAUNCH.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert function.name == "generate_launch_description"
        described = function.body[-1]
        assert isinstance(described, ast.Return) and isinstance(described.value, ast.Call)
        (handed,) = described.value.args
        origin = {
            alias.name: node.module or ""
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert isinstance(handed, ast.Name)
        assert getattr(importlib.import_module(origin[handed.id]), handed.id) is LAUNCH_FILES[path.name]
