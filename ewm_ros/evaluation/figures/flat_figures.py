"""Nested figures as one row: a name for each, the same in --fail-if, in the columns of --csv and in `ewm compare`.

The keys on the way to a figure are joined by `_`, with the unit at the end: `cycle_ms` `p99` is `cycle_p99_ms`. The
groups that only bring order (GROUPS) are not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ewm_ros.evaluation.figures.conflict_figures import SOURCES
from ewm_ros.messages import OUTCOMES

Value = float | int | bool | str | None

GROUPS = ("fleet", "world_model", "communication", "coordinator")
UNITS = ("ms", "s", "m")
# Keys whose parts are figures, and which may be null as a whole.
PARTS: Mapping[str, Sequence[str]] = {
    "arbitrations": (*OUTCOMES, "cached", "latency_s"),
    "prediction": ("accuracy", "ade_m", "fde_m"),
    "shares": SOURCES,
}
# One for each topic of a bag: no two bags would have the same names.
LEFT_OUT = ("bytes_per_s_by_topic",)
# The same figures as at the top, where the keys of `ewm demo` have them.
REPEATED = (("coordinator", "cycle_ms", "p50"), ("coordinator", "cycle_ms", "p99"))


def flat_figures(figures: Mapping[str, object]) -> dict[str, Value]:
    """All figures of `ewm eval`, or of a run of `ewm run`, by name; of a list, how long it is.

    Raises:
        ValueError: two figures would have one name.
    """
    flat: dict[str, Value] = {}
    for path, value in _leaves(figures, ()):
        name = _name(path)
        if path in REPEATED:
            continue
        if name in flat:
            raise ValueError(f"two figures are called {name}")
        flat[name] = value
    return flat


def _leaves(figures: Mapping[str, object], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    for key, value in figures.items():
        path = (*above, key)
        if key in LEFT_OUT:
            continue
        if value is None and key in PARTS:
            value = dict.fromkeys(PARTS[key])
        if isinstance(value, Mapping):
            yield from _leaves(value, path)
        elif isinstance(value, (list, tuple)):
            yield path, len(value)
        else:
            assert value is None or isinstance(value, (float, int, str)), path
            yield path, value


def _name(path: Sequence[str]) -> str:
    *above, last = path[1:] if path[0] in GROUPS and len(path) > 1 else path
    words, units = [], []
    for key in above:
        stem, _, unit = key.rpartition("_")
        words.append(stem if unit in UNITS and stem else key)
        units += [unit] if unit in UNITS and stem else []
    return "_".join([*words, last, *units])
