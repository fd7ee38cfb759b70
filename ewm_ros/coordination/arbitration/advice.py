"""Whom to ask, as parameters and command lines say it: names and paths, never the key itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from ewm_ros.coordination.arbitration.api_key import VARIABLE, read_api_key
from ewm_ros.coordination.arbitration.settings import ArbiterSettings, load_settings
from ewm_ros.names import PACKAGE

NONE = "none"  # no file of answers


@dataclass(frozen=True, slots=True)
class Advice:
    """What an operator has said; what is empty has its default.

    Attributes:
        preset: of config/integration_config.yaml.
        url, model: other ones than the preset's; both together do without one.
        config: file of presets in place of the shipped one.
        key_file: that holds the key; the environment is asked if there is none.
        cache: file in which answers are kept, in the user's cache folder by default; `none` for in memory.
    """

    preset: str = ""
    url: str = ""
    model: str = ""
    config: str = ""
    key_file: str = ""
    cache: str = ""

    @property
    def wanted(self) -> bool:
        """Whether anything has been said."""
        return bool(self.parameters)

    @property
    def parameters(self) -> dict[str, str]:
        """What has been said, as parameters of the coordinator's node."""
        named = {
            "arbiter": self.preset,
            "arbiter_url": self.url,
            "arbiter_model": self.model,
            "arbiter_config": self.config,
            "arbiter_key_file": self.key_file,
            "arbiter_cache": self.cache,
        }
        return {name: value for name, value in named.items() if value}

    def settings(self) -> ArbiterSettings:
        """Whom that means.

        Raises:
            InputError: there is no such preset, too little was said, or something impossible.
        """
        return load_settings(self.preset, base_url=self.url, model=self.model, path=_path(self.config))

    def key(self) -> SecretStr | None:
        """The server's key, None if there is none.

        Raises:
            InputError: there is one that is not to be used, or a file that cannot be read.
        """
        return read_api_key(_path(self.key_file))

    def lacking(self) -> str:
        """Why nobody can be asked though all that was said is right, one line; empty if somebody can.

        Raises:
            InputError: as settings and key.
        """
        settings = self.settings()
        if self.key() or not settings.needs_key:
            return ""
        return (
            f"no arbiter: {settings.base_url} needs a key: set {VARIABLE} in the environment, "
            "or name a file of mode 0600 that holds it as arbiter_key_file (--arbiter-key-file)"
        )

    def cache_path(self) -> Path | None:
        """The file in which answers are kept; None for in memory."""
        if self.cache:
            return None if self.cache == NONE else _path(self.cache)
        folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        # A user without a home has nowhere to keep them.
        return None if folder.startswith("~") else Path(folder, PACKAGE, "arbiter.sqlite")


NO_ADVICE = Advice()


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
