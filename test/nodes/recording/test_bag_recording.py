import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from full_disk import Disk
from rosbags.highlevel import AnyReader

from ewm_ros.nodes.recording.bag_recording import BagRecording, lowest_taken
from ewm_ros.nodes.recording.bag_writer import BagWriter
from ewm_ros.nodes.recording.recorder_profiles import Priority, recorded_topics

RECORDED = recorded_topics("everything", [], ["a"])
CHANNEL = {each.topic.name: channel for channel, each in enumerate(RECORDED)}
# One topic of each priority, in the order in which they are given up.
TOPICS = ("/a/scan", "/a/cmd_vel", "/a/odom", "/intentions", "/diagnostics")
QUEUE = 100_000
SIZE = 900  # and what the queue counts for an entry besides
PLENTY = 10**12


def noise(k: int) -> bytes:
    return random.Random(k).randbytes(SIZE)


class Place:
    """A disk with a recording on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bag"
        self.disk = Disk()
        self.free = PLENTY
        bag = BagWriter(self.folder, [each.topic for each in RECORDED], {}, open_file=self.disk.file)
        self.recording = BagRecording(bag, RECORDED, QUEUE, 1000, lambda folder: self.free, period=0.05)
        self.put = 0

    def hear(self, topic: str, times: int = 1) -> None:
        for _ in range(times):
            self.recording.put(CHANNEL[topic], self.put, noise(self.put))
            self.put += 1

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 8.0
        while not condition():
            assert time.monotonic() < deadline, self.recording.state
            time.sleep(0.01)

    @property
    def dropped(self) -> dict[str, int]:
        return dict(self.recording.state.dropped)

    @property
    def kept(self) -> list[str]:
        """Topics of the messages of the bag, once it is closed."""
        with AnyReader([self.folder]) as reader:
            return [connection.topic for connection, _, _ in reader.messages()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.disk.open.set()
    made.disk.room = None
    made.recording.close()


def test_what_is_heard_is_soon_in_the_file_and_in_a_whole_bag_at_the_end(place: Place):
    for _ in range(3):
        for topic in TOPICS:
            place.hear(topic)
    place.until(lambda: place.recording.state.written == 15)
    place.hear("/a/odom")
    assert place.recording.close()
    assert place.kept == [*(TOPICS * 3), "/a/odom"]
    assert (place.dropped, place.recording.state.problem) == ({}, "")


def test_a_disk_that_does_not_answer_blocks_nobody_and_what_matters_least_is_dropped_first(place: Place):
    place.hear("/a/scan")
    place.until(lambda: place.recording.state.written == 1)
    place.disk.open.clear()
    place.hear("/a/scan")
    place.until(lambda: place.recording.state.waiting == 0)  # the thread waits for the disk now, with this message
    for topic in TOPICS:  # returns, though nothing is written any more
        place.hear(topic, 100)
    assert place.dropped == dict(zip(TOPICS, (50, 88, 87, 88, 87), strict=True))
    place.disk.open.set()
    assert place.recording.close()
    counts = {topic: place.kept.count(topic) for topic in TOPICS}
    assert counts == dict(zip(TOPICS, (52, 12, 13, 12, 13), strict=True))


def test_each_fifth_of_the_room_to_be_kept_that_is_gone_costs_one_priority():
    assert [lowest_taken(free, 1000) for free in (1000, 999, 800, 799, 600, 400, 399, 200)] == [
        Priority.BULK,
        *[Priority.STREAM] * 2,
        *[Priority.MOTION] * 2,
        Priority.INTENTION,
        *[Priority.EVENT] * 2,
    ]
    assert lowest_taken(199, 1000) is None
    assert lowest_taken(0, 0) is Priority.BULK


def test_a_disk_that_fills_drops_by_steps_and_all_is_recorded_again_when_there_is_room(place: Place):
    for left, topics in ((500, TOPICS[3:]), (100, ()), (PLENTY, TOPICS)):
        place.free = left
        place.until(lambda: place.recording.state.free == place.free)
        before = place.recording.state.dropped
        for topic in TOPICS:
            place.hear(topic)
        assert place.recording.state.dropped - before == dict.fromkeys(set(TOPICS) - set(topics), 1)
        assert place.recording.state.problem == ("" if left == PLENTY else "the disk has less than 0.001 MB left")
    assert place.recording.close()
    assert place.kept == [*TOPICS[3:], *TOPICS]


def test_the_first_map_is_kept_when_the_repeats_are_not(place: Place):
    place.free = 300
    place.until(lambda: place.recording.state.free == 300)
    place.hear("/map", 3)
    assert place.recording.close()
    assert place.kept == ["/map"]
    assert place.dropped == {"/map": 2}


def test_after_a_disk_was_full_the_bag_goes_on_with_what_waited(place: Place):
    place.hear("/a/odom")
    place.until(lambda: place.recording.state.written == 1)
    place.disk.room = 0
    place.hear("/intentions", 10)
    place.until(lambda: bool(place.recording.state.problem))
    assert "No space left on device" in place.recording.state.problem
    place.hear("/diagnostics", 10)
    place.disk.room = None
    place.until(lambda: place.recording.state.written == 21)
    assert place.recording.state.problem == ""
    assert place.recording.close()
    assert place.kept == ["/a/odom", *["/intentions"] * 10, *["/diagnostics"] * 10]


def test_a_disk_that_stays_full_leaves_a_whole_bag_of_what_it_took_and_the_rest_is_counted(place: Place):
    place.hear("/a/odom", 10)
    place.until(lambda: place.recording.state.written == 10)
    place.hear("/a/odom", 10)
    place.until(lambda: place.recording.state.written == 20)
    place.disk.room = sum(file.stat().st_size for file in place.folder.iterdir())
    place.hear("/a/odom", 20)
    place.until(lambda: bool(place.recording.state.problem))
    place.hear("/intentions", 5)
    place.recording.close()
    state = place.recording.state
    assert state.written == len(place.kept) == 10  # the newest had to make room for the end of the file
    assert state.dropped.total() == 35
    assert state.dropped["/intentions"] == 5
