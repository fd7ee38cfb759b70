"""Two running processes with one robot's name: which of them has to go.

ROS 2 lets two nodes have the same name, so that this is settled by the messages that they send.
"""

from __future__ import annotations

from ewm_ros.messages import Intention

YOUNG = 30  # intentions that a process has sent at most while it may still have to give way


def must_yield(boot: int, sent: int, other: Intention) -> bool:
    """Whether this process has to end because the sender of `other`, under the same name, was there before.

    Of two that started together the one with the greater boot nonce goes; one that has been running for long stays.

    Args:
        boot: nonce of this process.
        sent: how many intentions it has sent.
    """
    if other.boot == boot or sent > YOUNG:
        return False
    return other.seq > YOUNG or sent == 0 or other.boot < boot
