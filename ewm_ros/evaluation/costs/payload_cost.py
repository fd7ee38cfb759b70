"""What it costs to read what comes in as an intention: legal payloads, damaged ones, and bytes that nobody meant."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.geometry import FloatArray
from ewm_ros.intention.checks import MAX_PEERS
from ewm_ros.intention.codec import MAX_PAYLOAD, decode_payload, encode_payload
from ewm_ros.intention.knots import MAX_KNOTS
from ewm_ros.messages import Consent, Knot, Outcome, Plan, Standing
from ewm_ros.randomness import stream
from ewm_ros.trajectory import STEP

PAYLOADS = 10_000
REPEATS = 3  # of each payload: other programs only ever make it slower
# msgpack's longest lengths, of bytes, a text, an array, a map and an extension
LENGTHS = (
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\x7f\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff",
)


def fullest_payload() -> bytes:
    """The legal payload that is most work to read: as many knots and names as 512 bytes hold."""
    knots = tuple(Knot(i * STEP, 0.01 * i, 0.0, 0.1, 0.05) for i in range(MAX_KNOTS))
    plan = Plan("dock_3", Outcome.WAIT, 4.2, 0.91, knots)
    consents = (Consent("r", 5, 6),) * 20
    standing = Standing(7, 8, 9, 1.0, 2.0, ("r",) * MAX_PEERS, claim=3.0, claim_seq=4, consents=consents)
    return encode_payload(plan, standing)


def damaged(originals: Sequence[bytes], count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Payloads as a broken network or a malicious sender might make them, some of them still legal.

    In equal shares: up to 4 bytes changed, one bit flipped, the end cut off, bytes added, a huge length put in, and
    nothing but random bytes.
    """
    for _ in range(count):
        data = bytearray(originals[int(rng.integers(len(originals)))])
        place = int(rng.integers(len(data)))
        kind = rng.integers(6)
        if kind == 0:
            for _ in range(int(rng.integers(1, 5))):
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
        elif kind == 1:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            data += rng.bytes(int(rng.integers(1, 31)))
        elif kind == 4:
            data[place : place + int(rng.integers(5))] = LENGTHS[int(rng.integers(len(LENGTHS)))]
        else:
            data[:] = rng.bytes(int(rng.integers(MAX_PAYLOAD + 1)))
        yield bytes(data)


def decode_ms(payloads: Sequence[bytes]) -> FloatArray:
    """(P,) ms of process CPU to read or refuse each payload: the quickest of three times, garbage collection off."""
    times = np.empty((len(payloads), REPEATS))
    collecting = gc.isenabled()
    gc.disable()
    try:
        for repeat in range(REPEATS):
            for row, payload in enumerate(payloads):
                began = time.process_time()
                with suppress(InputError):
                    decode_payload(payload)
                times[row, repeat] = time.process_time() - began
    finally:
        if collecting:
            gc.enable()
    quickest: FloatArray = 1e3 * times.min(axis=1)
    return quickest


def payload_cost(originals: Sequence[bytes], seed: int = 0, count: int = PAYLOADS) -> dict[str, float | None]:
    """Percentiles of `decode_ms` over so many damaged payloads.

    Args:
        originals: legal payloads; the fullest one is added.
    """
    rng = stream(seed, 0, "damaged payloads")
    return percentiles(decode_ms(list(damaged([*originals, fullest_payload()], count, rng))), max=100)
