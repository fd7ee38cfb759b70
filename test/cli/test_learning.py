"""`ewm collect`, `ewm train` and `ewm accuracy` as their users meet them, interrupted and killed too."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from made_up_data import made_up_data, tiny_config
from processes import children, runs, wait_for

from ewm_ros.cli.app import main
from ewm_ros.resources import share
from ewm_ros.world_model.data_set import MANIFEST, DataSet

Capture = pytest.CaptureFixture[str]
SCRIPT = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()"]
HALL = """
name: hall
bounds: {x: [-3, 3], y: [-2, 2]}
robots:
  model: tinybot
  count: {min: 1, max: 2, default: 2}
  starts: [[-2, 0.8, 0], [2, -0.8, 3.14]]
  goals: [[1, 0.8], [-1, -0.8]]
"""


@pytest.fixture
def hall(tmp_path: Path) -> str:
    """A world of two robots that do not meet."""
    file = tmp_path / "hall.yaml"
    file.write_text(HALL)
    return str(file)


@pytest.fixture
def settings(tmp_path: Path) -> str:
    """A configuration that trains 9 epochs in seconds."""
    file = tmp_path / "settings.json"
    config = tiny_config(epochs=9, single_rollout_epochs=6)
    file.write_text(config.model_dump_json())
    return str(file)


@pytest.fixture
def untrained(tmp_path: Path) -> str:
    """The folder of a small untrained model."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from ewm_ros.world_model.training.export import export
    from ewm_ros.world_model.training.trainer import make_model

    export(make_model(tiny_config().architecture), tmp_path / "untrained", tiny_config(), {})
    return str(tmp_path / "untrained")


def printed(capfd: Capture, *args: str) -> tuple[dict[str, Any], str]:
    """The one JSON object that a command prints on stdout, and what it says on stderr."""
    assert main([*args, "--json"]) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1
    figures = json.loads(out)
    assert isinstance(figures, dict)
    return figures, err


@contextmanager
def started(*args: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, which is ended if need be."""
    with subprocess.Popen(
        [*SCRIPT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("command", ["collect", "train", "accuracy"])
def test_each_tells_its_options(command: str, capfd: Capture) -> None:
    assert main([command, "--help"]) == 0
    told = capfd.readouterr().out
    assert f"ewm {command}" in told
    assert "--json" in told


COLLECT, TRAIN, ACCURACY = ["collect", "--out", "{tmp}/new"], ["train", "--out", "{tmp}/new"], ["accuracy"]


@pytest.mark.parametrize(
    ("args", "culprit"),
    [
        (["collect"], "--out"),
        ([*COLLECT, "--worlds", "mars"], "'mars'"),
        ([*COLLECT, "--worlds", ","], "--worlds"),
        ([*COLLECT, "--seed", "3"], "--seed 3"),
        ([*COLLECT, "--seconds", "2"], "--seconds 2"),
        ([*COLLECT, "--seconds", "nan"], "--seconds nan"),
        ([*COLLECT, "--procedural", "2"], "--procedural"),
        ([*COLLECT, "--procedural", "nan"], "--procedural"),
        ([*COLLECT, "--episodes", "0"], "--episodes"),
        ([*COLLECT, "--workers", "some"], "--workers 'some'"),
        ([*COLLECT, "--bags", "{tmp}/nothing"], "{tmp}/nothing"),
        (["collect", "--out", "{tmp}/file/data"], "{tmp}/file/data"),
        (["collect", "--out", "{tmp}/file"], "{tmp}/file"),
        (["collect", "--out", "/proc/data"], "/proc/data"),
        (["collect", "--out", "/proc"], "/proc"),
        (TRAIN, "--data"),
        ([*TRAIN, "--data", "{tmp}"], "{tmp} is not a data set"),
        ([*TRAIN, "--data", "{data}", "--config", "{tmp}/none.json"], "{tmp}/none.json"),
        ([*TRAIN, "--data", "{data}", "--config", "{tmp}/file"], "{tmp}/file is no JSON"),
        ([*TRAIN, "--data", "{data}", "--leave-out", "mars"], "'mars'"),
        ([*TRAIN, "--data", "{data}", "--leave-out", "hall, yard"], "hold no windows"),
        ([*TRAIN, "--data", "{data}", "--threads", "-1"], "--threads"),
        ([*TRAIN, "--bags", "{tmp}/nothing"], "{tmp}/nothing"),
        (["train", "--data", "{data}", "--out", "{tmp}/file/model"], "{tmp}/file/model"),
        ([*ACCURACY, "--worlds", "mars"], "'mars'"),
        ([*ACCURACY, "--model", "nothing"], "'nothing'"),
        ([*ACCURACY, "--model", "{tmp}/"], "{tmp}"),
        ([*ACCURACY, "--robots", "0"], "0"),
        ([*ACCURACY, "--seeds", "x"], "--seeds 'x'"),
        ([*ACCURACY, "--workers", "0"], "--workers '0'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_answered_with_one_line_that_names_it(
    args: list[str], culprit: str, tmp_path: Path, capfd: Capture
) -> None:
    if args[0] == "train":
        pytest.importorskip("torch")
        pytest.importorskip("onnx")
        made_up_data(tmp_path / "data", chunks=2)
    (tmp_path / "file").write_text("no folder")
    places = {"tmp": str(tmp_path), "data": str(tmp_path / "data")}
    status = main([arg.format(**places) for arg in args])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("ewm: ")
    assert len(err.splitlines()) == 1, err
    assert culprit.format(**places) in err


def collecting(hall: str, folder: Path, episodes: int) -> list[str]:
    options = {"worlds": hall, "procedural": 0, "seconds": 7, "episodes": episodes, "workers": 2, "out": folder}
    return ["collect", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]


def test_collected_data_are_told_as_one_object(hall: str, tmp_path: Path, capfd: Capture) -> None:
    figures, err = printed(capfd, *collecting(hall, tmp_path / "data", 3))
    data_set = DataSet(tmp_path / "data")
    windows = data_set.read(sorted(data_set.chunks))
    assert figures == {
        "folder": str(tmp_path / "data"),
        "chunks": 1,
        "episodes": 4,  # in fours
        "windows": len(windows),
        "fingerprint": data_set.fingerprint,
    }
    assert len(windows) > 0
    assert err == ""
    assert data_set.recipe["seconds"] == 7.0


def test_ctrl_c_in_the_middle_of_collecting_ends_it_at_once_and_the_folder_goes_on(
    hall: str, tmp_path: Path, capfd: Capture
) -> None:
    folder = tmp_path / "data"
    with started(*collecting(hall, folder, 4000)) as process:
        wait_for(lambda: any(folder.glob("*.npz")), 60.0)
        workers = children(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10.0)
    assert (process.returncode, out, err) == (130, "", "ewm: interrupted\n")
    wait_for(lambda: not [pid for pid in workers if runs(pid)], 20.0)
    begun = DataSet(folder)
    assert len(begun.read(sorted(begun.chunks))) > 0
    episodes = 4 * (len(begun.chunks) + 1)
    figures, _ = printed(capfd, *collecting(hall, folder, episodes))
    assert figures["episodes"] == episodes


def test_ctrl_c_does_not_wait_for_long_episodes(tmp_path: Path) -> None:
    # A chunk of these takes minutes.
    long = ["--worlds", "warehouse", "--procedural", "0", "--out", str(tmp_path / "data"), "--workers", "2"]
    with started("collect", *long) as process:
        wait_for((tmp_path / "data" / MANIFEST).is_file, 60.0)
        wait_for(lambda: len(children(process.pid)) >= 2, 60.0)
        workers = children(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20.0)
    assert process.returncode == 130
    wait_for(lambda: not [pid for pid in workers if runs(pid)], 20.0)


def test_a_worker_that_was_killed_is_a_run_that_failed(
    hall: str, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[int]:
        yield 4
        raise BrokenProcessPool

    monkeypatch.setattr("ewm_ros.evaluation.collection.collect", broken)
    assert main(collecting(hall, tmp_path / "data", 8)) == 1
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "a worker process was killed" in err


def test_a_killed_training_goes_on_to_the_same_weights(settings: str, tmp_path: Path, capfd: Capture) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from ewm_ros.world_model.training.export import load_model

    made_up_data(tmp_path / "data")
    options = ["train", "--data", str(tmp_path / "data"), "--config", settings, "--threads", "1"]
    with started(*options, "--out", str(tmp_path / "killed")) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch 1: ")
        process.kill()
    assert process.returncode == -signal.SIGKILL
    resumed, err = printed(capfd, *options, "--out", str(tmp_path / "killed"), "--resume")
    first, *lines = err.splitlines()
    done = int(first.removeprefix("going on after epoch "))
    assert 1 <= done < 9
    assert [line.partition(":")[0] for line in lines] == [f"epoch {k}" for k in range(done + 1, 10)]
    straight, _ = printed(capfd, *options, "--out", str(tmp_path / "straight"))
    assert {**resumed, "folder": ""} == {**straight, "folder": ""}
    one, other = (load_model(tmp_path / name).state_dict() for name in ("killed", "straight"))
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_a_training_tells_figures_and_hashes(settings: str, tmp_path: Path, capfd: Capture) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    data_set = made_up_data(tmp_path / "data")
    args = ["train", "--data", str(data_set.folder), "--config", settings, "--threads", "1", "--leave-out", "yard"]
    figures, _ = printed(capfd, *args, "--out", str(tmp_path / "mine"))
    assert figures["folder"] == str(tmp_path / "mine")
    assert figures["data_sha256"] == [data_set.fingerprint]
    assert figures["left_out"] == ["yard"]
    assert 1 <= figures["epoch"] <= 9
    assert figures["validation"].keys() == {"windows", "accuracy", "ade_m", "fde_m", "coverage50", "coverage90"}
    assert main([*args, "--out", str(tmp_path / "mine"), "--resume"]) == 0
    out, err = capfd.readouterr()
    assert err == "finished already\n"
    assert "accuracy" in out
    assert main([*args, "--out", str(tmp_path / "mine"), "--resume", "--tensorboard"]) == 0


def test_without_torch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    for name in [name for name in sys.modules if name.startswith("ewm_ros.world_model.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ewm_ros.world_model.training", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["train", "--data", "anything"]) == 2
    assert capfd.readouterr().err == "ewm: training needs torch: pip install ewm-ros[train]\n"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A share folder without foreign worlds."""
    folder = tmp_path / "share"
    (folder / "worlds").mkdir(parents=True)
    for name in ("config", "models"):
        (folder / name).symlink_to(share() / name)
    monkeypatch.setattr("ewm_ros.resources.share", lambda: folder)
    return folder


def test_accuracy_does_without_groups_that_are_not_there_and_says_so(
    hall: str, untrained: str, elsewhere: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewm_ros.cli.learning.UNSEEN", "nobody_trained_it")
    options = ["--worlds", hall, "--robots", "2", "--seeds", "0", "--model", untrained]
    figures, err = printed(capfd, "accuracy", *options)
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        "group left_out skipped",
        "group foreign skipped",
    ]
    assert "'nobody_trained_it'" in err
    assert list(figures["groups"]) == ["shipped"]
    for told in (figures, figures["constant_velocity"], figures["nominal_controller"], figures["worlds"]["hall"]):
        assert 0.0 <= told["accuracy"] <= 1.0
        assert told["ade_m"].keys() == {"1s", "3s", "5s"}
        assert told["fde_m"] >= 0.0
        assert told["coverage"].keys() == {"50", "90"}
    assert figures["makespan_s"] > 0.0
    assert figures["runs"] == 1


@pytest.mark.parametrize(
    ("option", "culprit"), [(["--unseen-model", "nothing"], "'nothing'"), (["--foreign"], "worlds/foreign")]
)
def test_accuracy_refuses_to_do_without_what_was_asked_for(
    option: list[str], culprit: str, hall: str, untrained: str, elsewhere: Path, capfd: Capture
) -> None:
    rest = {"--unseen-model": "--no-foreign", "--foreign": "--unseen-model="}[option[0]]
    options = ["--worlds", hall, "--robots", "2", "--seeds", "0", "--model", untrained, rest]
    assert main(["accuracy", *options, *option]) == 2
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert culprit in err


def test_accuracy_by_group_of_worlds_that_were_and_were_not_seen(
    hall: str, untrained: str, elsewhere: Path, capfd: Capture
) -> None:
    foreign = elsewhere / "worlds" / "foreign"
    foreign.mkdir()
    (foreign / "yard.yaml").write_text(HALL.replace("hall", "yard").replace("max: 2, default: 2", "max: 1, default: 1"))
    options = ["--worlds", hall, "--robots", "1-2", "--seeds", "0", "--model", untrained, "--unseen-model", untrained]
    assert main(["accuracy", *options, "--workers", "1"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    told = " ".join(out.split())
    for word in ("shipped", "left_out", "foreign", "hall", "yard", "model", "nominal", "velocity"):
        assert word in told
    assert max(map(len, out.splitlines())) <= 80
