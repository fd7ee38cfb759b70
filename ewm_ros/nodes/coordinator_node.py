"""The node of the coordinator: intentions and routes in, directives out at once."""

from __future__ import annotations

import secrets
import sys
from collections import deque
from collections.abc import Sequence

from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg
from rclpy.serialization import deserialize_message, serialize_message

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.messages import Conflict, Intention
from ewm_ros.msg import DirectiveSet as DirectiveSetMsg
from ewm_ros.msg import Route as RouteMsg
from ewm_ros.nodes import conversions, reporting, topics
from ewm_ros.nodes.arbiter_desk import ArbiterDesk, read_advice
from ewm_ros.nodes.faulty_link import FaultyLink, network_faults
from ewm_ros.nodes.managed_node import ManagedNode
from ewm_ros.nodes.markers import markers
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import run_node, steady_now
from ewm_ros.nodes.readers import read_intention
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.randomness import stream
from ewm_ros.robot import incoming

HEARTBEAT = 0.1  # s
SHOW = 0.5  # s between two pictures of plans and conflicts
OWN = 20  # newest own sets that are known again when they come back
LONGEST_THOUGHT = 0.01  # s, or little more, after which what has been heard meanwhile is answered
FORGET = 5.0  # s after which a silent robot's plan is no longer shown


class CoordinatorNode(ManagedNode):
    """Runs a Coordinator on the shared topics while it is active; each time it is another one to the robots."""

    def __init__(self) -> None:
        self._desk: ArbiterDesk | None = None
        self._map: OccupancyGrid | None = None
        self._nonces: set[int] = set()
        self._own: deque[bytes] = deque(maxlen=OWN)
        super().__init__("coordinator")
        self._decide_soon = self.soon(self._decide)

    def read(self, parameters: Parameters) -> None:
        """Declare and read the parameters."""
        self._lease = parameters.number("lease", 1.0, "s for which an order holds without a newer one.", 0.2, 60.0)
        self._fleet = parameters.integer("fleet_size_max", 64, "Robots that the queues are made for.", 1, 64)
        self._time_scale = parameters.number(
            "time_scale", 1.0, "What the steady time of leases is multiplied by; 1 but in simulations.", 0.01, 100.0
        )
        self._faults = network_faults(parameters)
        self._advice, self._site = read_advice(parameters)

    def configure(self) -> None:
        """Set up the arbiter, and open the topics."""
        self._desk = ArbiterDesk(self, self._advice, self._site)
        self._directives = self.offer(topics.DIRECTIVES)
        self._conflicts = self.offer(topics.CONFLICTS)
        self._markers = self.offer(topics.MARKERS)
        self._diagnostics = self.offer(topics.DIAGNOSTICS)
        self.listen(topics.MAP, self._on_map)
        link = FaultyLink(self, self._faults, self._protocol_now, stream(secrets.randbits(32), 0, "network"))
        self.listen(topics.INTENTIONS, self._on_intention, names.intentions_in(self._fleet), link, raw=True)
        self.listen(topics.ROUTES, self._on_route, names.routes_in(self._fleet), link)
        self.listen(topics.DIRECTIVES, self._on_directives, link=link, raw=True)
        self._employ()
        self.every(HEARTBEAT / 2.0, self._beat)
        self.every(SHOW, self._show)
        self.every(1.0, self._report)

    def _employ(self) -> None:
        """Take a new coordinator, who knows nothing and first only listens."""
        assert self._desk is not None
        nonce = secrets.randbits(32) | 1
        self._nonces.add(nonce)
        self._coordinator = Coordinator(nonce=nonce, lease=self._lease, arbiter=self._desk.arbiter)
        if self._map is not None:
            self._coordinator.set_map(self._map)
        self._decide_ms = reporting.Samples()
        self._published_at = steady_now()
        self._plans: dict[str, Intention] = {}
        self._shown: tuple[Conflict, ...] | None = None
        self._reported: set[str] = set()

    def activate(self) -> None:
        """Answer robots, as a coordinator that has just been started."""
        assert self._desk is not None
        self._desk.open()
        self._employ()

    def deactivate(self) -> None:
        """Fall silent: robots go on by themselves when their leases have run out."""
        if self._desk is not None:
            self._desk.close()

    def clean_up(self) -> None:
        """Forget all robots, and close the arbiter."""
        self.deactivate()
        self._desk = self._map = None

    def _protocol_now(self) -> float:
        """s of a steady clock: a clock that is set, or stands still, must not prolong a lease."""
        return steady_now() * self._time_scale

    def _on_map(self, msg: OccupancyGridMsg) -> None:
        self._map = incoming.grid_from(msg)
        self._coordinator.set_map(self._map)

    def _on_intention(self, raw: bytes) -> None:
        if not self.active:
            return
        intention = read_intention(raw)
        self._coordinator.receive_intention(intention, self._protocol_now(), self.ros_now())
        self._plans[intention.robot] = intention
        self._decide_soon()  # after the messages that wait already: when many come at once, one set answers them all

    def _on_route(self, msg: RouteMsg) -> None:
        if self.active:
            self._coordinator.receive_route(incoming.route_from(msg), self._protocol_now())

    def _on_directives(self, raw: bytes) -> None:
        if not self.active or raw in self._own:
            return
        directives = incoming.directives_from(deserialize_message(raw, DirectiveSetMsg))
        if directives.coordinator in self._nonces:
            return  # of a time before, and long under way
        self._coordinator.receive_directives(directives, self._protocol_now())
        if self._coordinator.refused is not None:
            self.end(2, self._coordinator.refused)

    def _decide(self) -> None:
        if not self.active or self.ending is not None:
            return
        began = steady_now()
        directives = self._coordinator.decide(self._protocol_now(), self.ros_now())
        self._decide_ms.add(1e3 * (steady_now() - began))
        raw = serialize_message(conversions.directives_to(directives))
        self._own.append(raw)
        self._directives.publish(raw)
        self._published_at = began
        sent = steady_now()
        self._coordinator.think(lambda: steady_now() - sent > LONGEST_THOUGHT)
        if self._desk is not None:
            self._desk.tell()

    def _beat(self) -> None:
        if steady_now() - self._published_at >= 0.9 * HEARTBEAT:
            self._decide()

    def _show(self) -> None:
        if not self.active:
            return
        now, conflicts = self.ros_now(), self._coordinator.conflicts
        # Latched, so that it has to be sent only when it is new.
        if conflicts != self._shown:
            self._conflicts.publish(conversions.conflicts_to(conflicts, now))
            self._shown = conflicts
        if self._markers.get_subscription_count() > 0:
            plans = [plan for plan in self._plans.values() if now - plan.stamp < FORGET]
            self._markers.publish(markers(plans, conflicts, now))

    def _report(self) -> None:
        silent = self._coordinator.silent(self._protocol_now()) if self.active else ()
        values = {
            keys.LIFECYCLE: self.lifecycle,
            keys.SILENT_ROBOTS: ",".join(silent),
            keys.ROBOTS: str(len(self._coordinator.robots)),
            keys.CONFLICTS: str(len(self._shown or ())),
            keys.DECIDE_MS: self._decide_ms.take(),
            keys.FORESEEN: ",".join("+".join(pair.robots) for pair in self._coordinator.foreseen(self._protocol_now())),
            keys.REPORTS: "; ".join(reports := self._coordinator.reports),
            keys.DROPPED: keys.join_counts(self.drops.counts),
        }
        for line in set(reports) - self._reported:
            self.get_logger().warning(line)
        self._reported = set(reports)
        text = "; ".join(reports) or f"{values[keys.ROBOTS]} robots, {values[keys.CONFLICTS]} conflicts"
        well = self.active and not reports and not silent
        if not self.active:
            text = self.lifecycle
        elif silent and not reports:
            text = f"not heard any more: {', '.join(silent)}"
        name, level = keys.COORDINATOR_STATUS, reporting.OK if well else reporting.WARN
        self._diagnostics.publish(reporting.diagnostics(name, name, level, text, values, self.ros_now()))


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(CoordinatorNode, args)


if __name__ == "__main__":
    sys.exit(main())
