"""What the bag of a run holds, in a line at its end."""

from __future__ import annotations

from pathlib import Path

import yaml

from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import METADATA, remedy


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
        raise InputError(f"bag {bag} was not completed ({error}): {remedy(bag)}") from error
