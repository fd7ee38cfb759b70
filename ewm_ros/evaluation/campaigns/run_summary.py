"""Many lockstep runs in few figures, by world and policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from ewm_ros.evaluation.campaigns.runs import RunResult


def summary(results: Sequence[RunResult]) -> list[dict[str, object]]:
    """Figures by world and policy; means over the runs that have them."""
    rows = []
    for world, policy in dict.fromkeys((r.world, r.policy) for r in results):
        group = [r for r in results if (r.world, r.policy) == (world, policy)]
        rows.append(
            {
                "world": world,
                "policy": policy,
                "runs": len(group),
                "success_rate": fmean(r.success for r in group),
                "reached_rate": sum(r.reached for r in group) / sum(r.robots for r in group),
                "collisions": sum(r.collisions for r in group),
                "near_misses": sum(r.near_misses for r in group),
                "deadlocks": sum(r.deadlocks for r in group),
                "deadlocks_left": sum(r.deadlocks_left for r in group),
                "makespan_s": _mean([r.makespan_s for r in group]),
                "makespan_ratio": _mean([r.makespan_ratio for r in group]),
                "sum_of_delays_s": _mean([r.sum_of_delays_s for r in group]),
                "prediction_accuracy": _mean([r.prediction_accuracy for r in group]),
                "orders_per_minute": _mean([r.orders_per_minute for r in group]),
                "rule_passages": _sum([r.rule_passages for r in group]),
                "rule_compliance": _rule_compliance(group),
                "arbitrations": _arbitrations(group),
                "realtime_factor": _realtime_factor(group),
            }
        )
    return rows


def _rule_compliance(results: Sequence[RunResult]) -> float | None:
    """Of all passages of all runs together."""
    passages = _sum([r.rule_passages for r in results])
    return (_sum([r.rule_compliant for r in results]) or 0) / passages if passages else None


def _arbitrations(results: Sequence[RunResult]) -> dict[str, int] | None:
    """Questions of all runs by what became of them."""
    counts = Counter[str]()
    for result in results:
        counts.update({name: n for name, n in (result.arbitrations or {}).items() if isinstance(n, int)})
    return dict(counts) or None


def _realtime_factor(results: Sequence[RunResult]) -> float:
    """Of all runs together."""
    simulated = sum(r.simulated_s for r in results)
    return round(simulated / sum(r.simulated_s / r.realtime_factor for r in results), 3)


def as_json(results: Sequence[RunResult]) -> dict[str, object]:
    """The object that `ewm run --json` prints."""
    return {"runs": [asdict(r) for r in results], "summary": summary(results)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return fmean(known) if known else None


def _sum(values: Sequence[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None
