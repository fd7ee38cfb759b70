"""A lockstep fleet that writes down what its robots say, as the recorder would have heard it."""

from __future__ import annotations

from typing import Any

from bag_maker import BagMaker

from ewm_ros import diagnostics_keys as keys
from ewm_ros.geometry import Pose2D
from ewm_ros.sensing import Odometry, Velocity
from ewm_ros.simulation.fleet import Fleet


class RecordedFleet(Fleet):
    """Its odometry is where the robots really are, which is what lockstep runs are judged by.

    Args:
        bag: to write to.
        settings: of a Fleet.
    """

    def __init__(self, bag: BagMaker, *settings: Any, **more: Any) -> None:
        super().__init__(*settings, **more)
        self._bag = bag

    def step(self) -> list[Velocity]:
        """See Fleet."""
        commands = super().step()
        time = self.world.time
        for name, (x, y, yaw) in zip(self.names, self.poses.tolist(), strict=True):
            action = self.action(name)
            if action is not None and action.route is not None:
                self._bag.route(action.route)
            if name in self.intentions:
                self._bag.intention(self.intentions[name])
            self._bag.odometry(f"/{name}", Odometry(time, Pose2D(x, y, yaw), 0.0, 0.0))
        return commands

    def report(self, finished: bool, **more: str) -> None:
        """What the simulation says on /diagnostics."""
        told = {
            keys.TIME: f"{self.world.time:.1f}",
            keys.COLLISIONS: str(self.world.collisions),
            keys.NEAR_MISSES: str(self.world.near_miss_count),
            keys.REACHED: str(int(finished) * len(self.names)),
            keys.ORDERS: keys.join_numbers(self.task.orders),
            keys.FINISHED: str(finished).lower(),
            keys.REALTIME_FACTOR: "1.000",
        }
        self._bag.status(keys.SIMULATION_STATUS, {**told, **more})
