"""The documentation names what there is: every parameter of a node, every option of a command, every linked file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ewm_ros.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
NODES = ("robot_node", "coordinator_node", "recorder_node", "simulation_node")
# What declares some of a node's parameters for it, where its source has this.
DECLARED_ELSEWHERE = {"network_faults(parameters)": "faulty_link", "ArbiterDesk(self, parameters)": "arbiter_desk"}


def commands(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    """The full name of each command with its long options."""
    for word, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, f"{name} {word}")
    options = {option for p in command.params for option in (*p.opts, *p.secondary_opts) if option.startswith("--")}
    yield name, options - {"--help"}


COMMANDS = dict(commands(typer.main.get_command(app), "ewm"))


@pytest.mark.parametrize("node", NODES)
def test_the_parameters_of_each_node_are_documented(node: str) -> None:
    nodes = ROOT / "ewm_ros" / "nodes"
    source = (nodes / f"{node}.py").read_text(encoding="utf-8")
    for use, module in DECLARED_ELSEWHERE.items():
        if use in source:
            source += (nodes / f"{module}.py").read_text(encoding="utf-8")
    declared = set(re.findall(r'\bparameters\.(?:choice|text|texts|switch|integer|number)\(\s*"(\w+)"', source))
    table = (DOCS / "deployment.md").read_text(encoding="utf-8").partition(f"| {node} |")[2].partition("\n\n")[0]
    assert declared
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == declared


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_with_its_options(command: str) -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert command in page.replace("\n", " ")
    # A command's own section; that of its group if it has none; for `ewm` itself the whole page.
    own = page.partition(f"\n## {command}")[2] or page.partition(f"\n## {command.rpartition(' ')[0]}")[2]
    section = page if command == "ewm" else own.partition("\n## ")[0]
    missing = {option for option in COMMANDS[command] if not re.search(rf"{option}\b", section)}
    assert not missing


def test_no_option_is_documented_that_is_not_there() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    known = set().union(*COMMANDS.values()) | {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            path, _, anchor = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), target
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            assert not anchor or anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    for name in re.findall(r"`((?:ewm_ros|test|config|examples|launch|docs)/[\w./]+)`", text):
        assert (ROOT / name).exists() or name.startswith("ewm_ros/msg"), name
