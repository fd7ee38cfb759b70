"""docs/intention_format.md shows real bytes: what other implementations are written against must be what we send."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ewm_ros.intention.codec import MAX_PAYLOAD, VERSION, VERSION_WITH_SEARCH, decode_payload, encode_payload
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Consent, Knot, Outcome, Plan, Search, Standing

DOCUMENT = Path(__file__).parents[2] / "docs" / "intention_format.md"

EXAMPLES = {
    "Driving to a dock": (
        Plan(
            goal="dock_3",
            outcome=Outcome.ARRIVE,
            eta=4.2,
            confidence=0.91,
            knots=(
                Knot(0.0, 1.50, -2.00, 0.0, 0.02),
                Knot(2.0, 2.45, -2.00, 0.0, 0.12),
                Knot(4.2, 3.10, -1.35, 1.57, 0.25),
            ),
        ),
        Standing(coordinator=305419896, epoch=118, route=2, progress=6.4, hold=9.25, waits_for=("robot_3",)),
    ),
    "Waiting, without a coordinator": (
        Plan("", Outcome.WAIT, math.inf, 0.5, (Knot(0.0, 0.0, 0.3, -math.pi, 0.05),)),
        Standing(route=1, hold=0.004, claim=3.5, claim_seq=41, consents=(Consent("r2", 77, 9),)),
    ),
    "Taking a goal that it has found": (
        Plan(
            "6.8,-5.6",
            Outcome.ARRIVE,
            6.5,
            0.86,
            (Knot(0.0, 4.0, -5.6, 0.0, 0.02),),
            Search(((6.8, -5.6), (-1.6, -5.6)), 3.0),
        ),
        Standing(coordinator=7, epoch=9, route=4, hold=1.6),
    ),
}


def listing(title: str) -> bytes:
    """The bytes in the first column of the listing under a heading of the document."""
    block = DOCUMENT.read_text(encoding="utf-8").split(f"### {title}\n")[1].split("```")[1]
    return bytes.fromhex("".join(line.split("  ")[0] for line in block.splitlines()[1:]))


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_documents_bytes_are_what_the_code_produces(title: str) -> None:
    plan, standing = EXAMPLES[title]
    assert encode_payload(plan, standing).hex(" ") == listing(title).hex(" ")


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_documents_bytes_are_read_as_what_it_says(title: str) -> None:
    plan, standing = decode_payload(listing(title))
    sent, meant = EXAMPLES[title]
    assert (plan.goal, plan.outcome, plan.eta, plan.confidence) == (sent.goal, sent.outcome, sent.eta, sent.confidence)
    assert (standing.coordinator, standing.epoch, standing.route) == (meant.coordinator, meant.epoch, meant.route)
    assert (standing.waits_for, standing.consents) == (meant.waits_for, meant.consents)
    assert plan.search == sent.search
    for knot, original in zip(plan.knots, sent.knots, strict=True):
        assert (knot.t, knot.x, knot.y, knot.radius) == (original.t, original.x, original.y, original.radius)
        assert knot.yaw == pytest.approx(original.yaw, abs=math.pi / 512)


def test_the_document_names_the_version_the_cap_and_the_text_form() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert f"format version {VERSION}, or {VERSION_WITH_SEARCH}" in document
    assert f"{MAX_PAYLOAD} bytes" in document
    assert IntentionCompressor().text(EXAMPLES["Driving to a dock"][0]) in document
