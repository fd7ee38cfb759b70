"""Opening what is no bag, or no whole one, is refused in a line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from bag_maker import BagMaker
from foreign_bags import sentences, write_mcap

from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import open_bag


def refusal(bag: Path) -> str:
    with pytest.raises(InputError) as refused, open_bag(bag):
        pass
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_bag_that_was_never_completed_can_be_recovered(tmp_path: Path):
    with BagMaker(tmp_path / "bag") as bag:
        bag.goal("/r", 1.0, 2.0)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    said = f"it was never completed: `ewm bag recover {tmp_path}/bag` makes a whole one of what is left"
    assert refusal(tmp_path / "bag") == said


def test_so_can_one_that_is_cut_off(tmp_path: Path):
    write_mcap(tmp_path / "bag.mcap", sentences(20))
    content = (tmp_path / "bag.mcap").read_bytes()
    (tmp_path / "bag.mcap").write_bytes(content[:1000])
    said = refusal(tmp_path / "bag.mcap")
    assert said.startswith("it is damaged or was never completed: ")
    assert said.endswith(f"; `ewm bag recover {tmp_path}/bag.mcap` makes a whole one of what is left")


def test_a_path_in_a_remedy_can_be_pasted_into_a_shell(tmp_path: Path):
    with BagMaker(tmp_path / "bag of monday") as bag:
        bag.goal("/r", 1.0, 2.0)
    (tmp_path / "bag of monday" / "metadata.yaml").unlink()
    assert f"`ewm bag recover '{tmp_path}/bag of monday'`" in refusal(tmp_path / "bag of monday")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("bag_0.mcap", b"no bag" * 100, "is no MCAP file"),
        ("bag_0.db3", b"no bag" * 100, "is no sqlite3 file"),
        ("bag_0.mcap", b"\x89MCAP0\r\n", "is empty: nothing was recorded"),
        ("bag_0.db3", b"SQLite format 3\0", "is empty: nothing was recorded"),
        ("bag_0.mcap", b"", "is empty: nothing was recorded"),
    ],
)
def test_where_nothing_can_be_left_nobody_is_sent_to_recover_it(
    name: str, content: bytes, complaint: str, tmp_path: Path
):
    bag = tmp_path / "bag"
    bag.mkdir()
    (bag / name).write_bytes(content)
    assert refusal(bag / name) == f"it {complaint}"
    assert refusal(bag) == f"its {name} {complaint}"
    (bag / "metadata.yaml").write_text("{}")
    assert refusal(bag) == f"its {name} {complaint}"
    (bag / name).unlink()
    assert refusal(bag) == "it is no bag: no file of .mcap or .db3 is in it"


def test_a_file_whose_beginning_is_damaged_can_be_recovered(tmp_path: Path):
    write_mcap(tmp_path / "bag.mcap", sentences(20))
    content = (tmp_path / "bag.mcap").read_bytes()
    (tmp_path / "bag.mcap").write_bytes(b"?" + content[1:])
    assert refusal(tmp_path / "bag.mcap").endswith("makes a whole one of what is left")


def test_what_is_no_bag_is_called_that(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.db3").touch()
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "run.db3.zstd").touch()
    assert refusal(tmp_path / "nowhere") == "it does not exist"
    assert refusal(tmp_path / "empty") == "it is no bag: no file of .mcap or .db3 is in it"
    assert refusal(tmp_path / "zero.db3") == "it is empty: nothing was recorded"
    assert refusal(tmp_path / "notes.txt") == "it is no bag: neither a folder nor a file of .mcap or .db3"
    assert "`zstd -d run.db3.zstd`" in refusal(tmp_path / "packed")


def test_a_bag_without_messages_opens_and_spans_no_time(tmp_path: Path):
    with BagMaker(tmp_path / "bag"):
        pass
    with open_bag(tmp_path / "bag") as bag:
        assert bag.span == (0, 0)
        assert list(bag.raw(bag.topics)) == []
