"""How Ray is asked for runs: few at a time, and by machines that can make them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from made_up_runs import made_up_result

from ewm_ros import __version__
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns import ray_driver
from ewm_ros.evaluation.campaigns.ray_driver import AHEAD, Done
from ewm_ros.evaluation.campaigns.run_workers import WorkersLost
from ewm_ros.evaluation.campaigns.runs import RunSpec

SPECS = [RunSpec("doorway", 3, seed, "none") for seed in range(100)]


class GaveUp(Exception):
    """What a Ray raises that cannot go on."""


@dataclass
class Cluster:
    """As much of Ray as the driver uses; runs are made up.

    Attributes:
        cpus: that it has; one more at each look, up to 8.
        refusal: what its machines say.
        given_up: whether it gives up on the first run.
        beyond: most runs that were with it at once, less AHEAD for each CPU.
    """

    cpus: int = 2
    refusal: str = ""
    given_up: bool = False
    beyond: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    _with_it: set[int] = field(default_factory=set)

    class exceptions:
        RayError = GaveUp

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        self.options = options
        return lambda _: type("Task", (), {"remote": staticmethod(self._submit)})

    def _submit(self, version: str, files: str, spec: bytes) -> int:
        assert (version, files) == (__version__, "stored package")
        seed: int = pickle.loads(spec).seed
        self._with_it.add(seed)
        self.beyond = max(self.beyond, len(self._with_it) - AHEAD * self.cpus)
        return seed

    def put(self, package: bytes) -> str:
        return f"stored {package.decode()}"

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.cpus)}

    def wait(self, running: Sequence[int], timeout: float) -> tuple[list[int], list[int]]:
        self.cpus = min(self.cpus + 1, 8)
        return [running[-1]], list(running[:-1])

    def get(self, seed: int) -> tuple[bytes, str]:
        if self.given_up:
            raise GaveUp("the machine\nburns")
        self._with_it.remove(seed)
        return (b"", self.refusal) if self.refusal else (pickle.dumps(made_up_result(SPECS[seed])), "")


def made(cluster: Cluster, gone: Event | None = None) -> list[Done]:
    return list(ray_driver._made(cluster, __version__, b"package", SPECS, gone or Event()))


def test_a_growing_cluster_always_has_a_little_more_than_it_can_do_and_never_everything() -> None:
    cluster = Cluster()
    told = made(cluster)
    assert sorted(done.index for done in told) == list(range(100))
    assert all(done.outcome == made_up_result(SPECS[done.index]) for done in told)
    assert cluster.beyond == 0
    assert cluster.options["num_cpus"] == 1
    assert cluster.options["max_retries"] > 0


def test_a_machine_that_cannot_make_runs_ends_them_with_its_own_words() -> None:
    with pytest.raises(InputError, match="--workers ray: the machine far has ewm_ros 7"):
        made(Cluster(refusal="the machine far has ewm_ros 7"))


def test_a_run_that_ray_gives_up_on_is_told_in_one_line() -> None:
    with pytest.raises(WorkersLost, match=r"Ray gave up on a run \(GaveUp: the machine burns\)"):
        made(Cluster(given_up=True))


def test_nothing_more_is_asked_for_when_nobody_wants_it() -> None:
    gone = Event()
    gone.set()
    assert made(Cluster(), gone) == []


def test_a_worker_of_another_version_refuses_and_names_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "far")
    content, refusal = ray_driver._task()("99.0", b"", b"")
    assert (content, refusal) == (b"", f"the machine far has ewm_ros {__version__}, not 99.0: install the same there")


def test_a_worker_without_what_runs_need_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "far")
    monkeypatch.setitem(sys.modules, "ewm_ros.evaluation.campaigns.run_workers", None)
    _, refusal = ray_driver._task()(__version__, b"", b"")
    assert refusal.startswith("the machine far cannot make runs (")
    assert refusal.endswith(f"install ewm-ros[sim] {__version__} there")


def test_a_machine_without_this_program_can_still_say_so() -> None:
    pytest.importorskip("ray")
    from ray import cloudpickle

    program = (
        "import sys, pickle; sys.modules['ewm_ros'] = None; task = pickle.load(sys.stdin.buffer); "
        "print(task('1.0', b'', b'')[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=cloudpickle.dumps(ray_driver._task()), capture_output=True, timeout=60
    )
    assert b"cannot make runs (" in done.stdout, done.stderr
