import hashlib
import json
from pathlib import Path

import pytest
import yaml

from ewm_ros.bag_facts import BagFacts
from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.deployment.demo import bag_folder, demo_processes
from ewm_ros.deployment.processes import ProcessSpec, command_line
from ewm_ros.errors import InputError
from ewm_ros.simulation.network import Faults


def test_a_demo_is_a_coordinator_one_process_a_robot_and_the_simulation_last():
    specs = demo_processes("doorway", 4, seed=1)
    assert [(spec.executable, spec.namespace) for spec in specs] == [
        ("coordinator_node", ""),
        ("robot_node", "robot_0"),
        ("robot_node", "robot_1"),
        ("robot_node", "robot_2"),
        ("robot_node", "robot_3"),
        ("simulation_node", ""),
    ]


def test_all_but_the_simulation_and_the_recorder_use_simulated_time():
    specs = demo_processes("doorway", 3, seed=1, record=Path("runs/bag"))
    own_time = {spec.executable for spec in specs if not spec.parameters.get("use_sim_time")}
    assert own_time == {"simulation_node", "recorder_node"}


def told_to_the_recorder(recorder: ProcessSpec) -> BagFacts:
    facts = recorder.parameters["facts"]
    assert isinstance(facts, list)
    return BagFacts.parse(dict(fact.split("=", 1) for fact in facts))


def test_a_recording_knows_what_it_is_of():
    recorder, *others = demo_processes("doorway", 3, seed=9, record=Path("runs/bag"), varied=False, time_limit=20.0)
    assert recorder.parameters["directory"] == "runs/bag"
    assert recorder.parameters["robots"] == ["robot_0", "robot_1", "robot_2"]
    assert "profile" not in recorder.parameters
    facts = told_to_the_recorder(recorder)
    assert (facts.world, facts.robots, facts.seed, facts.realtime_factor) == ("doorway", 3, 9, 1.0)
    assert (facts.bodies, facts.varied, facts.time_limit, facts.model) == ("driven", False, 20.0, "default")
    assert {spec.title: dict(spec.parameters) for spec in others} == facts.parameters
    assert Path(str(recorder.parameters["world_file"])).read_text().startswith("name: doorway")


def test_a_recording_knows_the_model_by_its_content(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    hashes = []
    for content in (b"one", b"two", b"two"):
        (tmp_path / "network.onnx").write_bytes(content)
        recorder = demo_processes("doorway", 3, seed=1, record=Path("runs/bag"), model=str(tmp_path))[0]
        hashes.append(told_to_the_recorder(recorder).model_sha256)
    assert hashes[0] != hashes[1] == hashes[2] == hashlib.sha256(b"{}two").hexdigest()
    closed_form = demo_processes("doorway", 3, seed=1, record=Path("runs/bag"), model="none")[0]
    assert (told_to_the_recorder(closed_form).model, told_to_the_recorder(closed_form).model_sha256) == ("none", "")


def test_a_run_without_a_limit_of_its_own_is_recorded_as_one():
    recorder = demo_processes("doorway", 3, seed=9, record=Path("runs/bag"), time_limit=0.0)[0]
    assert told_to_the_recorder(recorder).time_limit is None


def test_a_recording_of_a_world_that_is_made_has_no_file_of_it():
    recorder = demo_processes("floor-12", 12, seed=1, record=Path("runs/bag"), record_profile="minimal")[0]
    assert "world_file" not in recorder.parameters
    assert (recorder.parameters["profile"], told_to_the_recorder(recorder).world) == ("minimal", "floor-12")


def test_a_recording_is_told_no_way_to_a_key(tmp_path: Path):
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text("sk-secret")
    advice = Advice("deepseek-api", key_file=str(key))
    recorder, coordinator, *_ = demo_processes("ward", 3, seed=1, record=Path("runs/bag"), advice=advice)
    assert coordinator.parameters["arbiter_key_file"] == str(key)
    assert str(key) not in str(recorder.parameters)
    assert "secret" not in str(recorder.parameters)


def test_the_facts_of_the_largest_fleet_fit_into_a_command_line():
    recorder = demo_processes("floor-64", 64, seed=1, record=Path("runs/bag"))[0]
    assert max(len(argument) for argument in command_line(recorder)) < 128 * 1024  # Linux: MAX_ARG_STRLEN


def test_watchdogs_keep_to_simulated_time_and_are_patient_when_it_runs_fast():
    slow, fast = (demo_processes("doorway", 3, seed=1, realtime_factor=f)[1].parameters for f in (0.25, 4.0))
    assert (slow["time_scale"], slow["scan_timeout"]) == (0.25, 0.5)
    assert (fast["time_scale"], fast["scan_timeout"]) == (4.0, 2.0)


def test_faults_of_the_network_are_those_of_everybody_who_hears_the_shared_topics():
    specs = demo_processes("doorway", 3, seed=1, faults=Faults(loss=0.1, delay=0.2, duplication=0.3))
    hearing = {spec.namespace or spec.name: spec.parameters for spec in specs if "network_loss" in spec.parameters}
    assert set(hearing) == {"coordinator", "robot_0", "robot_1", "robot_2"}
    for given in hearing.values():
        assert (given["network_loss"], given["network_delay"], given["network_duplication"]) == (0.1, 0.2, 0.3)


def test_robots_explore_where_nobody_tells_them_a_goal():
    told, untold = (demo_processes(world, 3, seed=1)[1].parameters for world in ("doorway", "allocation"))
    assert "explore" not in told
    assert (untold["explore"], untold["view"]) == (True, 3.0)


def test_the_coordinator_alone_is_told_whom_to_ask_and_by_which_words():
    advice = Advice("ollama", model="deepseek-r1:1.5b", cache="none")
    coordinator, *others = demo_processes("ward", 3, seed=1, advice=advice)
    asked = {"arbiter": "ollama", "arbiter_model": "deepseek-r1:1.5b", "arbiter_cache": "none", "site": "ward"}
    assert asked.items() <= coordinator.parameters.items()
    assert not any(name.startswith("arbiter") or name == "site" for spec in others for name in spec.parameters)


def test_a_key_in_the_environment_is_for_a_coordinator_that_asks_and_for_nobody_else():
    quiet = demo_processes("ward", 3, seed=1, record=Path("runs/bag"))
    assert {spec.kept_from for spec in quiet} == {("DEEPSEEK_API_KEY",)}
    for advice in (Advice("ollama"), Advice(url="http://127.0.0.1:8000/v1", model="r1")):
        asking = demo_processes("ward", 3, seed=1, record=Path("runs/bag"), advice=advice)
        assert [spec.name for spec in asking if not spec.kept_from] == ["coordinator"]


def test_an_unknown_preset_is_refused_before_anything_is_started():
    with pytest.raises(InputError, match="unknown arbiter preset 'chatty'"):
        demo_processes("ward", 3, seed=1, advice=Advice("chatty"))


def test_a_fleet_in_one_process_has_the_same_parameters_as_one_in_many():
    _, *each, _ = demo_processes("ward", 4, seed=1)
    _, together, _ = demo_processes("ward", 4, seed=1, composition=True)
    assert (together.executable, together.name, together.namespace) == ("robots_node", "robots", "")
    own = dict(together.parameters)
    assert own.pop("robots") == [spec.namespace for spec in each] == ["robot_0", "robot_1", "robot_2", "robot_3"]
    types = own.pop("robot_types")
    assert [{**own, "robot_type": kind} for kind in types] == [dict(spec.parameters) for spec in each]
    assert len(set(types)) > 1


def test_robots_and_coordinator_may_be_left_to_be_activated_by_hand():
    told = {spec.title: spec.parameters.get("autostart") for spec in demo_processes("doorway", 3, 1, autostart=False)}
    assert told == {"coordinator": False, "robot_0": False, "robot_1": False, "robot_2": False, "simulation": None}


def test_each_run_has_a_bag_of_its_own_in_a_folder_that_is_made(tmp_path):
    bag = bag_folder(tmp_path / "runs" / "lab", "worlds/my_site.yaml", 4, 7, "20261123-120000")
    assert bag == tmp_path / "runs" / "lab" / "my_site-4robots-seed7-20261123-120000"
    assert bag.parent.is_dir() and not bag.exists()


def test_a_folder_of_bags_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"folder of bags .*/file/runs: Not a directory"):
        bag_folder(tmp_path / "file" / "runs", "doorway", 4, 7, "now")


@pytest.mark.parametrize("robots", [0, 1000])
def test_a_number_of_robots_that_the_world_does_not_take_is_refused(robots):
    with pytest.raises(InputError, match=f"not {robots}"):
        demo_processes("doorway", robots, seed=1)


def test_an_unknown_world_is_refused():
    with pytest.raises(InputError, match="unknown world 'atlantis'"):
        demo_processes("atlantis", 3, seed=1)


def test_command_lines_give_every_value_in_a_form_that_keeps_its_type():
    specs = demo_processes("doorway", 3, seed=1, record=Path('my "runs": #1'))
    for spec in specs:
        command = command_line(spec)
        assert command[1:3] == ["-m", f"ewm_ros.nodes.{spec.executable}"]
        assert f"__node:={spec.name}" in command
        given = [command[i + 1].partition(":=") for i, word in enumerate(command) if word == "-p"]
        assert {key: yaml.safe_load(value) for key, _, value in given} == json.loads(json.dumps(dict(spec.parameters)))
