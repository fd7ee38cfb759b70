"""Random streams belong to one robot and one purpose."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream


def test_the_same_key_gives_the_same_stream_in_another_process() -> None:
    code = "from ewm_ros.randomness import stream; print(stream(7, 3, 'slip').random(4).tolist())"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.strip() == str(stream(7, 3, "slip").random(4).tolist())


def test_any_other_key_gives_another_stream() -> None:
    keys = [(7, 3, "slip"), (8, 3, "slip"), (7, 4, "slip"), (7, 3, "scan"), (3, 7, "slip")]
    drawn = [tuple(stream(*key).random(4)) for key in keys]
    assert len(set(drawn)) == len(keys)


def test_streams_of_neighbouring_robots_are_not_correlated() -> None:
    a, b = stream(0, 0, "scan").standard_normal(20_000), stream(0, 1, "scan").standard_normal(20_000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1)])
def test_negative_seeds_and_indices_are_refused(seed: int, index: int) -> None:
    with pytest.raises(InputError, match="0 or more"):
        stream(seed, index, "slip")
