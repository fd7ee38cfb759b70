import os
from xml.etree import ElementTree

import pytest

from ewm_ros.nodes.discovery import VARIABLES, quicken_discovery


def test_fast_dds_is_pointed_to_a_well_formed_file(monkeypatch: pytest.MonkeyPatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    quicken_discovery()
    for variable in VARIABLES:
        assert ElementTree.parse(os.environ[variable]).getroot().tag.endswith("dds")


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_file_that_the_user_has_chosen_stays(monkeypatch: pytest.MonkeyPatch, variable):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "/own.xml")
    quicken_discovery()
    assert {name: os.environ.get(name) for name in VARIABLES} == dict.fromkeys(VARIABLES) | {variable: "/own.xml"}
