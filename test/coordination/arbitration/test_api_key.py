"""The key is taken from where nobody else can read it, and shows itself nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ewm_ros.coordination.arbitration.api_key import VARIABLE, read_api_key
from ewm_ros.errors import InputError

KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def key_file(tmp_path: Path, content: bytes = KEY.encode(), mode: int = 0o600) -> Path:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_api_key(path)
    assert refused.value.__cause__ is None
    return str(refused.value)


def test_without_a_file_and_a_variable_there_is_none() -> None:
    assert read_api_key() is None


@pytest.mark.parametrize("text", [KEY, f" {KEY}\n"])
def test_the_environment_s_key_is_taken(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    key = read_api_key()
    assert key is not None
    assert key.get_secret_value() == KEY


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " ")
    assert read_api_key() is None


@pytest.mark.parametrize("content", [KEY.encode(), f"{KEY}\n".encode(), f"{KEY}\r\n".encode()])
def test_a_file_of_one_line_is_taken_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv(VARIABLE, "another")
    key = read_api_key(key_file(tmp_path, content, 0o400))
    assert key is not None
    assert key.get_secret_value() == KEY


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    key = read_api_key(key_file(tmp_path))
    assert KEY not in f"{key} {key!r} {[key]}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o700, 0o660])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, mode=mode)
    message = refusal(path)
    assert message == f"{path}: the key is not read: others may read it (mode {mode:04o}), chmod 600 it"


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert refusal(path) == f"{path}: the key is not read: the file belongs to another user"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a regular file" in refusal(tmp_path / "pipe")
    assert "not a regular file" in refusal(Path("/dev/null"))
    assert "cannot be read" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no key in it"),
        (b"\n", "there is no key in it"),
        (f"{KEY}\n{KEY}\n".encode(), "one line of plain characters"),
        (f"{KEY} ".encode(), "one line of plain characters"),
        (f"{KEY}\r\nX-Header: 1".encode(), "one line of plain characters"),
        (f"{KEY}ä".encode(), "one line of plain characters"),
        (f"{KEY}\0".encode(), "one line of plain characters"),
        (KEY.encode() * 1000, "longer than 512 characters"),
    ],
)
def test_what_can_be_no_key_is_refused_and_not_quoted(tmp_path: Path, content: bytes, said: str) -> None:
    message = refusal(key_file(tmp_path, content))
    assert said in message
    assert KEY not in message
    assert "\n" not in message


def test_a_variable_that_can_be_no_key_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{KEY}\n{KEY}")
    with pytest.raises(InputError, match=VARIABLE) as refused:
        read_api_key()
    assert KEY not in str(refused.value)
