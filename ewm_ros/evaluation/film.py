"""A lockstep run as an animation: what happened, and what the robots told each other meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.pictures.intention_overlay import Told, draw_intentions
from ewm_ros.simulation.pictures.studio import Picture, Studio
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.shapes import Bounds
from ewm_ros.trajectory import STEP

MAX_FRAMES = 80
LEAST_PERIOD = 0.5  # s of the run between two frames
SPEED_UP = 5.0  # how much faster the animation is than the run
WIDTH, LEAST_HEIGHT = 640, 360  # pixels; the height is the floor's in a view from above, up to the width
SUPERSAMPLING = 2  # the renderer draws hard edges: pictures are made larger and reduced
FONT_SIZE = 14
INK = (60, 62, 66)


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to see at one moment of a run; robots by their indices in the scenario."""

    time: float
    reached: int
    collisions: int
    poses: dict[int, Pose2D]
    people: FloatArray
    told: dict[int, Told]
    orders: int


@dataclass(frozen=True, slots=True)
class Film:
    """Frames of a run, and how long each is to be shown."""

    frames: tuple[Picture, ...]
    seconds_per_frame: float


def picture(scenario: Scenario, policy: str, seconds: float | None, view: str, zoom: float = 1.0) -> Picture:
    """One picture, in twice an animation's size: of the start, or of a run after so many simulated seconds.

    Args and errors: see film_of_run.
    """
    with _studio(scenario, view, zoom, 2 * SUPERSAMPLING) as studio:
        if seconds is None:
            return _reduced(studio.shoot(dict(enumerate(scenario.starts))))
        return _frame(studio, play(scenario, policy, seconds)[-1], scenario)


def film_of_run(
    scenario: Scenario,
    policy: str,
    seconds: float | None,
    view: str,
    zoom: float = 1.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Film:
    """Run a scenario and picture it.

    Args:
        policy: see Fleet.
        seconds: simulated s after which to end; None for the end of the episode.
        view: see Studio.
        zoom: how many times larger than the whole floor fits, around its middle.
        progress: is told how many frames are done, and of how many.

    Raises:
        InputError: there is no such policy or view.
    """
    with _studio(scenario, view, zoom, SUPERSAMPLING) as studio:
        moments = play(scenario, policy, seconds)
        every = max(round(LEAST_PERIOD / STEP), math.ceil(len(moments) / MAX_FRAMES))
        chosen = moments[::every]
        frames = []
        for moment in chosen:
            frames.append(_frame(studio, moment, scenario))
            progress(len(frames), len(chosen))
    return Film(tuple(frames), every * STEP / SPEED_UP)


def play(scenario: Scenario, policy: str, seconds: float | None) -> Sequence[Moment]:
    """All moments of a run, STEP apart; see film_of_run."""
    fleet = Fleet(scenario, policy)
    episode = Episode.of(scenario, time_limit=seconds)
    moments: list[Moment] = []
    try:
        while not episode.finished:
            fleet.step()
            poses = {i: fleet.world.pose(i) for i in fleet.world.indices}
            places = np.array([(p.x, p.y) for p in poses.values()])
            episode.update(fleet.world.time, places, fleet.waits_for, fleet.task.orders)
            moments.append(
                Moment(
                    fleet.world.time,
                    episode.reached,
                    fleet.world.collisions,
                    poses,
                    fleet.world.people.copy(),
                    _told(fleet),
                    sum(episode.orders),
                )
            )
    finally:
        fleet.close()
    return moments


def _told(fleet: Fleet) -> dict[int, Told]:
    told = {}
    for index, name in zip(fleet.world.indices, fleet.names, strict=True):
        action = fleet.action(name)
        if action is not None and action.path is not None:
            standing, radius = action.intention.standing, fleet.scenario.types[index].radius
            told[index] = Told(action.intention.plan, action.path, standing.progress, standing.hold, radius)
    return told


def _studio(scenario: Scenario, view: str, zoom: float, times: int) -> Studio:
    """A studio for pictures this many times as large as an animation's frames."""
    (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
    height = WIDTH * (y1 - y0) / (x1 - x0) if view == "above" else LEAST_HEIGHT
    height = round(min(max(height, LEAST_HEIGHT), WIDTH))
    focus = Bounds(_zoomed(x0, x1, zoom), _zoomed(y0, y1, zoom))
    return Studio(scenario, times * WIDTH, times * height, focus, view)


def _zoomed(low: float, high: float, zoom: float) -> tuple[float, float]:
    middle, half = (low + high) / 2, (high - low) / 2 / zoom
    return middle - half, middle + half


def _frame(studio: Studio, moment: Moment, scenario: Scenario) -> Picture:
    image = Image.fromarray(_reduced(draw_intentions(studio.shoot(moment.poses, moment.people), studio, moment.told)))
    done = f"{moment.reached} of {len(scenario.names)} at their goals"
    if scenario.task == "deliver":
        done = f"{moment.orders} deliver{'y' if moment.orders == 1 else 'ies'}"
    text = f"{moment.time:.1f} s   {done}, {moment.collisions} collision{'s'[: moment.collisions != 1]}"
    size = image.width * FONT_SIZE / WIDTH
    ImageDraw.Draw(image).text((size / 2, size / 2), text, INK, ImageFont.load_default(size))
    return np.asarray(image, dtype=np.uint8)


def _reduced(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).reduce(SUPERSAMPLING), dtype=np.uint8)
