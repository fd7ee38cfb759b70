"""Whom to ask, from what an operator has said on a command line or in parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewm_ros.coordination.arbitration.advice import NO_ADVICE, Advice
from ewm_ros.errors import InputError

KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def _home_of_this_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_nothing_said_is_nobody_asked() -> None:
    assert not NO_ADVICE.wanted
    assert NO_ADVICE.parameters == {}


def test_what_is_said_becomes_parameters_and_what_is_not_does_not() -> None:
    said = Advice("vllm", model="r1", key_file="~/key")
    assert said.wanted
    assert said.parameters == {"arbiter": "vllm", "arbiter_model": "r1", "arbiter_key_file": "~/key"}


def test_every_field_is_a_parameter_of_the_coordinator() -> None:
    said = Advice(*(f"value of {name}" for name in Advice.__slots__))
    assert sorted(said.parameters.values()) == sorted(f"value of {name}" for name in Advice.__slots__)


def test_a_preset_may_be_changed_in_parts() -> None:
    settings = Advice("ollama", url="http://10.0.0.7:11434/v1").settings()
    assert (settings.base_url, settings.preset) == ("http://10.0.0.7:11434/v1", "ollama")


def test_presets_of_a_file_of_ones_own_are_taken_in_place_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("presets: {}\n")
    with pytest.raises(InputError, match=r"mine\.yaml"):
        Advice("ollama", config="~/mine.yaml").settings()


def test_only_a_server_that_needs_a_key_lacks_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Advice("ollama").lacking() == ""
    lacking = Advice("deepseek-api").lacking()
    assert "https://api.deepseek.com needs a key: set DEEPSEEK_API_KEY" in lacking
    assert "\n" not in lacking
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    assert Advice("deepseek-api").lacking() == ""


def test_a_key_comes_from_the_file_that_was_named_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    said = Advice("deepseek-api", key_file="~/key")
    assert said.lacking() == ""
    key = said.key()
    assert key is not None
    assert key.get_secret_value() == KEY
    assert KEY not in f"{said!r} {said.parameters} {key!r} {key}"


@pytest.mark.parametrize(
    ("cache", "variable", "path"),
    [
        ("", "", "~/.cache/ewm_ros/arbiter.sqlite"),
        ("", "/var/cache/me", "/var/cache/me/ewm_ros/arbiter.sqlite"),
        ("~/answers.sqlite", "/var/cache/me", "~/answers.sqlite"),
        ("none", "/var/cache/me", None),
    ],
)
def test_answers_are_kept_where_the_operator_says(
    cache: str, variable: str, path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert Advice(cache=cache).cache_path() == (Path(path).expanduser() if path else None)
