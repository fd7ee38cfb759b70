"""Numba's compiler with the settings that all compiled functions of the simulation share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The function in machine code, made on its first call and kept on disk for the next process.

    Strict IEEE arithmetic in the order written (no fastmath, no threads), so that equal input gives equal bits. Numba
    keeps the code beside the source or, where that is read-only, in the user's cache folder; without either it is made
    anew in each process.
    """
    try:
        return cast(Function, njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # numba's "no locator available": there is no folder to write to
        return cast(Function, njit(error_model="numpy")(function))
