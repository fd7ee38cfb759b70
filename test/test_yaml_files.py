"""YAML from strangers: plain data comes through as it is, everything else is one line that names the place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros import yaml_files
from ewm_ros.errors import InputError
from ewm_ros.yaml_files import MAX_BYTES, MAX_VALUES, load_yaml


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: the one in C is not in every installation."""
    monkeypatch.setattr(yaml_files, "_Loader", getattr(yaml, request.param))


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "site.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def complaint(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_yaml(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: ")
    assert len(line) < 600
    assert "\n" not in line
    return line.removeprefix(f"{file}: ")


def bomb(levels: int) -> str:
    """Nine to the power of `levels` values in a few lines."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("# nothing\n", None),
        ("\ufeffname: a\n", {"name": "a"}),
        ("a: 1\nb: 1.5\nc: [yes, ~, '1', 0x10]\n", {"a": 1, "b": 1.5, "c": [True, None, "1", 16]}),
        ("a: &x [1, 2]\nb: *x\nc: [*x, *x]\n", {"a": [1, 2], "b": [1, 2], "c": [[1, 2], [1, 2]]}),
        ("- &w {a: [1], b: 0}\n- {<<: *w, b: 1}\n", [{"a": [1], "b": 0}, {"a": [1], "b": 1}]),
        ("- &a {x: 1}\n- &b {x: 2, y: 2}\n- {<<: [*a, *b]}\n", [{"x": 1}, {"x": 2, "y": 2}, {"x": 1, "y": 2}]),
        ("text: |\n  two\n  lines\n", {"text": "two\nlines\n"}),
    ],
)  # fmt: skip
def test_plain_data_comes_through(text: str, expected: object, tmp_path: Path) -> None:
    assert load_yaml(written(tmp_path, text)) == expected


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nname: b\n", "name: the key 'name' is there twice (line 2, column 1)"),
        ("robots:\n  count: {min: 1, max: 2, min: 3}\n", "robots.count.min: the key 'min' is there twice (line 2"),
        ("b: &b {x: 1}\nc: {<<: *b, <<: *b}\n", "c.<<: the key '<<' is there twice"),
        ("c: {<<: 3}\n", "c.<<: needs a mapping, or a list of them"),
        ("walls: [&w {center: [0, 0]}, {inside: *v}]\n", "walls.1.inside: the alias *v has no anchor before it"),
        ("walls: &w [1, [*w]]\n", "walls.1.0: the alias *w stands inside of what it repeats"),
        ("rules: [!!python/object/apply:os.system [true]]\n", "rules.0: the tag 'tag:yaml.org,2002:python/"),
        ("view: !degrees 3\n", "view: the tag '!degrees' is not allowed"),
        ("name: !!binary aGk=\n", "name: the tag 'tag:yaml.org,2002:binary' is not allowed"),
        ("bounds: {x: 2024-13-45}\n", "bounds.x: not valid YAML, '2024-13-45' is no timestamp"),
        ("view: !!float 3\n", "view: the tag 'tag:yaml.org,2002:float' is not allowed"),
        ("walls: !!seq none\n", "walls: the tag 'tag:yaml.org,2002:seq' is not allowed"),
        (f"view: 0x{'f' * 5000}\n", "view: is no text, and longer than 100 characters"),
        (f"name: {'x' * 20000}\n", "name: is 20000 characters long"),
        ("1: one\n", "the key 1 is no text, put it in quotes"),
        ("? [1, 2]\n: 3\n", "a list or mapping cannot be a key"),
        ("name: a\n---\nname: b\n", "a second document begins (line 2, column 1)"),
        ("name: [1, 2", "not valid YAML at line"),
        ("name:\n\t- a\n", "not valid YAML at line 2, column 1"),
        ("name: \x07", "not valid YAML: "),
        ("[" * 20000, "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0: nested deeper than 32 levels"),
        ("{a: " * 20000, "a.a.a.a."),
        (bomb(5), "a4.1: more than 20000 values, those repeated by aliases included"),
        (bomb(200), "a4.1: more than 20000 values, those repeated by aliases included"),
        (f"[{'1,' * (MAX_VALUES + 1)}]", f"{MAX_VALUES - 1}: more than 20000 values"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_where_it_stands(text: str, expected: str, tmp_path: Path) -> None:
    assert complaint(written(tmp_path, text)).startswith(expected)


def test_a_bomb_is_refused_long_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    add = yaml_files._Builder._add
    monkeypatch.setattr(yaml_files._Builder, "_add", lambda *args: (counted.append(1), add(*args)))
    complaint(written(tmp_path, bomb(200)))
    assert len(counted) < 100


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name: \xff\xfe\x00", "cannot be read (byte 6 is not UTF-8 text)"),
        ("name: a".encode("utf-16"), "cannot be read (byte 0 is not UTF-8 text)"),
        (b"#" * (MAX_BYTES + 1), "is 256 KiB large, at most 256 KiB are read"),
        (b"- 1\n" * 2_500_000, "is 9766 KiB large, at most 256 KiB are read"),
    ],
)
def test_files_that_are_no_text_or_too_large_are_not_parsed(content: bytes, expected: str, tmp_path: Path) -> None:
    assert complaint(written(tmp_path, content)) == expected


def test_a_file_of_just_the_largest_size_is_read(tmp_path: Path) -> None:
    assert load_yaml(written(tmp_path, "name: a\n" + "#" * (MAX_BYTES - 8))) == {"name": "a"}


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    assert complaint(fifo) == "cannot be read (it is not a regular file)"
    assert complaint(Path("/dev/zero")) == "cannot be read (it is not a regular file)"
    assert complaint(tmp_path).startswith("cannot be read (")
    assert complaint(tmp_path / "none.yaml") == "cannot be read (No such file or directory)"


texts = st.text(max_size=5).filter("<<".__ne__)
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(value=values, flow=st.sampled_from([True, False, None]))
def test_what_is_written_is_read_back(
    value: object, flow: bool | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("yaml") / "value.yaml"
    file.write_text(yaml.safe_dump(value, default_flow_style=flow), encoding="utf-8")
    assert load_yaml(file) == value


@given(text=st.text(alphabet="ab:-,[]{}&*!?|>'\"#%@<~01.\n\t ", max_size=60))
def test_whatever_the_text_it_is_data_or_one_line(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("yaml") / "text.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        found = load_yaml(file)
    except InputError as error:
        assert str(error).startswith(f"{file}: ")
        assert "\n" not in str(error)
    else:
        # PyYAML's own reading differs only where it takes the last of several equal keys or keys that are no text.
        assert found == yaml.load(text, Loader=yaml_files._Loader)
