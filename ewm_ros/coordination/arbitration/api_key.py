"""The key of the server that is asked for advice: from the environment or a file that nobody else can read.

It is no setting and no parameter: those are dumped, logged and recorded. No complaint here quotes any of it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from ewm_ros.errors import InputError

VARIABLE = "DEEPSEEK_API_KEY"
MAX_KEY = 512  # characters


def read_api_key(file: Path | None = None) -> SecretStr | None:
    """The key in a file if one is named, else in the environment; None if there is none.

    Raises:
        InputError: the file cannot be read, is not ours alone (mode 0600 or 0400), or what is there can be no key.
    """
    if file is not None:
        return _checked(_read(file), str(file))
    key = os.environ.get(VARIABLE, "").strip()
    return _checked(key, VARIABLE) if key else None


def _read(file: Path) -> str:
    try:
        # Without O_NONBLOCK the mere opening of a FIFO waits for somebody who writes into it. What is checked is what
        # is open, and what is read: the name may stand for something else a moment later.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{file}: the key is not read: it is not a regular file")
            if status.st_uid != os.geteuid():
                raise InputError(f"{file}: the key is not read: the file belongs to another user")
            if status.st_mode & 0o177:
                mode = stat.S_IMODE(status.st_mode)
                raise InputError(f"{file}: the key is not read: others may read it (mode {mode:04o}), chmod 600 it")
            content = opened.read(MAX_KEY + 3)
    except OSError as error:
        raise InputError(f"{file}: the key cannot be read ({error.strerror})") from None
    return content.decode("latin-1").removesuffix("\n").removesuffix("\r")


def _checked(key: str, source: str) -> SecretStr:
    """The key as it stands; a header can hold no other."""
    if not key:
        raise InputError(f"{source}: there is no key in it")
    if len(key) > MAX_KEY:
        raise InputError(f"{source}: that is no key: longer than {MAX_KEY} characters")
    if not all("!" <= character <= "~" for character in key):
        raise InputError(f"{source}: that is no key: one line of plain characters is needed, without blanks")
    return SecretStr(key)
