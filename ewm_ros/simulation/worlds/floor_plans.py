"""Floor plans drawn at random: rooms with doors, corridors with bays, blocks with streets between, pillars in the open.

All edges of walls lie on multiples of 0.05 m, as the cells of the map do, so that passages keep their widths on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from ewm_ros.simulation.worlds.world_format import Pillar, Wall

Random = np.random.Generator

CELL = 0.05  # m
THICKNESS = 0.2  # m, of inner walls


class Rect(NamedTuple):
    """A rectangle, m."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """m along x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """m along y."""
        return self.y1 - self.y0

    def turned(self) -> Rect:
        """With x and y exchanged."""
        return Rect(self.y0, self.x0, self.y1, self.x1)


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """What stands on a floor.

    Attributes:
        what: in words, for the description of a world.
        zones: where robots may start and stay; ways from one to another are worth driving.
    """

    what: str
    walls: tuple[Wall, ...]
    pillars: tuple[Pillar, ...]
    zones: tuple[Rect, ...]

    def turned(self) -> FloorPlan:
        """With x and y exchanged."""
        walls = (wall.model_copy(update={"center": wall.center[::-1], "size": wall.size[::-1]}) for wall in self.walls)
        pillars = (pillar.model_copy(update={"center": pillar.center[::-1]}) for pillar in self.pillars)
        return replace(
            self, walls=tuple(walls), pillars=tuple(pillars), zones=tuple(zone.turned() for zone in self.zones)
        )


Drawer = Callable[[Random, Rect, float], FloorPlan]


def rooms(rng: Random, floor: Rect, diameter: float) -> FloorPlan:
    """Rooms in rows, joined by doors: enough of them to come everywhere, and some more."""
    side = max(3.5, 6.0 * diameter) + rng.uniform(0.0, 1.5)
    columns, rows = (max(int(length / side), 1) for length in (floor.width, floor.height))
    if columns * rows == 1:
        columns, rows = (2, 1) if floor.width > floor.height else (1, 2)
    xs, ys = _cuts(rng, floor.x0, floor.x1, columns), _cuts(rng, floor.y0, floor.y1, rows)
    cells = list(product(range(columns), range(rows)))
    joints = [((c, r), (c + 1, r)) for c, r in cells if c + 1 < columns]
    joints += [((c, r), (c, r + 1)) for c, r in cells if r + 1 < rows]
    walls: list[Rect] = []
    doors, joined = 0, {cell: cell for cell in cells}
    for k in rng.permutation(len(joints)).tolist():
        (c, r), other = joints[k]
        needed = joined[c, r] != joined[other]
        wide = passage(rng, diameter) if needed or rng.random() < 0.4 else 0.0
        if needed:
            joined = {cell: joined[other] if group == joined[c, r] else group for cell, group in joined.items()}
        doors += wide > 0.0
        if other[0] > c:
            walls += _parted(rng, Rect(xs[c + 1] - THICKNESS / 2, ys[r], xs[c + 1] + THICKNESS / 2, ys[r + 1]), wide)
        else:
            across = Rect(ys[r + 1] - THICKNESS / 2, xs[c], ys[r + 1] + THICKNESS / 2, xs[c + 1])
            walls += [wall.turned() for wall in _parted(rng, across, wide)]
    zones = tuple(Rect(xs[c], ys[r], xs[c + 1], ys[r + 1]) for c, r in cells)
    return FloorPlan(f"{number(len(cells), 'room')} and {number(doors, 'door')}", _boxes(walls), (), zones)


def corridor(rng: Random, floor: Rect, diameter: float) -> FloorPlan:
    """Two halls joined by one or two corridors with bays, in which robots can let each other pass."""
    if floor.height > floor.width:
        return corridor(rng, floor.turned(), diameter).turned()
    share = rng.uniform(0.28, 0.36, 2)
    x0, x1 = on_cells(floor.x0 + share[0] * floor.width), on_cells(floor.x1 - share[1] * floor.width)
    corridors = int(rng.integers(1, 3)) if floor.height > 10.0 * diameter else 1
    strips = _cuts(rng, floor.y0, floor.y1, corridors)
    walls: list[Rect] = []
    bays = 0
    for low, high in pairwise(strips):
        width = passage(rng, diameter)
        y = on_cells(rng.uniform(low + 0.4 * (high - low), low + 0.6 * (high - low)) - width / 2)
        deep, long = on_cells(diameter + 0.4 + rng.uniform(0.0, 0.3)), on_cells(2.5 * diameter + rng.uniform(0.3, 1.0))
        count = int(rng.integers(1, 4))
        north = bool(rng.random() < 0.5)
        for a, b in pairwise(_cuts(rng, x0, x1, count)):
            from_x = on_cells(rng.uniform(a, max(b - long, a)))
            to_x = min(on_cells(from_x + long), b)
            recess = Rect(from_x, y + width, to_x, y + width + deep) if north else Rect(from_x, y - deep, to_x, y)
            walls += _around(Rect(a, y + width, b, high), recess if north else None)
            walls += _around(Rect(a, low, b, y), None if north else recess)
            north = not north
        bays += count
    zones = (Rect(floor.x0, floor.y0, x0, floor.y1), Rect(x1, floor.y0, floor.x1, floor.y1))
    what = f"Two halls joined by {number(corridors, 'corridor')} with {number(bays, 'passing bay')}"
    return FloorPlan(what, _boxes(walls), (), zones)


def crossing(rng: Random, floor: Rect, diameter: float) -> FloorPlan:
    """Blocks with streets between them and around them."""

    def streets(length: float) -> tuple[int, list[float]]:
        """How many blocks side by side, and the widths of the streets before, between and after them."""
        widths = [on_cells(2.0 * diameter + 0.5 + rng.uniform(0.0, 1.0)) for _ in range(4)]
        for count in (3, 2, 1):
            if length - sum(widths[: count + 1]) >= count * (2.0 * diameter + 1.0):
                return count, widths[: count + 1]
        return 1, [on_cells(0.35 * length)] * 2

    (columns, across), (rows, along) = streets(floor.width), streets(floor.height)
    xs, ys = _spans(rng, floor.x0, floor.x1, across), _spans(rng, floor.y0, floor.y1, along)
    blocks = [Rect(x0, y0, x1, y1) for (x0, x1), (y0, y1) in product(xs, ys)]
    x_edges, y_edges = [floor.x0, *sum(xs, ()), floor.x1], [floor.y0, *sum(ys, ()), floor.y1]
    zones = [Rect(x_edges[i], floor.y0, x_edges[i + 1], floor.y1) for i in range(0, 2 * columns + 1, 2)]
    zones += [Rect(floor.x0, y_edges[i], floor.x1, y_edges[i + 1]) for i in range(0, 2 * rows + 1, 2)]
    return FloorPlan(f"{number(len(blocks), 'block')} with streets that cross", _boxes(blocks), (), tuple(zones))


def pillars(rng: Random, floor: Rect, diameter: float) -> FloorPlan:
    """An open hall with pillars and crates, in rows or anyhow."""
    gap = diameter * rng.uniform(1.4, 2.5)
    pitch = gap + 1.2 + rng.uniform(0.0, 1.5)
    margin = max(gap, 0.15 * min(floor.width, floor.height))
    xs, ys = (
        np.arange(floor.x0 + margin, floor.x1 - margin, pitch),
        np.arange(floor.y0 + margin, floor.y1 - margin, pitch),
    )
    shift = 0.0 if rng.random() < 0.4 else 0.25 * pitch
    round_ones, crates = [], []
    for x, y in product(xs.tolist(), ys.tolist()):
        if rng.random() < 0.15:
            continue
        place = (round(x + rng.uniform(-shift, shift), 2), round(y + rng.uniform(-shift, shift), 2))
        if rng.random() < 0.75:
            round_ones.append(Pillar(center=place, radius=round(rng.uniform(0.15, 0.5), 2)))
        else:
            size = (round(rng.uniform(0.4, 1.0), 2), round(rng.uniform(0.4, 0.8), 2))
            crates.append(Wall(center=place, size=size, yaw=round(rng.uniform(-1.5, 1.5), 2), height=0.6))
    x, y = on_cells((floor.x0 + floor.x1) / 2), on_cells((floor.y0 + floor.y1) / 2)
    halves = (floor._replace(x1=x), floor._replace(x0=x), floor._replace(y1=y), floor._replace(y0=y))
    zones = halves[:2] if floor.width > floor.height else halves[2:]
    what = f"An open hall with {number(len(round_ones), 'pillar')} and {number(len(crates), 'crate')}"
    return FloorPlan(what, tuple(crates), tuple(round_ones), zones)


def mixture(rng: Random, floor: Rect, diameter: float) -> FloorPlan:
    """Two of the others side by side, with doors between."""
    if floor.height > floor.width:
        return mixture(rng, floor.turned(), diameter).turned()
    first, second = (SIMPLE[k] for k in rng.choice(len(SIMPLE), 2, replace=False).tolist())
    x = on_cells(floor.x0 + rng.uniform(0.4, 0.6) * floor.width)
    between = Rect(x - THICKNESS / 2, floor.y0, x + THICKNESS / 2, floor.y1)
    left = first(rng, floor._replace(x1=between.x0), diameter)
    right = second(rng, floor._replace(x0=between.x1), diameter)
    middle = on_cells((floor.y0 + floor.y1) / 2)
    parts = [between._replace(y1=middle), between._replace(y0=middle)]
    doors = [passage(rng, diameter) for _ in parts]
    walls = _boxes(wall for part, door in zip(parts, doors, strict=True) for wall in _parted(rng, part, door))
    what = f"{left.what}; beyond two doors, {right.what[0].lower()}{right.what[1:]}"
    return FloorPlan(
        what, (*left.walls, *right.walls, *walls), (*left.pillars, *right.pillars), (*left.zones, *right.zones)
    )


SIMPLE: tuple[Drawer, ...] = (rooms, crossing, pillars)
FAMILIES: tuple[Drawer, ...] = (rooms, corridor, crossing, pillars, mixture)


def passage(rng: Random, diameter: float) -> float:
    """m, width of a door or corridor: for one robot or, more rarely, for two."""
    one = max(1.35 * diameter, diameter + 0.3)
    return on_cells(rng.uniform(one, 1.2 * one) if rng.random() < 0.65 else rng.uniform(2.0 * one, 2.6 * one))


def on_cells(value: float) -> float:
    """The nearest multiple of 0.05 m."""
    return round(round(value / CELL) * CELL, 2)


def number(count: int, thing: str) -> str:
    """So many of a thing, in words."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _cuts(rng: Random, low: float, high: float, parts: int) -> list[float]:
    """Where an interval is cut into parts of about the same size: parts + 1 numbers, its ends included."""
    size = (high - low) / parts
    inner = [on_cells(low + (k + rng.uniform(-0.12, 0.12)) * size) for k in range(1, parts)]
    return [low, *inner, high]


def _spans(rng: Random, low: float, high: float, gaps: Sequence[float]) -> list[tuple[float, float]]:
    """What gaps, the first and last at its ends, leave of an interval."""
    cuts = _cuts(rng, 0.0, high - low - sum(gaps), len(gaps) - 1)
    before = np.cumsum(gaps)
    return [(on_cells(low + g + a), on_cells(low + g + b)) for g, (a, b) in zip(before, pairwise(cuts), strict=False)]


def _parted(rng: Random, wall: Rect, door: float) -> Iterator[Rect]:
    """An upright wall with a door of this width somewhere in it, none if 0."""
    if door == 0.0:
        yield wall
        return
    low = on_cells(rng.uniform(wall.y0 + 0.3, max(wall.y1 - 0.3 - door, wall.y0 + 0.3)))
    yield wall._replace(y1=low)
    if low + door < wall.y1 - CELL / 2:
        yield wall._replace(y0=on_cells(low + door))


def _around(block: Rect, recess: Rect | None) -> Iterator[Rect]:
    """A block, less a recess that lies at its upper or lower edge."""
    if recess is None:
        yield block
        return
    behind = block._replace(y0=recess.y1) if recess.y0 <= block.y0 else block._replace(y1=recess.y0)
    for part in (
        block._replace(x1=recess.x0),
        Rect(recess.x0, behind.y0, recess.x1, behind.y1),
        block._replace(x0=recess.x1),
    ):
        if part.width > CELL / 2 and part.height > CELL / 2:
            yield part


def _boxes(rectangles: Sequence[Rect] | Iterator[Rect]) -> tuple[Wall, ...]:
    return tuple(
        Wall(
            center=(round((r.x0 + r.x1) / 2, 3), round((r.y0 + r.y1) / 2, 3)),
            size=(round(r.width, 2), round(r.height, 2)),
        )
        for r in rectangles
    )
