from ewm_ros.nodes.recording.heard_once import KEPT, HeardOnce


def heard(*messages: tuple[bool, bytes]) -> list[bytes]:
    taken: list[bytes] = []
    once = HeardOnce(taken.append)
    by = {first: once.by(first=first) for first in (True, False)}
    for first, data in messages:
        by[first](data)
    return taken


def test_what_both_hear_is_taken_once_whoever_hears_it_first():
    assert heard((True, b"a"), (False, b"a"), (False, b"b"), (True, b"b")) == [b"a", b"b"]
    assert heard((True, b"a"), (True, b"b"), (False, b"a"), (False, b"b")) == [b"a", b"b"]


def test_what_only_one_of_them_hears_is_taken():
    assert heard((False, b"a"), (False, b"b"), (True, b"c")) == [b"a", b"b", b"c"]


def test_a_message_that_is_sent_again_is_taken_again():
    assert heard((False, b"a"), (False, b"a")) == [b"a", b"a"]
    assert heard((True, b"a"), (False, b"a"), (True, b"a"), (False, b"a")) == [b"a", b"a"]


def test_no_more_is_remembered_than_may_still_come_twice():
    many = [(True, bytes([k])) for k in range(KEPT + 1)]
    assert heard(*many, (False, bytes([0])))[-1] == bytes([0])
