"""Sides of runs beside each other: what is compared with what, and what is said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bag_maker import BagMaker
from hypothesis import given
from hypothesis import strategies as st
from wire_values import intention, route

from ewm_ros.bag_facts import BagFacts
from ewm_ros.errors import InputError
from ewm_ros.evaluation.comparing.compared_figures import HIGHER_IS_BETTER, LOWER_IS_BETTER, USUAL, better
from ewm_ros.evaluation.comparing.compared_pairs import Group
from ewm_ros.evaluation.comparing.comparison import Comparison, Delta, Verdict, compare
from ewm_ros.evaluation.comparing.comparison_report import as_rows, chosen_figures, worsened
from ewm_ros.evaluation.comparing.comparison_sides import ComparedRun, Side, read_sides, recorded_settings
from ewm_ros.evaluation.comparing.confidence import means, paired_means, paired_rates
from ewm_ros.geometry import Pose2D
from ewm_ros.sensing import Odometry
from ewm_ros.simulation.network import Faults

MAKESPAN = ("makespan_s",)
# Seconds that a run of each seed takes, and how much longer they take it on another day.
TIMES = (30.0, 35.0, 31.0, 38.0, 33.0, 36.0, 32.0, 40.0)
SLOWER = (1.0, 1.5, 1.2, 0.8, 1.1, 1.4, 0.9, 1.3)


def run(seed: int | None = 0, world: str = "hall", robots: int = 3, policy: str = "", **figures: float) -> ComparedRun:
    return ComparedRun(world, robots, seed, policy, figures)


def side(name: str, times: Sequence[float], first_seed: int = 0, **facts: Any) -> Side:
    """A run of each seed."""
    return Side(name, tuple(run(first_seed + k, makespan_s=time, **facts) for k, time in enumerate(times)))


def joined(name: str, *sides: Side) -> Side:
    return Side(name, tuple(run for each in sides for run in each.runs))


BEFORE = side("before", TIMES)
AFTER = side("after", [time + more for time, more in zip(TIMES, SLOWER, strict=True)])


def only(comparisons: Sequence[Comparison]) -> Comparison:
    (comparison,) = comparisons
    return comparison


def of_all(comparisons: Sequence[Comparison], figure: str = "makespan_s") -> Delta:
    (delta,) = only(comparisons).overall(figure)
    return delta


def test_runs_of_the_same_scenario_are_compared_one_by_one() -> None:
    compared = only(compare([BEFORE, AFTER], MAKESPAN))
    assert (compared.side, compared.paired, compared.counted, compared.left_out) == ("after", True, (8, 8), (0, 0))
    (delta,) = compared.deltas
    assert delta.group == Group("", "hall", 3)
    assert (delta.baseline, delta.value) == (pytest.approx(34.375), pytest.approx(35.525))
    assert delta.change.value == pytest.approx(1.15)
    assert delta.change.low == pytest.approx(paired_means(SLOWER, 0.95).low)
    assert delta.verdict is Verdict.WORSE


def test_in_pairs_a_second_is_seen_that_is_lost_among_the_seeds_otherwise() -> None:
    delta = of_all(compare([BEFORE, AFTER], MAKESPAN, paired=False))
    times = [run.figures["makespan_s"] for run in AFTER.runs]
    assert delta.change == means([(TIMES, times)], 0.95)
    assert delta.change.value == pytest.approx(1.15)
    assert delta.verdict is Verdict.UNCLEAR


def test_runs_without_counterpart_are_counted_and_left_out() -> None:
    compared = only(compare([BEFORE, side("after", (*TIMES[3:], 90.0), first_seed=3)], MAKESPAN))
    assert (compared.counted, compared.left_out) == ((5, 5), (3, 1))
    (delta,) = compared.deltas
    assert (delta.runs, delta.change.value, delta.verdict) == ((5, 5), 0.0, Verdict.SAME)


def test_where_no_scenario_is_on_both_sides_means_are_compared() -> None:
    compared = only(compare([BEFORE, side("after", TIMES, first_seed=100)], MAKESPAN))
    assert (compared.paired, compared.counted) == (False, (8, 8))
    real = [Side(name, tuple(run(None, makespan_s=time) for time in TIMES)) for name in ("monday", "tuesday")]
    compared = only(compare(real, MAKESPAN))
    assert not compared.paired
    assert of_all([compared]).verdict is Verdict.UNCLEAR


def test_several_runs_of_one_scenario_count_as_their_mean() -> None:
    twice = joined("after", side("", [10.0, 20.0]), side("", [14.0]))
    compared = only(compare([side("before", [10.0, 20.0]), twice], MAKESPAN))
    assert compared.counted == (2, 3)
    assert of_all([compared]).value == pytest.approx(16.0)
    assert of_all([compared]).change.value == pytest.approx(1.0)


def test_a_pair_of_which_one_lacks_a_figure_does_not_count_for_it() -> None:
    stuck = Side("after", (run(0, collisions=1.0), *AFTER.runs[1:]))
    assert of_all(compare([BEFORE, stuck], MAKESPAN)).runs == (7, 7)


def test_of_one_run_a_side_there_is_no_interval() -> None:
    delta = of_all(compare([side("a", [30.0]), side("b", [40.0])], MAKESPAN))
    assert (delta.change.value, delta.change.low, delta.verdict) == (10.0, None, Verdict.UNKNOWN)


def test_worlds_and_numbers_of_robots_are_told_apart_and_together() -> None:
    few = [30.0, 31.0, 33.0]
    sides = [
        joined(name, side("", few, robots=3), side("", few, robots=6), side("", few, world="ward"))
        for name in ("before", "after")
    ]
    compared = only(compare(sides, MAKESPAN))
    assert [delta.group for delta in compared.deltas] == [
        Group(),
        Group("", "hall"),
        Group("", "hall", 3),
        Group("", "hall", 6),
        Group("", "ward", 3),
    ]
    assert [delta.runs[0] for delta in compared.deltas] == [9, 6, 3, 3, 3]
    assert compared.overall("makespan_s") == [compared.deltas[0]]


def test_different_worlds_are_refused_by_name_unless_what_is_common_is_asked_for() -> None:
    other = joined("after", AFTER, side("", TIMES, world="ward"))
    with pytest.raises(InputError, match=r"^the worlds differ: only after holds ward; --common"):
        compare([BEFORE, other], MAKESPAN)
    compared = only(compare([BEFORE, other], MAKESPAN, common=True))
    assert (compared.counted, compared.left_out) == ((8, 8), (0, 8))
    assert of_all([compared]).change == of_all(compare([BEFORE, AFTER], MAKESPAN)).change


def test_of_many_worlds_some_are_named() -> None:
    other = joined("after", AFTER, *(side("", TIMES, world=f"ward{k}") for k in range(9)))
    with pytest.raises(InputError, match="only after holds ward0, ward1, ward2, ward3 and 5 more; --common"):
        compare([BEFORE, other], MAKESPAN)


def test_worlds_of_one_name_with_different_files_are_refused_even_so() -> None:
    sides = [
        Side(name, tuple(replace(each, world_sha256=digest * 64) for each in BEFORE.runs))
        for name, digest in (("before", "a"), ("after", "b"))
    ]
    told = r"^world 'hall' is not the same in before and after: sha256 aaaaaaaaaaaa and bbbbbbbbbbbb"
    with pytest.raises(InputError, match=told):
        compare(sides, MAKESPAN, common=True)
    with pytest.raises(InputError, match="not the same in two runs of both"):
        compare([joined("both", *sides), BEFORE], MAKESPAN)
    assert compare([sides[0], BEFORE], MAKESPAN)  # one of them does not tell


def test_other_numbers_of_robots_have_nothing_in_common() -> None:
    told = (
        "^nothing of before and after can be compared: before holds hall with 3 robots, after holds hall with 6 robots$"
    )
    with pytest.raises(InputError, match=told):
        compare([BEFORE, side("after", TIMES, robots=6)], MAKESPAN)


def test_one_policy_is_compared_with_another_and_several_each_with_itself() -> None:
    alone, talking = side("none", TIMES, policy="none"), side("intention", TIMES, policy="intention")
    assert of_all(compare([alone, talking], MAKESPAN)).group.policy == ""
    both = joined("both", alone, talking)
    compared = only(compare([both, joined("again", talking, alone)], MAKESPAN))
    assert [delta.group for delta in compared.deltas] == [Group("none", "hall", 3), Group("intention", "hall", 3)]
    assert len(compared.overall("makespan_s")) == 2
    with pytest.raises(InputError, match=r"^the policies differ: only both holds intention; --common"):
        compare([both, alone], MAKESPAN)
    assert only(compare([both, alone], MAKESPAN, common=True)).left_out == (8, 0)


def test_the_policies_of_one_side_are_sides_themselves() -> None:
    both = joined("both", side("", TIMES, policy="intention"), side("", TIMES, policy="orca"))
    assert [(each.name, len(each.runs)) for each in both.by_policy()] == [("intention", 8), ("orca", 8)]
    with pytest.raises(InputError, match=r"^before holds no policy only"):
        BEFORE.by_policy()


def test_every_other_side_is_compared_with_the_first_one() -> None:
    compared = compare([BEFORE, AFTER, BEFORE], MAKESPAN)
    assert [(each.side, each.deltas[0].verdict) for each in compared] == [
        ("after", Verdict.WORSE),
        ("before", Verdict.SAME),
    ]


def test_settings_that_are_not_the_same_are_told() -> None:
    before, after = (
        Side(each.name, tuple(replace(run, settings={"bodies": "driven", **more}) for run in each.runs))
        for each, more in ((BEFORE, {"model": "default"}), (AFTER, {"model": "mine", "version": "2"}))
    )
    assert only(compare([before, after], MAKESPAN)).settings == {"model": ("default", "mine")}


def recorded(loss: float, **facts: Any) -> BagFacts:
    """Of a simulated run with a bad network."""
    hearing = {"network_loss": loss, "network_delay": 0.05, "network_duplication": 0.0}
    asking = {"coordinator": {**hearing, "arbiter": "local"}} if loss else {"coordinator": hearing}
    return BagFacts(realtime_factor=1.0, parameters={**asking, "r0": hearing, "simulation": {"seed": 1}}, **facts)


def test_the_network_the_adviser_and_the_limits_of_recorded_runs_are_told_where_they_differ() -> None:
    facts = (recorded(0.0), recorded(0.2, time_limit=60.0))
    sides = [
        Side(each.name, tuple(replace(run, settings=recorded_settings(fact)) for run in each.runs))
        for each, fact in zip((BEFORE, AFTER), facts, strict=True)
    ]
    assert only(compare(sides, MAKESPAN)).settings == {
        "faults": tuple(json.dumps({"loss": loss, "delay": 0.05, "duplication": 0.0}) for loss in (0.0, 0.2)),
        "arbiter": ("none", "local"),
        "time_limit": ("the world's", "60.0"),
    }
    assert recorded_settings(recorded(0.0))["realtime_factor"] == "1.0"


def test_faults_of_a_recorded_run_are_spelled_as_in_a_campaign(tmp_path: Path) -> None:
    spec = {"faults": asdict(Faults(loss=0.2, delay=0.05))}
    (tmp_path / "runs.jsonl").write_text(f"{json.dumps({**RUN, 'spec': spec})}\n", encoding="utf-8")
    (side,) = read(str(tmp_path))
    assert side.runs[0].settings["faults"] == recorded_settings(recorded(0.2))["faults"]


def test_a_bag_that_tells_nothing_has_no_settings() -> None:
    assert recorded_settings(BagFacts()) == {}


def test_success_is_a_rate_unless_several_runs_of_a_scenario_make_it_none() -> None:
    before = Side("before", tuple(run(seed, success=1.0) for seed in range(10)))
    after = Side("after", tuple(run(seed, success=float(seed > 3)) for seed in range(10)))
    delta = of_all(compare([before, after], ["success"]), "success")
    assert delta.change == paired_rates([(1.0, float(seed > 3)) for seed in range(10)], 0.95)
    assert delta.verdict is Verdict.WORSE
    unpaired = of_all(compare([before, after], ["success"], paired=False), "success")
    assert unpaired.change.low is not None
    twice = joined("after", after, Side("", (run(0, success=1.0),)))
    assert of_all(compare([before, twice], ["success"]), "success").value == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        ("makespan_s", Verdict.WORSE),
        ("cycle_p99_ms", Verdict.WORSE),
        ("ade_3s_m", Verdict.WORSE),
        ("orders_per_minute", Verdict.BETTER),
        ("minimum_separation_m", Verdict.BETTER),
        ("realtime_factor", Verdict.CHANGED),
        ("duration_s", Verdict.CHANGED),
    ],
)
def test_more_is_better_worse_or_neither(figure: str, verdict: Verdict) -> None:
    more, less = (
        Side(each.name, tuple(replace(run, figures={figure: run.figures["makespan_s"]}) for run in each.runs))
        for each in (AFTER, BEFORE)
    )
    assert of_all(compare([less, more], [figure]), figure).verdict is verdict
    back = {Verdict.WORSE: Verdict.BETTER, Verdict.BETTER: Verdict.WORSE}.get(verdict, verdict)
    assert of_all(compare([more, less], [figure]), figure).verdict is back


def test_what_is_lower_better_is_not_higher_better_and_most_that_is_told_has_a_better() -> None:
    assert not set(LOWER_IS_BETTER) & set(HIGHER_IS_BETTER)
    assert [figure for figure in USUAL if better(figure) == 0] == ["arbitrations_asked"]


def test_figures_are_chosen_by_name_and_one_that_a_side_lacks_is_refused() -> None:
    assert chosen_figures("", [BEFORE, AFTER]) == USUAL
    assert chosen_figures("all", [BEFORE, AFTER]) == MAKESPAN
    assert chosen_figures(" makespan_s,makespan_s", [BEFORE, AFTER]) == MAKESPAN
    with pytest.raises(InputError, match=r"^before holds no figure 'makespan'; there are makespan_s$"):
        chosen_figures("makespan", [BEFORE, AFTER])
    lacking = Side("real", (run(None, reached=3.0),))
    with pytest.raises(InputError, match=r"^real holds no figure 'makespan_s'; other sides hold it$"):
        chosen_figures("makespan_s", [BEFORE, lacking])
    with pytest.raises(InputError, match="both hold none of the figures"):
        compare([BEFORE, lacking], USUAL)


def gate(sides: Sequence[Side], *figures: str) -> list[str]:
    """The figures that a gate finds worse."""
    return [delta.figure for _, delta in worsened(sides, figures, 0.95, common=False, paired=True)]


def test_a_gate_finds_what_is_worse_and_lets_the_rest_pass() -> None:
    assert gate([BEFORE, AFTER], "makespan_s") == ["makespan_s"]
    assert gate([AFTER, BEFORE], "makespan_s") == gate([BEFORE, BEFORE], "makespan_s") == []


def test_the_more_a_gate_looks_at_the_surer_it_must_be() -> None:
    """A difference that just about shows by itself is no surprise among many figures."""
    close = (0.2, 2.4, -0.4, 1.9, 0.1, 1.5, 0.9, 2.1)
    after = side("after", [time + more for time, more in zip(TIMES, close, strict=True)])
    assert gate([BEFORE, after], "makespan_s") == ["makespan_s"]
    assert gate([BEFORE, *[replace(after, name=f"after {k}") for k in range(20)]], "makespan_s") == []


def test_a_gate_that_cannot_be_judged_is_refused() -> None:
    with pytest.raises(InputError, match="too few runs have 'makespan_s'"):
        gate([side("a", [30.0]), side("b", [40.0])], "makespan_s")
    with pytest.raises(InputError, match="too few runs have 'missed'"):
        halves = (
            (run(0, missed=1.0, reached=3.0), run(1, reached=3.0)),
            (run(0, reached=3.0), run(1, missed=1.0, reached=3.0)),
        )
        gate([Side("a", halves[0]), Side("b", halves[1])], "reached", "missed")
    sides = [Side(name, tuple(run(k, realtime_factor=9.0, missed=1.0) for k in range(3))) for name in "ab"]
    with pytest.raises(InputError, match=r"'realtime_factor' has no better and worse; these have: missed$"):
        gate(sides, "realtime_factor")


def test_a_row_has_the_names_of_both_sides() -> None:
    (row,) = as_rows("before", compare([BEFORE, AFTER], MAKESPAN))
    assert (row["baseline_name"], row["side_name"], row["runs"], row["side_runs"]) == ("before", "after", 8, 8)
    assert (row["world"], row["robots"], row["verdict"]) == ("hall", 3, "worse")


scenario = st.tuples(st.sampled_from(["hall", "ward"]), st.integers(1, 3), st.integers(0, 4))
runs_of_scenarios = st.dictionaries(scenario, st.integers(0, 100), min_size=1, max_size=12)


def drawn(name: str, times: Mapping[tuple[str, int, int], int]) -> Side:
    return Side(name, tuple(run(seed, world, n, makespan_s=float(t)) for (world, n, seed), t in times.items()))


@given(runs_of_scenarios, runs_of_scenarios, st.booleans(), st.randoms(use_true_random=False))
def test_sides_that_change_places_turn_every_delta_and_the_order_of_runs_does_not_matter(
    ours: dict[tuple[str, int, int], int], theirs: dict[tuple[str, int, int], int], paired: bool, random: Random
) -> None:
    a, b = drawn("a", ours), drawn("b", theirs)
    mixed = list(b.runs)
    random.shuffle(mixed)
    try:
        there = only(compare([a, b], MAKESPAN, common=True, paired=paired))
    except InputError:
        assert not {key[:2] for key in ours} & {key[:2] for key in theirs}
        return
    back = only(compare([b, a], MAKESPAN, common=True, paired=paired))
    again = only(compare([a, Side("b", tuple(mixed))], MAKESPAN, common=True, paired=paired))
    pairs = len(ours.keys() & theirs.keys())
    assert there.paired == (paired and pairs > 0)
    assert sum(there.counted) + sum(there.left_out) == len(ours) + len(theirs)
    assert not there.paired or there.counted == (pairs, pairs)
    turned = {delta.group: delta for delta in back.deltas}
    anew = {delta.group: delta for delta in again.deltas}
    for delta in there.deltas:
        other = turned[delta.group]
        assert delta.change.value == pytest.approx(-other.change.value, abs=1e-9)
        assert (delta.baseline, delta.value) == (other.value, other.baseline)
        assert anew[delta.group] == delta


def json_file(path: Path, content: object) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def read(*arguments: str) -> list[Side]:
    return read_sides(arguments, "", lambda _what, _done: None)


RUN = {"world": "hall", "robots": 3, "seed": 4, "policy": "none", "success": True, "collisions": 2, "trace": "ab"}


def test_what_commands_print_as_json_is_a_side(tmp_path: Path) -> None:
    runs = json_file(tmp_path / "runs.json", {"runs": [RUN, {**RUN, "seed": 5}], "summary": []})
    (side,) = read(runs)
    assert (side.name, [each.seed for each in side.runs]) == ("runs", [4, 5])
    assert side.runs[0] == ComparedRun("hall", 3, 4, "none", {"success": 1.0, "collisions": 2.0})
    evaluated = {"world": None, "robots": 2, "seed": None, "cycle_ms": {"p99": 9.5}, "fleet": {"success": None}}
    (side,) = read(json_file(tmp_path / "eval.json", evaluated))
    assert side.runs == (ComparedRun("unknown", 2, None, "", {"cycle_p99_ms": 9.5}),)
    (side,) = read(json_file(tmp_path / "evals.json", {"bags": [evaluated, evaluated]}))
    assert len(side.runs) == 2
    (tmp_path / "lines.json").write_text(f"{json.dumps(evaluated)}\n{json.dumps(evaluated)}\n\n", encoding="utf-8")
    (side,) = read(f"tuesday={tmp_path}/lines.json")
    assert (side.name, len(side.runs)) == ("tuesday", 2)


def test_how_far_rules_were_kept_is_a_figure_where_there_were_any(tmp_path: Path) -> None:
    kept = {**RUN, "rule_passages": 4, "rule_compliant": 3}
    content = {"runs": [kept, {**RUN, "rule_passages": 0, "rule_compliant": 0}, {**RUN, "rule_passages": None}]}
    (side,) = read(json_file(tmp_path / "runs.json", content))
    assert [each.figures.get("rule_compliance") for each in side.runs] == [0.75, None, None]


def test_a_campaign_that_is_still_at_it_is_a_side_of_what_is_there(tmp_path: Path) -> None:
    spec = {"world": "hall", "world_sha256": "a" * 64, "version": "9.9", "varied": True, "arbiter": None}
    line = json.dumps({**RUN, "spec": spec})
    (tmp_path / "runs.jsonl").write_text(f"{line}\n{line[:-9]}", encoding="utf-8")
    (side,) = read(str(tmp_path))
    assert [each.world_sha256 for each in side.runs] == ["a" * 64]
    assert side.runs[0].settings == {"version": "9.9", "varied": "true"}
    assert side.runs[0].figures == {"success": 1.0, "collisions": 2.0}


def test_sides_are_called_by_their_files_or_by_a_name_that_is_given(tmp_path: Path) -> None:
    for folder in ("monday", "tuesday"):
        (tmp_path / folder).mkdir()
        json_file(tmp_path / folder / "runs.json", RUN)
    paths = [str(tmp_path / folder / "runs.json") for folder in ("monday", "tuesday")]
    assert [side.name for side in read(*paths)] == paths
    assert [side.name for side in read(f"a={paths[0]}", f"b={paths[1]}")] == ["a", "b"]
    with pytest.raises(InputError, match="two sides are called"):
        read(paths[0], paths[0])
    odd = json_file(tmp_path / "x=y.json", RUN)
    assert [side.name for side in read(odd)] == ["x=y"]


@pytest.mark.parametrize(
    ("content", "culprit"),
    [
        ("", "holds no runs"),
        ('{"runs": []}', "holds no runs"),
        ("no json", "neither a bag nor JSON"),
        ("[" * 100_000, "neither a bag nor JSON"),
        ("[1]", "\\[1\\] is no object"),
        ('{"world": "hall"}', "its 'robots' is null"),
        ('{"robots": true}', "its 'robots' is true"),
        ('{"robots": 3, "seed": "x"}', "its 'seed' is \"x\""),
        ('{"robots": 3, "world": [1]}', "its 'world' is \\[1\\]"),
        ('{"robots": 3, "world": "a\\nb"}', "its 'world' is \"a"),
        ('{"robots": 3, "a_b": 1, "a": {"b": 2}}', "two figures are called a_b"),
        ('{"robots": 3, "a": ' + "9" * 400 + "}", "too large"),
    ],
)
def test_a_file_that_tells_of_no_run_is_refused_in_one_line(tmp_path: Path, content: str, culprit: str) -> None:
    path = tmp_path / "runs.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=culprit) as refusal:
        read(str(path))
    assert str(path) in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


keys = st.sampled_from(
    ["runs", "bags", "world", "robots", "seed", "policy", "spec", "cycle_ms", "p99", "rule_passages"]
)
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
contents = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6))


@given(contents)
def test_whatever_a_json_file_holds_it_is_runs_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    path = json_file(tmp_path_factory.getbasetemp() / "drawn.json", content)
    try:
        (side,) = read(path)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 400
    else:
        assert all(math.isfinite(value) for run in side.runs for value in run.figures.values())


def test_sides_that_are_not_there_or_empty_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "campaign").mkdir()
    (tmp_path / "campaign" / "runs.jsonl").write_text('{"torn', encoding="utf-8")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "runs.jsonl").write_text(f"{json.dumps(RUN)}\n#\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")
    for name, culprit in {
        "nowhere": "does not exist",
        "campaign": "has no runs yet",
        "damaged": "line 2 is damaged",
        "empty": "holds no rosbag",
        "picture.png": "neither a bag nor text",
    }.items():
        with pytest.raises(InputError, match=culprit) as refusal:
            read(str(tmp_path / name))
        assert name in str(refusal.value)
    with pytest.raises(InputError, match="write a path, or name=path"):
        read("=x")


def drive(folder: Path, speed: float) -> None:
    """A bag of a real robot that drives 2 m."""
    with BagMaker(folder) as bag:
        bag.route(route("ada", [(0.0, 0.0), (2.0, 0.0)]))
        bag.goal("/ada", 2.0, 0.0)
        for k in range(80):
            t, x = 0.1 * k, min(0.1 * k * speed, 2.0)
            bag.odometry("/ada", Odometry(t, Pose2D(x, 0.0, 0.0), speed if x < 2.0 else 0.0, 0.0))
            bag.intention(intention("ada", seq=k + 1, stamp=t, place=(x, 0.0)))


def test_bags_of_real_robots_are_sides_and_a_folder_of_bags_is_one(tmp_path: Path) -> None:
    for day, speeds in {"monday": (0.4, 0.42, 0.38), "tuesday": (0.6, 0.63, 0.58)}.items():
        for k, speed in enumerate(speeds):
            drive(tmp_path / day / f"bag{k}", speed)
    heard = []
    sides = read_sides([str(tmp_path / day) for day in ("monday", "tuesday")], "", lambda *told: heard.append(told))
    assert [len(side.runs) for side in sides] == [3, 3]
    assert {(run.world, run.robots, run.seed) for run in sides[0].runs} == {("unknown", 1, None)}
    assert max(done for _, done in heard) == pytest.approx(1.0)
    delta = of_all(compare(sides, MAKESPAN))
    assert delta.runs == (3, 3)
    assert delta.change.value < -1.0
    assert delta.verdict is Verdict.BETTER
    (alone,) = read(str(tmp_path / "monday" / "bag1" / "metadata.yaml"))
    assert alone.runs == sides[0].runs[1:2]
