from ewm_ros.nodes.recording.bag_queue import OVERHEAD, BagQueue
from ewm_ros.nodes.recording.mcap_file import Entry
from ewm_ros.nodes.recording.recorder_profiles import Priority

ENTRY = Entry(0, 0, bytes(1000 - OVERHEAD))


def test_what_was_put_in_comes_out_in_its_order():
    queue = BagQueue(10_000)
    entries = [Entry(k, k, b"x") for k in range(5)]
    assert all(queue.put(entry, Priority.BULK) for entry in entries)
    assert list(queue.take()) == entries
    assert (list(queue.take()), queue.waiting) == ([], 0)


def test_the_fuller_it_is_the_more_a_message_has_to_matter():
    queue = BagQueue(100_000)
    taken = dict.fromkeys(Priority, 0)
    for priority in Priority:
        while queue.put(ENTRY, priority):
            taken[priority] += 1
        assert not any(queue.put(ENTRY, lower) for lower in Priority if lower < priority)
    assert list(taken.values()) == [50, 12, 13, 12, 13]
    assert queue.waiting == 100_000


def test_there_is_room_again_once_it_was_emptied():
    queue = BagQueue(1000)
    assert queue.put(ENTRY, Priority.EVENT)
    assert not queue.put(ENTRY, Priority.EVENT)
    queue.take()
    assert queue.put(ENTRY, Priority.EVENT)
