"""Messages that are heard by two subscriptions, and recorded once."""

from __future__ import annotations

from collections.abc import Callable

KEPT = 10  # messages of which the second hearing may still come


class HeardOnce:
    """Hands on what either of two subscriptions hears, but not a second time what both hear.

    Of a topic that some publishers latch and others do not, two subscriptions are needed to hear all of them. What is
    latched reaches both.

    Args:
        take: what is called with each message.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._heard: dict[bytes, bool] = {}  # by which of the two, newest last

    def by(self, first: bool) -> Callable[[bytes], None]:
        """What is to be called with messages of the first, or of the second subscription."""

        def hear(data: bytes) -> None:
            if self._heard.get(data, first) is not first:
                del self._heard[data]
                return
            self._heard[data] = first
            if len(self._heard) > KEPT:
                del self._heard[next(iter(self._heard))]
            self._take(data)

        return hear
