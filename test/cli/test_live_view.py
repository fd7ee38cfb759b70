"""The live table of `ewm demo`, as it stands on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from wire_values import arbitration

from ewm_ros import diagnostics_keys as keys
from ewm_ros.cli.live_view import live_view
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures


@pytest.fixture
def figures() -> FleetFigures:
    return FleetFigures(Episode(["robot_0", "robot_2"], [(5.0, 0.0), (0.0, 5.0)], time_limit=60.0), [0.3, 0.3])


def on_screen(figures: FleetFigures) -> str:
    """The text, without the lines around it."""
    console = Console(file=io.StringIO(), width=200)
    console.print(live_view(figures))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_without_an_adviser_there_are_only_robots(figures: FleetFigures) -> None:
    shown = on_screen(figures)
    assert "robot_0" in shown
    assert "adviser" not in shown


def test_the_newest_questions_stand_below_with_what_came_of_them(figures: FleetFigures) -> None:
    figures.diagnostics(keys.ARBITER_STATUS, {keys.MODEL: "r1", keys.BREAKER: "closed", keys.FAILURE: ""})
    figures.arbitration(arbitration(1))
    figures.arbitration(arbitration(1, "applied"))
    figures.arbitration(arbitration(2, kind="deadlock"))
    shown = on_screen(figures)
    assert "adviser: r1, breaker closed" in shown
    first, second = (next(line for line in shown.splitlines() if f" {n} " in line and "r1=" in line) for n in (1, 2))
    for what in (
        "1 crossing: r1=robot_0 r2=robot_2",
        "o1: r1 before r2",
        "o2",
        "model",
        "applied",
        "2.5",
        "Blood goes",
    ):
        assert what in first
    for what in ("2 deadlock: r1=robot_0 r2=robot_2", "asked"):
        assert what in second
    assert shown.index("2 deadlock") < shown.index("1 crossing")


def test_a_models_words_are_no_markup_and_do_not_fill_the_screen(figures: FleetFigures) -> None:
    figures.arbitration(arbitration(1, "applied", rationale="[bold red]Blood[/] first [link=http://x]" + "so " * 100))
    shown = on_screen(figures)
    assert "[bold red]Blood[/]" in shown
    assert shown.count("so ") < 30
