from pathlib import Path

import pytest
from bag_maker import BagMaker

from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_summary import bag_contents


def test_of_a_complete_bag_it_is_said_what_it_holds(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bag") as bag:
        bag.status("coordinator", {"robots": "3"})
        bag.status("coordinator", {"robots": "4"})
    line = bag_contents(tmp_path / "bag")
    assert line.startswith(f"bag {tmp_path}/bag: 2 messages on 1 topics in 0.0 s, 0.0 MB")


def test_a_bag_that_was_never_completed_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    with pytest.raises(InputError, match=f"bag {tmp_path}/bag was not completed"):
        bag_contents(tmp_path / "bag")
