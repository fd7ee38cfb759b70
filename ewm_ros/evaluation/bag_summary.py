"""What the bag of a run holds, and how the run ended by the simulation's own last words: two lines at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bag_files import METADATA, open_bag


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a simulated run ended.

    Attributes:
        time: s of simulated time.
        finished: whether the episode was over; else it was interrupted.
    """

    robots: int
    time: float
    reached: int
    collisions: int
    near_misses: int
    finished: bool

    @property
    def good(self) -> bool:
        """Whether it was over, all had arrived, and none had collided."""
        return self.finished and self.reached == self.robots and not self.collisions

    def __str__(self) -> str:
        how = "ended" if self.finished else "was interrupted"
        return (
            f"the run {how} after {self.time:.1f} simulated s: {self.reached} of {self.robots} robots at their goals, "
            f"{self.collisions} collisions, {self.near_misses} near misses"
        )


def bag_contents(bag: Path) -> str:
    """Where a complete bag is and what it holds, in one line.

    Raises:
        InputError: it is not complete.
    """
    try:
        told = yaml.safe_load((bag / METADATA).read_text(encoding="utf-8"))["rosbag2_bagfile_information"]
        topics = sum(topic["message_count"] > 0 for topic in told["topics_with_message_count"])
        seconds = told["duration"]["nanoseconds"] * 1e-9
        size = sum(path.stat().st_size for path in bag.iterdir()) / 1e6
        return f"bag {bag}: {told['message_count']} messages on {topics} topics in {seconds:.1f} s, {size:.1f} MB"
    except (OSError, yaml.YAMLError, LookupError, TypeError) as error:
        raise InputError(f"bag {bag} was not completed ({error})") from error


def run_end(bag: Path, robots: int) -> RunEnd:
    """The last that the simulation said in a bag of a run with this number of robots.

    Raises:
        InputError: the bag is damaged, or the simulation said nothing in it.
    """
    newest: dict[str, str] = {}
    with open_bag(bag) as messages:
        wanted = [topic for topic in messages.topics if topic[0] == names.DIAGNOSTICS]
        for _, msg in messages.read(wanted):
            for status in msg.status:
                if status.name == keys.SIMULATION_STATUS:
                    newest = {pair.key: pair.value for pair in status.values}
    if not newest:
        raise InputError(f"the simulation has said nothing in bag {bag}: it never began")
    return RunEnd(
        robots=robots,
        time=float(newest[keys.TIME]),
        reached=int(newest[keys.REACHED]),
        collisions=int(newest[keys.COLLISIONS]),
        near_misses=int(newest[keys.NEAR_MISSES]),
        finished=newest[keys.FINISHED] == "true",
    )
