"""What a bag's storage file gives, whatever is left of it: topics, messages, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from ewm_ros.errors import InputError

QOS_KEY = "offered_qos_profiles"  # of a channel's metadata, as all writers of ROS 2 bags call it
HASH_KEY = "topic_type_hash"  # the same, where the writer knows it
ENOUGH = 8  # problems of one file that are told in full


class Channel(NamedTuple):
    """One topic as one writer offered it.

    Attributes:
        serialization: of its messages: "cdr" is what ROS 2 writes.
        encoding: of the definition: ros2msg, ros2idl, or empty if there is none.
        metadata: pairs of key and value.
    """

    topic: str
    type: str
    serialization: str
    encoding: str
    definition: bytes
    metadata: tuple[tuple[str, str], ...]

    @property
    def qos(self) -> str:
        """The qualities of service that it was offered with, as YAML."""
        return dict(self.metadata).get(QOS_KEY, "")


class Message(NamedTuple):
    """One recorded message.

    Attributes:
        channel: which of the file's channels.
        time: ns, when it was recorded.
        published: ns.
    """

    channel: int
    sequence: int
    time: int
    published: int
    data: bytes


@dataclass
class Damage:
    """What is wrong with one file.

    Attributes:
        complete: whether it was completed: nothing is missing at its end.
        unread: bytes that are neither records nor rows.
        lost: messages that are known to be missing; there may be more.
        problems: what is wrong, each in one line.
    """

    complete: bool = False
    unread: int = 0
    lost: int = 0
    problems: list[str] = field(default_factory=list)
    _more: int = 0

    def tell(self, problem: str) -> None:
        """Note a problem; of many, the first ones in full and how many there are."""
        if len(self.problems) < ENOUGH:
            self.problems.append(" ".join(problem.split()))
            return
        self._more += 1
        self.problems[ENOUGH:] = [f"and {self._more} more problems of this kind or another"]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.complete and not self.problems


class Storage(Protocol):
    """One storage file, to be read once from its beginning to what is left of its end."""

    path: Path
    damage: Damage
    facts: dict[str, str]  # custom data that the file itself keeps
    compression: str  # of its chunks

    def messages(self) -> Iterator[Message]:
        """All messages that are left, in the order in which they were written; then the other attributes are known."""

    @property
    def channels(self) -> Mapping[int, Channel]:
        """The channels that are defined, by the number that their messages have."""

    @property
    def position(self) -> float:
        """How much of the file has been read, 0 to 1."""


def unreadable(path: Path, error: OSError) -> InputError:
    """What to raise when the operating system does not let a file be read."""
    return InputError(f"{path} cannot be read: {error.strerror or error}")
