"""Surfaces as bodies of an engine instance, by way of files: OpenGL draws no surface that comes from memory."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from typing_extensions import Self

from ewm_ros.errors import InputError
from ewm_ros.simulation.physics.engine import pybullet
from ewm_ros.simulation.pictures.colours import Colour
from ewm_ros.simulation.pictures.meshes import Mesh


class Workshop:
    """Makes bodies to be looked at. A context manager: the files are gone after it, and the bodies stay.

    Raises:
        InputError: there is no room for temporary files.
    """

    def __init__(self, client: int) -> None:
        self._client = client
        self._files: dict[Mesh, Path] = {}
        pybullet.setPhysicsEngineParameter(enableFileCaching=0, physicsClientId=client)
        try:
            self._folder = TemporaryDirectory(prefix="ewm_")
        except OSError as error:
            raise _no_room(error) from error

    def body(self, surface: Mesh, colour: Colour) -> int:
        """A body at the origin that is nothing but this surface."""
        shape = pybullet.createVisualShape(
            pybullet.GEOM_MESH,
            fileName=str(self._file(surface)),
            rgbaColor=(*colour, 1.0),
            physicsClientId=self._client,
        )
        body: int = pybullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=self._client)
        return body

    def _file(self, surface: Mesh) -> Path:
        if surface not in self._files:
            path = Path(self._folder.name, f"{len(self._files)}.obj")
            try:
                surface.write(path)
            except OSError as error:
                raise _no_room(error) from error
            self._files[surface] = path
        return self._files[surface]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()


def _no_room(error: OSError) -> InputError:
    return InputError(f"pictures need room for temporary files ({error})")
