"""The files that runs are made from: known by their hashes, and taken along to machines that lack them."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ewm_ros.coordination.arbitration.settings import FILE as PRESETS
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.runs import RunSpec
from ewm_ros.names import PACKAGE
from ewm_ros.resources import resource, stand_in
from ewm_ros.robot.guarded_predictor import NO_MODEL
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.worlds.world_file import World, load_world, world_path
from ewm_ros.world_model.network_runtime import CONFIG, MODELS, NETWORK, model_folder


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a name or path means on the machine that asks for runs.

    Attributes:
        folder: of the package's data folders.
        asked: the name or path.
        files: contents by their names in there: one, or those of a model's folder.
    """

    folder: str
    asked: str
    files: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        """Of the content; of a model, of its configuration followed by its network."""
        return hashlib.sha256(b"".join(self.files.values())).hexdigest()

    def put_into(self, place: Path) -> None:
        """Have the name or path mean this content in this process.

        Args:
            place: an existing folder for it, of nothing else.
        """
        for name, content in self.files.items():
            _keep(place / name, content)
        stand_in(self.folder, self.asked, place if self.folder == MODELS else place / next(iter(self.files)))


@dataclass(frozen=True, slots=True)
class WorldHashes:
    """What a world is made of.

    Attributes:
        world_sha256: of its file; of its content, if it is made from a number.
        robots_sha256: of the files of its robots' types and bodies.
    """

    world_sha256: str
    robots_sha256: str


def world_hashes(name_or_path: str) -> WorldHashes:
    """Of one world.

    Raises:
        InputError: it, or one of its robots, is not there.
    """
    world, own = load_world(name_or_path), _world_file(name_or_path)
    content = own.sha256 if own else hashlib.sha256(world.model_dump_json(warnings=False).encode()).hexdigest()
    robots = "".join(file.sha256 for file in _robot_files(world))
    return WorldHashes(content, hashlib.sha256(robots.encode()).hexdigest())


def files_of(specs: Sequence[RunSpec]) -> tuple[RunFile, ...]:
    """All files that some runs read, each once.

    Raises:
        InputError: one cannot be read.
    """
    found = list[RunFile | None]()
    for name in dict.fromkeys(spec.world for spec in specs):
        found += [_world_file(name), *_robot_files(load_world(name))]
    found += [_model_file(model) for model in dict.fromkeys(spec.model for spec in specs)]
    if any(spec.arbiter is not None for spec in specs):
        found.append(_file("config", PRESETS, resource("config", PRESETS, ".yaml", kind="arbiter presets")))
    return tuple({(file.folder, file.asked): file for file in found if file is not None}.values())


def _world_file(name_or_path: str) -> RunFile | None:
    path = world_path(name_or_path)
    return None if path is None else _file("worlds", name_or_path, path)


def _robot_files(world: World) -> Iterator[RunFile]:
    for model in dict.fromkeys(world.robots.model_of(i) for i in range(world.robots.count.max)):
        yield _file("config/robots", model, resource("config/robots", model, ".yaml", kind="robot type"))
        body = load_robot_type(model).name
        yield _file("models/robots", body, resource("models/robots", body, ".urdf", kind="robot model"))


def _model_file(model: str) -> RunFile | None:
    """None if none is wanted; without files, if the shipped one is not there and robots have to do without."""
    if model == NO_MODEL:
        return None
    try:
        folder = model_folder(model)
    except InputError:
        return RunFile(MODELS, model, {})
    paths = [folder / name for name in (CONFIG, NETWORK)]
    return RunFile(MODELS, model, {path.name: _read(path) for path in paths if path.is_file()})


def _file(folder: str, asked: str, path: Path) -> RunFile:
    return RunFile(folder, asked, {path.name: _read(path)})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error


def packed(files: Sequence[RunFile]) -> bytes:
    """Files in the form that `unpack_once` takes on another machine."""
    return pickle.dumps(tuple(files))


@lru_cache(maxsize=1)
def unpack_once(package: bytes) -> None:
    """Have all names and paths mean in this process what they meant where the package was made.

    The files lie in the system's folder for temporary ones, under their hash: each is written once on a machine,
    however many processes and runs need it.

    Raises:
        InputError: they cannot be written.
    """
    root = Path(tempfile.gettempdir(), f"{PACKAGE}-{os.getuid()}", hashlib.sha256(package).hexdigest())
    try:
        _make_own(root.parent)
        for number, file in enumerate(pickle.loads(package)):
            place = root / str(number)
            place.mkdir(parents=True, exist_ok=True)
            file.put_into(place)
    except OSError as error:
        raise InputError(f"{root}: the files of the runs cannot be written ({error.strerror})") from error


def _keep(path: Path, content: bytes) -> None:
    """Write a file that others may be writing and reading at this moment, with the same content."""
    if path.is_file() and path.read_bytes() == content:
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _make_own(folder: Path) -> None:
    """A folder that nobody else may write into."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise InputError(f"{folder} is not this user's alone: remove it")
