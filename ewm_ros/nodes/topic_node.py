"""What the nodes have in common: publishing and listening on the named topics, counting what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ewm_ros.errors import InputError
from ewm_ros.names import QoS
from ewm_ros.nodes.drops import DropCounter
from ewm_ros.nodes.faulty_link import FaultyLink
from ewm_ros.nodes.process import ProcessNode, steady_now
from ewm_ros.nodes.qos import profile
from ewm_ros.nodes.topics import Topic


class TopicNode(ProcessNode):
    """A node that drops bad messages: a callback that raises InputError has refused its message.

    Attributes:
        drops: counts them by topic.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.drops = DropCounter(self.get_logger().warning)

    def offer(self, topic: Topic, qos: QoS | None = None) -> Any:
        """A publisher; with the topic's own quality of service if no other is given."""
        return self.create_publisher(topic.type, topic.name, profile(qos or topic.qos))

    def listen(
        self,
        topic: Topic,
        callback: Callable[[Any], None],
        qos: QoS | None = None,
        link: FaultyLink | None = None,
        raw: bool = False,
        drops: DropCounter | None = None,
    ) -> Any:
        """Have the topic's messages handed to the callback: all, or what a faulty link leaves of them.

        Args:
            raw: whether they come as bytes, for callbacks that need not read them all.
            drops: counts what is refused; the node's own counter if not given.

        Returns:
            The subscription.
        """
        take = self.guarded(topic, callback, drops)
        if link is not None:
            take = link.through(topic.name, take)
        return self.create_subscription(topic.type, topic.name, take, profile(qos or topic.qos), raw=raw)

    def guarded(
        self, topic: Topic, callback: Callable[..., None], drops: DropCounter | None = None
    ) -> Callable[..., None]:
        """The callback, whose InputErrors are counted as refused messages of the topic."""
        counter = drops or self.drops

        def take(*msg: Any) -> None:
            try:
                callback(*msg)
            except InputError as error:
                counter.drop(topic.name.strip("/"), f"{topic.name}: {error}", steady_now())

        return take
