"""Writes worlds/dilemmas/*.yaml: conflicts that the words of a site decide, to put to a language model.

    python examples/make_dilemmas.py [FOLDER]

examples/dilemma_sites/prompt.yaml and figure.yaml say what is said at each site, and which of its robots meet on what
kind of floor; here are the floors. Each kind is drawn once and turned and mirrored from world to world. On each, robot
`first` is nearer to where they meet, or has the longer way aside, so that the least delay is to let it pass first; the
site's rules may ask for either.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ewm_ros.geometry import wrap_angle
from ewm_ros.resources import share
from ewm_ros.simulation.worlds.world_file import parse_world
from ewm_ros.simulation.worlds.world_writer import world_text
from ewm_ros.yaml_files import load_yaml

SITES = Path(__file__).parent / "dilemma_sites"
HEADER = "# Made by examples/make_dilemmas.py of what examples/dilemma_sites says.\n"
BEHIND = 0.8  # m further to go, which takes a tinybot 1.6 s
EAST, NORTH, WEST = 0.0, math.pi / 2, math.pi

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 (m)
Pose = tuple[float, float, float]  # x, y (m), yaw (rad)


@dataclass(frozen=True)
class Floor:
    """Where robots meet; robot i goes from starts[i] to goals[i]."""

    bounds: Rectangle
    walls: Sequence[Rectangle]
    starts: Sequence[Pose]
    goals: Sequence[tuple[float, float]]

    def turned(self, quarters: int, mirrored: bool) -> Floor:
        """The same seen from another side."""

        def at(x: float, y: float) -> tuple[float, float]:
            y = -y if mirrored else y
            for _ in range(quarters):
                x, y = -y, x
            return x, y

        def box(x0: float, y0: float, x1: float, y1: float) -> Rectangle:
            (ax, ay), (bx, by) = at(x0, y0), at(x1, y1)
            return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)

        def pose(x: float, y: float, yaw: float) -> Pose:
            heading = wrap_angle((-yaw if mirrored else yaw) + quarters * math.pi / 2)
            return (*at(x, y), heading)

        return Floor(
            box(*self.bounds),
            [box(*w) for w in self.walls],
            [pose(*s) for s in self.starts],
            [at(*g) for g in self.goals],
        )


def crossing(first: int) -> Floor:
    """Two roads, 1.8 m wide; one robot on each."""
    back = _behind(first)
    corners = [(-7, -7, -0.9, -0.9), (-7, 0.9, -0.9, 7), (0.9, -7, 7, -0.9), (0.9, 0.9, 7, 7)]
    starts = [(-5.0 - back[0], 0.0, EAST), (0.0, -5.0 - back[1], NORTH)]
    return Floor((-7, -7, 7, 7), corners, starts, [(6, 0), (0, 6)])


def three_way(first: int) -> Floor:
    """A road 3.2 m wide with a robot each way, and robot 0, which has to cross the ways of both."""
    alone, two = _behind(min(first, 1))
    corners = [(-7, -7, -0.9, -1.6), (-7, 1.6, -0.9, 7), (0.9, -7, 7, -1.6), (0.9, 1.6, 7, 7)]
    # It is longer under way among them than they are in its way.
    west, east = (-4.6 - 2 * two, -0.8, EAST), (4.6 + 2 * two, 0.8, WEST)
    return Floor((-7, -7, 7, 7), corners, [(0.0, -5.0 - alone, NORTH), west, east], [(0, 6), (6, -0.8), (-6, 0.8)])


def merge(first: int) -> Floor:
    """A side street ends in a lane 1.2 m wide that leads into a yard, which is where both robots go."""
    back = _behind(first)
    walls = [(-7, 0.6, 3, 3), (-7, -7, -0.6, -0.6), (0.6, -7, 3, -0.6), (3, -7, 7, -3)]
    starts = [(-4.6 - back[0], 0.0, EAST), (0.0, -4.6 - back[1], NORTH)]
    return Floor((-7, -7, 7, 3), walls, starts, [(6, 2), (6, -2)])


def door(first: int) -> Floor:
    """A door between two rooms, which the robots change."""
    return _between_rooms(first, 0.1)


def lane(first: int) -> Floor:
    """A passage 3 m long between two rooms, which the robots change."""
    return _between_rooms(first, 1.5)


def _between_rooms(first: int, half: float) -> Floor:
    """1 m wide and 2 x half (m) long."""
    back = _behind(first)
    walls = [(-half, -3.5, half, -0.5), (-half, 0.5, half, 3.5)]
    facing = math.atan2(2.2, 4.0)
    starts = [(-4.2 - half - back[0], 2.2, -facing), (4.2 + half + back[1], 2.2, facing - math.pi)]
    far = 5.4 + half
    return Floor((-far - 1, -3.5, far + 1, 3.5), walls, starts, [(far, -2.2), (-far, -2.2)])


def _behind(first: int) -> list[float]:
    """m that each of two has to go further."""
    return [0.0 if k == first else BEHIND for k in range(2)]


def bays(first: int) -> Floor:
    """Nose to nose in a corridor 1 m wide and closed at its ends, a bay behind each robot."""
    west, east = (-4.2, 2.4) if first == 0 else (-2.4, 4.2)
    north, south = _side(-7, 0.5, 1.8, west), _side(-7, -1.8, -0.5, east)
    return Floor((-7, -1.8, 7, 1.8), [*north, *south], [(-0.7, 0.0, EAST), (0.7, 0.0, WEST)], [(6.2, 0), (-6.2, 0)])


def convoy(first: int) -> Floor:
    """One meets two that follow each other, in a corridor 1 m wide, a bay behind it and two deep ones behind them."""
    west = -5.6 if first == 0 else -2.4
    north, south = _side(-9, 0.5, 2.3, west, 2.6), _side(-9, -2.3, -0.5, 4.2)
    starts = [(-0.5, 0.0, EAST), (0.5, 0.0, WEST), (1.4, 0.0, WEST)]
    return Floor((-9, -2.3, 7, 2.3), [*north, *south], starts, [(6.2, 0), (-8.2, 0), (-6.8, 0)])


def _side(begin: float, low: float, high: float, *bays: float) -> list[Rectangle]:
    """The wall along one side of a corridor, with gaps of 2 m around these places."""
    edges = [begin, *(edge for bay in bays for edge in (bay - 1.0, bay + 1.0)), 7.0]
    return [(x0, low, x1, high) for x0, x1 in zip(edges[::2], edges[1::2], strict=True)]


def passage(first: int) -> Floor:
    """Nose to nose in a passage 1 m wide between two rooms; one of them is nearer."""
    west, east = (-3.6, 1.6) if first == 0 else (-1.6, 3.6)
    walls = [(west, -2.5, east, -0.5), (west, 0.5, east, 2.5)]
    return Floor((-7, -2.5, 7, 2.5), walls, [(-0.7, 0.0, EAST), (0.7, 0.0, WEST)], [(6, 1.5), (-6, 1.5)])


FLOORS: dict[str, Callable[[int], Floor]] = {
    kind.__name__: kind for kind in (crossing, three_way, merge, door, lane, bays, convoy, passage)
}


def worlds() -> dict[str, str]:
    """The text of each world's file by its name."""
    texts = {}
    for part in ("prompt", "figure"):
        sites = load_yaml(SITES / f"{part}.yaml")
        conflicts = [(site, conflict) for site in sites for conflict in site["conflicts"]]
        for number, (site, conflict) in enumerate(conflicts, start=1):
            name = f"dilemma-{part}-{number:02d}-{conflict['name']}"
            texts[name] = HEADER + world_text(parse_world(_content(name, part, number, site, conflict), name))
    return texts


def _content(name: str, part: str, number: int, site: Any, conflict: Any) -> dict[str, object]:
    """One world as the content of its file."""
    floor = FLOORS[conflict["floor"]](conflict["cheapest"]).turned(number % 4, mirrored=number % 3 == 0)
    x0, y0, x1, y1 = floor.bounds
    count = len(floor.starts)
    places = zip(conflict.get("to", ()), floor.goals, strict=False)
    return {
        "name": name,
        "description": f"{site['site'][0].upper()}{site['site'][1:]}. {conflict['why']}",
        "bounds": {"x": [x0, x1], "y": [y0, y1]},
        "walls": [_wall(*corners) for corners in floor.walls],
        "robots": {
            "model": "tinybot",
            "count": {"min": count, "max": count, "default": count},
            "starts": [[round(value, 3) for value in start] for start in floor.starts],
            "goals": [list(goal) for goal in floor.goals],
        },
        "roles": [{"robot": k, **facts} for k, facts in enumerate(conflict["robots"])],
        "rules": [*site["rules"], *conflict.get("also", ())],
        "places": {name: list(goal) for name, goal in places},
        "expected": {"set": part, **conflict["right"]},
    }


def _wall(x0: float, y0: float, x1: float, y1: float) -> dict[str, list[float]]:
    center, size = [(x0 + x1) / 2, (y0 + y1) / 2], [x1 - x0, y1 - y0]
    return {"center": [round(v, 3) for v in center], "size": [round(v, 3) for v in size]}


def main(folder: Path) -> None:
    """Write them all; files of dilemmas that are not made any more go."""
    texts = worlds()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("dilemma-*.yaml"):
        if stale.stem not in texts:
            stale.unlink()
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    print(f"{len(texts)} worlds in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else share() / "worlds" / "dilemmas")
