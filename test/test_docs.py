"""The documentation names what there is: every parameter of a node, every option of a command, every linked file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ewm_ros.cli.app import app
from ewm_ros.deployment.run_files import LAUNCH_FILES
from ewm_ros.deployment.steps import LaunchFile

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
NODES = ("robot_node", "robots_node", "coordinator_node", "recorder_node", "simulation_node")
# What declares some of a node's parameters for it.
DECLARED_ELSEWHERE = {
    "robot_node": ("robot_settings", "faulty_link", "managed_node"),
    "robots_node": ("managed_node",),  # and those of robot_node
    "coordinator_node": ("arbiter_desk", "faulty_link", "managed_node"),
}


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
    modules = (node, *DECLARED_ELSEWHERE.get(node, ()))
    source = "".join((nodes / f"{module}.py").read_text(encoding="utf-8") for module in modules)
    kinds = "choice|text|texts|switch|integer|number"
    declared = set(re.findall(rf'\b[Pp]arameters(?:\(self\))?\.(?:{kinds})\(\s*"(\w+)"', source))
    table = (DOCS / "deployment.md").read_text(encoding="utf-8").partition(f"| {node} |")[2].partition("\n\n")[0]
    assert declared
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == declared


def table(heading: str) -> list[list[str]]:
    """The rows of the table in deployment.md that begins with a heading: the texts of their cells."""
    text = (DOCS / "deployment.md").read_text(encoding="utf-8").partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()[2:]]


@pytest.mark.parametrize("file", [file for name, file in LAUNCH_FILES.items() if name != "evaluate.launch.py"])
def test_the_arguments_of_each_launch_file_are_documented(file: LaunchFile) -> None:
    short = file.name.partition(".")[0]
    rows = [row for row in table("argument") if short in row[2] or row[2] == "all"]
    own = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    parameters = {row[0].strip("`"): row[1] for row in table(f"{short}_node")} if short != "demo" else {}
    assert file.names == own | parameters.keys() - {"robot"}
    for argument in file.arguments:
        if argument.name in parameters and argument.otherwise:
            assert argument.otherwise == parameters[argument.name], argument.name


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
