"""Whatever happens to an MCAP file, what is read of it was in it, and nothing that could be read is left behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from foreign_bags import Sent, by_mcap, sentences, write_mcap
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.opcode import Opcode
from mcap.writer import CompressionType

from ewm_ros.evaluation.bags.mcap_frames import GAP, Frame, frames
from ewm_ros.evaluation.bags.mcap_scan import McapScan

MESSAGES = sentences(40)
KINDS = {
    "plain": {"compression": CompressionType.NONE},
    "zstd": {"compression": CompressionType.ZSTD},
    "lz4": {"compression": CompressionType.LZ4},
    "no chunks": {"chunked": False},
    "no checksums": {"checksums": False},
}
CHECKED = ("plain", "zstd", "lz4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcap")


@pytest.fixture(scope="module")
def whole(folder: Path) -> Callable[[str], bytes]:
    """The bytes of a file of a kind."""

    @cache
    def content(kind: str) -> bytes:
        write_mcap(folder / "whole.mcap", MESSAGES, **KINDS[kind])
        return (folder / "whole.mcap").read_bytes()

    return content


def scanned(folder: Path, content: bytes) -> tuple[list[Sent], McapScan]:
    """What is left in a file of this content."""
    path = folder / "scanned.mcap"
    path.write_bytes(content)
    scan = McapScan(path)
    found = list(scan.messages())
    return [Sent(scan.channels[m.channel].topic, m.time, m.data) for m in found if m.channel in scan.channels], scan


def chunks(content: bytes) -> list[Frame]:
    return [frame for frame in frames(content, 8, len(content) - 8) if frame.opcode == Opcode.CHUNK]


def content_of(content: bytes, chunk: Frame) -> int:
    """How many messages a chunk holds, by the index after it."""
    rest = frames(content, chunk.end, len(content) - 8)
    indices = itertools.takewhile(lambda frame: frame.opcode == Opcode.MESSAGE_INDEX, rest)
    return sum((index.end - index.body - 6) // 16 for index in indices)


def in_order(found: list[Sent], of: list[Sent]) -> bool:
    """Whether all that was found was there, in this order."""
    rest = iter(of)
    return all(message in rest for message in found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_read_as_mcap_reads_it_and_called_whole(folder: Path, whole: Callable[[str], bytes], kind: str):
    found, scan = scanned(folder, whole(kind))
    assert found == MESSAGES == by_mcap(folder / "scanned.mcap")
    assert scan.damage.whole
    assert (scan.damage.unread, scan.damage.lost) == (0, 0)
    assert len(chunks(whole(kind))) > 5 or kind == "no chunks"


@settings(deadline=None)
@given(st.data())
def test_of_a_file_cut_anywhere_every_whole_chunk_is_kept_and_nothing_is_made_up(folder, whole, data):
    kind = data.draw(st.sampled_from(list(KINDS)))
    cut = data.draw(st.integers(0, len(whole(kind)) - 1))
    found, scan = scanned(folder, whole(kind)[:cut])
    assert found == MESSAGES[: len(found)]
    before = whole(kind)[: max((c.end for c in chunks(whole(kind)) if c.end <= cut), default=0)]
    assert len(found) >= len(scanned(folder, before)[0])
    assert not scan.damage.complete
    assert scan.damage.problems


def test_of_a_torn_chunk_the_messages_before_the_tear_are_kept(folder: Path, whole: Callable[[str], bytes]):
    last = chunks(whole("plain"))[-2]
    ends = [len(scanned(folder, whole("plain")[:cut])[0]) for cut in range(last.begin, last.end + 1)]
    assert sorted(set(ends)) == list(range(ends[0], ends[-1] + 1))  # one more with each message that is whole
    assert ends[-1] - ends[0] > 3


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_of_a_torn_compressed_chunk_the_blocks_before_the_tear_are_kept(folder: Path, kind: str):
    many = sentences(20_000)
    write_mcap(folder / "large.mcap", many, chunk=1 << 20, **KINDS[kind])
    content = (folder / "large.mcap").read_bytes()
    (first, *_) = chunks(content)
    found, _ = scanned(folder, content[: first.begin + (first.end - first.begin) * 2 // 3])
    assert found == many[: len(found)]
    assert len(found) > 3000


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_of_a_file_with_a_changed_byte_only_the_chunk_around_it_is_lost(folder, whole, data):
    kind = data.draw(st.sampled_from(CHECKED))
    content = bytearray(whole(kind))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    found, scan = scanned(folder, bytes(content))
    assert in_order(found, MESSAGES)
    largest = max(content_of(whole(kind), chunk) for chunk in chunks(whole(kind)))
    assert len(found) >= len(MESSAGES) - largest
    assert scan.damage.lost <= len(MESSAGES) - len(found)
    if scan.damage.whole:
        assert found == MESSAGES == by_mcap(folder / "scanned.mcap")


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_where_there_are_no_checksums_a_changed_byte_spoils_one_message_at_most(folder, whole, data):
    kind = data.draw(st.sampled_from(["no chunks", "no checksums"]))
    begin = whole(kind).index(MESSAGES[2].data)  # after the definitions
    end = whole(kind).index(MESSAGES[-1].data)
    content = bytearray(whole(kind))
    at = data.draw(st.integers(begin, end))
    content[at] ^= data.draw(st.integers(1, 255))
    found, _ = scanned(folder, bytes(content))
    wrong = [message for message in found if message not in MESSAGES]
    assert len(wrong) <= 1
    assert in_order([message for message in found if message not in wrong], MESSAGES)
    largest = max((content_of(whole(kind), chunk) for chunk in chunks(whole(kind))), default=3)
    assert wrong or len(found) >= len(MESSAGES) - largest  # a wrong one may have become so long that it covers others


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 4096], ids=["zeros", "ones"])
def test_blocks_that_the_disk_never_wrote_end_a_file_but_do_not_spoil_it(folder, whole, kind, tail):
    half = len(whole(kind)) // 2
    found, scan = scanned(folder, whole(kind)[:half] + tail)
    assert found == MESSAGES[: len(found)]
    assert len(found) > 10
    assert scan.damage.unread > 0
    assert not scan.damage.complete


def test_what_comes_after_overwritten_bytes_is_found_again_and_the_loss_is_counted(folder, whole):
    first, second = chunks(whole("plain"))[4:6]
    begin, end = first.end - 20, second.begin + 60  # the last message of one, its index, the beginning of the next
    content = bytearray(whole("plain"))
    content[begin:end] = bytes(end - begin)
    found, scan = scanned(folder, bytes(content))
    assert in_order(found, MESSAGES)
    assert found[-15:] == MESSAGES[-15:]
    assert scan.damage.lost == len(MESSAGES) - len(found) == content_of(whole("plain"), first) + 1
    assert scan.damage.unread >= end - begin
    assert scan.damage.complete


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2000), st.data())
def test_records_and_gaps_are_together_all_the_bytes(whole, noise, at, data):
    kind = data.draw(st.sampled_from(list(KINDS)))
    content = whole(kind)[:at] + noise + whole(kind)[at + len(noise) :]
    found = list(frames(content, 8, len(content)))
    assert [frame.begin for frame in found] == [8, *(frame.end for frame in found[:-1])]
    assert found[-1].end == len(content)
    assert all(a.opcode != GAP or b.opcode != GAP for a, b in itertools.pairwise(found))
