"""The trained network on ONNX Runtime: what robots run. No torch."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.resources import share, stood_in_for
from ewm_ros.trajectory import HORIZON
from ewm_ros.world_model.layout import LAYOUT, OUTPUTS, STATE_DIM

CONFIG, NETWORK = "config.json", "network.onnx"
MODELS = "models/world_model"

Floats = NDArray[np.float32]


class Network:
    """A world model ready to run, on one thread.

    Args:
        folder: holds network.onnx and config.json.

    Raises:
        InputError: the model is missing, broken, or made for another layout of the state vector.
    """

    def __init__(self, folder: Path) -> None:
        path, config = folder / NETWORK, folder / CONFIG
        try:
            layout = json.loads(config.read_text(encoding="utf-8"))["layout"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"world model {folder}: {CONFIG} is missing or broken; train or copy the model anew"
            ) from error
        if layout != LAYOUT:
            raise InputError(f"world model {folder} is for layout {layout}, this program has {LAYOUT}: train anew")
        options = onnxruntime.SessionOptions()
        # Ten robots share a machine: one thread each, and no spinning while they wait for the next scan.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            futures, probabilities = self.run(np.zeros(STATE_DIM, np.float32))
        except Exception as error:  # ONNX Runtime has an exception type for each cause, none public
            raise InputError(
                f"world model {path} is missing, broken or of another kind: train or copy it anew"
            ) from error
        if futures.shape[1:] != (HORIZON, OUTPUTS) or probabilities.shape != futures.shape[:1]:
            raise InputError(f"world model {path} gives {futures.shape}, not rollouts of {HORIZON} steps: train anew")

    def run(self, state: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """(256,) -> futures (R, 50, 5), see layout.py with radii in m, and their probabilities (R,)."""
        futures, probabilities = self.run_all(state[None])
        return futures[0], probabilities[0]

    def run_all(self, states: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """(B, 256) -> the same of many states in one call, (B, R, 50, 5) and (B, R).

        A state's futures do not depend on the states beside it, but for rounding: ONNX Runtime multiplies matrices of
        all sizes in the same order on x86-64, where the bits are the same too.
        """
        futures, probabilities = self._session.run(None, {"state": states.astype(np.float32)})
        return futures, probabilities


@lru_cache(maxsize=4)
def shared_network(folder: Path) -> Network:
    """The network of a folder, one for all robots of a process: it keeps nothing between two runs.

    Raises:
        InputError: see Network.
    """
    return Network(folder)


def model_folder(name_or_path: str) -> Path:
    """The folder of a model: a name in models/world_model, or a path.

    Raises:
        InputError: there is no such folder.
    """
    if other := stood_in_for(MODELS, name_or_path):
        return other
    shipped = share() / MODELS
    folder = Path(name_or_path).expanduser() if "/" in name_or_path else shipped / name_or_path
    if folder.is_dir():
        return folder
    known = ", ".join(sorted(path.name for path in shipped.glob("*") if path.is_dir())) or "none"
    raise InputError(f"no world model {name_or_path!r}: there are {known}, or give a folder's path")
