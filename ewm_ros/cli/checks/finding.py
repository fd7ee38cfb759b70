"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        fine: whether it is as it should be.
        needed: whether nothing works while it is not.
        found: what there is.
        remedy: what to do if it is not fine.
    """

    what: str
    fine: bool
    needed: bool
    found: str
    remedy: str = ""
