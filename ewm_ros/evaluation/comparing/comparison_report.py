"""A comparison in print: the object of `ewm compare --json`, the rows of --csv, and the gate of --fail-if-worse."""

from __future__ import annotations

from collections.abc import Sequence

from ewm_ros.errors import InputError
from ewm_ros.evaluation.comparing.compared_figures import USUAL, better
from ewm_ros.evaluation.comparing.comparison import Comparison, Delta, Verdict, compare
from ewm_ros.evaluation.comparing.comparison_sides import Side

BETTER = {1: "higher", -1: "lower", 0: None}


def chosen_figures(asked: str, sides: Sequence[Side]) -> tuple[str, ...]:
    """Names of figures: those with commas, `all` that are known, or the usual ones if none are asked for.

    Raises:
        InputError: one that is asked for is not known of every side.
    """
    known = _known(sides)
    if not asked:
        return USUAL
    if asked == "all":
        return tuple(known)
    names = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    if not names:
        raise InputError(f"figures {asked!r}: write names with commas, or all")
    for name in names:
        for side in sides:
            if not any(name in run.figures for run in side.runs):
                there = f"there are {', '.join(sorted(known))}" if name not in known else "other sides hold it"
                raise InputError(f"{side.name} holds no figure {name!r}; {there}")
    return names


def _known(sides: Sequence[Side]) -> dict[str, None]:
    """The figures that any run has, in the order of the runs."""
    return dict.fromkeys(name for side in sides for run in side.runs for name in run.figures)


def worsened(
    sides: Sequence[Side],
    figures: Sequence[str],
    confidence: float,
    *,
    common: bool,
    paired: bool,
) -> list[tuple[str, Delta]]:
    """What is worse than the baseline over all worlds and numbers of robots, as (side, delta).

    All that is looked at is held to be wrong in 1 - confidence of all cases together, not each (Bonferroni): the more
    figures and sides, the wider each interval.

    Raises:
        InputError: one of the figures has no better or worse, or a side has too few runs to tell.
    """
    for figure in figures:
        if better(figure) == 0:
            judged = sorted(name for name in _known(sides) if better(name))
            raise InputError(f"figure {figure!r} has no better and worse; these have: {', '.join(judged) or 'none'}")
    looked_at = _overall(compare(sides, figures, confidence, common=common, paired=paired), figures)
    for side in sides[1:]:
        for figure in figures:
            runs = [min(delta.runs) for name, delta in looked_at if (name, delta.figure) == (side.name, figure)]
            if min(runs, default=0) < 2:
                raise InputError(f"{side.name}: too few runs have {figure!r} to tell whether it is worse: it takes two")
    strict = 1 - (1 - confidence) / len(looked_at)
    surely = _overall(compare(sides, figures, strict, common=common, paired=paired), figures)
    return [(side, delta) for side, delta in surely if delta.verdict is Verdict.WORSE]


def _overall(comparisons: Sequence[Comparison], figures: Sequence[str]) -> list[tuple[str, Delta]]:
    return [(each.side, delta) for each in comparisons for figure in figures for delta in each.overall(figure)]


def as_json(
    sides: Sequence[Side],
    comparisons: Sequence[Comparison],
    confidence: float,
    worse: Sequence[tuple[str, Delta]] | None,
) -> dict[str, object]:
    """The object that `ewm compare --json` prints.

    Args:
        worse: what --fail-if-worse found; None if it was not asked for.
    """
    return {
        "baseline": sides[0].name,
        "confidence": confidence,
        "sides": [
            {"name": side.name, "runs": len(side.runs), "worlds": side.worlds, "policies": side.policies}
            for side in sides
        ],
        "comparisons": [
            {
                "side": each.side,
                "paired": each.paired,
                "runs": _by_side(*each.counted),
                "left_out": _by_side(*each.left_out),
                "settings": {name: _by_side(*values) for name, values in each.settings.items()},
                "deltas": [_delta(delta) for delta in each.deltas],
            }
            for each in comparisons
        ],
        "worse": None if worse is None else [{"compared": side, **_delta(delta)} for side, delta in worse],
    }


def as_rows(baseline: str, comparisons: Sequence[Comparison]) -> list[dict[str, object]]:
    """A row for each delta, for --csv."""
    rows = []
    for each in comparisons:
        for delta in each.deltas:
            row = _delta(delta)
            runs, side_runs = delta.runs
            names = {"baseline_name": baseline, "side_name": each.side, "paired": each.paired}
            rows.append({**names, **row, "runs": runs, "side_runs": side_runs})
    return rows


def _by_side(baseline: object, side: object) -> dict[str, object]:
    return {"baseline": baseline, "side": side}


def _delta(delta: Delta) -> dict[str, object]:
    policy, world, robots = delta.group
    return {
        "policy": policy or None,
        "world": world or None,
        "robots": robots,
        "figure": delta.figure,
        "better": BETTER[better(delta.figure)],
        "runs": _by_side(*delta.runs),
        "baseline": delta.baseline,
        "side": delta.value,
        "delta": delta.change.value,
        "low": delta.change.low,
        "high": delta.change.high,
        "verdict": delta.verdict.value,
    }
