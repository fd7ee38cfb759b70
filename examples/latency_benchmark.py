"""How long one decision takes here, and with a language model in the control loop.

    python examples/latency_benchmark.py [robots]

The language model is simulated: none is asked, 2 to 5 s for an answer are taken as given. The time of this system is
measured: all robots imagine and tell their plans and the coordinator answers, one after the other on one core. Robots
imagine with the shipped world model; the first line says so, or why not.
"""

from __future__ import annotations

import sys

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.latency import decision_latency

MODEL_LATENCIES = (2.0, 3.0, 5.0)  # s


def main(robots: str) -> None:
    """Print a table."""
    if not robots.isdecimal():
        raise InputError(f"{robots!r} is not a number of robots")
    figures = [decision_latency(int(robots), seconds) for seconds in MODEL_LATENCIES]
    print(f"predictor: {figures[0]['predictor']}" + (f" ({figures[0]['reason']})" if figures[0]["reason"] else ""))
    print(f"one robot imagines its next 5 s in {figures[0]['imagination_ms']} ms")
    print(f"{robots} robots at the intersection, median of one decision of the whole fleet")
    print("model answers in (simulated)   this system    model in the loop   ratio")
    for seconds, told in zip(MODEL_LATENCIES, figures, strict=True):
        ours, theirs, ratio = (told[key] for key in ("ours_ms", "in_the_loop_ms", "ratio"))
        print(f"{seconds:19.0f} s {ours:18.1f} ms {theirs:15.0f} ms {ratio:11.0f} x")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "6")
    except InputError as error:
        sys.exit(f"latency_benchmark.py: {error}")
