"""What an operator says in words: read as it stands, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.coordination.arbitration.site import AT_PLACE, MAX_RULES, MAX_TEXT, Site, load_site, make_site
from ewm_ros.errors import InputError
from ewm_ros.resources import resource
from ewm_ros.simulation.worlds.world_file import load_world


def written(folder: Path, text: str) -> Path:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_site_file_says_rules_facts_and_places(tmp_path: Path) -> None:
    text = """
        rules: [Meals before linen., "Das Labor geht vor: 检验科"]
        roles:
          - {robot: porter_2, wing: B, carries: meals, urgent: true, floor: 3, weight: 1.50}
          - {robot: 4, does: cleaning}
        places: {dock 3: [1, -2.5]}
    """
    site = load_site(written(tmp_path, text))
    assert site.rules == ("Meals before linen.", "Das Labor geht vor: 检验科")
    assert dict(site.facts_of("porter_2")) == {
        "carries": "meals", "floor": "3", "urgent": "True", "weight": "1.5", "wing": "B",
    }  # fmt: skip
    assert site.facts_of("robot_4") == (("does", "cleaning"),)
    assert site.facts_of("robot_5") == ()
    assert site.places == {"dock 3": (1.0, -2.5)}


@pytest.mark.parametrize("text", ["", "# nothing said\n", "rules: []\nroles: []\nplaces: {}\n"])
def test_a_site_may_say_nothing(text: str, tmp_path: Path) -> None:
    assert load_site(written(tmp_path, text)) == Site()


def test_a_world_file_is_a_site_file_too() -> None:
    site = load_site(resource("worlds", "ward", ".yaml", kind="world"))
    assert site == load_world("ward").site
    assert site.rules[0].startswith("Robots that carry blood samples")
    assert site.facts_of("robot_0") == (("carries", "blood samples"),)


def test_what_is_said_of_a_robot_by_name_and_by_index_adds_up(tmp_path: Path) -> None:
    roles = "roles: [{robot: 0, carries: post, wing: A}, {robot: robot_0, wing: B}]"
    assert load_site(written(tmp_path, roles)).facts == {"robot_0": (("carries", "post"), ("wing", "B"))}


def test_the_order_of_facts_in_the_file_does_not_matter() -> None:
    assert make_site(roles=[(1, {"a": "x", "b": "y"})]) == make_site(roles=[(1, {"b": "y", "a": "x"})])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rule: [a]", "rule: Extra inputs are not permitted"),
        ("[a, b]", "Input should be a valid dictionary"),
        ("rules: Meals first.", "rules: Input should be a valid tuple"),
        ("rules: [1]", "rules.0: Input should be a valid string"),
        ("rules: ['']", "rules.0: String should have at least 1 character"),
        ('rules: ["a\\nb"]', "rules.0: String should match pattern"),
        (f"rules: [{'x' * (MAX_TEXT + 1)}]", "rules.0: String should have at most 300 characters"),
        (f"rules: [{'x, ' * (MAX_RULES + 1)}]", "rules: Tuple should have at most 40 items"),
        ("roles: [{carries: post}]", "roles.0.robot: Field required"),
        ("roles: [{robot: Robot 1}]", "roles.0.robot: must be a robot's name (1 to 32 of a-z, 0-9, _) or its index"),
        ("roles: [{robot: -1}]", "roles.0.robot: must be"),
        ("roles: [{robot: true}]", "roles.0.robot: must be"),
        ("roles: [{robot: 1.0}]", "roles.0.robot: must be"),
        (f"roles: [{{robot: {'9' * 40}}}]", "roles.0.robot: must be"),
        ("roles: [{robot: 1, carries: [post]}]", "roles.0.carries."),
        ("roles: [{robot: 1, weight: .nan}]", "roles.0.weight."),
        ("places: {dock: [1]}", "places.dock.1: Field required"),
        ("places: {dock: [1, .nan]}", "places.dock.1: Input should be a finite number"),
        ("places: {dock: [1, '2']}", "places.dock.1: Input should be a valid number"),
        ("places: {dock: [1, 1.0e+9]}", "places.dock.1: Input should be less than"),
        ("places: {'': [1, 2]}", "places..[key]: String should have at least 1 character"),
    ],
)
def test_what_is_no_site_is_refused_where_it_is_wrong(text: str, complaint: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_site(file)
    assert str(caught.value).startswith(f"{file}: {complaint}")
    assert "\n" not in str(caught.value)


def test_the_place_at_a_goal_is_the_nearest_within_a_metre() -> None:
    site = make_site(places={"dock 1": (0.0, 0.0), "dock 2": (1.5, 0.0)})
    assert site.place_at(0.7, 0.0) == "dock 1"
    assert site.place_at(0.8, 0.0) == "dock 2"
    assert site.place_at(0.0, AT_PLACE) == "dock 1"
    assert site.place_at(0.0, AT_PLACE + 1e-9) == ""
    assert Site().place_at(0.0, 0.0) == ""


rules = st.lists(st.text(max_size=4), max_size=3)


@given(some=rules, others=rules)
def test_the_hash_of_rules_tells_just_their_words_and_order(some: list[str], others: list[str]) -> None:
    site = make_site(some)
    assert make_site(some, [(0, {"a": "b"})], {"dock": (0.0, 0.0)}).rules_hash == site.rules_hash
    assert (make_site(others).rules_hash == site.rules_hash) == (others == some)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3))
roles = st.lists(st.dictionaries(st.sampled_from(["robot", "a", "b"]), values, max_size=3), max_size=3)
files = st.fixed_dictionaries({}, optional={"rules": values, "roles": roles | values, "places": values})


@given(content=files)
def test_whatever_a_file_says_it_is_a_site_or_one_line(
    content: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = written(tmp_path_factory.mktemp("site"), yaml.safe_dump(content))
    try:
        site = load_site(file)
    except InputError as error:
        assert str(error).startswith(f"{file}: ")
        assert "\n" not in str(error)
    else:
        assert all(isinstance(text, str) for said in site.facts.values() for fact in said for text in fact)
