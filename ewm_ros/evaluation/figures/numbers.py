"""Numbers as figures are printed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray


def rounded(value: float | None) -> float | None:
    """To a thousandth, as figures are printed."""
    return None if value is None else round(value, 3)


def percentiles(samples: Sequence[float] | FloatArray, **more: float) -> dict[str, float | None]:
    """The median as `p50`, the 99th percentile as `p99` and `more` by name and per cent; None without samples."""
    wanted = {"p50": 50, "p99": 99, **more}
    if len(samples) == 0:
        return dict.fromkeys(wanted)
    return {name: round(float(np.percentile(samples, q)), 3) for name, q in wanted.items()}
