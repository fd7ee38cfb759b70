"""Intentions drawn on a picture of the floor: the way ahead, up to where it is granted, and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.messages import Plan
from ewm_ros.simulation.pictures.colours import COLOURS
from ewm_ros.simulation.pictures.studio import Picture, Studio

ROUTE_WIDTH, GRANTED_WIDTH, PLAN_WIDTH, HOLD_WIDTH = 0.05, 0.40, 0.10, 0.12  # m
KNOT_RADIUS = 0.10  # m
HOLD_LENGTH = 0.80  # m, of the bar across the route that is not to be passed
FAINT, PALE, STRONG = 120, 70, 255  # opacity of 255
SAMPLE = 0.1  # m between the points by which a stretch of a route is drawn


@dataclass(frozen=True, slots=True)
class Told:
    """What a robot has told the others: its plan, and where on its route it is and may go (m of progress).

    `radius` is the robot's (m): its centre may come to the hold point, so the bar is drawn where its front may come to.
    """

    plan: Plan
    path: Polyline
    progress: float
    hold: float
    radius: float


def draw_intentions(picture: Picture, studio: Studio, told: Mapping[int, Told]) -> Picture:
    """The picture that `studio` made, with intentions on it, by the robots' indices in the scenario."""
    canvas = Image.fromarray(picture).convert("RGBA")
    for index, one in told.items():
        colour = tuple(round(255 * part) for part in COLOURS[index % len(COLOURS)])
        layer = Image.new("RGBA", canvas.size)
        _draw(ImageDraw.Draw(layer), studio, one, colour)
        canvas = Image.alpha_composite(canvas, layer)
    return np.asarray(canvas.convert("RGB"), dtype=np.uint8)


def _draw(draw: ImageDraw.ImageDraw, studio: Studio, told: Told, colour: tuple[int, ...]) -> None:
    path, knots = told.path, np.array([(knot.x, knot.y) for knot in told.plan.knots])
    scale = _pixels_per_metre(studio, knots[0])

    def line(points: FloatArray, width: float, opacity: int) -> None:
        if len(points) > 1:
            pixels = [tuple(point) for point in studio.locate(points).tolist()]
            draw.line(pixels, (*colour, opacity), max(round(width * scale), 1), joint="curve")

    line(_stretch(path, told.progress, path.length), ROUTE_WIDTH, FAINT)
    line(_stretch(path, told.progress, told.hold + told.radius), GRANTED_WIDTH, PALE)
    if told.hold < path.length - SAMPLE:
        line(_bar(path, told.hold + told.radius), HOLD_WIDTH, STRONG)
    line(knots, PLAN_WIDTH, STRONG)
    for x, y in studio.locate(knots[1:]).tolist():
        r = KNOT_RADIUS * scale
        draw.ellipse((x - r, y - r, x + r, y + r), (*colour, STRONG))


def _stretch(path: Polyline, start: float, end: float) -> FloatArray:
    """Points of a route between two places, m of progress; none if nothing lies between them."""
    end = min(end, path.length)
    count = int((end - start) / SAMPLE) + 2
    return path.sample(np.linspace(start, end, count)) if end > start else np.zeros((0, 2))


def _bar(path: Polyline, progress: float) -> FloatArray:
    """The two ends of a bar across a route."""
    middle, heading = np.array(path.point_at(progress)), path.heading_at(progress)
    across = HOLD_LENGTH / 2 * np.array([-np.sin(heading), np.cos(heading)])
    return np.array([middle - across, middle + across])


def _pixels_per_metre(studio: Studio, place: FloatArray) -> float:
    return float(np.hypot(*np.diff(studio.locate(place + np.array([[-0.5, 0.0], [0.5, 0.0]])), axis=0).T)[0])
