"""The figures that runs are compared by: which are told unless others are asked for, and where better is.

Names are those of flat_figures.py, and `rule_compliance`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

# Told, as far as both sides have them, unless others are asked for.
USUAL = (
    "success",
    "reached",
    "collisions",
    "near_misses",
    "deadlocks",
    "makespan_s",
    "flow_time_s",
    "sum_of_delays_s",
    "orders_per_minute",
    "minimum_separation_m",
    "path_efficiency",
    "prediction_accuracy",
    "prediction_ade_m",
    "cycle_p50_ms",
    "cycle_p99_ms",
    "intention_tokens_mean",
    "intention_bytes_mean",
    "rule_compliance",
    "arbitrations_asked",
)

RATES = {"success"}  # what each run either is or is not

LOWER_IS_BETTER = (
    "ade_*m",
    "arbitrations_failed",
    "arbitrations_late",
    "arbitrations_latency_s",
    "arbitrations_unsafe",
    "collisions",
    "cycle_*_ms",
    "deadlock_time_s",
    "deadlocks",
    "deadlocks_left",
    "decide_*_ms",
    "fde_*m",
    "flow_time_s",
    "intention_age_*_ms",
    "intention_bytes_*",
    "intention_tokens_*",
    "lost_*",
    "makespan_ratio",
    "makespan_s",
    "missed",
    "near_misses",
    "observe_to_intention_*_ms",
    "open_at_end",
    "prediction_ade_m",
    "prediction_fde_m",
    "problems",
    "sum_of_delays_s",
    "tokens_per_s",
)
HIGHER_IS_BETTER = (
    "accuracy",
    "minimum_separation_m",
    "orders_per_minute",
    "path_efficiency",
    "prediction_accuracy",
    "reached",
    "rule_compliance",
    "success",
)


@lru_cache(maxsize=1024)
def better(figure: str) -> int:
    """1 where more is better, -1 where less is; 0 for what is neither, or depends on the machine."""
    if any(fnmatchcase(figure, pattern) for pattern in HIGHER_IS_BETTER):
        return 1
    return -1 if any(fnmatchcase(figure, pattern) for pattern in LOWER_IS_BETTER) else 0
