"""The grid world to look at: in letters and in colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ewm_ros.simulation.pictures.colours import COLOURS

PIXELS = 32  # of a cell's side
MARGIN = 5  # pixels around an agent

Cells = NDArray[np.int64]  # (N, 2): x east, y north


def grid_text(size: int, places: Cells, goals: Cells) -> str:
    """North at the top: G a goal, a number an agent, in [ ] on a goal, with + if it is the first of several there."""
    on_goals = {(int(x), int(y)) for x, y in goals}
    rows = []
    for y in reversed(range(size)):
        rows.append("".join(_letters(places, x, y, (x, y) in on_goals) for x in range(size)).rstrip())
    return "\n".join(rows)


def _letters(places: Cells, x: int, y: int, goal: bool) -> str:
    here = np.flatnonzero((places == [x, y]).all(axis=1))
    if len(here) == 0:
        return "  G " if goal else "  . "
    name = f"{here[0]}+" if len(here) > 1 else f"{here[0]}"
    return f"[{name}]".rjust(4) if goal else f"{name} ".rjust(4)


def grid_picture(size: int, places: Cells, goals: Cells) -> NDArray[np.uint8]:
    """(H, W, 3): goals are squares, agents discs, side by side where they share a cell."""
    side = PIXELS * size
    image = Image.new("RGB", (side + 1, side + 1), "white")
    draw = ImageDraw.Draw(image)
    for line in range(0, side + 1, PIXELS):
        draw.line([(line, 0), (line, side)], fill="lightgrey")
        draw.line([(0, line), (side, line)], fill="lightgrey")
    for x, y in goals.tolist():
        left, top = PIXELS * x, PIXELS * (size - 1 - y)
        draw.rectangle([left + 3, top + 3, left + PIXELS - 3, top + PIXELS - 3], fill="darkseagreen")
    for k, (x, y) in enumerate(places.tolist()):
        together = np.flatnonzero((places == [x, y]).all(axis=1)).tolist()
        width = (PIXELS - 2 * MARGIN) / len(together)
        left = PIXELS * x + MARGIN + width * together.index(k)
        top = PIXELS * (size - 1 - y) + (PIXELS - width) / 2
        red, green, blue = (round(255 * part) for part in COLOURS[k % len(COLOURS)])
        draw.ellipse([left, top, left + width, top + width], fill=(red, green, blue))
    return np.array(image)
