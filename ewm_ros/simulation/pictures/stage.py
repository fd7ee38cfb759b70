"""What is to be seen of a scenario, as bodies to be drawn: floor, walls, goals, stations, robots and people.

Each body is a surface of one colour that comes from a file: what all of PyBullet's renderers draw alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.simulation.physics.bodies import turned
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.physics.people import People
from ewm_ros.simulation.physics.robot_model import Visual, load_robot_visuals
from ewm_ros.simulation.pictures.colours import COLOURS, Colour
from ewm_ros.simulation.pictures.meshes import Mesh, ball, box, disc, drum, joined, upright
from ewm_ros.simulation.pictures.renderers import MIDDLE
from ewm_ros.simulation.pictures.workshop import Workshop
from ewm_ros.simulation.worlds.scenario import Scenario

FLOOR: Colour = (0.93, 0.93, 0.91)
WALL: Colour = (0.60, 0.62, 0.66)
SHOWN_WALL_HEIGHT = 0.35  # m at most: full walls would hide the robots behind them
SPOT: Colour = (0.72, 0.72, 0.70)  # of a goal that is nobody's own
PICK: Colour = (0.96, 0.82, 0.55)
DROP: Colour = (0.66, 0.84, 0.72)
STATION_RADIUS = 0.3  # m
SPOT_HEIGHT = 0.01  # m above the floor
CLOTHES: Colour = (0.25, 0.25, 0.30)
SKIN: Colour = (0.80, 0.62, 0.50)
PERSON_HEIGHT = 0.9  # m, shown; as with walls, their full height would hide the robots behind them
TINT = "tint"  # the material that stands for a robot's own colour
SHAPES: dict[str, Callable[..., Mesh]] = {"box": box, "cylinder": drum, "sphere": ball}  # of robot models
OUT_OF_SIGHT = -500.0  # m, east of the middle of the floor


class Stage:
    """A scenario's things in an engine instance, visual only, the middle of the floor at MIDDLE.

    Attributes:
        shift: m, from places in the scenario to places in the engine.

    Raises:
        InputError: a robot type has no model that can be drawn, or there is no room for temporary files.
    """

    def __init__(self, client: int, scenario: Scenario) -> None:
        self._client = client
        (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
        self.shift = (MIDDLE[0] - (x0 + x1) / 2, MIDDLE[1] - (y0 + y1) / 2, MIDDLE[2])
        self._begins = People(scenario.people).poses
        looks = {robot.name: _looks(load_robot_visuals(robot)) for robot in scenario.types}
        with Workshop(client) as workshop:
            for surface, colour in [*_floor(scenario), *_spots(scenario)]:
                self._move([workshop.body(surface, colour)], Pose2D(0.0, 0.0, 0.0))
            self._robots = []
            for index, robot in enumerate(scenario.types):
                own = COLOURS[index % len(COLOURS)]
                self._robots.append([workshop.body(part, colour or own) for part, colour in looks[robot.name]])
            self._people = [
                [workshop.body(part, colour) for part, colour in _person(walker.radius)] for walker in scenario.people
            ]

    def arrange(self, poses: Mapping[int, Pose2D], people: FloatArray | None) -> None:
        """Put robots (by index) and people, (P, 3) x, y, heading, in their places; other robots out of sight."""
        away = Pose2D(OUT_OF_SIGHT, 0.0, 0.0)
        for index, bodies in enumerate(self._robots):
            self._move(bodies, poses.get(index, away))
        for bodies, row in zip(self._people, self._begins if people is None else people, strict=True):
            self._move(bodies, Pose2D(*row.tolist()))

    def _move(self, bodies: Iterable[int], pose: Pose2D) -> None:
        position = (pose.x + self.shift[0], pose.y + self.shift[1], self.shift[2])
        orientation = turned(pose.yaw)
        for body in bodies:
            pybullet.resetBasePositionAndOrientation(body, position, orientation, physicsClientId=self._client)


def _floor(scenario: Scenario) -> list[tuple[Mesh, Colour]]:
    """The floor, and all that stands on it for good."""
    (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
    floor = box(x1 - x0, y1 - y0, 0.1).moved(upright((x0 + x1) / 2, (y0 + y1) / 2, -0.05))
    solid = []
    for wall in scenario.boxes:
        height = min(wall.height, SHOWN_WALL_HEIGHT)
        solid.append(box(wall.length, wall.width, height).moved(upright(wall.x, wall.y, height / 2, wall.yaw)))
    for pillar in scenario.discs:
        height = min(pillar.height, SHOWN_WALL_HEIGHT)
        solid.append(drum(pillar.radius, height).moved(upright(pillar.x, pillar.y, height / 2)))
    return [(floor, FLOOR), (joined(solid), WALL)]


def _spots(scenario: Scenario) -> list[tuple[Mesh, Colour]]:
    """A spot on each goal, in the paler colour of its robot where it has one, and on each station."""
    spots = []
    for index, goal in enumerate(scenario.goals):
        colour, radius = SPOT, STATION_RADIUS
        if scenario.task == "reach":
            red, green, blue = COLOURS[index % len(COLOURS)]
            colour = (1.0 - 0.45 * (1.0 - red), 1.0 - 0.45 * (1.0 - green), 1.0 - 0.45 * (1.0 - blue))
            radius = scenario.types[index].radius
        spots.append((disc(radius).moved(upright(*goal, SPOT_HEIGHT)), colour))
    if scenario.stations is not None:
        for places, colour in ((scenario.stations.pick, PICK), (scenario.stations.drop, DROP)):
            spot = disc(STATION_RADIUS)
            spots.append((joined(spot.moved(upright(*place, SPOT_HEIGHT)) for place in places), colour))
    return spots


def _looks(visuals: Iterable[Visual]) -> list[tuple[Mesh, Colour | None]]:
    """The parts of a robot by their colours; None is for its own."""
    parts: dict[Colour | None, list[Mesh]] = {}
    for visual in visuals:
        colour = None if visual.material == TINT else visual.colour
        parts.setdefault(colour, []).append(SHAPES[visual.shape](*visual.size).moved(visual.place))
    return [(joined(surfaces), colour) for colour, surfaces in parts.items()]


def _person(radius: float) -> list[tuple[Mesh, Colour]]:
    """Shoulders and a head."""
    shoulders = drum(radius, PERSON_HEIGHT).moved(upright(0.0, 0.0, PERSON_HEIGHT / 2))
    head = ball(0.55 * radius).moved(upright(0.0, 0.0, PERSON_HEIGHT + 0.4 * radius))
    return [(shoulders, CLOTHES), (head, SKIN)]
