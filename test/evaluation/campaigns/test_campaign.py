"""Campaigns go on where they were stopped, and hold nothing that does not belong together."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import HALL, Clerks, made_up_result

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns import campaign as campaigns
from ewm_ros.evaluation.campaigns import run_facts
from ewm_ros.evaluation.campaigns.campaign import Campaign
from ewm_ros.evaluation.campaigns.run_log import read_runs
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.simulation.network import Faults


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    file = tmp_path / "hall.yaml"
    file.write_text(HALL)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "campaign"


def specs_of(world: Path | str, seeds: range = range(4), policies: tuple[str, ...] = ("none", "orca")) -> list[RunSpec]:
    return [RunSpec(str(world), 2, seed, policy, model="none") for seed in seeds for policy in policies]


def make(folder: Path, specs: list[RunSpec], clerks: Clerks) -> list[RunResult]:
    """Go on with a campaign as far as the clerks do."""
    with Campaign(folder, specs) as campaign:
        with suppress(KeyboardInterrupt):
            list(campaign.run(clerks))
        return campaign.results


def test_results_come_in_the_order_asked_for_whoever_was_done_first(hall: Path, folder: Path) -> None:
    specs = specs_of(hall)
    assert make(folder, specs, Clerks()) == [made_up_result(spec) for spec in specs]
    assert [run.result.seed for run in read_runs(folder / "runs.jsonl")] == [3, 3, 2, 2, 1, 1, 0, 0]


def test_an_interrupted_campaign_makes_what_is_missing_and_nothing_twice(hall: Path, folder: Path) -> None:
    specs = specs_of(hall)
    assert len(make(folder, specs, Clerks(stop_after=3))) == 3
    assert len(make(folder, specs, Clerks(stop_after=2))) == 5
    last = Clerks()
    assert make(folder, specs, last) == [made_up_result(spec) for spec in specs]
    assert len(last.made) == 3
    idle = Clerks()
    assert make(folder, specs, idle) == [made_up_result(spec) for spec in specs]
    assert idle.made == []


def test_asking_for_more_seeds_worlds_or_policies_extends_it_and_asking_for_less_shows_less(
    hall: Path, folder: Path, tmp_path: Path
) -> None:
    yard = tmp_path / "yard.yaml"
    yard.write_text(HALL.replace("hall", "yard"))
    make(folder, specs_of(hall, range(2), ("none",)), Clerks())
    more = specs_of(hall, range(3), ("orca", "none")) + specs_of(yard, range(1))
    clerks = Clerks()
    assert make(folder, more, clerks) == [made_up_result(spec) for spec in more]
    assert len(clerks.made) == len(more) - 2
    told = json.loads((folder / "campaign.json").read_text())
    assert list(told["worlds"]) == ["hall", "yard"]
    assert told["asked"]["seeds"] == [0, 1, 2]
    few = specs_of(hall, range(1, 2), ("orca",))
    assert make(folder, few, Clerks()) == [made_up_result(few[0])]
    assert len(read_runs(folder / "runs.jsonl")) == len(more)


def test_what_is_asked_for_twice_is_made_once_and_shown_twice(hall: Path, folder: Path) -> None:
    specs = specs_of(hall, range(1), ("none",)) * 2
    clerks = Clerks()
    assert make(folder, specs, clerks) == [made_up_result(specs[0])] * 2
    assert len(clerks.made) == 1


def test_the_same_world_by_another_path_is_the_same_world(
    hall: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, specs_of(hall), Clerks())
    monkeypatch.chdir(tmp_path)
    clerks = Clerks()
    make(folder, specs_of("./hall.yaml"), clerks)
    assert clerks.made == []


def test_a_torn_last_run_is_made_again(hall: Path, folder: Path) -> None:
    specs = specs_of(hall)
    whole = make(folder, specs, Clerks())
    log = folder / "runs.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    clerks = Clerks()
    assert make(folder, specs, clerks) == whole
    assert len(clerks.made) == 1


def test_runs_are_the_same_though_the_machine_was_slower(hall: Path, folder: Path) -> None:
    specs = specs_of(hall, range(1), ("none",))
    make(folder, specs, Clerks())
    log = folder / "runs.jsonl"
    slower = log.read_text().replace('"realtime_factor": 20.0', '"realtime_factor": 1.0')
    log.write_text(log.read_text() + slower)
    assert make(folder, specs, Clerks()) == [made_up_result(specs[0])]


def refusal(folder: Path, specs: list[RunSpec]) -> str:
    clerks = Clerks()
    with pytest.raises(InputError) as refused:
        make(folder, specs, clerks)
    assert clerks.made == []
    line = str(refused.value)
    assert len(line.splitlines()) == 1
    return line


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"faults": Faults(loss=0.2)}, '"loss": 0.0'),
        ({"varied": False}, "varied true, not false"),
        ({"bodies": "wheels"}, 'bodies "driven", not "wheels"'),
        ({"model": "default"}, "the model 'none', not 'default'"),
        ({"arbiter": ArbiterSpec(Advice(preset="oracle"), 3.0)}, "arbiter null"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_runs_of_other_settings_belong_into_another_folder(
    change: dict[str, object], culprit: str, hall: Path, folder: Path
) -> None:
    make(folder, specs_of(hall), Clerks())
    line = refusal(folder, [replace(spec, **change) for spec in specs_of(hall)])  # type: ignore[arg-type]
    assert f"{folder}/campaign.json: " in line
    assert culprit in line
    assert "choose another --out" in line
    assert len(make(folder, specs_of(hall), Clerks())) == 8  # the refused ones have left no trace


def test_a_world_that_was_changed_is_named_and_so_are_its_robots(hall: Path, folder: Path, tmp_path: Path) -> None:
    robot = tmp_path / "mybot.yaml"
    shipped = Path(__file__).parents[3] / "config" / "robots" / "tinybot.yaml"
    robot.write_text(shipped.read_text())
    hall.write_text(HALL.replace("tinybot", str(robot)))
    make(folder, specs_of(hall), Clerks())
    robot.write_text(shipped.read_text() + "# slower\n")
    assert "the robot types of the world 'hall' changed" in refusal(folder, specs_of(hall))
    robot.write_text(shipped.read_text())
    hall.write_text(hall.read_text() + "time_limit: 5\n")
    assert "the world 'hall' changed" in refusal(folder, specs_of(hall))
    hall.write_text(HALL.replace("tinybot", str(robot)))
    assert len(make(folder, specs_of(hall), Clerks())) == 8


def test_a_world_that_is_changed_meanwhile_ends_the_campaign(hall: Path, folder: Path) -> None:
    with Campaign(folder, specs_of(hall)) as campaign:
        runs = campaign.run(Clerks())
        next(runs)
        hall.write_text(HALL + "time_limit: 5\n")
        with pytest.raises(InputError, match=r"hall\.yaml.* changed while it ran"):
            next(runs)
    assert len(read_runs(folder / "runs.jsonl")) == 1


def test_a_model_that_was_trained_anew_is_named(hall: Path, folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "network.onnx").write_bytes(b"old")
    specs = [replace(spec, model=f"{model}/") for spec in specs_of(hall)]
    make(folder, specs, Clerks())
    (model / "network.onnx").write_bytes(b"new")
    assert f"the model '{model}/' has changed" in refusal(folder, specs)


def test_two_worlds_of_one_name_are_no_campaign(hall: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(HALL + "time_limit: 5\n")
    assert "another world has the name 'hall' too" in refusal(folder, specs_of(hall) + specs_of(other))


def test_another_version_of_this_package_does_not_go_on(
    hall: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, specs_of(hall), Clerks())
    monkeypatch.setattr(run_facts, "__version__", "99.0")
    line = refusal(folder, specs_of(hall))
    assert "and 99.0 may come to other results" in line
    assert "go on with that version" in line


def test_a_campaign_that_is_under_way_is_left_alone(hall: Path, folder: Path) -> None:
    with Campaign(folder, specs_of(hall)):
        assert "another process is at it" in refusal(folder, specs_of(hall))
    assert len(make(folder, specs_of(hall), Clerks())) == 8


@pytest.mark.parametrize("change", ['"seed": 1,', '"policy": "none"', '"world": "hall"', '"version": "'])
def test_a_line_that_belongs_elsewhere_is_named(change: str, hall: Path, folder: Path) -> None:
    make(folder, specs_of(hall, policies=("none",)), Clerks())
    log = folder / "runs.jsonl"
    lines = log.read_text().splitlines()
    other = {'"seed": 1,': '"seed": 7,', '"version": "': '"version": "9'}.get(change, change.replace('": "', '": "x'))
    lines[2] = lines[2].replace(change, other, 1)
    log.write_text("\n".join(lines) + "\n")
    assert "runs.jsonl, line 3: not a run of this campaign: delete the line" in refusal(folder, specs_of(hall))


def test_two_lines_that_contradict_each_other_are_found(hall: Path, folder: Path) -> None:
    make(folder, specs_of(hall), Clerks())
    log = folder / "runs.jsonl"
    first = log.read_text().splitlines()[0]
    log.write_text(log.read_text() + first.replace('"collisions": 0', '"collisions": 1') + "\n")
    assert "line 9: not a run of this campaign" in refusal(folder, specs_of(hall))


def test_a_folder_that_is_no_campaign_is_named(hall: Path, folder: Path, tmp_path: Path) -> None:
    make(folder, specs_of(hall), Clerks())
    recipe = folder / "campaign.json"
    content = recipe.read_text()
    for damaged in ("", "{}", content[:50], content.replace('"format": 1', '"format": 2'), "[" * 100_000):
        recipe.write_text(damaged)
        assert "campaign.json" in refusal(folder, specs_of(hall))
    recipe.unlink()
    assert "has runs, but campaign.json is missing" in refusal(folder, specs_of(hall))
    (tmp_path / "file").write_text("no folder")
    assert "cannot be made" in refusal(tmp_path / "file" / "campaign", specs_of(hall))


def test_a_run_that_crashes_costs_no_other_one_and_is_tried_again(hall: Path, folder: Path) -> None:
    specs = specs_of(hall)
    with Campaign(folder, specs) as campaign:
        assert len(list(campaign.run(Clerks(crash=frozenset({2}))))) == 8
        assert [str(crash).split(", ")[1] for crash in campaign.crashes] == ["seed 2", "seed 2"]
        assert len(campaign.results) == 6
        assert [spec.seed for spec in campaign.missing] == [2, 2]
    assert make(folder, specs, Clerks()) == [made_up_result(spec) for spec in specs]


def test_no_key_gets_into_the_folder(hall: Path, folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-very-secret")
    key.chmod(0o600)
    advice = Advice(url="http://127.0.0.1:9/v1", model="some", key_file=str(key), cache="none")
    make(folder, [replace(spec, arbiter=ArbiterSpec(advice)) for spec in specs_of(hall)], Clerks())
    for file in folder.iterdir():
        assert "secret" not in file.read_text()
        assert str(key) not in file.read_text()
    told = json.loads((folder / "campaign.json").read_text())["arbiter"]
    assert (told["base_url"], told["model"], told["latency"]) == ("http://127.0.0.1:9/v1", "some", 5.0)


def test_campaign_json_is_never_half_written(hall: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, specs_of(hall), Clerks())
    before = (folder / "campaign.json").read_text()

    def torn(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(campaigns.json, "dump", torn)
    assert "No space left" in refusal(folder, specs_of(hall, range(9)))
    assert (folder / "campaign.json").read_text() == before
