"""Where data files are looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ewm_ros import resources
from ewm_ros.errors import InputError
from ewm_ros.names import PACKAGE
from ewm_ros.resources import available, resource, share


def test_in_a_checkout_the_data_lie_beside_the_sources() -> None:
    assert share() == Path(resources.__file__).parents[1]
    assert {"corridor", "doorway", "intersection"} <= set(available("worlds", ".yaml"))
    assert available("worlds", ".nothing") == []


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package far from its sources, as pip and colcon install it; returns an empty prefix."""
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "lib" / PACKAGE / "resources.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nowhere"))
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    return tmp_path / "prefix"


def fill(prefix: Path) -> Path:
    folder = prefix / "share" / PACKAGE
    for name in ("worlds", "config"):
        (folder / name).mkdir(parents=True)
    return folder


def test_pip_puts_them_under_the_environments_prefix(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(installed))
    assert fill(installed) == share()


def test_colcon_puts_them_under_one_of_the_ament_prefixes(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/opt/other:{installed}")
    assert fill(installed) == share()


def test_an_installation_without_data_says_where_it_looked(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(installed))
    with pytest.raises(
        InputError, match=r"no data files of ewm_ros in .*prefix/share/ewm_ros.*install the package again"
    ):
        share()


def test_a_name_means_a_shipped_file_and_a_path_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "site.yaml"
    own.touch()
    monkeypatch.chdir(tmp_path)
    assert resource("worlds", "doorway", ".yaml", kind="world") == share() / "worlds" / "doorway.yaml"
    assert resource("worlds", str(own), ".yaml", kind="world") == own
    assert resource("worlds", "site.yaml", ".yaml", kind="world") == Path("site.yaml")
    assert resource("worlds", "./site.yaml", ".yaml", kind="world").samefile(own)


def test_a_path_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "site.yaml").touch()
    assert resource("worlds", "~/site.yaml", ".yaml", kind="world") == tmp_path / "site.yaml"


@pytest.mark.parametrize("path", ["./nothing.yaml", "nothing.yaml", "../worlds/doorway", "worlds/"])
def test_a_path_without_a_file_is_refused_by_its_name(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        resource("worlds", path, ".yaml", kind="world")
    assert str(error.value) == f"world file {path!r} does not exist"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/", "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        ("x" * 5000, "cannot be read (File name too long)"),
        ("~nobody-of-this-name/x.yaml", "cannot be read (Could not determine home directory.)"),
    ],
)
def test_what_is_no_file_of_ones_own_is_refused_too(path: str, reason: str) -> None:
    with pytest.raises(InputError) as error:
        resource("worlds", path, ".yaml", kind="world")
    assert str(error.value) == f"world file {path[:100]!r} {reason}"


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match=r"unknown world 'mars': there are .*corridor, .*doorway"):
        resource("worlds", "mars", ".yaml", kind="world")
