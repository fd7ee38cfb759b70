"""The format of world files as types (docs/worlds.md describes it); world_file.py reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from ewm_ros.coordination.arbitration.site import Site, make_site
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, Number, border

MAX_ROBOTS = 100
MAX_THINGS = 1000  # walls, pillars, regions, stations; the same for all of them
MAX_PEOPLE = 100
MAX_VIEW = 300.0  # m: across the largest floor

Positive = Annotated[Number, Field(gt=0.0)]
NotNegative = Annotated[Number, Field(ge=0.0)]
Point = tuple[Number, Number]  # m
Start = tuple[Number, Number, Number]  # m, m, rad
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_ROBOTS)]
TaskName = Literal["reach", "allocate", "deliver"]
Line = Annotated[str, Field(strict=True, min_length=1, pattern=r"^[^\n\r]*$")]

PILLAR_HEIGHT = 1.0  # m


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Wall(_Strict):
    """A box that stands on the floor."""

    center: Point
    size: tuple[Positive, Positive]
    yaw: Number = 0.0
    height: Positive = 1.0


class Pillar(_Strict):
    """A round pillar."""

    center: Point
    radius: Positive


class Person(_Strict):
    """Somebody who walks to and fro on a polyline."""

    path: Annotated[tuple[Point, ...], Field(min_length=2, max_length=MAX_THINGS)]
    speed: Positive
    radius: Positive


class Fleet(_Strict):
    """How many robots a world takes."""

    min: Count
    max: Count
    default: Count

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise PydanticCustomError("count", "must have min <= default <= max")
        return self


class Regions(_Strict):
    """Rectangles [[x0, y0], [x1, y1]] that places are drawn from; `clearance` (m) is kept free around each body."""

    regions: Annotated[tuple[tuple[Point, Point], ...], Field(min_length=1, max_length=MAX_THINGS)]
    clearance: NotNegative = 0.3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for i, (low, high) in enumerate(self.regions):
            if not (low[0] < high[0] and low[1] < high[1]):
                raise PydanticCustomError("region", f"region {i} must be [[x0, y0], [x1, y1]] with x0 < x1 and y0 < y1")
        return self


_STARTS = TypeAdapter(tuple[Start, ...])
_GOALS = TypeAdapter(tuple[Point, ...])
_MODELS = TypeAdapter(tuple[Line, ...])


# A union would put the names of its branches into the key path of an error; these keep the path as in the file.
def _starts(value: object) -> tuple[Start, ...] | Regions:
    return Regions.model_validate(value) if isinstance(value, (dict, Regions)) else _STARTS.validate_python(value)


def _goals(value: object) -> tuple[Point, ...] | Regions:
    return Regions.model_validate(value) if isinstance(value, (dict, Regions)) else _GOALS.validate_python(value)


def _models(value: object) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else _MODELS.validate_python(value)


class Robots(_Strict):
    """Which robots there are, from where to where."""

    model: Annotated[str | tuple[str, ...], PlainValidator(_models)]
    count: Fleet
    starts: Annotated[tuple[Start, ...] | Regions, PlainValidator(_starts)]
    goals: Annotated[tuple[Point, ...] | Regions | None, PlainValidator(_goals)] = None

    def model_of(self, index: int) -> str:
        """Name of the robot type of one robot."""
        return self.model if isinstance(self.model, str) else self.model[index]


class Stations(_Strict):
    """Where orders of the task `deliver` are picked up and dropped."""

    pick: Annotated[tuple[Point, ...], Field(min_length=1, max_length=MAX_THINGS)]
    drop: Annotated[tuple[Point, ...], Field(min_length=1, max_length=MAX_THINGS)]


class Role(BaseModel):
    """Facts about one robot, free key: value."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, str | int | float | bool]

    robot: Annotated[int, Field(strict=True, ge=0)]


class World(_Strict):
    """One world as its file describes it. Lengths in m, angles in rad, times in s, map frame."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    description: str = ""
    bounds: Bounds
    walls: Annotated[tuple[Wall, ...], Field(max_length=MAX_THINGS)] = ()
    pillars: Annotated[tuple[Pillar, ...], Field(max_length=MAX_THINGS)] = ()
    people: Annotated[tuple[Person, ...], Field(max_length=MAX_PEOPLE)] = ()
    robots: Robots
    task: TaskName = "reach"
    time_limit: Positive | None = None
    roles: tuple[Role, ...] = ()
    rules: tuple[Line, ...] = ()
    places: dict[Line, Point] = Field(default_factory=dict)
    expected: dict[str, object] = Field(default_factory=dict)
    view: Annotated[Positive, Field(le=MAX_VIEW)] | None = None
    stations: Stations | None = None

    @property
    def site(self) -> Site:
        """What the file says in words."""
        return make_site(self.rules, [(role.robot, role.__pydantic_extra__) for role in self.roles], self.places)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All walls, the four border walls last."""
        inner = (Box(f"wall_{i}", *w.center, *w.size, w.yaw, w.height) for i, w in enumerate(self.walls))
        return (*inner, *border(self.bounds))

    @property
    def discs(self) -> tuple[Disc, ...]:
        """All pillars."""
        return tuple(Disc(f"pillar_{i}", *p.center, p.radius, PILLAR_HEIGHT) for i, p in enumerate(self.pillars))
