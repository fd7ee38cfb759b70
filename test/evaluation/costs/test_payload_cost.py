"""The damaged payloads that reading is measured on, and what is told of it."""

from __future__ import annotations

import gc

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs import payload_cost as module
from ewm_ros.evaluation.costs.payload_cost import REPEATS, damaged, decode_ms, fullest_payload, payload_cost
from ewm_ros.intention.codec import MAX_PAYLOAD, decode_payload
from ewm_ros.intention.knots import MAX_KNOTS
from ewm_ros.randomness import stream


def test_the_fullest_payload_is_legal_and_as_long_as_any_may_be() -> None:
    payload = fullest_payload()
    plan, standing = decode_payload(payload)
    assert len(payload) == MAX_PAYLOAD
    assert len(plan.knots) == MAX_KNOTS
    assert len(standing.waits_for) == 64


def test_damaged_payloads_are_those_of_the_seed_some_legal_some_too_long_some_empty() -> None:
    first, again, other = (list(damaged([fullest_payload()], 600, stream(k, 0, "test"))) for k in (1, 1, 2))
    assert first == again != other
    assert len(first) == 600
    assert max(map(len, first)) > MAX_PAYLOAD
    assert min(map(len, first)) < 50
    read = 0
    for payload in first:
        try:
            decode_payload(payload)
            read += 1
        except InputError:
            pass
    assert 0 < read < 300


def test_every_payload_is_decoded_as_often_as_is_told_without_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[bytes] = []

    def counted(payload: bytes) -> None:
        assert not gc.isenabled()
        decoded.append(payload)
        raise InputError("refused")

    monkeypatch.setattr(module, "decode_payload", counted)
    times = decode_ms([b"a", b"b"])
    assert decoded == [b"a", b"b"] * REPEATS
    assert times.shape == (2,)
    assert (times >= 0.0).all()
    assert gc.isenabled()


def test_the_cost_is_told_as_percentiles_in_ms() -> None:
    cost = payload_cost([fullest_payload()], count=50)
    assert cost.keys() == {"p50", "p99", "max"}
    assert all(value is not None for value in cost.values())
