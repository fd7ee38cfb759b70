"""ROS: found, which one, its middleware, the domain, and whether two processes hear each other."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer

from ewm_ros.cli.checks.finding import Finding
from ewm_ros.cli.checks.installation import messages

PROBE = "ewm_ros.nodes.discovery_probe"
TIME = 20.0  # s that a probe may take, most of it for a machine that is slow to start it
WRONG_MIDDLEWARE = 102  # the status that rcl ends a process with
OLDEST = 7  # major version of rclpy in Jazzy
DISTRIBUTIONS = {3: "Humble", 7: "Jazzy", 9: "Kilted"}  # by it
RANGES = ("SUBNET", "LOCALHOST", "SYSTEM_DEFAULT", "OFF")
MAX_DOMAIN = 101  # above, ports collide with those that Linux hands out
INSTALL = "source a ROS 2 installation (Jazzy or newer), or pip install 'ewm-ros[ros]'"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one probe.

    Attributes:
        stages: it got through, with what it said of each.
        status: of its end.
        error: the last line on its standard error.
    """

    stages: Mapping[str, Mapping[str, object]]
    status: int
    error: str


class Probes:
    """Two processes that look for each other, on the domain that is set, while other checks are made.

    None are started where the domain is no number: they could not even begin.
    """

    def __init__(self) -> None:
        pool = ThreadPoolExecutor(max_workers=1)
        self._reports: Future[list[Report]] = pool.submit(_probe if _domain_number() else list)
        pool.shutdown(wait=False)

    def findings(self) -> list[Finding]:
        """What is known of ROS when they have ended."""
        return ros_findings(self._reports.result())


def _probe() -> list[Report]:
    topic = f"/doctor_{secrets.token_hex(4)}"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", PROBE, own, other, topic],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own, other in (("a", "b"), ("b", "a"))
    ]
    too_late = Timer(TIME, _kill, running)
    too_late.start()
    first = [_said(process) for process in running]
    if all(first):
        for process in running:
            with suppress(BrokenPipeError):
                print(file=process.stdin, flush=True)
    else:
        _kill(*(process for process, line in zip(running, first, strict=True) if line))
    reports = [_report(process, line) for process, line in zip(running, first, strict=True)]
    too_late.cancel()
    return reports


def _kill(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()


def _said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints; empty if it ends before."""
    assert process.stdout is not None
    return process.stdout.readline()


def _report(process: subprocess.Popen[str], first: str) -> Report:
    out, err = process.communicate()
    said = [json.loads(line) for line in (first, *out.splitlines()) if line]
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    return Report({stage.pop("stage"): stage for stage in said}, process.returncode, lines[-1][:300] if lines else "")


def ros_findings(reports: list[Report]) -> list[Finding]:
    """What probes have shown: of those that got less far, the first one says why."""
    domain = _domain()
    if not reports:
        return [domain, messages()]
    least = min(reports, key=lambda report: len(report.stages))
    found = [_ros(least), domain]
    if not found[0].fine:
        return [*found, messages()]
    found.insert(1, _middleware(least))
    if found[1].fine:
        found.append(_discovery(least, reports))
    return [*found, _messages(least)]


def _ros(report: Report) -> Finding:
    if "imported" not in report.stages and report.status != WRONG_MIDDLEWARE:
        return Finding("ROS 2", False, True, report.error or "rclpy cannot be imported", INSTALL)
    version = _rclpy_version()
    major = int(version.partition(".")[0]) if version else OLDEST
    name = os.environ.get("ROS_DISTRO", "").capitalize() or DISTRIBUTIONS.get(major, "unknown distribution")
    return Finding("ROS 2", major >= OLDEST, True, f"{name}, rclpy {version or 'of unknown version'}", INSTALL)


def _rclpy_version() -> str:
    for name in ("ros-rclpy", "rclpy"):  # from a wheel, from apt
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return ""


def _middleware(report: Report) -> Finding:
    wanted = os.environ.get("RMW_IMPLEMENTATION", "")
    remedy = "unset RMW_IMPLEMENTATION, or install that middleware (apt install ros-$ROS_DISTRO-rmw-...)"
    if "imported" not in report.stages:
        return Finding("middleware", False, True, f"RMW_IMPLEMENTATION={wanted} cannot be loaded", remedy)
    how = "RMW_IMPLEMENTATION is set" if wanted else "the default"
    return Finding("middleware", True, True, f"{report.stages['imported'].get('middleware')} ({how})", remedy)


def _domain_number() -> bool:
    text = os.environ.get("ROS_DOMAIN_ID", "")
    return not text or (text.isascii() and text.isdecimal())


def _domain() -> Finding:
    text, reach = os.environ.get("ROS_DOMAIN_ID", ""), os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    fine = not text or (_domain_number() and int(text) <= MAX_DOMAIN)
    remedy = f"set ROS_DOMAIN_ID to 0..{MAX_DOMAIN}"
    if fine and reach and reach not in RANGES:
        fine, remedy = False, f"set ROS_AUTOMATIC_DISCOVERY_RANGE to one of {', '.join(RANGES)}"
    domain = f"ROS_DOMAIN_ID={text}" if text else "ROS_DOMAIN_ID is not set: 0; demos choose their own"
    return Finding("ROS domain", fine, not _domain_number(), f"{domain}, discovery range {_range()}", remedy)


def _range() -> str:
    if os.environ.get("ROS_LOCALHOST_ONLY") == "1":
        return "LOCALHOST (by ROS_LOCALHOST_ONLY)"
    return os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET, the default"


def _discovery(report: Report, reports: list[Report]) -> Finding:
    if "heard" in report.stages:
        heard = [each.stages["heard"] for each in reports]
        seconds = min(float(str(each["seconds"])) for each in heard)  # the other one also waited for this one to start
        others = max(int(str(each["nodes"])) for each in heard) - len(reports)
        found = f"two processes found and heard each other in {seconds:.2f} s"
        return Finding("discovery", True, True, f"{found}, {others} other nodes are there" if others > 0 else found)
    remedy = "let multicast and UDP 7400-7500 through firewall and VPN, or set ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
    if _range() == "OFF":
        remedy = "ROS_AUTOMATIC_DISCOVERY_RANGE=OFF finds nobody: set it to SUBNET or LOCALHOST"
    found = "two processes did not hear each other"
    return Finding("discovery", False, True, f"{found}: {report.error}" if report.error else found, remedy)


def _messages(report: Report) -> Finding:
    """Whether ROS can send the package's messages, if it came to that."""
    built = messages()
    if built.fine and "heard" in report.stages and "messages" not in report.stages:
        return Finding("messages", False, True, report.error or "they cannot be sent", built.remedy)
    return built
