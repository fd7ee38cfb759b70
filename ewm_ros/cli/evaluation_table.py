"""The table of `ewm eval`: the figures of one bag, by what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ewm_ros.cli.common import shown

BUSIEST = 5  # topics that are named

# Keys by section; `group.key` is one of a group. What is in no section comes with the run.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "fleet": (
        "fleet.success",
        "reached",
        "makespan_s",
        "fleet.flow_time_s",
        "sum_of_delays_s",
        "orders_per_minute",
        "collisions",
        "near_misses",
        "fleet.minimum_separation_m",
        "deadlocks",
        "fleet.deadlock_time_s",
        "fleet.path_efficiency",
    ),
    "world model": ("world_model.accuracy", "world_model.ade_m", "world_model.fde_m", "world_model.coverage"),
    "communication": (
        "communication.bytes_per_s",
        "communication.bytes_per_s_by_topic",
        "communication.intentions_per_s",
        "communication.intention_bytes_per_s",
        "communication.tokens_per_s",
        "intention_tokens",
        "intention_bytes",
        "communication.lost",
        "communication.intention_age_ms",
    ),
    "coordinator": (
        "coordinator.predicted",
        "coordinator.resolved",
        "coordinator.missed",
        "coordinator.open_at_end",
        "coordinator.shares",
        "arbitrations",
        "cycle_ms",
        "observe_to_intention_ms",
        "coordinator.decide_ms",
    ),
}
# Said by other keys of the table already.
REPEATED = ("prediction", "coordinator.cycle_ms")


def evaluation_table(figures: Mapping[str, Any]) -> Table:
    """A table of all figures of a bag."""
    known = dict(_by_key(figures))
    known["cycle_ms"] = {**known["coordinator.cycle_ms"], **known["cycle_ms"]}
    placed = {key for keys in SECTIONS.values() for key in keys} | {*REPEATED, "problems"}
    sections = {"run": tuple(key for key in known if key not in placed), **SECTIONS}
    table = Table("", "figure", Column("value", overflow="fold"))
    for title, keys in sections.items():
        table.add_section()
        for k, key in enumerate(key for key in keys if key in known):
            name = key.partition(".")[2] or key
            value = _busiest(known[key]) if name == "bytes_per_s_by_topic" else known[key]
            table.add_row("" if k else title, name, escape(_text(value)))
    return table


def _by_key(figures: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The figures by the keys of SECTIONS."""
    for key, value in figures.items():
        if key in ("fleet", "world_model", "communication", "coordinator"):
            yield from ((f"{key}.{name}", part) for name, part in value.items())
        else:
            yield key, value


def _busiest(rates: Mapping[str, float]) -> Mapping[str, object]:
    """The topics with the highest rates, and how many more there are."""
    most = dict(sorted(rates.items(), key=lambda item: -item[1])[:BUSIEST])
    return {**most, "and others:": len(rates) - BUSIEST} if len(rates) > BUSIEST else most


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "   ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if isinstance(value, float) and abs(value) >= 1000.0 else shown(value)
