"""`ewm doctor` on this machine as it is, and with one thing after another broken."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ewm_ros.cli.app import main
from ewm_ros.cli.checks.adviser import adviser
from ewm_ros.cli.checks.installation import world_model
from ewm_ros.coordination.arbitration.advice import Advice

Capture = pytest.CaptureFixture[str]
Findings = dict[str, dict[str, Any]]
KEY = "sk-0123456789abcdef"
EWM = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()"]


@pytest.fixture(autouse=True)
def _nobody_elses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A ROS domain of the test's own, no key and no answers of the machine's user."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.delenv("RMW_IMPLEMENTATION", raising=False)


def doctor(*args: str, **environment: str) -> tuple[int, Findings]:
    """Exit status and findings of the command in a process of its own, in a changed environment."""
    done = subprocess.run(
        [*EWM, "doctor", "--json", *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = json.loads(done.stdout)
    findings = {finding["what"]: finding for finding in told["findings"]}
    assert told["fine"] == (done.returncode == 0)
    assert all(finding["fine"] or finding["remedy"] for finding in findings.values())
    assert KEY not in done.stdout + done.stderr
    return done.returncode, findings


def missing(findings: Findings) -> set[str]:
    return {what for what, finding in findings.items() if finding["needed"] and not finding["fine"]}


@pytest.mark.ros
def test_this_installation_is_fine() -> None:
    pytest.importorskip("rclpy")
    status, found = doctor()
    assert (status, missing(found)) == (0, set())
    assert {"Python", "ROS 2", "middleware", "discovery", "messages", "data files", "PyBullet", "time of day"} <= set(
        found
    )
    assert found["ROS 2"]["found"].startswith(("Jazzy", "Kilted", "Lyrical"))
    assert found["middleware"]["found"].startswith("rmw_")
    assert "heard each other in" in found["discovery"]["found"]
    assert "sha256" in found["world model"]["found"]
    assert found["adviser"]["found"].startswith("off")


@pytest.mark.ros
def test_a_middleware_that_is_not_there_is_named_and_the_rest_still_looked_at() -> None:
    pytest.importorskip("rclpy")
    status, found = doctor(RMW_IMPLEMENTATION="rmw_foo")
    assert (status, missing(found)) == (1, {"middleware"})
    assert found["middleware"]["found"] == "RMW_IMPLEMENTATION=rmw_foo cannot be loaded"
    assert "unset RMW_IMPLEMENTATION" in found["middleware"]["remedy"]
    assert "discovery" not in found


def test_without_ros_it_says_how_to_get_it(tmp_path: Path) -> None:
    hiding = tmp_path / "rclpy"
    hiding.mkdir()
    (hiding / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'rclpy'\")\n")
    status, found = doctor(PYTHONPATH=str(tmp_path))
    assert status == 1
    assert "ROS 2" in missing(found)
    assert "No module named 'rclpy'" in found["ROS 2"]["found"]
    assert "pip install 'ewm-ros[ros]'" in found["ROS 2"]["remedy"]
    assert {"middleware", "discovery"}.isdisjoint(found)


@pytest.mark.ros
def test_without_discovery_two_processes_do_not_hear_each_other() -> None:
    pytest.importorskip("rclpy")
    status, found = doctor(ROS_AUTOMATIC_DISCOVERY_RANGE="OFF")
    assert (status, missing(found)) == (1, {"discovery"})
    assert found["discovery"]["remedy"].startswith("ROS_AUTOMATIC_DISCOVERY_RANGE=OFF finds nobody")


@pytest.mark.ros
@pytest.mark.parametrize(("domain", "fine"), [("7", True), ("101", True), ("102", False), ("x", False), ("²", False)])
def test_it_looks_at_the_ros_domain(domain: str, fine: bool) -> None:
    pytest.importorskip("rclpy")
    status, found = doctor(ROS_DOMAIN_ID=domain)
    assert found["ROS domain"]["fine"] is fine
    assert status == (0 if domain.isascii() and domain.isdecimal() else 1)


def test_the_table_is_for_people(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "x")  # without ROS's part, which takes a second
    assert main(["doctor"]) == 1
    table = " ".join(capfd.readouterr().out.split())
    assert "MISSING" in table
    assert "set ROS_DOMAIN_ID to" in table


def test_a_broken_world_model_is_no_reason_not_to_drive(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    found = world_model(str(tmp_path))
    assert (found.fine, found.needed) == (False, False)
    assert "config.json is missing or broken" in found.found
    assert "closed form" in found.remedy


class Server(BaseHTTPRequestHandler):
    """Lists one model, and answers or refuses questions."""

    listed: str | None = "r1"
    status = 200
    asked: list[tuple[str, str, str]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._note()
        if self.listed is None:
            self._answer(404, {"error": f"you sent {self.headers.get('Authorization')}"})
        else:
            self._answer(200, {"data": [{"id": self.listed}]})

    def do_POST(self) -> None:
        self._note()
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.status, {"error": f"you sent {self.headers.get('Authorization')}"})

    def _note(self) -> None:
        self.asked.append((self.command, self.path, self.headers.get("Authorization", "")))

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The address of a server, and what it is asked."""
    asked: list[tuple[str, str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Server,), {**settings, "asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_that_lists_the_model_is_not_asked_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    with serving() as (url, asked):
        server, key, _ = adviser(Advice(url=url, model="r1"))
    assert server.fine
    assert server.needed
    assert "in the server's list" in server.found
    assert asked == [("GET", "/v1/models", f"Bearer {KEY}")]
    assert key.found == "in DEEPSEEK_API_KEY"


@pytest.mark.parametrize("listed", [None, "another"])
def test_a_server_without_the_model_in_its_list_is_asked_one_question(listed: str | None) -> None:
    with serving(listed=listed) as (url, asked):
        server, _, _ = adviser(Advice(url=url, model="r1"))
    assert server.fine
    assert "answered one question" in server.found
    assert [(method, path) for method, path, _ in asked] == [("GET", "/v1/models"), ("POST", "/v1/chat/completions")]


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, "HTTP 401: the key is not accepted"),
        (404, "no such address or model"),
        (503, "the server is in trouble"),
        (302, "the server sends it elsewhere"),
    ],
)
def test_a_server_that_refuses_is_not_quoted(status: int, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    with serving(listed=None, status=status) as (url, _):
        findings = adviser(Advice(url=url, model="r1"))
    assert not findings[0].fine
    assert cause in findings[0].found
    assert KEY not in repr(findings)


def test_a_dead_endpoint_is_missing_if_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        status, found = doctor("--arbiter-url", url, "--arbiter-model", "r1", ROS_DOMAIN_ID="x")
    assert status == 1
    assert "adviser" in missing(found)
    assert found["adviser"]["found"] == f"r1 at {url}: no connection"


def test_an_endpoint_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewm_ros.cli.checks.adviser.DEADLINE", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server, _, _ = adviser(Advice(url=f"http://127.0.0.1:{silent.getsockname()[1]}/v1", model="r1"))
    assert not server.fine
    assert server.found.endswith("no answer in 0.3 s")


def test_what_is_not_http_is_no_server() -> None:
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()

        def answer() -> None:
            connection, _ = odd.accept()
            connection.recv(4096)
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        server, _, _ = adviser(Advice(url=f"http://127.0.0.1:{odd.getsockname()[1]}/v1", model="r1"))
        thread.join()
    assert not server.fine
    assert server.found.endswith("no connection")


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_key_file_that_others_may_read_is_neither_used_nor_shown(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(mode)
    with serving() as (url, asked):
        status, found = doctor(
            "--arbiter-url", url, "--arbiter-model", "r1", "--arbiter-key-file", str(file), ROS_DOMAIN_ID="x"
        )
    assert status == 1
    assert {"adviser", "adviser's key"} <= missing(found)
    assert "others may read it" in found["adviser's key"]["found"]
    assert "chmod 600" in found["adviser's key"]["remedy"]
    assert asked == []


def test_a_key_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    _, key, _ = adviser(Advice(key_file=str(tmp_path / "none")))
    assert (key.fine, key.needed) == (False, True)
    assert "No such file" in key.found


def test_a_server_that_needs_a_key_is_not_asked_without_one() -> None:
    server, key, _ = adviser(Advice(preset="deepseek-api"))
    assert (server.fine, key.fine) == (False, True)
    assert server.found == "https://api.deepseek.com needs a key"


def test_answers_that_cannot_be_kept_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, answers = adviser(Advice())
    assert answers.fine
    assert list(tmp_path.iterdir()) == [], "looking makes no file"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    *_, answers = adviser(Advice())
    assert (answers.fine, answers.needed) == (False, False)
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"no database" * 100)
    *_, answers = adviser(Advice(cache=str(other)))
    assert not answers.fine
    assert str(other) in answers.found


def test_an_unknown_preset_is_bad_usage(capfd: Capture) -> None:
    assert main(["doctor", "--arbiter", "nope"]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "unknown arbiter preset 'nope'" in err
