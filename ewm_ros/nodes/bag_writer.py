"""Writing serialized messages to a rosbag2 bag (MCAP) of which a killed process loses one second at most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer

from ewm_ros.bag_types import message_types
from ewm_ros.errors import InputError
from ewm_ros.names import QoS
from ewm_ros.nodes.topics import Topic

FOREVER = QosTime(sec=2**31 - 1, nsec=10**9 - 1)


def bag_qos(qos: QoS) -> Qos:
    """A quality of service as a bag keeps it, so that latched topics are latched again when the bag is played."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=qos.depth,
        reliability=QosReliability.RELIABLE if qos.reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if qos.latched else QosDurability.VOLATILE,
        deadline=FOREVER,
        lifespan=FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=FOREVER,
        avoid_ros_namespace_conventions=False,
    )


class BagWriter:
    """One bag being written.

    Args:
        folder: of the bag; must not exist.
        facts: what else is to be known of the run, kept as the bag's custom data.

    Raises:
        InputError: the folder exists or cannot be made.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str]) -> None:
        if folder.exists():
            raise InputError(f"bag folder {folder} exists already: choose another one or remove it")
        self._types = message_types()
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        for key, value in facts.items():
            self._writer.set_custom_data(key, value)
        try:
            self._writer.open()
        except OSError as error:
            raise InputError(f"bag folder {folder} cannot be made: {error.strerror}") from error

    def add(self, topic: Topic) -> Any:
        """A connection for the messages of a topic."""
        return self._writer.add_connection(
            topic.name, topic.type_name, typestore=self._types, offered_qos_profiles=[bag_qos(topic.qos)]
        )

    def write(self, connection: Any, time: int, data: bytes) -> None:
        """Keep a serialized message; time: ns."""
        self._writer.write(connection, time, data)

    def flush(self) -> None:
        """Bring all messages to the file, so that they outlive this process."""
        storage: Any = self._writer.storage  # the protocol that it is declared as has less than MCAP's writer
        if storage.chunk.msgs:
            storage.close_chunk()
        storage.bio.flush()

    def close(self) -> None:
        """Complete the bag."""
        self._writer.close()
