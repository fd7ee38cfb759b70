"""The message types that rosbags needs to know in order to write and read bags."""

from __future__ import annotations

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ewm_ros.errors import InputError
from ewm_ros.names import PACKAGE
from ewm_ros.resources import share


def message_types() -> Typestore:
    """The types of ROS 2 Jazzy and this package's own.

    Raises:
        InputError: the installation lacks the definitions.
    """
    definitions = sorted((share() / "msg").glob("*.msg"))
    if not definitions:
        raise InputError(f"no message definitions in {share() / 'msg'}: install the package again")
    types = get_typestore(Stores.ROS2_JAZZY)
    own = {}
    for path in definitions:
        own.update(get_types_from_msg(path.read_text(encoding="utf-8"), f"{PACKAGE}/msg/{path.stem}"))
    types.register(own)
    return types
