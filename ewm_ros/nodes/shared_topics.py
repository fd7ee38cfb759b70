"""The topics that all robots share, heard once for all robots of a process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg

from ewm_ros import names
from ewm_ros.coordination.hearing import Hearing
from ewm_ros.errors import InputError
from ewm_ros.messages import DirectiveSet
from ewm_ros.msg import Route as RouteMsg
from ewm_ros.nodes import topics
from ewm_ros.nodes.directive_inbox import DirectiveInbox
from ewm_ros.nodes.faulty_link import FaultyLink
from ewm_ros.nodes.process import steady_now
from ewm_ros.nodes.readers import read_intention
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.robot_unit import RobotUnit
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.randomness import stream
from ewm_ros.robot import incoming


class SharedTopics:
    """Reads each shared message once and hands it to every robot, also what a robot of the same process has sent.

    Args:
        host: the node that listens.
        units: the robots.
        settings: theirs.
        soon: calls `read_directives` after the messages that have arrived already; it is called at once if not given.
    """

    def __init__(
        self,
        host: TopicNode,
        units: Sequence[RobotUnit],
        settings: RobotSettings,
        soon: Callable[[], None] | None = None,
    ) -> None:
        self._units, self._scale, self._clock = units, settings.time_scale, host.ros_now
        self._named = {unit.name: unit for unit in units}
        self._hearing = Hearing()
        self._inbox = DirectiveInbox(self._answer_awaited, self._on_directives, soon)
        self.read_directives = host.guarded(topics.DIRECTIVES, self._inbox.read)
        fleet = settings.fleet_size_max
        link = FaultyLink(host, settings.faults, self._now, stream(secrets.randbits(32), 0, "network"))
        host.listen(topics.MAP, self._on_map)
        host.listen(topics.INTENTIONS, self._on_intention, names.intentions_in(fleet), link, raw=True)
        host.listen(topics.ROUTES, self._on_route, names.routes_in(fleet), link)
        host.listen(topics.DIRECTIVES, self._inbox.arrive, link=link, raw=True)

    def _now(self) -> float:
        return steady_now() * self._scale

    def _on_map(self, msg: OccupancyGridMsg) -> None:
        grid = incoming.grid_from(msg)
        for unit in self._units:
            unit.hear_map(grid)

    def _on_intention(self, raw: bytes) -> None:
        intention, now = read_intention(raw), self._now()
        own = self._named.get(intention.robot)
        if own is not None:
            try:
                own.mind_own_name(intention)
            except InputError as error:  # its own reason to refuse it
                own.drops.drop("intentions", f"{names.INTENTIONS}: {error}", steady_now())
        if self._hearing.accepts(intention, now, self._clock()):
            for unit in self._units:
                if unit is not own:
                    unit.hear_intention(intention, now)

    def _on_route(self, msg: RouteMsg) -> None:
        route = incoming.route_from(msg)
        for unit in self._units:
            unit.hear_route(route)

    def _answer_awaited(self) -> bool:
        return any(unit.answers.awaited for unit in self._units)

    def _on_directives(self, directives: DirectiveSet, arrived: float) -> None:
        for unit in self._units:
            unit.hear_directives(directives, arrived)
