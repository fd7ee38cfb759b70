"""Sides of runs beside each other: what changed from the baseline to each other side, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

from ewm_ros.errors import InputError
from ewm_ros.evaluation.comparing.compared_figures import RATES, better
from ewm_ros.evaluation.comparing.compared_pairs import Figures, Group, match_runs
from ewm_ros.evaluation.comparing.comparison_sides import SETTINGS, ComparedRun, Side
from ewm_ros.evaluation.comparing.confidence import Estimate, means, paired_means, paired_rates, rates

LISTED = 4  # of the names in an error line


class Verdict(str, Enum):
    """What a delta says."""

    BETTER = "better"  # there is a difference, to the side that is wanted
    WORSE = "worse"
    CHANGED = "changed"  # there is one, and neither side is wanted
    SAME = "same"  # all runs are equal in this
    UNCLEAR = "unclear"  # the interval holds 0
    UNKNOWN = "unknown"  # too few runs for an interval


@dataclass(frozen=True, slots=True)
class Delta:
    """One figure of a group of runs: means of both sides over the runs that count, and their difference.

    Attributes:
        runs: how many count of the baseline and of the other side; of pairs there are as many on both.
        change: other side minus baseline, with its interval. Of unpaired runs of several groups it is the mean over the
            groups, and not the difference of the two means.
        equal: whether the two runs of each pair, or all unpaired runs, have the same value.
    """

    group: Group
    figure: str
    baseline: float
    value: float
    runs: tuple[int, int]
    change: Estimate
    equal: bool

    @property
    def verdict(self) -> Verdict:
        """Whether the figure is shown to have changed, and to what."""
        if self.equal:
            return Verdict.SAME
        if not self.change.shown:
            return Verdict.UNKNOWN if self.change.low is None else Verdict.UNCLEAR
        wanted = better(self.figure)
        if wanted == 0:
            return Verdict.CHANGED
        return Verdict.BETTER if (self.change.value > 0) == (wanted > 0) else Verdict.WORSE


@dataclass(frozen=True, slots=True)
class Comparison:
    """One side against the baseline.

    Attributes:
        paired: whether runs of the same scenario are compared one by one.
        counted: runs of the baseline and of the other side that count; several of one scenario are averaged.
        left_out: the other runs of both, which have no counterpart.
        settings: with what the runs were made, where that is known of both and not the same: baseline and other side.
        deltas: by policy; of each, first over all worlds if there are several, then over all numbers of robots in a
            world if there are several, then of each number of robots.
    """

    side: str
    paired: bool
    counted: tuple[int, int]
    left_out: tuple[int, int]
    settings: Mapping[str, tuple[str, str]]
    deltas: tuple[Delta, ...]

    def overall(self, figure: str) -> list[Delta]:
        """The deltas of a figure over all worlds and numbers of robots: one a policy."""
        widest: dict[str, Delta] = {}
        for delta in self.deltas:
            if delta.figure == figure:
                widest.setdefault(delta.group.policy, delta)
        return list(widest.values())


def compare(
    sides: Sequence[Side],
    figures: Sequence[str],
    confidence: float = 0.95,
    *,
    common: bool = False,
    paired: bool = True,
) -> list[Comparison]:
    """Compare each side with the first one.

    Args:
        figures: names, in the order in which they are told; those that two sides do not both have are left out.
        confidence: how often each interval holds the truth, 0.5 to 0.9999; that several are looked at is not counted.
        common: leave out worlds and policies that one of two sides lacks.
        paired: whether runs of the same scenario may be compared one by one.

    Raises:
        InputError: two sides are not of the same worlds or policies, or have nothing in common that could be compared.
    """
    check_worlds(sides)
    return [_compare(sides[0], side, figures, confidence, common, paired) for side in sides[1:]]


def check_worlds(sides: Sequence[Side]) -> None:
    """Raise InputError if a world of one name is not one world everywhere."""
    known: dict[str, tuple[str, Side]] = {}
    for side in sides:
        for run in side.runs:
            if run.world_sha256:
                digest, holder = known.setdefault(run.world, (run.world_sha256, side))
                if digest != run.world_sha256:
                    where = f"{holder.name} and {side.name}" if holder is not side else f"two runs of {side.name}"
                    raise InputError(
                        f"world {run.world!r} is not the same in {where}: sha256 {digest[:12]} and "
                        f"{run.world_sha256[:12]}; runs in different worlds are not compared"
                    )


def _compare(
    baseline: Side, side: Side, figures: Sequence[str], confidence: float, common: bool, paired: bool
) -> Comparison:
    if not common:
        _check_same(baseline, side, "worlds")
    ours: Sequence[ComparedRun] = baseline.runs
    theirs: Sequence[ComparedRun] = side.runs
    if max(len(baseline.policies), len(side.policies)) <= 1:  # one against one, whichever they are
        ours, theirs = _of_one_policy(ours), _of_one_policy(theirs)
    elif not common:
        _check_same(baseline, side, "policies")
    matched = match_runs(ours, theirs, paired)
    if matched is None:
        raise InputError(f"nothing of {baseline.name} and {side.name} can be compared: {_ran(baseline)}, {_ran(side)}")
    tell = _paired if matched.paired else _unpaired
    told = (tell(group, name, matched.parts(group), confidence) for group in matched.all_groups for name in figures)
    deltas = tuple(delta for delta in told if delta is not None)
    if not deltas:
        raise InputError(f"{baseline.name} and {side.name} both hold none of the figures {', '.join(figures)}")
    out = len(ours) - matched.counted[0], len(theirs) - matched.counted[1]
    return Comparison(side.name, matched.paired, matched.counted, out, _settings(baseline, side), deltas)


def _settings(baseline: Side, side: Side) -> dict[str, tuple[str, str]]:
    """The settings that are known of both sides and differ, of the runs in worlds that both have."""
    found = {}
    for name in SETTINGS:
        ours, theirs = (
            "/".join(sorted({run.settings[name] for run in one.runs if run.world in worlds and name in run.settings}))
            for one, worlds in ((baseline, side.worlds), (side, baseline.worlds))
        )
        if ours and theirs and ours != theirs:
            found[name] = ours, theirs
    return found


def _check_same(baseline: Side, side: Side, what: str) -> None:
    """Raise InputError if two sides do not hold the same worlds or policies."""
    ours, theirs = (side_.worlds if what == "worlds" else side_.policies for side_ in (baseline, side))
    if set(ours) != set(theirs):
        lacking = ((baseline, set(ours) - set(theirs)), (side, set(theirs) - set(ours)))
        told = [f"only {one.name} holds {_some(sorted(names))}" for one, names in lacking if names]
        raise InputError(f"the {what} differ: {', '.join(told)}; --common compares what both hold")


def _ran(side: Side) -> str:
    """What a side holds, for an error line."""
    groups = dict.fromkeys(f"{run.world} with {run.robots} robots" for run in side.runs)
    return f"{side.name} holds {_some(list(groups))}"


def _some(names: Sequence[str]) -> str:
    """All of few names, and the first ones of many."""
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _of_one_policy(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    return [run.without_policy() for run in runs]


def _paired(
    group: Group, figure: str, parts: Sequence[tuple[Sequence[Figures], Sequence[Figures]]], confidence: float
) -> Delta | None:
    """Of the pairs that both have a figure; None without any."""
    pairs = [
        (mine[figure], their[figure])
        for ours, theirs in parts
        for mine, their in zip(ours, theirs, strict=True)
        if figure in mine and figure in their
    ]
    if not pairs:
        return None
    if figure in RATES and {value for pair in pairs for value in pair} <= {0, 1}:
        change = paired_rates(pairs, confidence)
    else:
        change = paired_means([their - mine for mine, their in pairs], confidence)
    ours, theirs = zip(*pairs, strict=True)
    return Delta(group, figure, fmean(ours), fmean(theirs), (len(pairs), len(pairs)), change, ours == theirs)


def _unpaired(
    group: Group, figure: str, parts: Sequence[tuple[Sequence[Figures], Sequence[Figures]]], confidence: float
) -> Delta | None:
    """Of the groups in which both sides have runs with a figure; None without any."""
    found = [[[run[figure] for run in runs if figure in run] for runs in part] for part in parts]
    strata = [(ours, theirs) for ours, theirs in found if ours and theirs]
    if not strata:
        return None
    ours, theirs = ([value for side in sides for value in side] for sides in zip(*strata, strict=True))
    values = {*ours, *theirs}
    change = (rates if figure in RATES and values <= {0, 1} else means)(strata, confidence)
    return Delta(group, figure, fmean(ours), fmean(theirs), (len(ours), len(theirs)), change, len(values) == 1)
