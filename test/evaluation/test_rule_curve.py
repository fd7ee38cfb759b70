"""How far a site's rules are kept by how late the answers come: a campaign in the ward, over HTTP.

    pytest -s -m campaign test/evaluation/test_rule_curve.py       # about 20 min on two cores; prints the table

One row of it by hand, with `python test/support/scripted_llm.py --port 8000 --answer rules` running beside:

    ewm run --worlds ward --robots 10 --seeds 0-9 --model none \
        --arbiter-url http://127.0.0.1:8000/v1 --arbiter-model scripted --arbiter-latency 5
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pytest

pytest.importorskip("openai")

from scripted_llm import ANSWERS, ScriptedLlm

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.evaluation.campaigns.run_workers import run_all
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec

SEEDS = range(10)
WORKERS = 2
LATENCIES = (0.2, 5.0, 30.0, 120.0)  # s
ENOUGH = 0.95  # of the passages


def in_the_ward(arbiter: ArbiterSpec | None) -> list[RunResult]:
    specs = [RunSpec("ward", 10, seed, "intention", model="none", arbiter=arbiter) for seed in SEEDS]
    return list(run_all(specs, WORKERS))


def compliance(results: Sequence[RunResult]) -> float:
    return sum(r.rule_compliant or 0 for r in results) / sum(r.rule_passages or 0 for r in results)


def row(name: str, results: Sequence[RunResult]) -> str:
    left_out = sum(sum((r.rule_left_out or {}).values()) for r in results)
    makespan = fmean(r.makespan_s for r in results if r.makespan_s is not None)
    told = [r.arbitrations or {} for r in results]
    counts = {key: sum(int(t.get(key) or 0) for t in told) for key in ("applied", "stale", "unsafe", "failed", "late")}
    outcomes = "  ".join(f"{key} {count}" for key, count in counts.items())
    passages = sum(r.rule_passages or 0 for r in results)
    return f"{name:16} {compliance(results):7.1%} of {passages}, {left_out} left out; {makespan:6.1f} s; {outcomes}"


@pytest.mark.campaign
def test_the_rules_are_kept_when_answers_come_in_time_and_nobody_is_ever_in_danger(tmp_path: Path) -> None:
    curve = {"solver alone": in_the_ward(None)}
    with ScriptedLlm([ANSWERS["rules"]]) as server:
        for latency in LATENCIES:
            cache = str(tmp_path / "answers.sqlite") if latency == LATENCIES[0] else "none"
            advice = Advice(url=server.base_url, model="scripted", cache=cache)
            curve[f"{latency:g} s"] = in_the_ward(ArbiterSpec(advice, latency))
        warm = Advice(url=server.base_url, model="scripted", cache=str(tmp_path / "answers.sqlite"))
        curve["120 s, warm cache"] = in_the_ward(ArbiterSpec(warm, 120.0))
    print()
    for name, results in curve.items():
        print(row(name, results))
    for name, results in curve.items():
        assert all(r.success and r.collisions == 0 and r.deadlocks == 0 for r in results), name
    assert compliance(curve["0.2 s"]) >= ENOUGH
    assert compliance(curve["120 s, warm cache"]) >= ENOUGH
