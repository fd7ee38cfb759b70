"""The package as others get it: versions agree, messages import, executables start with the right Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import ewm_ros

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
MESSAGES = sorted(path.stem for path in (ROOT / "msg").glob("*.msg"))

INSTALLED = any(Path(sysconfig.get_path("purelib")).glob("ewm_ros-*.dist-info"))
needs_installation = pytest.mark.skipif(not INSTALLED, reason="ewm_ros is not installed here: make venv-test")


def cmake_list(name: str) -> list[str]:
    """The words of `set(<name> ...)` in CMakeLists.txt."""
    found = re.search(rf"^set\({name}\n(.*?)^\)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"no list {name} in CMakeLists.txt"
    return found[1].split()


NODES = cmake_list("nodes")


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what the ROS wheels or a sourced workspace have put into it."""
    unwanted = {"LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "PYTHONPATH", "AMENT_PREFIX_PATH"}
    return {**{k: v for k, v in os.environ.items() if k not in unwanted}, **changes}


def run(*command: str | Path, **environment: str) -> str:
    """Run a program in a clean environment and return what it printed; fail with its output where it fails."""
    done = subprocess.run(command, env=clean_environment(**environment), capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH whose nodes only say how they were started, and return 7."""
    folder = tmp_path / "stand_ins" / "ewm_ros" / "nodes"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").touch()
    lines = ["import json, sys", "def main(args=None):", "    print(json.dumps([__name__, sys.prefix, sys.argv[1:]]))"]
    for node in NODES:
        (folder / f"{node}.py").write_text("\n".join([*lines, "    return 7", ""]))
    return folder.parent.parent


def assert_executables_start(prefix: Path, python_prefix: Path, stand_ins: Path) -> None:
    """Every node's executable runs its module's main with that Python, hands on arguments and the exit code."""
    for node in NODES:
        command = [str(prefix / "lib" / "ewm_ros" / node), "--ros-args", "-p", "name:=a b"]
        environment = clean_environment(PYTHONPATH=str(stand_ins))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
        assert done.returncode == 7, done.stderr
        assert json.loads(done.stdout) == [f"ewm_ros.nodes.{node}", str(python_prefix), command[1:]]


IMPORT_ALL = f"""
from ewm_ros.msg import {", ".join(MESSAGES)}
from rclpy.serialization import deserialize_message, serialize_message
import ewm_ros
route = Route(robot="robot_1", x=[0.0, 1.5], y=[0.0, 2.5])
assert deserialize_message(serialize_message(route), Route) == route
print(ewm_ros.__file__)
"""


def test_versions_agree() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("version") == ewm_ros.__version__
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "ewm_ros.__version__"}
    assert f"\n{ewm_ros.__version__} (" in (ROOT / "CHANGELOG.rst").read_text()


def test_cmake_builds_every_message() -> None:
    assert cmake_list("messages") == [f"msg/{name}.msg" for name in MESSAGES]


def test_every_executable_has_its_module() -> None:
    assert NODES == ["coordinator_node", "recorder_node", "robot_node", "robots_node", "simulation_node"]
    for node in NODES:
        source = ROOT / "ewm_ros" / "nodes" / f"{node}.py"
        assert source.is_file(), f"CMakeLists.txt installs {node}, but there is no {source.relative_to(ROOT)}"
        assert re.search(r"^def main\(", source.read_text(), re.MULTILINE), f"{source.name} has no main"


def test_build_requirements_are_exact_and_those_of_colcon_the_same() -> None:
    required = [r for r in PYPROJECT["build-system"]["requires"] if not r.startswith("numpy")]
    assert [r for r in required if not re.fullmatch(r"[\w\[\]-]+==[\d.]+", r)] == []
    assert set(required) <= set(PYPROJECT["project"]["optional-dependencies"]["colcon"])


def test_package_xml_and_the_ros_extra_name_the_same_message_packages() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    named = {e.text or "" for e in package if e.tag in ("depend", "exec_depend")}
    extra = " ".join(PYPROJECT["project"]["optional-dependencies"]["ros"])
    wheels = {name.replace("-", "_") for name in re.findall(r"ros-([a-z-]+-(?:msgs|srvs|interfaces))\b", extra)}
    assert wheels == {name for name in named if name.endswith(("_msgs", "_srvs", "_interfaces"))}


@needs_installation
def test_messages_survive_serialization() -> None:
    from rclpy.serialization import deserialize_message, serialize_message

    from ewm_ros import msg  # generated by the installation

    for name in MESSAGES:
        empty = getattr(msg, name)()
        assert deserialize_message(serialize_message(empty), type(empty)) == empty
    directive = msg.Directive(robot="robot_1", hold=2.5, grants=[msg.Grant(region=7, enter=1.0, leave=2.0)])
    sent = msg.DirectiveSet(coordinator=1, epoch=2, lease=1.0, directives=[directive])
    received = deserialize_message(serialize_message(sent), msg.DirectiveSet)
    assert received.directives[0].grants[0].region == 7
    assert received == sent


@needs_installation
def test_installed_executables_start_with_this_python(stand_ins: Path) -> None:
    assert_executables_start(Path(sys.prefix), Path(sys.prefix), stand_ins)


@needs_installation
def test_ros_tools_find_the_package() -> None:
    find = "from ament_index_python import get_package_share_directory as share; print(share('ewm_ros'))"
    share = Path(run(sys.executable, "-c", find, AMENT_PREFIX_PATH=sys.prefix).strip())
    assert share == Path(sys.prefix, "share", "ewm_ros")
    assert (share / "package.xml").is_file()
    assert {"config", "launch", "models", "worlds"} <= {path.name for path in share.iterdir()}


def test_colcon_builds_a_workspace_that_holds_the_repository(tmp_path: Path, stand_ins: Path) -> None:
    colcon = Path(sys.prefix, "bin", "colcon")
    if not colcon.exists():
        pytest.skip("colcon is not installed in this environment: pip install -e '.[colcon]'")
    workspace = tmp_path / "workspace"
    (workspace / "src").mkdir(parents=True)
    (workspace / "src" / "ewm_ros").symlink_to(ROOT)
    setup = f"set -e; source {sys.prefix}/bin/activate; cd {workspace}"
    build = "AMENT_PREFIX_PATH=$VIRTUAL_ENV CMAKE_PREFIX_PATH=$VIRTUAL_ENV colcon build"
    run("bash", "-c", f"{setup}; {build}")

    assert_executables_start(workspace / "install" / "ewm_ros", Path(sys.prefix), stand_ins)
    imported = run("bash", "-c", f"{setup}; source install/setup.bash; cd /; python -c '{IMPORT_ALL}'")
    assert imported.startswith(str(workspace / "install")), "the messages came from elsewhere than the workspace"
    share = workspace / "install" / "ewm_ros" / "share" / "ewm_ros"
    assert (share / "worlds" / "intersection.yaml").is_file()
    assert (share / "config" / "lane_graphs" / "doorway.yaml").is_file()
    assert (share / "config" / "rviz" / "ewm.rviz").is_file()
    assert (share / "launch" / "robot.launch.py").is_file()


@pytest.mark.campaign
@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["plain", "editable"])
def test_pip_installs_everything_into_a_clean_environment(tmp_path: Path, stand_ins: Path, options: list[str]) -> None:
    checkout, fresh = tmp_path / "checkout", tmp_path / "environment"
    made = shutil.ignore_patterns(".*", "build", "runs", "*.egg-info", "__pycache__", "*.so", "*.c")
    shutil.copytree(ROOT, checkout, ignore=made)
    shutil.rmtree(checkout / "ewm_ros" / "msg", ignore_errors=True)
    run(sys.executable, "-m", "venv", fresh)
    run(fresh / "bin" / "pip", "install", "--quiet", *options, f"{checkout}[ros]")

    run(fresh / "bin" / "python", "-c", IMPORT_ALL)
    assert_executables_start(fresh, fresh, stand_ins)
    assert (fresh / "share" / "ament_index" / "resource_index" / "packages" / "ewm_ros").exists()
    run(fresh / "bin" / "pip", "uninstall", "--quiet", "--yes", "ewm-ros")
    left = [p for p in fresh.rglob("*ewm_ros*") if p.is_file()]
    assert left == []
