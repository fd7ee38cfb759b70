"""config/integration_config.yaml, and what is said instead of it."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import yaml

from ewm_ros.coordination.arbitration.settings import Limits, load_settings
from ewm_ros.errors import InputError
from ewm_ros.resources import share

SHIPPED = share() / "config" / "integration_config.yaml"
LOCAL = ["vllm", "sglang", "llama.cpp", "ollama"]


def changed(tmp_path: Path, *keys: str, to: object) -> Path:
    """A copy of the shipped file in which one key has another value; None: it is not there."""
    content = yaml.safe_load(SHIPPED.read_text())
    inside = content
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = to
    if to is None:
        del inside[keys[-1]]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def refusal(preset: str, **arguments: str | Path) -> str:
    with pytest.raises(InputError) as refused:
        load_settings(preset, **arguments)  # type: ignore[arg-type]
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_deepseek_s_own_api_is_reached_encrypted_with_a_key_and_without_json_schema() -> None:
    settings = load_settings("deepseek-api")
    assert (settings.base_url, settings.model) == ("https://api.deepseek.com", "deepseek-v4-pro")
    assert (settings.structured, settings.needs_key, settings.stream) == ("json_object", True, True)
    assert settings.limits.deadline_s == 150.0


@pytest.mark.parametrize("preset", LOCAL)
def test_the_presets_of_local_servers_stay_on_this_machine_and_need_no_key(preset: str) -> None:
    settings = load_settings(preset)
    assert settings.base_url.startswith("http://127.0.0.1:")
    assert settings.base_url.endswith("/v1")
    assert (settings.structured, settings.needs_key) == ("json_schema", False)


def test_each_preset_has_a_port_of_its_own() -> None:
    assert len({load_settings(preset).base_url for preset in LOCAL}) == len(LOCAL)


def test_address_and_model_of_a_preset_can_be_others() -> None:
    settings = load_settings("vllm", base_url="https://gpu.example.com:8443/v1", model="R1 671B")
    assert (settings.base_url, settings.model) == ("https://gpu.example.com:8443/v1", "R1 671B")
    assert settings.structured == load_settings("vllm").structured


def test_a_server_without_a_preset_is_asked_for_nothing_special() -> None:
    settings = load_settings("", base_url="http://10.0.0.7:5000/v1", model="r1")
    assert (settings.preset, settings.structured, settings.needs_key) == ("", "none", False)
    assert settings.limits == load_settings("vllm").limits


def test_settings_cannot_be_changed() -> None:
    settings = load_settings("vllm")
    with pytest.raises(FrozenInstanceError):
        settings.model = "other"  # type: ignore[misc]


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    assert refusal("openai\n") == (
        "unknown arbiter preset 'openai\\\\n': there are deepseek-api, vllm, sglang, llama.cpp, ollama"
    )


@pytest.mark.parametrize("given", [{}, {"base_url": "http://127.0.0.1:1/v1"}, {"model": "r1"}])
def test_without_a_preset_both_address_and_model_are_needed(given: dict[str, str]) -> None:
    assert "or a base_url and a model" in refusal("", **given)


@pytest.mark.parametrize(
    "url",
    [
        "api.deepseek.com",
        "ftp://example.com/v1",
        "http://",
        "http://:8000/v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://a b/v1",
        "http://host/v1\n",
        "http://höst/v1",
        "file:///etc/passwd",
        "http://host/" + "v" * 300,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert refusal("vllm", base_url=url) == (
        "the arbiter's base_url needs an address as https://host/v1 or http://host:8000/v1"
    )


def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path: Path) -> None:
    url = "https://me:hunter2@example.com/v1"
    message = refusal("vllm", base_url=url)
    assert "has a user or password in it" in message
    in_file = refusal("vllm", path=changed(tmp_path, "presets", "vllm", "base_url", to=url))
    assert "presets.vllm.base_url" in in_file
    assert "hunter2" not in message + in_file


def test_an_address_ends_with_its_path() -> None:
    assert "nothing may follow" in refusal("vllm", base_url="https://example.com/v1?key=hunter2")


@pytest.mark.parametrize("model", [" r1", "r\n1", "x" * 201])
def test_what_is_no_model_s_name_is_refused(model: str) -> None:
    assert "the arbiter's model needs 1 to 200 printable characters" in refusal("vllm", model=model)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("presets", "vllm", "modle"), "r1", "presets.vllm.modle: Extra inputs"),
        (("presets", "vllm", "model"), None, "presets.vllm.model: Field required"),
        (("presets", "vllm", "structured"), "xml", "presets.vllm.structured: Input should be 'json_schema'"),
        (("presets", "vllm", "needs_key"), "no", "presets.vllm.needs_key: Input should be a valid boolean"),
        (("presets", "vllm", "extra"), {"stream": False}, "presets.vllm.extra: Value error, 'stream' is set otherwise"),
        (("presets", "My Server"), {}, "presets.My Server"),
        (("limits", "deadline_s"), 0, "limits.deadline_s: Input should be greater than 0"),
        (("limits", "deadline_s"), float("nan"), "limits.deadline_s"),
        (("limits", "attempts"), 2.5, "limits.attempts: Input should be a valid integer"),
        (("limits", "calls_per_minute"), None, "limits.calls_per_minute: Field required"),
        (("limits", "tokens_per_hour"), 100, "tokens_per_hour is less than max_tokens"),
        (("limits", "breaker_longest_s"), 1, "breaker_longest_s is less than breaker_open_s"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_file_and_key(
    tmp_path: Path, keys: tuple[str, ...], value: object, said: str
) -> None:
    path = changed(tmp_path, *keys, to=value)
    message = refusal("vllm", path=path)
    assert message.startswith(f"{path}: ")
    assert said in message


def test_a_file_of_one_s_own_stands_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    path = changed(tmp_path, "presets", "mine", to={"base_url": "http://x/v1", "model": "m", "structured": "none"})
    assert load_settings("mine", path=path).model == "m"
    assert "cannot be read" in refusal("vllm", path=tmp_path / "nothing.yaml")


def test_every_key_of_the_shipped_file_is_explained_in_it() -> None:
    text = SHIPPED.read_text()
    for name in Limits.model_fields:
        assert re.search(rf"^  {name}: \S+ +# \S", text, re.MULTILINE), name
    for name in yaml.safe_load(text)["presets"]["vllm"]:
        assert re.search(rf"^  #   {name} +\S", text, re.MULTILINE), name
