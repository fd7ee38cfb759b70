"""A coordinator node that asks a model over HTTP: what people see of it, what its failures do, and who gets the key."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from processes import children
from rcl_interfaces.msg import Log
from rclpy.parameter_client import AsyncParameterClient
from rosbags.highlevel import AnyReader
from scripted_llm import Answer, ScriptedLlm, failing, key_in_the_answer

from ewm_ros import diagnostics_keys as keys
from ewm_ros.bag_types import message_types
from ewm_ros.cli.fleet_processes import FleetProcesses
from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.site import NO_WORDS
from ewm_ros.deployment.demo import demo_processes
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.messages import Arbitration
from ewm_ros.nodes import topics
from ewm_ros.nodes.arbiter_desk import site_of
from ewm_ros.nodes.monitor import FleetMonitor
from ewm_ros.robot import incoming

pytest.importorskip("openai", reason="needs the extra arbiter")
pytestmark = pytest.mark.ros

KEY = "sk-f3a9c07b5e2d4186Qz7"
# Of a key that somebody has cut, or packed up, a half is enough to be found.
TRACES = [part.encode() for part in (KEY[:11], KEY[11:], base64.b64encode(KEY.encode()).decode()[:12])]
MODEL = "deepseek-r1"
# Two robots that come to a crossing at the same time; the rule speaks of one.
WORLD = """
name: words
bounds: {x: [-4, 4], y: [-4, 4]}
robots:
  model: tinybot
  count: {min: 2, max: 2, default: 2}
  starts: [[-3.5, 0, 0], [0, -3.5, 1.57]]
  goals: [[1.3, 0], [0, 1.3]]
roles:
  - {robot: 0, does: cleaning}
  - {robot: 1, carries: blood samples}
rules:
  - Robots that carry blood samples pass before all others.
"""


@dataclass
class Told:
    """All that a run has told anybody.

    Attributes:
        arbitrations: heard on the topic; recorded: found on the bag.
        values: of the arbiter's newest status on /diagnostics.
        log: of the coordinator.
        ended: the simulation's status, 0 if the run came to its end, and how many robots were at their goals.
        texts: everything, as bytes.
        parameters: names of all parameters of all nodes.
        seen_by: the processes whose environment has the key.
        figures: of the questions, as `ewm demo` prints them.
    """

    arbitrations: list[Arbitration]
    recorded: list[Arbitration]
    values: dict[str, str]
    log: str
    ended: tuple[int | None, str]
    texts: dict[str, bytes]
    parameters: set[str]
    seen_by: set[str]
    figures: dict[str, Any]


def values_of(messages: list[Any], status: str) -> dict[str, str]:
    """The newest values of a status on /diagnostics; empty while there is none."""
    said = [s for msg in messages for s in msg.status if s.name == status]
    return {pair.key: pair.value for pair in said[-1].values} if said else {}


def parameters_of(graph: Any) -> dict[str, Any]:
    """Every parameter of every node, by its full name, asked for as `ros2 param dump` does."""
    found = {}
    for name, namespace in graph.node.get_node_names_and_namespaces():
        if name != graph.node.get_name():
            client = AsyncParameterClient(graph.node, node := f"{namespace.rstrip('/')}/{name}")
            assert client.wait_for_services(timeout_sec=8.0)
            listed = client.list_parameters()
            graph.spin_until(listed.done)
            found |= {f"{node}/{key}": value for key, value in gotten(graph, client, listed.result().result.names)}
    return found


def gotten(graph: Any, client: AsyncParameterClient, names: list[str]) -> list[tuple[str, Any]]:
    """The values of a node's parameters. A node tells none if one of them has no value: so by halves."""
    got = client.get_parameters(names)
    graph.spin_until(got.done)
    values, half = got.result().values, len(names) // 2
    if len(values) == len(names):
        return list(zip(names, values, strict=True))
    return [*gotten(graph, client, names[:half]), *gotten(graph, client, names[half:])] if half else [(names[0], None)]


def recorded_in(bag: Path) -> tuple[list[Arbitration], bytes]:
    """The arbitrations of a bag, and the bytes of all its messages."""
    found, raws = [], []
    with AnyReader([bag], default_typestore=message_types()) as reader:
        for connection, _, raw in reader.messages():
            raws.append(raw)
            if connection.topic == topics.ARBITRATIONS.name:
                found.append(incoming.arbitration_from(reader.deserialize(raw, connection.msgtype)))
    return found, b"\n".join(raws)


def run(graph: Any, folder: Path, url: str) -> Told:
    """Let the two robots cross on real ROS, with a recorder, and keep all that comes of it."""
    world = folder / "words.yaml"
    world.write_text(WORLD)
    advice = Advice(url=url, model=MODEL, cache=str(folder / "answers.sqlite"))
    specs = demo_processes(
        str(world), 2, 0, 4.0, folder / "bag", time_limit=60.0, varied=False, model="none", advice=advice
    )
    arbitrations, said = graph.collect(topics.ARBITRATIONS), graph.collect(topics.DIAGNOSTICS)
    published: list[Log] = []
    graph.node.create_subscription(Log, "/rosout", published.append, 1000)
    figures = FleetFigures(Episode(["robot_0", "robot_1"], [(1.3, 0.0), (0.0, 1.3)], time_limit=60.0), [0.3, 0.3])
    with FleetMonitor(figures), FleetProcesses(specs, folder / "logs") as fleet:
        graph.spin_until(lambda: len(arbitrations) >= 2, 30.0)
        names = [spec.namespace or spec.name for spec in specs]
        seen_by = {name for name in names if KEY.encode() in Path(f"/proc/{fleet.pid(name)}/environ").read_bytes()}
        assert not any(children(fleet.pid(name)) for name in names)
        commands = b"".join(Path(f"/proc/{fleet.pid(name)}/cmdline").read_bytes() for name in names)
        parameters = parameters_of(graph)
        graph.spin_until(lambda: fleet.ended("simulation") is not None, 60.0)
        status = fleet.ended("simulation")
    recorded, raw = recorded_in(folder / "bag")
    written = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    heard = {"parameters": parameters, "diagnostics": said, "/rosout": published, "arbitrations": arbitrations}
    return Told(
        [incoming.arbitration_from(msg) for msg in arbitrations],
        recorded,
        values_of(said, keys.ARBITER_STATUS),
        (folder / "logs" / "coordinator.log").read_text(),
        (status, values_of(said, keys.SIMULATION_STATUS)[keys.REACHED]),
        {**written, "bag": raw, "commands": commands, **{what: repr(all_).encode() for what, all_ in heard.items()}},
        set(parameters),
        seen_by,
        figures.figures()["arbitrations"],
    )


@pytest.fixture(autouse=True)
def _no_key_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)


@pytest.fixture
def asked(
    request: pytest.FixtureRequest, graph: Any, domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Told, ScriptedLlm]]:
    """A run whose coordinator asks a server that answers as the test says, and that server."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros_log"))
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    answer: Answer = request.param
    with ScriptedLlm([answer]) as server:
        yield run(graph, tmp_path, server.base_url), server


def traces_in(told: Told) -> list[str]:
    """Where the key, or a part of it, is to be found."""
    return [where for where, text in told.texts.items() if any(trace in text for trace in TRACES)]


def assert_the_key_went_to_the_server_alone(told: Told, server: ScriptedLlm) -> None:
    assert {request.key for request in server.requests} == {KEY}
    assert told.seen_by == {"coordinator"}
    assert traces_in(told) == []
    # All of it was looked at.
    nodes = {"/coordinator", "/recorder", "/simulation", "/robot_0/robot", "/robot_1/robot", "/monitor"}
    assert {name.rpartition("/")[0] for name in told.parameters} == nodes
    assert "/coordinator/arbiter_url" in told.parameters
    for file in ("coordinator.log", "recorder.log", "robot_1.log", "simulation.log", ".mcap", "answers.sqlite"):
        assert any(file in name for name in told.texts), file
    assert any("ros_log" in name for name in told.texts)
    for what in ("/rosout", "diagnostics", "arbitrations", "bag", "commands"):
        assert len(told.texts[what]) > 100, what


@pytest.mark.parametrize("asked", [key_in_the_answer], indirect=True)
def test_a_question_and_its_answer_are_seen_on_the_topic_on_the_bag_and_in_the_log_but_never_the_key(asked) -> None:
    told, server = asked
    assert told.ended == (0, "2")
    question, answer = told.arbitrations[:2]
    assert told.recorded == told.arbitrations
    assert (question.outcome, question.kind, question.robots) == ("asked", "crossing", ("robot_1", "robot_0"))
    assert "blood samples" in question.prompt
    assert "robot_" not in question.prompt
    assert (answer.question, answer.chosen, answer.outcome) == (question.question, "o1", "applied")
    assert (answer.source, answer.model, answer.rationale) == ("model", MODEL, "your key is [key]")
    assert answer.latency > 0.0

    lines = [line.partition("[coordinator]: ")[2] for line in told.log.splitlines()]
    options = "o1: r1 before r2; o2: r2 before r1"
    assert lines[0] == f"arbiter: {MODEL} at {server.base_url}, 1 rules"
    assert lines[1] == f"question 1: crossing of r1 robot_1, r2 robot_0: {options}"
    assert lines[2] == f"question 1: o1 applied (model, {answer.latency:.1f} s): your key is [key]"

    values = told.values
    assert (values[keys.MODEL], values[keys.BREAKER], values[keys.FAILURE]) == (MODEL, "closed", "")
    assert float(values[keys.LATENCY]) == pytest.approx(answer.latency, abs=1e-3)
    calls = len(server.requests)
    assert (values[keys.CALLS], values[keys.FAILURES]) == (str(calls), "0")
    tokens = {"prompts": 300 * calls, "answers": 40 * calls, "cached": 256 * calls}
    assert keys.split_counts(values[keys.TOKENS]) == tokens
    assert keys.split_counts(values[keys.OUTCOMES])["applied"] == told.figures["applied"]
    assert told.figures["asked"] == calls
    assert told.figures["latency_s"] > 0.0
    assert_the_key_went_to_the_server_alone(told, server)


@pytest.mark.parametrize("asked", [failing(401)], indirect=True)
def test_a_server_that_refuses_the_key_and_repeats_it_is_named_once_without_it_and_the_robots_drive_on(asked) -> None:
    told, server = asked
    assert told.ended == (0, "2")
    cause = "HTTP 401: the key is not accepted"
    assert told.arbitrations[1].outcome == f"failed: {cause}"
    assert told.recorded == told.arbitrations
    assert told.log.count(cause) == 1
    assert f"[WARN] [{told.log.split('[WARN] [')[1].split(']')[0]}] [coordinator]: question 1: no usable" in told.log
    assert (told.values[keys.BREAKER], told.values[keys.FAILURE]) == ("open", cause)
    assert told.values[keys.LATENCY] == ""
    assert (told.figures["failed"], told.figures["latency_s"]) == (len(told.arbitrations) // 2, None)
    assert_the_key_went_to_the_server_alone(told, server)


def test_without_a_key_that_it_needs_it_says_what_to_set_and_decides_alone(graph) -> None:
    process = graph.start("coordinator_node", "arbiter:=deepseek-api", "arbiter_cache:=none")
    sets = graph.collect(topics.DIRECTIVES)
    graph.spin_until(lambda: len(sets) >= 3)
    (line,) = process.stderr.splitlines()
    assert line.startswith("[WARN]")
    assert "no arbiter: https://api.deepseek.com needs a key: set DEEPSEEK_API_KEY in the environment" in line


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (("arbiter:=chatty",), "unknown arbiter preset 'chatty'"),
        (("arbiter_url:=http://127.0.0.1:1",), "an arbiter needs a preset (deepseek-api, "),
        (("arbiter:=ollama", "site:=/nowhere.yaml"), "site or world file '/nowhere.yaml' does not exist"),
        (("arbiter:=ollama", "arbiter_key_file:={open}"), "others may read it (mode 0644), chmod 600 it"),
        (("arbiter:=ollama", "arbiter_cache:={open}"), "no usable answer cache"),
    ],
    ids=["preset", "half a server", "site", "key file", "cache"],
)
def test_what_is_wrong_with_its_parameters_ends_it_with_one_line(graph, tmp_path, parameters, complaint) -> None:
    open_to_all = tmp_path / "key"
    open_to_all.write_text(KEY)
    open_to_all.chmod(0o644)
    status, stderr = graph.start("coordinator_node", *(text.format(open=open_to_all) for text in parameters)).end()
    assert status == 2
    (line,) = stderr.splitlines()
    assert line.startswith("coordinator_node: ")
    assert complaint in line
    assert KEY not in stderr


def test_a_site_is_a_file_of_its_own_or_a_world(tmp_path) -> None:
    (tmp_path / "site.yaml").write_text("rules: [Nobody waits at the lifts.]\n")
    assert site_of(str(tmp_path / "site.yaml")).rules == ("Nobody waits at the lifts.",)
    assert dict(site_of("ward").facts_of("robot_3")) == {"carries": "medicine"}
    assert site_of("") == site_of("procedural-1000000") == NO_WORDS
