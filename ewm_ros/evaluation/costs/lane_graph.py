"""Lane graphs: vertices, directed lanes between them, and robots that drive from one vertex to another."""

from __future__ import annotations

import heapq
import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, model_validator
from typing_extensions import Self

from ewm_ros.errors import InputError
from ewm_ros.resources import resource
from ewm_ros.yaml_files import load_model

Index = Annotated[int, Field(ge=0)]
OpenRmfMode = Literal["default", "leeway_10", "optimal"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Vertex(_Strict):
    """A place, m; robots may stop and wait on it if it is holding."""

    x: FiniteFloat
    y: FiniteFloat
    holding: bool


class Drive(_Strict):
    """Limits of a differential drive: m/s, m/s^2, rad/s, rad/s^2."""

    max_speed: PositiveFloat
    max_acceleration: PositiveFloat
    max_turn_rate: PositiveFloat
    max_turn_acceleration: PositiveFloat


class Task(_Strict):
    """One robot: where it stands at first, facing where (rad), and where it has to go."""

    start: Index
    yaw: FiniteFloat
    goal: Index


class OpenRmfRun(_Strict):
    """What Open-RMF needs for the first robots of the scene, and how good it is; None: no answer, or not known."""

    mode: OpenRmfMode
    robots: Index
    ms: PositiveFloat | None = None
    sum_of_delays_s: FiniteFloat | None = None
    makespan_s: PositiveFloat | None = None


class LaneGraph(_Strict):
    """A scene: the graph, the robots, how they drive, and how far apart (m) their centres have to stay."""

    name: str
    distance: PositiveFloat
    drive: Drive
    vertices: tuple[Vertex, ...]
    lanes: tuple[tuple[Index, Index], ...]
    robots: tuple[Task, ...]
    open_rmf: tuple[OpenRmfRun, ...] = ()

    @model_validator(mode="after")
    def _names_its_vertices(self) -> Self:
        named = [vertex for lane in self.lanes for vertex in lane]
        named += [vertex for task in self.robots for vertex in (task.start, task.goal)]
        for vertex in named:
            if vertex >= len(self.vertices):
                raise ValueError(f"there is no vertex {vertex}: they are numbered 0 to {len(self.vertices) - 1}")
        return self

    def length(self, a: int, b: int) -> float:
        """m between two vertices."""
        return math.hypot(self.vertices[b].x - self.vertices[a].x, self.vertices[b].y - self.vertices[a].y)

    def route(self, start: int, goal: int) -> tuple[int, ...]:
        """The vertices of the shortest way along lanes (Dijkstra 1959).

        Raises:
            InputError: there is none.
        """
        after: dict[int, list[int]] = {}
        for a, b in self.lanes:
            after.setdefault(a, []).append(b)
        came_from: dict[int, int] = {}
        open_vertices = [(0.0, start, start)]
        while open_vertices:
            length, vertex, previous = heapq.heappop(open_vertices)
            if vertex in came_from:
                continue
            came_from[vertex] = previous
            if vertex == goal:
                break
            for other in after.get(vertex, []):
                heapq.heappush(open_vertices, (length + self.length(vertex, other), other, vertex))
        if goal not in came_from:
            raise InputError(f"scene {self.name!r}: there is no way along lanes from vertex {start} to vertex {goal}")
        way = [goal]
        while way[-1] != start:
            way.append(came_from[way[-1]])
        return tuple(reversed(way))


def load_lane_graph(name_or_path: str) -> LaneGraph:
    """Read a scene by name (config/lane_graphs/<name>.yaml) or by the path of a YAML file.

    Raises:
        InputError: no such scene, unknown or missing keys, impossible values; the line names the file and the key.
    """
    return load_model(LaneGraph, resource("config/lane_graphs", name_or_path, ".yaml", kind="scene"))
