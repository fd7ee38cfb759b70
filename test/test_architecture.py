"""The rules of docs/architecture.md, read off every module's imports."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ewm_ros"
MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] != "msg"
}

# Imports run from a later line to earlier ones, never the other way, nor between rooms of one line.
FLOORS = (
    ("world_model", "intention", "planning"),
    ("coordination",),
    ("robot",),
    ("simulation",),
    ("evaluation", "deployment"),
    ("nodes",),
    ("cli",),
)
LEVELS = {room: level for level, rooms in enumerate(FLOORS, start=1) for room in rooms}
VALUES = 0  # the level of all other top-level modules

ROS = {"rclpy", "builtin_interfaces", "rcl_interfaces"}
ASKS_FOR_ROS = "cli/fleet_processes.py"  # only whether it is there, to say so in one line
TRAINING = "world_model/training/"  # the only room that imports torch


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all that a module imports at run time, inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield from imports(other)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


def room_of(path: str) -> str:
    """The room, or the top-level module, that a module of the package belongs to."""
    return path.split("/")[0]


def room_of_import(name: str) -> str:
    """The same of something imported from this package; empty for something of the package itself."""
    part = name.split(".")[1] if "." in name else ""
    if (PACKAGE / part).is_dir() or part == "msg":
        return part
    return f"{part}.py" if (PACKAGE / f"{part}.py").is_file() else ""


def is_ros(name: str) -> bool:
    """Whether an import is of ROS or of generated messages."""
    top = name.split(".")[0]
    return top in ROS or top.endswith("_msgs") or name.startswith("ewm_ros.msg")


@pytest.mark.parametrize("path", MODULES)
def test_imports_run_downwards(path: str) -> None:
    room = room_of(path)
    for name in imports(MODULES[path]):
        other = room_of_import(name) if name.startswith("ewm_ros") else ""
        if other not in ("", room, "msg"):
            above = LEVELS.get(other, VALUES)
            level = LEVELS.get(room, VALUES)
            assert above < level or above == level == VALUES, f"{path} imports {name}"


def test_only_nodes_import_ros_and_generated_messages() -> None:
    users = {path for path, tree in MODULES.items() if any(map(is_ros, imports(tree)))}
    assert {path for path in users if room_of(path) != "nodes"} <= {ASKS_FOR_ROS}
    assert "nodes/robot_unit.py" in users  # or this test finds nothing


def test_only_the_simulation_imports_pybullet() -> None:
    users = {room_of(p) for p, tree in MODULES.items() if any(n.startswith("pybullet") for n in imports(tree))}
    assert users == {"simulation"}


def test_nothing_that_runs_on_a_robot_imports_torch() -> None:
    users = [path for path, tree in MODULES.items() if any(n.split(".")[0] == "torch" for n in imports(tree))]
    assert {path for path in users if not path.startswith(TRAINING)} == set()
    assert users  # or this test finds nothing


def test_nothing_below_the_evaluation_imports_the_training() -> None:
    name = "ewm_ros." + TRAINING.strip("/").replace("/", ".")
    users = {room_of(path) for path, tree in MODULES.items() if any(n.startswith(name) for n in imports(tree))}
    assert users <= {"world_model", "evaluation", "cli"}
    online = [path for path in MODULES if path.startswith("world_model/") and not path.startswith(TRAINING)]
    assert [path for path in online if any(n.startswith(name) for n in imports(MODULES[path]))] == []


def test_a_running_robot_node_has_not_loaded_torch_nor_pybullet() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("rclpy")
    program = "import sys, ewm_ros.nodes.robot_node; print(sorted({'torch', 'pybullet'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_every_room_is_known() -> None:
    rooms = {room_of(path) for path in MODULES if "/" in path}
    assert rooms == {room for room in LEVELS if not room.endswith(".py")}
