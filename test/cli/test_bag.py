"""`ewm bag`: what is printed, and with which status it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from foreign_bags import START, TYPE, by_rosbags, sentences, write_mcap

from ewm_ros.cli.app import main

Capture = pytest.CaptureFixture[str]
MESSAGES = sentences(40)


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    """A bag of two files of which the second is torn, without metadata.yaml."""
    bag = tmp_path / "bag"
    bag.mkdir()
    write_mcap(bag / "bag_0.mcap", MESSAGES[:20], metadata={"seed": "7", "world_file": "name: lab\n" * 50})
    write_mcap(bag / "bag_1.mcap", MESSAGES[20:])
    os.truncate(bag / "bag_1.mcap", (bag / "bag_1.mcap").stat().st_size // 2)
    return bag


def test_a_torn_bag_is_recovered_and_what_was_wrong_is_told(torn: Path, capfd: Capture):
    assert main(["bag", "recover", str(torn)]) == 0
    said = capfd.readouterr()
    first, *rest = said.out.splitlines()
    found = len(by_rosbags(torn.with_name("bag_recovered")))
    assert first.startswith(f"bag {torn}_recovered: {found} messages on 2 topics in ")
    assert first.endswith(" s, from bag_0.mcap, bag_1.mcap")
    assert "  it has no metadata.yaml: it was never completed" in rest
    assert said.err == ""


def test_the_new_bag_can_be_put_elsewhere_and_json_tells_all(torn: Path, tmp_path: Path, capfd: Capture):
    assert main(["bag", "recover", str(torn), "--out", str(tmp_path / "new" / "run"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["bag"], told["out"], told["whole"]) == (str(torn), str(tmp_path / "new" / "run"), False)
    assert told["messages"] == len(by_rosbags(tmp_path / "new" / "run"))
    assert (told["topics"], told["files"], told["messages_lost"]) == (2, ["bag_0.mcap", "bag_1.mcap"], 0)
    assert any("ends in the middle" in problem for problem in told["problems"])

    assert main(["bag", "recover", str(tmp_path / "new" / "run"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["out"], told["whole"], told["problems"]) == (None, True, [])


def test_a_whole_bag_is_called_that(tmp_path: Path, capfd: Capture):
    write_mcap(tmp_path / "bag.mcap", MESSAGES)
    assert main(["bag", "recover", str(tmp_path / "bag.mcap")]) == 0
    told = f"bag {tmp_path}/bag.mcap is whole: 40 messages on 2 topics in 3.9 s; nothing was written\n"
    assert capfd.readouterr().out == told


def test_info_tells_what_is_in_a_bag_and_what_to_do_with_it(torn: Path, capfd: Capture):
    assert main(["bag", "info", str(torn), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert not told["whole"]
    assert told["start"] == START * 1e-9
    assert told["facts"]["seed"] == "7"
    assert [file["messages"] for file in told["files"]] == [20, told["messages"] - 20]
    assert told["topics"][0] == {
        "name": "/a",
        "type": TYPE,
        "messages": sum(topic["messages"] for topic in told["topics"]) - told["topics"][1]["messages"],
        "per_s": pytest.approx(5.0),
        "bytes": sum(len(message.data) for message in MESSAGES[: told["messages"]] if message.topic == "/a"),
        "seconds": pytest.approx((told["topics"][0]["messages"] - 1) / 5.0),
    }

    assert main(["bag", "info", str(torn)]) == 0
    text = capfd.readouterr().out
    assert "seed: 7\n" in text
    assert "world_file: 500 characters\n" in text
    assert f"`ewm bag recover {torn}` makes a whole bag of it\n" in text

    main(["bag", "recover", str(torn)])
    capfd.readouterr()
    assert main(["bag", "info", f"{torn}_recovered"]) == 0
    assert capfd.readouterr().out.endswith("whole: nothing is wrong with it\n")


def test_a_bag_may_be_named_by_its_metadata(torn: Path, capfd: Capture):
    (torn / "metadata.yaml").write_text("{}")
    assert main(["bag", "info", str(torn / "metadata.yaml")]) == 0
    assert capfd.readouterr().out.startswith(f"bag {torn}: ")
    assert main(["bag", "recover", str(torn / "metadata.yaml")]) == 0
    assert capfd.readouterr().out.startswith(f"bag {torn}_recovered: ")


def test_the_hint_of_info_is_a_shell_command_and_only_there_if_something_is_left(torn: Path, capfd: Capture):
    bag = torn.rename(torn.with_name("my bag"))
    assert main(["bag", "info", str(bag)]) == 0
    assert f"`ewm bag recover '{bag}'` makes a whole bag of it\n" in capfd.readouterr().out
    for path in bag.iterdir():
        path.write_bytes(b"no bag" * 100)
    assert main(["bag", "info", str(bag)]) == 0
    assert "recover" not in capfd.readouterr().out


@pytest.mark.parametrize("command", ["recover", "info"])
@pytest.mark.parametrize(
    ("name", "complaint"), [("nowhere", "does not exist"), ("empty", "is no bag"), ("zero.mcap", "is empty")]
)
def test_what_is_no_bag_ends_with_one_line(tmp_path: Path, command: str, name: str, complaint: str, capfd: Capture):
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.mcap").touch()
    assert main(["bag", command, str(tmp_path / name)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"ewm: {tmp_path}/{name} {complaint}")
    assert said.err.count("\n") == 1
