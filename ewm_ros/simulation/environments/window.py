"""A window that shows pictures, for the render mode `human`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ewm_ros.errors import InputError

OTHER_WAY = 'or use render_mode="rgb_array"'


class Window:
    """One window; closing it by hand ends the show, not the program.

    Raises:
        InputError: there is no display, or this Python came without tkinter.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter

            from PIL import ImageTk  # imports tkinter too
        except ImportError as error:
            raise InputError(f"a window needs tkinter (package python3-tk): install it, {OTHER_WAY}") from error
        try:
            self._root: tkinter.Tk | None = tkinter.Tk()
        except tkinter.TclError as error:
            raise InputError(f"a window needs a display ({error}): set DISPLAY, {OTHER_WAY}") from error
        self._photo_of = ImageTk.PhotoImage
        self._root.title(title)
        self._root.protocol("WM_DELETE_WINDOW", self.close)
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Replace what the window shows by a picture, (H, W, 3)."""
        if self._root is None:
            return
        # Tk keeps no reference to a picture: without this attribute it would vanish.
        self._photo = self._photo_of(Image.fromarray(picture), master=self._root)
        self._label.configure(image=self._photo)
        self._root.update()

    def close(self) -> None:
        """Take the window away; may be called again."""
        if self._root is not None:
            self._root.destroy()
            self._root = None
