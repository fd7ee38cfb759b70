from pathlib import Path

import pytest
from bag_maker import TYPES, BagMaker

from ewm_ros import diagnostics_keys as keys
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bag_summary import RunEnd, bag_contents, run_end


def said(bag: BagMaker, name: str, **values: str) -> None:
    """Record a status on /diagnostics."""
    types = TYPES.types
    pairs = [types["diagnostic_msgs/msg/KeyValue"](key=key, value=value) for key, value in values.items()]
    status = types["diagnostic_msgs/msg/DiagnosticStatus"](0, name, "", name, pairs)
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "")
    bag.write("/diagnostics", types["diagnostic_msgs/msg/DiagnosticArray"](header, [status]))


def simulation_said(bag: BagMaker, time: str, reached: str, finished: str) -> None:
    values = {keys.TIME: time, keys.REACHED: reached, keys.FINISHED: finished}
    said(bag, keys.SIMULATION_STATUS, **values, **{keys.COLLISIONS: "1", keys.NEAR_MISSES: "2"})


def test_the_simulations_last_words_tell_how_a_run_ended(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bag") as bag:
        simulation_said(bag, "1.0", "0", "false")
        said(bag, keys.COORDINATOR_STATUS, **{keys.ROBOTS: "3"})
        simulation_said(bag, "35.2", "3", "true")
        said(bag, keys.COORDINATOR_STATUS, **{keys.ROBOTS: "3"})
    end = run_end(tmp_path / "bag", 3)
    assert end == RunEnd(robots=3, time=35.2, reached=3, collisions=1, near_misses=2, finished=True)
    told = "the run ended after 35.2 simulated s: 3 of 3 robots at their goals, 1 collisions, 2 near misses"
    assert str(end) == told


@pytest.mark.parametrize(
    ("reached", "collisions", "finished", "good"),
    [(3, 0, True, True), (2, 0, True, False), (3, 1, True, False), (3, 0, False, False)],
)
def test_a_run_is_good_when_it_is_over_and_all_have_arrived_unharmed(
    reached: int, collisions: int, finished: bool, good: bool
) -> None:
    end = RunEnd(robots=3, time=9.0, reached=reached, collisions=collisions, near_misses=5, finished=finished)
    assert end.good == good


def test_an_interrupted_run_is_called_that() -> None:
    end = RunEnd(robots=3, time=9.0, reached=0, collisions=0, near_misses=0, finished=False)
    assert str(end).startswith("the run was interrupted after 9.0 simulated s: 0 of 3")


def test_of_a_complete_bag_it_is_said_what_it_holds(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bag") as bag:
        simulation_said(bag, "1.0", "0", "false")
        simulation_said(bag, "2.0", "0", "false")
    line = bag_contents(tmp_path / "bag")
    assert line.startswith(f"bag {tmp_path}/bag: 2 messages on 1 topics in 0.0 s, 0.0 MB")


def test_a_bag_that_was_never_completed_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    with pytest.raises(InputError, match=f"bag {tmp_path}/bag was not completed"):
        bag_contents(tmp_path / "bag")


def test_a_run_that_never_began_has_no_end(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bag") as bag:
        said(bag, keys.COORDINATOR_STATUS, **{keys.ROBOTS: "0"})
    with pytest.raises(InputError, match="the simulation has said nothing in bag"):
        run_end(tmp_path / "bag", 3)
