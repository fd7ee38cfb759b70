"""OpenGL without a display, by PyBullet's EGL plugin: its context, made current only for as long as it is needed.

The plugin itself makes its context current once, in the thread that loads it: in other threads it would draw nothing,
and what one engine instance draws would come from another one that loaded it later.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from ewm_ros.simulation.physics.engine import pybullet, silence

PLUGIN_MODULE = "eglRenderer"  # comes with PyBullet where it can be built
LIBRARY = "libEGL.so.1"
EGL_DRAW = 0x3059  # the surface that is drawn on, as eglGetCurrentSurface calls it


def comes_with_pybullet() -> bool:
    """Whether there is a plugin that could be loaded."""
    return find_spec(PLUGIN_MODULE) is not None


class EglContext:
    """The OpenGL context by which an engine instance draws, from now on."""

    def __init__(self, client: int, plugin: int) -> None:
        self._client = client
        self._plugin = plugin
        self._turn = threading.Lock()
        self._library = ctypes.CDLL(LIBRARY)
        for name in ("eglGetCurrentDisplay", "eglGetCurrentSurface", "eglGetCurrentContext"):
            getattr(self._library, name).restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._library.eglGetCurrentDisplay())
        self._surface = ctypes.c_void_p(self._library.eglGetCurrentSurface(EGL_DRAW))
        self._context = ctypes.c_void_p(self._library.eglGetCurrentContext())
        self._make_current(None, None)

    @classmethod
    def open(cls, client: int) -> EglContext | None:
        """Load the plugin into an engine instance; None if it does not load. May end the process."""
        found = find_spec(PLUGIN_MODULE)
        if found is None:
            return None
        with silence():
            plugin = pybullet.loadPlugin(found.origin, "_eglRendererPlugin", physicsClientId=client)
        return cls(client, plugin) if plugin >= 0 else None

    @contextmanager
    def current(self) -> Iterator[None]:
        """For the time in which surfaces are made or drawn: this thread's OpenGL is that of the engine instance."""
        with self._turn:
            self._make_current(self._surface, self._context)
            try:
                yield
            finally:
                self._make_current(None, None)

    def _make_current(self, surface: ctypes.c_void_p | None, context: ctypes.c_void_p | None) -> None:
        if not self._library.eglMakeCurrent(self._display, surface, surface, context):
            raise RuntimeError(f"EGL does not change its context (error {self._library.eglGetError():#x})")

    def close(self) -> None:
        """Unload the plugin; the engine instance cannot draw any more."""
        with self.current(), silence():
            pybullet.unloadPlugin(self._plugin, physicsClientId=self._client)
