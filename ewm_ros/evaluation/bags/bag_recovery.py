"""A whole bag out of what is left of one: of a killed recorder, a full disk, a torn copy, damaged bytes.

The original is only read. Its messages are copied as they are, file by file, into a new bag of MCAP files.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mcap.writer import CompressionType, Writer
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.metadata import dump_qos_v9, parse_qos

from ewm_ros import __version__
from ewm_ros.bag_facts import METADATA_NAME
from ewm_ros.bag_metadata import BagFile, as_yaml, information, topic_entry
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_definitions import definitions
from ewm_ros.evaluation.bags.bag_files import METADATA, RECOVERED
from ewm_ros.evaluation.bags.bag_storage import QOS_KEY
from ewm_ros.evaluation.bags.bag_survey import (
    BagSurvey,
    FileSurvey,
    Progress,
    open_storage,
    part,
    survey,
    told_messages,
    topics_of,
)
from ewm_ros.evaluation.bags.mcap_scan import PROFILE

_COMPRESSIONS = {"": CompressionType.NONE, "lz4": CompressionType.LZ4, "zstd": CompressionType.ZSTD}


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a bag.

    Attributes:
        out: the new bag; None if the old one is whole and nothing was written.
        messages, topics: how many there are.
        seconds: from the first message to the last.
        unread: bytes of the old bag that are neither records nor rows.
        lost: messages that are known to be missing; there may be more.
        files: names of those that the messages were found in.
        problems: what was wrong, each in one line.
    """

    out: Path | None
    messages: int
    topics: int
    seconds: float
    unread: int
    lost: int
    files: tuple[str, ...]
    problems: tuple[str, ...]


def recover(bag: Path, out: Path | None = None, progress: Progress | None = None) -> Recovered:
    """Make a whole bag of one that is not; of a whole one, nothing.

    Args:
        bag: folder or single file.
        out: folder of the new bag, which must not exist; beside the old one, with `_recovered`, if not given.
        progress: told how much has been done, 0 to 1.

    Raises:
        InputError: there is no message left, the new bag's folder exists or would lie in the old one, or a file cannot
            be read or written.
    """
    if out is None:
        place = bag.resolve()
        out = place.with_name(f"{place.stem if place.is_file() else place.name}{RECOVERED}")
    if out.exists():
        raise InputError(f"bag folder {out} exists already: choose another one with --out, or remove it")
    if bag.resolve() in out.resolve().parents:
        raise InputError(f"bag folder {out} would lie in bag {bag} itself: choose another one with --out")
    found = survey(bag, part(progress, 0.0, 0.5))
    if not found.problems:
        return _told(found, None)
    if not found.total.count:
        raise InputError(f"nothing is left of bag {bag}: {found.problems[0]}")
    _write(found, out, part(progress, 0.5, 0.5))
    if progress is not None:
        progress(1.0)
    return _told(found, out)


def _told(found: BagSurvey, out: Path | None) -> Recovered:
    total = found.total
    return Recovered(
        out=out,
        messages=total.count,
        topics=sum(tally.count > 0 for tally in found.topics.values()),
        seconds=total.seconds,
        unread=found.unread,
        lost=found.lost,
        files=tuple(file.storage.path.name for file in found.files if file.total.count),
        problems=found.problems,
    )


def _write(found: BagSurvey, out: Path, progress: Progress | None) -> None:
    """Write the new bag, or leave nothing of it."""
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"bag folder {out} cannot be made: {error.strerror}") from error
    complete = False
    try:
        _Copy(found, out).write(progress)
        complete = True
    except OSError as error:
        raise InputError(f"bag {out} cannot be written: {error.strerror}") from error
    finally:
        if not complete:
            shutil.rmtree(out, ignore_errors=True)


class _Copy:
    """The new bag of what was found in the old one."""

    def __init__(self, found: BagSurvey, out: Path) -> None:
        self._found = found
        self._out = out
        self._files = [file for file in found.files if file.total.count]
        self._known = definitions(channel for file in self._files for channel in file.channels.values())

    def write(self, progress: Progress | None) -> None:
        """All files; the description of the bag comes last."""
        written: list[BagFile] = []
        before, all_messages = 0, self._found.total.count
        for file in self._files:
            total = file.total
            told = BagFile(f"{self._out.name}_{len(written)}.mcap", total.first, total.last, {"": total.count})
            self._write_file(file, told, part(progress, before / all_messages, total.count / all_messages))
            written.append(told)
            before += total.count
        text = as_yaml({"rosbag2_bagfile_information": self._information(self._files, written)})
        (self._out / METADATA).write_text(text, encoding="utf-8")

    def _information(self, files: list[FileSurvey], written: list[BagFile]) -> dict[str, object]:
        topics = [
            topic_entry(topic.name, topic.type, self._known[topic.type].type_hash, _qos(topic.qos), tally.count)
            for topic, tally in topics_of(files).items()
        ]
        return information(topics, written, self._found.facts, self._found.packing)

    def _write_file(self, file: FileSurvey, told: BagFile, progress: Progress | None) -> None:
        """A file of the new bag, with as many messages as were found: the old one may still be growing."""
        with (self._out / told.name).open("xb") as target:
            writer = Writer(target, compression=_COMPRESSIONS[file.storage.compression])
            writer.start(PROFILE, f"ewm_ros-{__version__}")
            if self._found.facts:
                writer.add_metadata(METADATA_NAME, dict(self._found.facts))
            numbers = self._register(writer, file)
            for message in islice(told_messages(open_storage(file.storage.path), progress), file.read):
                if number := numbers.get(message.channel):
                    writer.add_message(number, message.time, message.data, message.published, message.sequence)
            own = as_yaml(self._information([file], [told]))
            writer.add_metadata("rosbag2", {"serialized_metadata": own})
            writer.finish()

    def _register(self, writer: Writer, file: FileSurvey) -> dict[int, int]:
        """Tell a file of its topics; the numbers of the channels by what they were."""
        types: dict[str, int] = {}
        numbers = {}
        for number, channel in file.channels.items():
            if channel.type not in types:
                known = self._known[channel.type]
                types[channel.type] = writer.register_schema(channel.type, known.encoding, known.text)
            told = dict(channel.metadata)
            if not _qos(channel.qos):
                told[QOS_KEY] = ""  # readers stumble over what is none
            numbers[number] = writer.register_channel(channel.topic, channel.serialization, types[channel.type], told)
        return numbers


def _qos(text: str) -> object:
    """Qualities of service as metadata.yaml has them; none if the text is none."""
    try:
        return dump_qos_v9(parse_qos(text))
    except (ReaderError, LookupError, TypeError, AttributeError):
        return []
