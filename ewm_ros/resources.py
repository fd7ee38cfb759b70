"""Where the package's data files are: beside the sources in a checkout, under share/ewm_ros in an installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ewm_ros.errors import InputError
from ewm_ros.names import PACKAGE


def share() -> Path:
    """The folder that holds config/, launch/, worlds/ and models/.

    Raises:
        InputError: there is none, which means that the installation is incomplete.
    """
    source = Path(__file__).resolve().parent.parent
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    candidates = [source, *(Path(p, "share", PACKAGE) for p in [*prefixes, sys.prefix])]
    for folder in candidates:
        if (folder / "worlds").is_dir() and (folder / "config").is_dir():
            return folder
    raise InputError(f"no data files of {PACKAGE} in {', '.join(map(str, candidates))}: install the package again")


_stand_ins: dict[tuple[str, str], Path] = {}


def stand_in(folder: str, name_or_path: str, path: Path) -> None:
    """Have a name or path mean another file or folder, in this process and from now on.

    For a machine that works for another one, and lacks the file or has another one in its place.

    Args:
        folder: of the data folders, in which the name would be looked up.
    """
    _stand_ins[folder, name_or_path] = path


def stood_in_for(folder: str, name_or_path: str) -> Path | None:
    """What `stand_in` has told of a name or path; None if it means itself."""
    return _stand_ins.get((folder, name_or_path))


def available(folder: str, suffix: str) -> list[str]:
    """Names of the files with this suffix in one of the data folders."""
    return sorted(p.name.removesuffix(suffix) for p in (share() / folder).glob(f"*{suffix}"))


def resource(folder: str, name_or_path: str, suffix: str, *, kind: str) -> Path:
    """The file that a user means by a name (`doorway`) or by a path (`./my_site.yaml`).

    Raises:
        InputError: there is no such file; the line lists the names there are.
    """
    if other := stood_in_for(folder, name_or_path):
        return other
    try:
        if "/" in name_or_path or name_or_path.endswith(suffix):
            path = Path(name_or_path).expanduser()
            if path.is_file():
                return path
            reason = "is not a regular file" if path.exists() else "does not exist"
            raise InputError(f"{kind} file {name_or_path!r} {reason}")
        path = share() / folder / f"{name_or_path}{suffix}"
        if path.is_file():
            return path
    except (OSError, RuntimeError) as error:  # a name that is too long, a folder that is not ours, nobody's home
        explained = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{kind} file {name_or_path[:100]!r} cannot be read ({explained})") from error
    raise InputError(f"unknown {kind} {name_or_path!r}: there are {', '.join(available(folder, suffix))}")
