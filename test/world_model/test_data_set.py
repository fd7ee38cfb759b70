"""Data sets: what is written is read, what is damaged is found, and what is foreign is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_data import made_up_windows

from ewm_ros.errors import InputError
from ewm_ros.trajectory import HORIZON
from ewm_ros.world_model.data_set import FORMAT, MANIFEST, DataSet, Windows
from ewm_ros.world_model.layout import ACTION_DIM, LAYOUT, STATE_DIM

RECIPE: dict[str, object] = {"worlds": ("hall", "yard"), "seed": 1_000_000}
RUNS = [{"world": "hall", "seed": 1_000_001}, {"world": "yard", "seed": 1_000_002}]
PLACE = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, 5, 10, 15]))


def windows_at(places: list[tuple[int, int, int]]) -> Windows:
    """Windows of these runs, robots and ticks that hold nothing else but their number."""
    count = len(places)
    state = np.zeros((count, STATE_DIM), np.float16)
    state[:, 0] = np.arange(count)
    return Windows(
        state,
        np.zeros((count, HORIZON, 3), np.float16),
        np.zeros((count, HORIZON, ACTION_DIM), np.float16),
        np.ones((count, 2), np.float32),
        np.array(places, np.int32).reshape(count, 3),
    )


def same(a: Windows, b: Windows) -> bool:
    return all(
        getattr(a, name).dtype == getattr(b, name).dtype and np.array_equal(getattr(a, name), getattr(b, name))
        for name in Windows.__slots__
    )


@pytest.fixture
def data_set(tmp_path: Path) -> DataSet:
    """One of two chunks."""
    made = DataSet(tmp_path / "data", RECIPE)
    for k in range(2):
        made.add(f"chunk-{k:05d}", made_up_windows(k), RUNS)
    return made


# Windows


@settings(deadline=None)
@given(st.lists(PLACE, unique=True, max_size=30), st.sampled_from([0, 3, 5, 10, 50]))
def test_the_same_robots_window_later_is_found_as_by_looking_at_all(
    places: list[tuple[int, int, int]], ticks: int
) -> None:
    index = {place: k for k, place in enumerate(places)}
    expected = [index.get((run, robot, tick + ticks), -1) for run, robot, tick in places]
    assert windows_at(places).later(ticks).tolist() == expected


@given(st.lists(st.lists(PLACE, max_size=6), max_size=5), st.data())
def test_joined_windows_are_all_of_them_with_their_runs_counted_on(
    parts: list[list[tuple[int, int, int]]], data: st.DataObject
) -> None:
    runs = [data.draw(st.integers(max((run for run, *_ in part), default=-1) + 1, 6)) for part in parts]
    joined = Windows.joined([windows_at(part) for part in parts], runs)
    expected = [(run + sum(runs[:k]), robot, tick) for k, part in enumerate(parts) for run, robot, tick in part]
    assert joined.place.tolist() == [list(place) for place in expected]
    assert joined.place.dtype == np.int32
    assert len(joined) == sum(map(len, parts))
    assert joined.state[:, 0].tolist() == [k for part in parts for k in range(len(part))]
    if any(parts):  # no window of one part is taken for a later one of another part's run
        owners = [k for k, part in enumerate(parts) for _ in part]
        assert all(owners[a] == owners[b] for a, b in enumerate(joined.later(5).tolist()) if b >= 0)


def test_nothing_joined_is_no_window() -> None:
    nothing = Windows.joined([], [])
    assert len(nothing) == 0
    assert same(nothing, windows_at([]))
    assert nothing.later(5).tolist() == []


@given(arrays(np.bool_, 100))
def test_windows_are_kept_with_all_that_belongs_to_them(kept: np.ndarray) -> None:
    whole = made_up_windows(0)
    part = whole.where(kept)
    rows = np.flatnonzero(kept)
    assert len(part) == len(rows)
    for name in Windows.__slots__:
        assert np.array_equal(getattr(part, name), getattr(whole, name)[rows])


# The folder


def test_what_is_added_is_read_bit_for_bit(data_set: DataSet) -> None:
    assert same(data_set.read(["chunk-00001"]), made_up_windows(1))
    both = data_set.read(["chunk-00000", "chunk-00001"])
    assert same(both, Windows.joined([made_up_windows(0), made_up_windows(1)], [2, 2]))
    assert both.place[:, 0].max() == 3


def test_the_manifest_says_what_there_is(data_set: DataSet) -> None:
    again = DataSet(data_set.folder)
    assert set(again.chunks) == {"chunk-00000", "chunk-00001"}
    assert again.chunks["chunk-00000"]["windows"] == 100
    assert again.chunks["chunk-00000"]["episodes"] == RUNS
    assert again.recipe == {"worlds": ["hall", "yard"], "seed": 1_000_000}
    assert same(again.read(["chunk-00000"]), made_up_windows(0))


def test_a_collection_goes_on_where_it_was(data_set: DataSet) -> None:
    again = DataSet(data_set.folder, RECIPE)
    assert [again.has(f"chunk-{k:05d}") for k in range(3)] == [True, True, False]
    again.add("chunk-00002", made_up_windows(2), RUNS)
    assert DataSet(data_set.folder).has("chunk-00002")
    assert same(again.read(["chunk-00000"]), made_up_windows(0))


def test_a_chunk_that_was_being_written_when_all_ended_is_not_there(data_set: DataSet) -> None:
    (data_set.folder / "chunk-00002.partial").write_bytes(b"half")
    (data_set.folder / "chunk-00003.npz").write_bytes(b"whole, but not yet in the manifest")
    again = DataSet(data_set.folder, RECIPE)
    for name in ("chunk-00002", "chunk-00003"):
        assert not again.has(name)
        again.add(name, made_up_windows(2), RUNS)
        assert same(again.read([name]), made_up_windows(2))
    assert list(data_set.folder.glob("*.partial")) == []


@pytest.mark.parametrize("full", ["chunk-00007.partial", "manifest.partial"])
def test_on_a_full_disk_one_line_says_so_and_what_was_there_stays(full: str, data_set: DataSet) -> None:
    before = dict(data_set.chunks)
    (data_set.folder / full).symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"chunk-00007 cannot be written: No space left on device") as told:
        data_set.add("chunk-00007", made_up_windows(3), [{}])
    assert len(str(told.value).splitlines()) == 1
    again = DataSet(data_set.folder)
    assert again.chunks == before
    assert len(again.read(sorted(before))) > 0


def test_a_chunk_without_windows_is_one(data_set: DataSet) -> None:
    data_set.add("chunk-00002", Windows.joined([], []), RUNS)
    assert len(data_set.read(["chunk-00002"])) == 0
    assert data_set.read(["chunk-00002", "chunk-00000"]).place[:, 0].min() == len(RUNS)


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [flip, lambda content: content[:-1], lambda content: b""])
def test_a_damaged_chunk_is_found_named_and_can_be_replaced(
    damage: Callable[[bytes], bytes], data_set: DataSet
) -> None:
    path = data_set.folder / "chunk-00001.npz"
    path.write_bytes(damage(path.read_bytes()))
    again = DataSet(data_set.folder, RECIPE)
    assert not again.has("chunk-00001")
    with pytest.raises(InputError, match=r"chunk-00001\.npz is missing or damaged"):
        again.read(["chunk-00000", "chunk-00001"])
    again.add("chunk-00001", made_up_windows(1), RUNS)
    assert again.has("chunk-00001")


def test_a_missing_chunk_is_named(data_set: DataSet) -> None:
    (data_set.folder / "chunk-00000.npz").unlink()
    for name in ("chunk-00000", "chunk-00009"):
        assert not data_set.has(name)
        with pytest.raises(InputError, match=rf"{name}\.npz is missing"):
            data_set.read([name])


@pytest.mark.parametrize("other", [{}, {"bags": True}, {**RECIPE, "seed": 1_000_001}])
def test_data_of_another_recipe_are_refused_and_left_alone(other: dict[str, object], data_set: DataSet) -> None:
    before = (data_set.folder / MANIFEST).read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: made with .*choose another folder"):
        DataSet(data_set.folder, other)
    assert (data_set.folder / MANIFEST).read_text(encoding="utf-8") == before


@pytest.mark.parametrize(("key", "value"), [("format", FORMAT + 1), ("layout", LAYOUT + 1)])
def test_data_of_another_format_or_layout_are_refused(key: str, value: int, data_set: DataSet) -> None:
    path = data_set.folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}), encoding="utf-8")
    for recipe in (None, RECIPE):
        with pytest.raises(InputError, match=r"collect anew"):
            DataSet(data_set.folder, recipe)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"format": 1, "layout": 1, "recipe": {}}',
        '{"format": 1, "layout": 1, "recipe": {}, "chunks": []}',
        '{"format": 1, "layout": 1, "recipe": {}, "chunks": {"chunk-00000": {"sha256": "1"}}}',
        '{"format": 1, "layout": 1, "recipe": {}, "chunks": {"chunk-00000": 3}}',
    ],
)
def test_a_broken_manifest_is_refused(manifest: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(manifest, encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json is not a manifest") as refused:
        DataSet(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("there", [False, True])
def test_to_read_what_is_no_data_set_is_refused(there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    if there:
        folder.mkdir()
    with pytest.raises(InputError, match=r"data is not a data set"):
        DataSet(folder)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(InputError, match=r"data cannot be made"):
        DataSet(tmp_path / "data", RECIPE)


def test_the_fingerprint_is_that_of_the_data_whatever_the_order(data_set: DataSet, tmp_path: Path) -> None:
    reversed_order = DataSet(tmp_path / "reversed", RECIPE)
    for k in (1, 0):
        reversed_order.add(f"chunk-{k:05d}", made_up_windows(k), RUNS)
    assert reversed_order.fingerprint == data_set.fingerprint == DataSet(data_set.folder).fingerprint
    data_set.add("chunk-00001", made_up_windows(2), RUNS)
    assert reversed_order.fingerprint != data_set.fingerprint
