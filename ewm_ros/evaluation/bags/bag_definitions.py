"""What the messages of a bag mean: the definitions that it has, where they can be read, and how ROS hashes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from ewm_ros.bag_types import message_types
from ewm_ros.evaluation.bags.bag_files import DAMAGED
from ewm_ros.evaluation.bags.bag_storage import HASH_KEY, Channel

MSG, IDL = "ros2msg", "ros2idl"
_RULE = "=" * 80 + "\n"  # between the definitions of a type and of those that it is made of


class Definition(NamedTuple):
    """One type.

    Attributes:
        encoding: ros2msg or ros2idl; empty if there is no text.
        type_hash: RIHS01_...; empty if it is not known.
    """

    encoding: str
    text: bytes
    type_hash: str


def definitions(channels: Iterable[Channel]) -> dict[str, Definition]:
    """The types of some channels by their names: the bag's own, else those of ROS 2 Jazzy and this package."""
    found: dict[str, Definition] = {}
    for channel in channels:
        if channel.type not in found or not found[channel.type].text:
            told = dict(channel.metadata).get(HASH_KEY, "")
            found[channel.type] = _own(channel) or _known(channel.type) or Definition("", b"", told)
    return found


def _known(name: str) -> Definition | None:
    """The definition of a type of ROS 2 Jazzy or this package."""
    types = message_types()
    if name not in types.fielddefs:
        return None
    return Definition(MSG, types.generate_msgdef(name, ros_version=2)[0].encode(), types.hash_rihs01(name))


def _own(channel: Channel) -> Definition | None:
    """The definition that a channel brings along, if it can be read."""
    types = get_typestore(Stores.EMPTY)
    try:
        text = channel.definition.decode()
        if channel.encoding == MSG:
            types.register(get_types_from_msg(text, channel.type))
        elif channel.encoding == IDL:
            for part in text.split(_RULE):
                types.register(get_types_from_idl(part.partition("\n")[2] if part.startswith("IDL: ") else part))
        return Definition(channel.encoding, channel.definition, types.hash_rihs01(channel.type))
    except DAMAGED:
        return None
