"""Whether the index at the end of an MCAP file fits what comes before it: it is the index that readers believe."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mcap.opcode import Opcode
from mcap.records import Chunk, ChunkIndex, Footer, MetadataIndex, Statistics, SummaryOffset


class McapIndex:
    """Is told of a file's records as they are found, and says of each record of the index whether it is right.

    Attributes:
        counts: messages by channel.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self._first, self._last = 2**64, 0  # ns
        self._chunks: dict[int, ChunkIndex] = {}
        self._newest: ChunkIndex | None = None
        self._metadata: list[MetadataIndex] = []
        self._groups: dict[int, int] = {}  # where the index's first record of an opcode begins
        self._indexed = 0  # chunks that the index has
        self._summary = 0  # where the index begins

    def message(self, channel: int, time: int) -> None:
        """A message was found."""
        self.counts[channel] += 1
        self._first, self._last = min(self._first, time), max(self._last, time)

    def chunk(self, begin: int, end: int, chunk: Chunk) -> None:
        """A chunk was found at these bytes of the file."""
        self._newest = self._chunks[begin] = ChunkIndex(
            chunk_length=end - begin,
            chunk_start_offset=begin,
            compression=chunk.compression,
            compressed_size=len(chunk.data),
            message_end_time=chunk.message_end_time,
            message_index_length=0,
            message_index_offsets={},
            message_start_time=chunk.message_start_time,
            uncompressed_size=chunk.uncompressed_size,
        )

    def message_index(self, begin: int, end: int, channel: int) -> None:
        """An index of the newest chunk's messages was found."""
        if self._newest is not None:
            self._newest.message_index_offsets[channel] = begin
            self._newest.message_index_length += end - begin

    def metadata(self, begin: int, end: int, name: str) -> None:
        """A metadata record was found."""
        self._metadata.append(MetadataIndex(offset=begin, length=end - begin, name=name))

    def data_ends(self, end: int) -> None:
        """All that comes from here on is the index."""
        self._summary = end

    @property
    def begun(self) -> bool:
        """Whether the file's data has ended, so that only the index comes."""
        return self._summary > 0

    def fits(self, opcode: int, begin: int, record: Any) -> bool:
        """Whether a record of the index is right."""
        if self._summary:
            self._groups.setdefault(opcode, begin)
        if isinstance(record, ChunkIndex):
            self._indexed += 1
            return bool(record == self._chunks.get(record.chunk_start_offset))
        if isinstance(record, MetadataIndex):
            return record in self._metadata
        if isinstance(record, SummaryOffset):
            return not record.group_length or self._groups.get(record.group_opcode) == record.group_start
        if isinstance(record, Statistics):
            return self._counted(record)
        if isinstance(record, Footer):
            return self._closes(record)
        return True

    def _counted(self, told: Statistics) -> bool:
        counts = {channel: count for channel, count in told.channel_message_counts.items() if count}
        if counts != self.counts or told.message_count != self.counts.total():
            return False
        times = told.message_start_time, told.message_end_time
        return told.chunk_count == len(self._chunks) and (not counts or times == (self._first, self._last))

    def _closes(self, told: Footer) -> bool:
        """Whether the footer says where the index begins, and the index has all chunks or none."""
        records = {opcode: begin for opcode, begin in self._groups.items() if opcode != Opcode.FOOTER}
        offsets = records.pop(Opcode.SUMMARY_OFFSET, 0)
        starts = min(records.values(), default=0), offsets
        return (told.summary_start, told.summary_offset_start) == starts and self._indexed in (0, len(self._chunks))
