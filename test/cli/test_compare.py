"""`ewm compare` as its users meet it: tables, one JSON object, rows, a gate, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ewm_ros.cli.app import main

Capture = pytest.CaptureFixture[str]
TIMES = (30.0, 35.0, 31.0, 38.0, 33.0, 36.0)
SLOWER = (1.0, 1.5, 1.2, 0.8, 1.1, 1.4)


def run(seed: int, makespan: float, **more: Any) -> dict[str, Any]:
    """One run as `ewm run --json` prints it, or what matters of it."""
    told = {"world": "hall", "robots": 3, "seed": seed, "policy": "intention", "success": True, "collisions": 0}
    return {**told, "makespan_s": makespan, "realtime_factor": 20.0 + seed, **more}


def save(path: Path, runs: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps({"runs": runs, "summary": []}), encoding="utf-8")
    return str(path)


@pytest.fixture
def before(tmp_path: Path) -> str:
    return save(tmp_path / "before.json", [run(seed, time) for seed, time in enumerate(TIMES)])


@pytest.fixture
def after(tmp_path: Path) -> str:
    times = enumerate(zip(TIMES, SLOWER, strict=True))
    return save(tmp_path / "after.json", [run(seed, time + more, collisions=1) for seed, (time, more) in times])


def printed(capfd: Capture, *args: str, status: int = 0) -> str:
    assert main(["compare", *args]) == status
    return capfd.readouterr().out


def refused(capfd: Capture, *args: str) -> str:
    """The one line that says why not."""
    status = main(["compare", *args])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert re.fullmatch(r"ewm: [^\n]+\n", err), err
    assert len(err) < 600
    return err


def test_the_table_shows_both_sides_and_how_sure_the_difference_is(before: str, after: str, capfd: Capture) -> None:
    out = printed(capfd, before, after)
    assert "side after against baseline before: 6 and 6 runs, in pairs of the same world, robots and seed" in out
    assert re.search(r"^hall, 3 robots *$", out, re.MULTILINE)
    assert re.search(r"makespan_s +33\.8 +35 +\+1\.17 +\+0\.89 to \+1\.44 +6 +worse", out), out
    assert re.search(r"collisions +0 +1 +\+1 +- +6 +worse", out), out
    assert re.search(r"success +1 +1 +0 +-0\.39 to \+0\.39 +6 +same", out), out
    assert "2 intervals, each for itself: had nothing changed, about 0.1 would miss 0 by chance" in out
    assert max(map(len, out.splitlines()[1:-1])) <= 80


def test_whatever_the_sides_are_called_every_column_is_shown_at_80_characters(
    before: str, after: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"warehouse-12robots-seed{k}-20260101-120000" for k in range(2)]
    out = printed(capfd, *(f"{name}={path}" for name, path in zip(names, (before, after), strict=True)))
    assert f"side {names[1]} against baseline {names[0]}: " in out
    assert re.search(r"^figure +baseline +side +delta +95 % interval +runs +verdict *$", out, re.MULTILINE), out
    assert re.search(r"makespan_s +33\.8 +35 +\+1\.17 +\+0\.89 to \+1\.44 +6 +worse", out), out


def test_figures_too_wide_for_80_characters_cost_no_other_column(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "a_figure_with_a_name_that_takes_half_of_the_line"
    sides = [
        save(tmp_path / f"{side}.json", [run(k, 30.0, **{name: -1e7 * (k * k + more)}) for k in range(9)])
        for side, more in (("a", 1.25), ("b", 0.0))
    ]
    out = printed(capfd, *sides, "--figures", name)
    assert max(map(len, out.splitlines()[1:-1])) <= 80
    assert re.search(r" \+1\.25e\+07 .* 9 +changed", out), out
    assert name in "".join(line.split(" ")[0] or line.split()[0] for line in out.splitlines()), out


def test_runs_that_are_left_out_and_other_settings_are_told(before: str, tmp_path: Path, capfd: Capture) -> None:
    sides = []
    for name, version, seeds in (("old", "1.0", range(5)), ("new", "2.0", range(1, 7))):
        (tmp_path / name).mkdir()
        lines = [json.dumps({**run(seed, 30.0 + seed), "spec": {"version": version}}) for seed in seeds]
        (tmp_path / name / "runs.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")
        sides.append(str(tmp_path / name))
    out = printed(capfd, *sides)
    assert "side new against baseline old: 4 and 4 runs" in out
    assert "without counterpart and left out: 2 of new, 1 of old" in out
    assert "version: 1.0 in old, 2.0 in new" in out


def test_one_bag_or_run_a_side_gives_differences_without_intervals(tmp_path: Path, capfd: Capture) -> None:
    sides = [save(tmp_path / f"{name}.json", [run(0, time)]) for name, time in (("a", 30.0), ("b", 31.0))]
    out = printed(capfd, *sides)
    assert re.search(r"makespan_s +30 +31 +\+1 +- +1 +unknown", out), out
    assert "too few runs for intervals" in out


def test_the_detail_of_the_table_can_be_chosen(tmp_path: Path, capfd: Capture) -> None:
    runs = [run(k, 30.0 + k, world=world, robots=n) for world in ("hall", "ward") for n in (3, 6) for k in range(2)]
    path = save(tmp_path / "runs.json", runs)
    heads = {}
    for detail in ("all", "world", "robots"):
        out = printed(capfd, f"a={path}", f"b={path}", "--detail", detail, "--figures", "makespan_s")
        heads[detail] = re.findall(r"^(all runs|hall|ward|\w+, \d robots) *$", out, re.MULTILINE)
    assert heads["all"] == ["all runs"]
    assert heads["world"] == ["all runs", "hall", "ward"]
    assert heads["robots"] == [
        "all runs", "hall", "hall, 3 robots", "hall, 6 robots", "ward", "ward, 3 robots", "ward, 6 robots",
    ]  # fmt: skip


def test_policies_of_one_campaign_are_compared_with_its_first_one(tmp_path: Path, capfd: Capture) -> None:
    policies = {"intention": 0.0, "none": 1.0, "orca": 2.0}
    runs = [run(k, 30 + k * (1 + more / 9) + more, policy=name) for name, more in policies.items() for k in range(6)]
    path = save(tmp_path / "runs.json", runs)
    figures = json.loads(printed(capfd, path, "--policies", "--json", "--figures", "makespan_s"))
    assert figures["baseline"] == "intention"
    assert [(each["side"], each["deltas"][0]["verdict"]) for each in figures["comparisons"]] == [
        ("none", "worse"),
        ("orca", "worse"),
    ]


def test_the_json_object_has_every_delta_under_stable_keys(before: str, after: str, capfd: Capture) -> None:
    out = printed(capfd, before, after, "--json", "--confidence", "0.9", "--fail-if-worse", "collisions", status=1)
    assert len(out.splitlines()) == 1
    figures = json.loads(out)
    assert list(figures) == ["baseline", "confidence", "sides", "comparisons", "worse"]
    assert (figures["baseline"], figures["confidence"]) == ("before", 0.9)
    assert figures["sides"][1] == {"name": "after", "runs": 6, "worlds": ["hall"], "policies": ["intention"]}
    (compared,) = figures["comparisons"]
    assert list(compared) == ["side", "paired", "runs", "left_out", "settings", "deltas"]
    assert (compared["paired"], compared["left_out"]) == (True, {"baseline": 0, "side": 0})
    deltas = {delta["figure"]: delta for delta in compared["deltas"]}
    assert set(deltas) == {"success", "collisions", "makespan_s"}
    assert deltas["collisions"] == {
        "policy": None,
        "world": "hall",
        "robots": 3,
        "figure": "collisions",
        "better": "lower",
        "runs": {"baseline": 6, "side": 6},
        "baseline": 0.0,
        "side": 1.0,
        "delta": 1.0,
        "low": None,
        "high": None,
        "verdict": "worse",
    }
    assert deltas["makespan_s"]["low"] < deltas["makespan_s"]["delta"] < deltas["makespan_s"]["high"]
    assert figures["worse"] == [{"compared": "after", **deltas["collisions"]}]


def test_csv_has_a_row_for_each_delta(before: str, after: str, tmp_path: Path, capfd: Capture) -> None:
    out = printed(capfd, before, after, "--csv", "-", "--figures", "all")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["figure"] for row in rows] == ["success", "collisions", "makespan_s", "realtime_factor"]
    assert (rows[1]["baseline_name"], rows[1]["side_name"], rows[1]["low"]) == ("before", "after", "")
    assert float(rows[2]["delta"]) == pytest.approx(7 / 6)
    assert {row["paired"] for row in rows} == {"true"}
    file = tmp_path / "deltas.csv"
    assert "makespan_s" in printed(capfd, before, after, "--csv", str(file), "--figures", "all")
    assert file.read_text(encoding="utf-8") == out


def test_a_reader_of_the_rows_who_has_seen_enough_is_no_mistake(
    before: str, after: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        status = main(["compare", before, after, "--csv", "-"])
        monkeypatch.undo()
    assert (status, capfd.readouterr().err) == (0, "")


def test_a_gate_ends_with_status_1_and_says_what_is_worse(before: str, after: str, capfd: Capture) -> None:
    assert main(["compare", before, after, "--fail-if-worse", "makespan_s,success"]) == 1
    out, err = capfd.readouterr()
    assert "makespan_s" in out
    assert re.fullmatch(r"ewm: after is worse than before: makespan_s \+1.17, between \+0.8\d+ and \+1.5\d*\n", err), (
        err
    )
    assert main(["compare", before, after, "--fail-if-worse", "collisions"]) == 1
    assert capfd.readouterr().err == "ewm: after is worse than before: collisions +1, in every run\n"
    assert main(["compare", after, before, "--fail-if-worse", "makespan_s,collisions"]) == 0
    assert capfd.readouterr().err == ""


def test_names_of_sides_are_no_markup(before: str, after: str, capfd: Capture) -> None:
    assert "side [red]a[/red] against baseline [b]" in printed(capfd, f"[b]={before}", f"[red]a[/red]={after}")


def test_what_cannot_be_compared_is_refused_in_one_line(
    before: str, after: str, tmp_path: Path, capfd: Capture
) -> None:
    other = save(tmp_path / "other.json", [run(0, 30.0, world="ward")])
    assert "the worlds differ: only before holds hall, only other holds ward; --common" in refused(capfd, before, other)
    assert "can be compared: before holds hall with 3 robots" in refused(capfd, before, other, "--common")
    assert "it takes two sides or more" in refused(capfd, before)
    assert "it takes two sides or more" in refused(capfd, before, after, "--policies")
    assert "before holds intention only" in refused(capfd, before, "--policies")
    assert "nowhere does not exist" in refused(capfd, before, str(tmp_path / "nowhere"))
    assert "no figure 'speed'" in refused(capfd, before, after, "--figures", "speed")
    assert "no figure 'speed'" in refused(capfd, before, after, "--fail-if-worse", "speed")
    assert "no better and worse" in refused(capfd, before, after, "--fail-if-worse", "realtime_factor")
    assert "--confidence" in refused(capfd, before, after, "--confidence", "1")
    assert "standard output" in refused(capfd, before, after, "--json", "--csv", "-")
    assert "there is no folder" in refused(capfd, before, after, "--csv", str(tmp_path / "no" / "rows.csv"))
    assert "cannot be written" in refused(capfd, before, after, "--csv", str(tmp_path))
    assert "--fail-if-worse is empty" in refused(capfd, before, after, "--fail-if-worse", "")
    assert "--csv is empty" in refused(capfd, before, after, "--csv", "")
    assert "'--detail'" in refused(capfd, before, after, "--detail", "seed")
