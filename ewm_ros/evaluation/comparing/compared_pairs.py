"""Which runs of two sides are compared with each other.

Runs of the same world, number of robots and seed are the same scenario: starts, goals, noise and all. What differs
within such a pair is not the luck of the draw, so wherever both sides have a run of a scenario, only such pairs count.
Where no scenario is on both sides, as with real robots, means of like runs (world and number of robots) are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from ewm_ros.evaluation.comparing.comparison_sides import ComparedRun

Figures = Mapping[str, float]
Part = tuple[Sequence[Figures], Sequence[Figures]]  # like runs of the baseline and of the other side


class Group(NamedTuple):
    """The runs that a delta is about; empty or None: of all policies, worlds or numbers of robots."""

    policy: str = ""
    world: str = ""
    robots: int | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """What is to be compared of two sides.

    Attributes:
        paired: whether the runs of a part are in line with each other: the same scenario on both sides.
        narrow: by world and number of robots, and by policy if the sides hold several.
        counted: how many runs of both sides these are; several of one scenario have been averaged.
    """

    paired: bool
    narrow: Mapping[Group, Part]
    counted: tuple[int, int]

    def parts(self, group: Group) -> list[Part]:
        """All that is within a group, narrow or wide."""
        return [
            part
            for narrow, part in self.narrow.items()
            if all(wide in ("", None, own) for wide, own in zip(group, narrow, strict=True))
        ]

    @property
    def all_groups(self) -> Iterator[Group]:
        """The narrow groups, after the wide ones of which they are several."""
        for policy in dict.fromkeys(group.policy for group in self.narrow):
            worlds = dict.fromkeys(group.world for group in self.narrow if group.policy == policy)
            if len(worlds) > 1:
                yield Group(policy)
            for world in worlds:
                within = [group for group in self.narrow if group[:2] == (policy, world)]
                if len(within) > 1:
                    yield Group(policy, world)
                yield from sorted(within)


def match_runs(ours: Sequence[ComparedRun], theirs: Sequence[ComparedRun], paired: bool) -> Matched | None:
    """Find the counterparts among the runs of two sides; None if there is not one.

    Args:
        paired: whether runs of the same scenario may be taken one by one.
    """
    return (_pairs(ours, theirs) if paired else None) or _like_runs(ours, theirs)


def _group(run: ComparedRun) -> Group:
    return Group(run.policy, run.world, run.robots)


def _pairs(ours: Sequence[ComparedRun], theirs: Sequence[ComparedRun]) -> Matched | None:
    """The runs of the same scenarios; None if there is no scenario on both sides."""
    by_scenario: list[dict[tuple[Group, int], list[Figures]]] = []
    for runs in (ours, theirs):
        found = defaultdict(list)
        for run in runs:
            if run.seed is not None:
                found[_group(run), run.seed].append(run.figures)
        by_scenario.append(found)
    one, other = by_scenario
    shared = [scenario for scenario in one if scenario in other]
    groups: dict[Group, tuple[list[Figures], list[Figures]]] = {}
    for scenario in shared:
        mine, their = groups.setdefault(scenario[0], ([], []))
        mine.append(_mean(one[scenario]))
        their.append(_mean(other[scenario]))
    counted = sum(len(one[scenario]) for scenario in shared), sum(len(other[scenario]) for scenario in shared)
    return Matched(True, groups, counted) if shared else None


def _mean(runs: Sequence[Figures]) -> Figures:
    """The figures of several runs of one scenario; each over the runs that have it."""
    if len(runs) == 1:
        return runs[0]
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: fmean(run[name] for run in runs if name in run) for name in names}


def _like_runs(ours: Sequence[ComparedRun], theirs: Sequence[ComparedRun]) -> Matched | None:
    """The runs of the groups that both sides have; None if there is no such group."""
    one, other = _by_group(ours), _by_group(theirs)
    groups = {group: (one[group], other[group]) for group in one if group in other}
    counted = sum(len(mine) for mine, _ in groups.values()), sum(len(their) for _, their in groups.values())
    return Matched(False, groups, counted) if groups else None


def _by_group(runs: Sequence[ComparedRun]) -> dict[Group, list[Figures]]:
    found: dict[Group, list[Figures]] = {}
    for run in runs:
        found.setdefault(_group(run), []).append(run.figures)
    return found
