"""The records of an MCAP file that may be torn or damaged anywhere, and the gaps between them.

mcap's own StreamReader stops at the first thing that it does not understand, cannot say where that was, and takes a
record that the end of the file cuts short for a whole one. Hence this scanner for the framing; what is in a record is
parsed by mcap. Format: https://mcap.dev/spec, version 0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

from mcap.opcode import Opcode

from ewm_ros.evaluation.bags.file_bytes import FileBytes

MAGIC = b"\x89MCAP0\r\n"
HEADER_SIZE = 9  # bytes of opcode and length before each record's body
GAP = 0  # an opcode that no record has: bytes that are no record
CHUNK_HEADER_SIZE = 28  # bytes of the times, size and checksum in front of a chunk's two texts
LONGEST_COMPRESSION = 16  # letters of a compression's name
STRETCH = 1 << 20  # bytes that are searched at once
TRUSTED = 3  # records in a row that make a beginning of records of what may be chance

Buffer = bytes | FileBytes

_HEADER = struct.Struct("<BQ")
# A record's body: numbers of bytes, texts with their length in 4 bytes, data with its length in 8.
_TEXT, _DATA = "text", "data"
_LAYOUTS: dict[int, tuple[int | str, ...]] = {
    Opcode.HEADER: (_TEXT, _TEXT),
    Opcode.FOOTER: (20,),
    Opcode.SCHEMA: (2, _TEXT, _TEXT, _TEXT),
    Opcode.CHANNEL: (4, _TEXT, _TEXT, _TEXT),
    Opcode.CHUNK: (CHUNK_HEADER_SIZE, _TEXT, _DATA),
    Opcode.MESSAGE_INDEX: (2, _TEXT),
    Opcode.CHUNK_INDEX: (32, _TEXT, 8, _TEXT, 16),
    Opcode.ATTACHMENT: (16, _TEXT, _TEXT, _DATA, 4),
    Opcode.ATTACHMENT_INDEX: (40, _TEXT, _TEXT),
    Opcode.STATISTICS: (42, _TEXT),
    Opcode.METADATA: (_TEXT, _TEXT),
    Opcode.METADATA_INDEX: (16, _TEXT),
    Opcode.SUMMARY_OFFSET: (17,),
    Opcode.DATA_END: (4,),
}
MESSAGE_HEAD = 22  # bytes of a message's body before its data
ANYWHERE = frozenset({*_LAYOUTS, Opcode.MESSAGE})
IN_CHUNK = frozenset({Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE})
# A position at which an opcode and a length below 2^40 could be.
_CANDIDATE = re.compile(rb"(?=[\x01-\x0f][\s\S]{5}\x00\x00\x00)")


class Frame(NamedTuple):
    """One record, with its opcode and length, or a gap: bytes begin to end of the buffer."""

    opcode: int
    begin: int
    end: int

    @property
    def body(self) -> int:
        """Where the record's body begins."""
        return self.begin + HEADER_SIZE


def frames(buffer: Buffer, begin: int, end: int, opcodes: Collection[int] = ANYWHERE) -> Iterator[Frame]:
    """Records and gaps that together are all the bytes from begin to end.

    A message has nothing that its own length could be checked by. It is given out only if a record follows it, or the
    end, or what a torn file ends with: else it may be longer or shorter than it was.

    Args:
        opcodes: those that can be here; all others are damage.
    """
    held: Frame | None = None  # a record whose successor has not been seen
    at = begin
    while at < end:
        stop = _record_end(buffer, at, end, opcodes)
        if stop:
            if held:
                yield held
            held, at = Frame(buffer[at : at + 1][0], at, stop), stop
            continue
        gap, again = at, _next_record(buffer, at + 1, end, opcodes)
        if held and held.opcode == Opcode.MESSAGE and not (again == end and _torn(buffer, at, end, opcodes)):
            gap, again = held.begin, _next_record(buffer, held.begin + 1, end, opcodes)
        elif held:
            yield held
        yield Frame(GAP, gap, again)
        held, at = None, again
    if held:
        yield held


def torn_chunk(buffer: Buffer, at: int) -> tuple[str, int] | None:
    """Compression and beginning of the data of a chunk that begins here and that the end of the file cuts short."""
    head = buffer[at : at + HEADER_SIZE + CHUNK_HEADER_SIZE + 4]
    if len(head) < HEADER_SIZE + CHUNK_HEADER_SIZE + 4 or head[0] != Opcode.CHUNK:
        return None
    _, length = _HEADER.unpack_from(head)
    name = int.from_bytes(head[-4:], "little")
    data = at + len(head) + name + 8
    if name > LONGEST_COMPRESSION or data > len(buffer):
        return None
    size = int.from_bytes(buffer[data - 8 : data], "little")
    if data + size != at + HEADER_SIZE + length or data + size <= len(buffer):
        return None
    return buffer[data - 8 - name : data - 8].decode("ascii", "replace"), data


def _record_end(buffer: Buffer, at: int, end: int, opcodes: Collection[int]) -> int:
    """Where the record that begins here ends; 0 if none does."""
    if at + HEADER_SIZE > end:
        return 0
    opcode, length = _HEADER.unpack(buffer[at : at + HEADER_SIZE])
    stop: int = at + HEADER_SIZE + length
    if stop > end or opcode not in opcodes:
        return 0
    if opcode == Opcode.MESSAGE:
        return stop if length >= MESSAGE_HEAD else 0
    return stop if _fills(buffer, at + HEADER_SIZE, stop, _LAYOUTS[opcode]) else 0


def _fills(buffer: Buffer, at: int, stop: int, layout: tuple[int | str, ...]) -> bool:
    """Whether the parts of a record's body are together as long as the body."""
    for part in layout:
        if isinstance(part, int):
            at += part
            continue
        width = 4 if part == _TEXT else 8
        if at + width > stop:
            return False
        at += width + int.from_bytes(buffer[at : at + width], "little")
    return at == stop


def _torn(buffer: Buffer, at: int, end: int, opcodes: Collection[int]) -> bool:
    """Whether these last bytes are the beginning of a record."""
    if at + HEADER_SIZE > end:
        return True
    opcode, length = _HEADER.unpack(buffer[at : at + HEADER_SIZE])
    return bool(opcode in opcodes and end < at + HEADER_SIZE + length < 1 << 40)


def _next_record(buffer: Buffer, at: int, end: int, opcodes: Collection[int]) -> int:
    """Where records begin again; the end if nowhere."""
    for begin in range(at, end - HEADER_SIZE + 1, STRETCH - HEADER_SIZE + 1):
        for found in _CANDIDATE.finditer(buffer[begin : min(begin + STRETCH, end)]):
            if _begins(buffer, begin + found.start(), end, opcodes):
                return begin + found.start()
    return end


def _begins(buffer: Buffer, at: int, end: int, opcodes: Collection[int]) -> bool:
    """Whether records follow each other from here, and not only by chance."""
    for seen in range(TRUSTED):
        stop = _record_end(buffer, at, end, opcodes)
        if stop == 0:
            return seen > 0 and at < end and _torn(buffer, at, end, opcodes)
        if stop == end:
            return True
        at = stop
    return True
