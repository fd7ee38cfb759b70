"""Data sets of windows: what a robot knew at a moment, what it was told to drive for 5 s, and where that took it.

A data set is a folder: `manifest.json` and numbered chunks, `chunk-00012.npz`. Chunks are written whole or not at all,
and the manifest names each with its hash, so an interrupted collection goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.trajectory import HORIZON
from ewm_ros.world_model.layout import ACTION_DIM, LAYOUT, STATE_DIM

FORMAT = 1
MANIFEST = "manifest.json"
EVERY = 5  # steps between two windows of a robot

Half = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """M windows of robots' lives.

    Attributes:
        state: (M, 256), see layout.py.
        future: (M, 50, 3) progress since now (s at full speed), m beside the route, rad turned since now.
        actions: (M, 50, 2) velocities commanded in each step, as shares of the robot's limits.
        robot: (M, 2) the robot's full speed (m/s) and radius (m).
        place: (M, 3) run (counted in the chunk), robot and tick: where the window lies.
    """

    state: Half
    future: Half
    actions: Half
    robot: NDArray[np.float32]
    place: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.state)

    @staticmethod
    def joined(parts: Sequence[Windows], runs: Sequence[int]) -> Windows:
        """All windows of some.

        Args:
            runs: how many runs each part has; those of the next part are counted on from there.
        """
        if not parts:
            return Windows(
                np.empty((0, STATE_DIM), np.float16),
                np.empty((0, HORIZON, 3), np.float16),
                np.empty((0, HORIZON, ACTION_DIM), np.float16),
                np.empty((0, 2), np.float32),
                np.empty((0, 3), np.int32),
            )
        before = np.cumsum([0, *runs[:-1]])
        places = [part.place + np.array([first, 0, 0], np.int32) for part, first in zip(parts, before, strict=True)]
        return Windows(
            np.concatenate([p.state for p in parts]),
            np.concatenate([p.future for p in parts]),
            np.concatenate([p.actions for p in parts]),
            np.concatenate([p.robot for p in parts]),
            np.concatenate(places).astype(np.int32),
        )

    def where(self, kept: NDArray[np.bool_]) -> Windows:
        """Those windows that are kept: (M,)."""
        return Windows(*(getattr(self, name)[kept] for name in Windows.__slots__))

    def later(self, ticks: int) -> NDArray[np.int64]:
        """(M,) index of the same robot's window so many ticks later, -1 where there is none."""
        span = np.int64(self.place[:, 2].max(initial=0)) + ticks + 1
        robots = np.int64(self.place[:, 1].max(initial=0)) + 1
        run, robot, tick = self.place.astype(np.int64).T
        keys = (run * robots + robot) * span + tick
        order = np.argsort(keys)
        at = np.searchsorted(keys[order], keys + ticks)
        at = np.minimum(at, len(keys) - 1)
        found = order[at]
        return np.where(keys[found] == keys + ticks, found, -1)


class DataSet:
    """A folder of chunks.

    Args:
        folder: made if it is not there.
        recipe: what its chunks are made by; a folder that was made by another one is refused.

    Raises:
        InputError: the folder's manifest cannot be read, or is that of other data.
    """

    def __init__(self, folder: Path, recipe: Mapping[str, object] | None = None) -> None:
        self.folder = folder
        self._manifest: dict[str, Any] = {
            "format": FORMAT,
            "layout": LAYOUT,
            "recipe": dict(recipe or {}),
            "chunks": {},
        }
        path = folder / MANIFEST
        if path.is_file():
            self._read(path, recipe)
        elif recipe is None:
            raise InputError(f"{folder} is not a data set: it has no {MANIFEST}; make one with `ewm collect`")
        else:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._save()
            except OSError as error:
                raise InputError(f"data set {folder} cannot be made: {error.strerror}") from error

    def _read(self, path: Path, recipe: Mapping[str, object] | None) -> None:
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            known = (manifest["format"], manifest["layout"])
            manifest["recipe"], [(c["sha256"], c["windows"], c["episodes"]) for c in manifest["chunks"].values()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is not a manifest of a data set: collect into another folder") from error
        if known != (FORMAT, LAYOUT):
            raise InputError(f"{path}: format and layout {known}, this program uses {(FORMAT, LAYOUT)}: collect anew")
        if recipe is not None and manifest["recipe"] != json.loads(json.dumps(dict(recipe))):
            raise InputError(f"{path}: made with {manifest['recipe']}, not {dict(recipe)}: choose another folder")
        self._manifest = manifest

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What its chunks are made by."""
        recipe: Mapping[str, Any] = self._manifest["recipe"]
        return recipe

    @property
    def chunks(self) -> Mapping[str, Any]:
        """By name: sha256, windows and episodes of the chunks that are whole."""
        chunks: Mapping[str, Any] = self._manifest["chunks"]
        return chunks

    def has(self, name: str) -> bool:
        """Whether this chunk is there, as the manifest says."""
        known = self.chunks.get(name)
        path = self.folder / f"{name}.npz"
        return known is not None and path.is_file() and _sha256(path) == known["sha256"]

    def add(self, name: str, windows: Windows, episodes: Sequence[Mapping[str, object]]) -> None:
        """Write a chunk and enter it in the manifest.

        Raises:
            InputError: it cannot be written, for lack of space for instance; what was there before still is.
        """
        path = self.folder / f"{name}.npz"
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                np.savez_compressed(
                    file,
                    state=windows.state,
                    future=windows.future,
                    actions=windows.actions,
                    robot=windows.robot,
                    place=windows.place,
                )
            partial.replace(path)
            entry = {"sha256": _sha256(path), "windows": len(windows), "episodes": [dict(e) for e in episodes]}
            self._manifest["chunks"][name] = entry
            self._save()
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"data set {self.folder}: {name} cannot be written: {error.strerror}; make room and collect again, "
                "it goes on where it was"
            ) from error

    def _save(self) -> None:
        path = self.folder / MANIFEST
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self._manifest, indent=1), encoding="utf-8")
        partial.replace(path)

    def read(self, names: Sequence[str]) -> Windows:
        """The windows of some chunks.

        Raises:
            InputError: a chunk is damaged.
        """
        parts = []
        for name in names:
            path = self.folder / f"{name}.npz"
            if not self.has(name):
                raise InputError(
                    f"{path} is missing or damaged: run `ewm collect` again, it replaces what is not whole"
                )
            with np.load(path, allow_pickle=False) as arrays:
                parts.append(Windows(**{key: arrays[key] for key in Windows.__slots__}))
        return Windows.joined(parts, [len(self.chunks[name]["episodes"]) for name in names])

    @property
    def fingerprint(self) -> str:
        """A hash of all the data."""
        parts = sorted((name, chunk["sha256"]) for name, chunk in self.chunks.items())
        return hashlib.sha256(json.dumps([self.recipe, parts]).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
