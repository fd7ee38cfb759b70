"""The messages that are left in an MCAP file, torn or damaged anywhere, of any writer and with any compression."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import (
    Channel as ChannelRecord,
)
from mcap.records import (
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from ewm_ros.bag_facts import METADATA_NAME
from ewm_ros.evaluation.bags.bag_storage import Channel, Damage, Message, unreadable
from ewm_ros.evaluation.bags.file_bytes import FileBytes
from ewm_ros.evaluation.bags.mcap_frames import (
    GAP,
    HEADER_SIZE,
    IN_CHUNK,
    MAGIC,
    Buffer,
    Frame,
    frames,
    torn_chunk,
)
from ewm_ros.evaluation.bags.mcap_index import McapIndex

PROFILE = "ros2"

_MESSAGE = struct.Struct("<HIQQ")
# Of each compression what unpacks the beginning of a chunk, and knows whether that was all.
_UNPACKERS: dict[str, Callable[[], Any]] = {
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
}
_PARSERS: dict[int, Any] = {
    Opcode.HEADER: Header,
    Opcode.FOOTER: Footer,
    Opcode.SCHEMA: Schema,
    Opcode.CHANNEL: ChannelRecord,
    Opcode.CHUNK: Chunk,
    Opcode.CHUNK_INDEX: ChunkIndex,
    Opcode.STATISTICS: Statistics,
    Opcode.METADATA: Metadata,
    Opcode.METADATA_INDEX: MetadataIndex,
    Opcode.SUMMARY_OFFSET: SummaryOffset,
    Opcode.DATA_END: DataEnd,
}
_NOT_PARSED = (McapError, struct.error, ValueError)
_NOT_UNPACKED = (zstandard.ZstdError, RuntimeError, ValueError, MemoryError)


class McapScan:
    """One pass over an MCAP file; see bag_storage.Storage.

    A message is given out only if nothing speaks against it. In a chunk with a checksum, as mcap's own writers make
    them, that is certain; in one without, a changed byte inside a message's data cannot be noticed by anybody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = Damage()
        self.facts: dict[str, str] = {}
        self.compression = ""
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, ChannelRecord] = {}
        self._index = McapIndex()
        self._index_wrong = False
        self._expected = self._found = 0  # messages since the newest chunk began: by its index, and really
        self._total = 0  # messages of the whole file, by its index
        self._share = 0.0

    @property
    def position(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self._share

    @property
    def channels(self) -> dict[int, Channel]:
        """The channels that are defined; those of which the type is not known are left out."""
        found = {}
        for number, channel in self._channels.items():
            if schema := self._schemas.get(channel.schema_id):
                metadata = tuple(channel.metadata.items())
                encoding = schema.encoding if schema.data else ""
                found[number] = Channel(
                    channel.topic, schema.name, channel.message_encoding, encoding, schema.data, metadata
                )
        return found

    def messages(self) -> Iterator[Message]:
        """All messages that are left, in the order in which they were written.

        Raises:
            InputError: the operating system does not let it be read.
        """
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise unreadable(self.path, error) from error
        with file:
            buffer = FileBytes(file.fileno())
            if not len(buffer):
                self.damage.tell(f"{self.path.name} is empty")
                return
            try:
                yield from self._scan(buffer, len(buffer))
            except OSError as error:
                raise unreadable(self.path, error) from error
            if buffer.unreadable:
                self.damage.tell(f"{self.path.name}: the disk cannot read {buffer.unreadable} bytes of it")

    def _scan(self, buffer: FileBytes, size: int) -> Iterator[Message]:
        begin = len(MAGIC) if buffer[: len(MAGIC)] == MAGIC else 0
        end = size - len(MAGIC) if size > begin and buffer[size - len(MAGIC) :] == MAGIC else size
        if not begin:
            self.damage.tell(f"{self.path.name} does not begin as MCAP files do")
        for frame in frames(buffer, begin, end):
            self._share = frame.end / size
            if frame.opcode in (Opcode.MESSAGE, Opcode.CHUNK) and self._index.begun:
                self._unread(frame, "are something else than the index that belongs there")
            elif frame.opcode == Opcode.MESSAGE:
                yield self._message(buffer, frame)
            elif frame.opcode == Opcode.CHUNK:
                self._settle()
                yield from self._chunk(buffer, frame)
            elif frame.opcode == GAP:
                yield from self._gap(buffer, frame, size)
            else:
                self._record(buffer, frame, end < size)
        self._settle()
        self.damage.lost = max(self.damage.lost, self._total - self._index.counts.total())
        self._share = 1.0
        if not self.damage.complete:
            self.damage.tell(f"{self.path.name} was never completed: it ends in the middle of a recording")
        elif self._index_wrong and not self.damage.problems:
            self.damage.tell(f"{self.path.name} has an index that does not fit what it holds")

    def _message(self, buffer: Buffer, frame: Frame) -> Message:
        channel, sequence, time, published = _MESSAGE.unpack(buffer[frame.body : frame.body + _MESSAGE.size])
        self._index.message(channel, time)
        self._found += 1
        return Message(channel, sequence, time, published, buffer[frame.body + _MESSAGE.size : frame.end])

    def _chunk(self, buffer: Buffer, frame: Frame) -> Iterator[Message]:
        chunk = _parsed(buffer, frame)
        raw = None if chunk is None else _unpacked(chunk)
        if chunk is None or raw is None:
            self._unread(frame, "cannot be unpacked or fails its checksum")
            return
        if len(raw) != chunk.uncompressed_size:
            self.damage.tell(f"{self.path.name}: the chunk at byte {frame.begin} has not the size that it says")
        self._index.chunk(frame.begin, frame.end, chunk)
        self.compression = self.compression or chunk.compression
        yield from self._inside(raw, frame)

    def _inside(self, raw: bytes, chunk: Frame) -> Iterator[Message]:
        """The messages in the unpacked bytes of a chunk."""
        for frame in frames(raw, 0, len(raw), IN_CHUNK):
            if frame.opcode == Opcode.MESSAGE:
                yield self._message(raw, frame)
            elif frame.opcode == GAP:
                self._unread(frame, f"of the chunk at byte {chunk.begin} are no records")
            else:
                self._define(_parsed(raw, frame), frame)

    def _gap(self, buffer: Buffer, frame: Frame, size: int) -> Iterator[Message]:
        """What can be got out of bytes that are no records: part of a chunk that the file's end cuts short."""
        if chunk := torn_chunk(buffer, frame.begin):
            compression, data = chunk
            if not compression and frame.end < size:
                return  # its records have been found, and follow
            begun, _ = _begun(compression, buffer[data : frame.end])
            if begun:
                yield from self._inside(begun, frame)
                return
        torn = frame.end == size and size - frame.begin < HEADER_SIZE
        self._unread(frame, "are the beginning of a record" if torn else "are no records")

    def _record(self, buffer: Buffer, frame: Frame, ended: bool) -> None:
        """Anything but messages and chunks."""
        if frame.opcode == Opcode.MESSAGE_INDEX:
            self._expected += (frame.end - frame.body - 6) // 16
            (channel,) = struct.unpack("<H", buffer[frame.body : frame.body + 2])
            self._index.message_index(frame.begin, frame.end, channel)
            return
        if frame.opcode in (Opcode.ATTACHMENT, Opcode.ATTACHMENT_INDEX):
            return
        record = _parsed(buffer, frame)
        if not self._index.fits(frame.opcode, frame.begin, record):
            self._index_wrong = True
        if isinstance(record, Header) and record.profile != PROFILE:
            self.damage.tell(f"{self.path.name} is not said to be of ROS 2: its profile is {record.profile!r}")
        elif isinstance(record, Metadata):
            self._index.metadata(frame.begin, frame.end, record.name)
            if record.name == METADATA_NAME:
                self.facts.update(record.metadata)
        elif isinstance(record, DataEnd):
            self._index.data_ends(frame.end)
            if record.data_section_crc and record.data_section_crc != _checksum(buffer, 0, frame.begin):
                self.damage.tell(f"{self.path.name} fails its checksum: some of its messages may be wrong")
        elif isinstance(record, Statistics):
            self._total = record.message_count
        elif isinstance(record, Footer):
            self.damage.complete = ended and frame.end + len(MAGIC) == len(buffer)
            begin = record.summary_start or frame.end
            if record.summary_crc != _checksum(buffer, begin, frame.end - 4):
                self._total = 0  # nobody can say whether it is right
                self._index_wrong |= record.summary_crc != 0
        else:
            self._define(record, frame)

    def _define(self, record: Any, frame: Frame) -> None:
        """Note a schema or channel; the first definition of a number counts."""
        if record is None:
            self._unread(frame, "are a record that cannot be read")
            return
        known: dict[int, Any] = {Opcode.SCHEMA: self._schemas, Opcode.CHANNEL: self._channels}.get(frame.opcode, {})
        if frame.opcode in (Opcode.SCHEMA, Opcode.CHANNEL) and known.setdefault(record.id, record) != record:
            what = "type" if frame.opcode == Opcode.SCHEMA else "topic"
            self.damage.tell(f"{self.path.name} defines {what} {record.id} twice, and differently")

    def _unread(self, frame: Frame, why: str) -> None:
        self.damage.unread += frame.end - frame.begin
        self.damage.tell(f"{self.path.name}: {frame.end - frame.begin} bytes at byte {frame.begin} {why}")

    def _settle(self) -> None:
        """Count what the index of a chunk has and the chunk did not give."""
        self.damage.lost += max(0, self._expected - self._found)
        self._expected = self._found = 0


def _parsed(buffer: Buffer, frame: Frame) -> Any:
    """A record as mcap reads it; None if it cannot."""
    try:
        return _PARSERS[frame.opcode].read(ReadDataStream(io.BytesIO(buffer[frame.body : frame.end])))
    except _NOT_PARSED:
        return None


def _unpacked(chunk: Chunk) -> bytes | None:
    """A whole chunk's records; None if they are not what they were."""
    raw, complete = _begun(chunk.compression, chunk.data)
    if chunk.uncompressed_crc:
        return raw if complete and zlib.crc32(raw) == chunk.uncompressed_crc else None
    return raw if complete and (not chunk.compression or len(raw) == chunk.uncompressed_size) else None


def _begun(compression: str, packed: bytes) -> tuple[bytes, bool]:
    """The beginning of a chunk's records from the beginning of its data, and whether that is all."""
    if not compression:
        return packed, True
    try:
        unpacker = _UNPACKERS[compression]()
        return bytes(unpacker.decompress(packed)), bool(unpacker.eof)
    except (KeyError, *_NOT_UNPACKED):
        return b"", False


def _checksum(buffer: Buffer, begin: int, end: int) -> int:
    """CRC-32 of some bytes of a file."""
    crc, step = 0, 1 << 20
    for at in range(begin, end, step):
        crc = zlib.crc32(buffer[at : min(at + step, end)], crc)
    return crc
