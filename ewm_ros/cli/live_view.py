"""What `ewm demo` shows while it runs: the robots, and below them what the adviser is asked."""

from __future__ import annotations

import textwrap

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from ewm_ros.cli.common import shown
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.evaluation.words.questions import QuestionLog

SHOWN_REASON = 100  # characters


def live_view(figures: FleetFigures) -> Group:
    """All of it; of an adviser only if there is one."""
    asked = figures.questions
    return Group(_robots(figures), *([_questions(asked)] if asked.state or asked.newest else []))


def _robots(figures: FleetFigures) -> Table:
    title = (
        f"{figures.time:6.1f} s, {figures.realtime_factor:.1f} x real time   "
        f"{figures.episode.reached} of {len(figures.robots)} at their goals   "
        f"{figures.conflicts} shared regions ahead   {figures.collisions} collisions"
    )
    table = Table("robot", "state", "waits for", "goal", "confidence", "cycle ms", "mode", "foreseen by", title=title)
    for name, robot in figures.robots.items():
        table.add_row(
            name,
            robot.state,
            ", ".join(robot.waits_for),
            robot.goal,
            f"{robot.confidence:.2f}",
            shown(figures.cycles.newest_cycle_ms(name)),
            robot.mode,
            robot.predictor,
        )
    return table


def _questions(asked: QuestionLog) -> Table:
    """The newest questions, the newest of them first: what was chosen, and what came of it."""
    options, reason = Column("options", overflow="fold"), Column("reason", overflow="fold")
    table = Table(
        "question", options, "choice", "source", "outcome", "s", reason, title=Text(f"adviser: {asked.state}")
    )
    for told in reversed(asked.newest):
        robots = " ".join(f"r{k}={robot}" for k, robot in enumerate(told.robots, start=1))
        texts = (
            f"{told.question} {told.kind}: {robots}",
            "\n".join(told.options),
            told.chosen,
            told.source,
            told.outcome,
            f"{told.latency:.1f}" if told.chosen else "",
            textwrap.shorten(told.rationale, SHOWN_REASON, placeholder=" ..."),
        )
        table.add_row(*map(Text, texts))  # as Text, so that brackets in a model's words are no markup
    return table
