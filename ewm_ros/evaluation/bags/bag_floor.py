"""What of a bag is only drawn: the map, and where robots were sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import open_bag
from ewm_ros.evaluation.bags.bag_frames import plain
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot import incoming

GOAL = "geometry_msgs/msg/PoseStamped"
MAP = "nav_msgs/msg/OccupancyGrid"


@dataclass(slots=True)
class Floor:
    """Of one run.

    Attributes:
        goals: x, y (m) by robot, in the order in which it was given them; those that are told in the map's frame.
        grid: the newest map, None if there is none.
    """

    goals: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    grid: OccupancyGrid | None = None


def read_floor(bag: Path) -> Floor:
    """The floor of a bag; impossible messages are passed over.

    Raises:
        InputError: the bag is damaged.
    """
    floor, ending = Floor(), f"/{names.GOAL_POSE}"
    with open_bag(bag) as messages:
        wanted = {t for t in messages.topics if t == (names.MAP, MAP) or (t[0].endswith(ending) and t[1] == GOAL)}
        for (topic, kind), _, data in messages.raw(wanted):
            try:
                msg = messages.decode(kind, data)
                if kind == MAP:
                    floor.grid = incoming.grid_from(msg)
                elif plain(msg.header.frame_id) == names.MAP_FRAME:
                    goal = incoming.goal_from(msg, names.MAP_FRAME)
                    floor.goals.setdefault(topic.removesuffix(ending).strip("/"), []).append((goal.x, goal.y))
            except InputError:
                continue  # as every robot would have refused it; the figures count it
    return floor
