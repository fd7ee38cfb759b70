"""Builds the ROS side of the package (messages, executables, ament index) with CMake, as part of every pip install.

The tools of ROS come from the build requirements in pyproject.toml, so no ROS 2 installation is needed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Distribution, setup
from setuptools.command.build import build

ROOT = Path(__file__).parent.resolve()
PACKAGE = "ewm_ros"
# For shells that source a workspace. They name the temporary prefix, so a wheel leaves them out.
SHELL_SETUP = ("environment/*", "local_setup.*", "package.dsv", "parent_prefix_path/*")


def files_under(folder: Path) -> list[Path]:
    """All files of a tree, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


class RosDistribution(Distribution):
    """Holds compiled libraries, and has data files in editable installs too."""

    def has_ext_modules(self) -> bool:
        """The wheel is for this platform and this Python."""
        return True

    def has_data(self) -> bool:
        """An editable install asks this to know whether to install data files; setuptools defines it nowhere."""
        return self.has_data_files()


class BuildRos(Command):
    """Adds what CMake installs: the generated Python package, and all else as data files under the prefix."""

    description = "build the ROS messages and executables with CMake"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []
    editable_mode = False

    def initialize_options(self) -> None:
        """Take the folders of the build command."""
        self.build_lib: str | None = None
        self.build_temp: str | None = None

    def finalize_options(self) -> None:
        """Take the folders of the build command."""
        self.set_undefined_options("build", ("build_lib", "build_lib"), ("build_temp", "build_temp"))

    def run(self) -> None:
        """Run CMake and sort what it installed."""
        work = Path(self.build_temp, "ros")
        shutil.rmtree(work, ignore_errors=True)  # a kept build tree names an isolated environment that is gone
        prefix = work / "prefix"
        self.run_cmake(work / "build", prefix.resolve())

        generated = next(prefix.glob(f"**/*-packages/{PACKAGE}"))
        target = ROOT / PACKAGE if self.editable_mode else Path(self.build_lib, PACKAGE)
        for path in files_under(generated):
            inside = path.relative_to(generated)
            if inside != Path("__init__.py") and "__pycache__" not in inside.parts:
                (target / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / inside)
        data_files: dict[str, list[str]] = {}
        for path in files_under(prefix):
            if not path.is_relative_to(generated.parent) and not any(path.match(p) for p in SHELL_SETUP):
                data_files.setdefault(str(path.parent.relative_to(prefix)), []).append(str(path))
        self.distribution.data_files = list(data_files.items())

    @staticmethod
    def run_cmake(build_folder: Path, prefix: Path) -> None:
        """Configure, build and install against the ROS wheels of this Python, wherever they are."""
        ros = Path(importlib.util.find_spec("ament_package").origin).parents[4]
        libraries = [str(ros / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        environment = {
            **os.environ,
            "AMENT_PREFIX_PATH": str(ros),
            "CMAKE_PREFIX_PATH": str(ros),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        }
        options = {
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_INSTALL_PREFIX": str(prefix),
            "Python3_EXECUTABLE": sys.executable,
            "BUILD_TESTING": "OFF",
            "FOR_WHEEL": "ON",
        }
        defined = [f"-D{name}={value}" for name, value in options.items()]
        configure = ["cmake", "-S", str(ROOT), "-B", str(build_folder), "-G", "Ninja", *defined]
        subprocess.run(configure, check=True, env=environment)
        subprocess.run(["cmake", "--build", str(build_folder), "--target", "install"], check=True, env=environment)

    def get_source_files(self) -> list[str]:
        """What the source distribution needs for this step."""
        return ["CMakeLists.txt", "package.xml", *(str(p.relative_to(ROOT)) for p in ROOT.glob("msg/*.msg"))]

    def get_outputs(self) -> list[str]:
        """Nothing that an editable install would have to link to: the files are put in their places."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """As get_outputs."""
        return {}


class Build(build):
    """The usual build and BuildRos. (A changed build_py would have its errors swallowed by editable installs.)"""

    sub_commands: ClassVar = [*build.sub_commands, ("build_ros", None)]


setup(cmdclass={"build": Build, "build_ros": BuildRos}, distclass=RosDistribution)
