"""What of a recorded run could not be judged, and why: lines for whoever reads its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ewm_ros import diagnostics_keys as keys
from ewm_ros.evaluation.bags.bag_reading import BagReading
from ewm_ros.evaluation.bags.bag_scene import Scene


def problems(scene: Scene, reading: BagReading) -> Iterator[str]:
    """What a reader should know, each in one line."""
    for robot in reading.unseen:
        if robot in reading.lost_frames:
            frame = reading.lost_frames[robot]
            yield f"the odometry of {robot} is in frame {frame!r}, and no transform tells where that is"
        else:
            yield f"{robot} has no odometry in the bag: nobody knows where it was"
    for robot in reading.fleet.robots:
        if not reading.fleet.cycles.heard(robot):
            yield f"{robot} told no intention: nothing is known of what it foresaw"
    for robot, radius in zip(scene.robots, scene.radii, strict=True):
        if math.isnan(radius):
            yield f"nothing tells the size of {robot}: it has no route"
    for robot, late in zip(scene.robots, reading.fleet.steps.late.tolist(), strict=True):
        if late:
            yield f"{late} odometries of {robot} are older than what others had told by then: do their clocks agree?"
    for robot, count in reading.strangers.items():
        yield f"{robot} told {count} intentions and is no robot of this run"
    for line, count in reading.refused.items():
        yield f"{count} messages refused: {line}"
    for topic, count in reading.fleet.dropped.get(keys.RECORDER_STATUS, {}).items():
        yield f"the recorder could not keep up with the disk: {count} messages of {topic} are missing"
    if not reading.simulation:
        yield "nobody reports contacts: collisions are not known, and success tells only who has arrived"
