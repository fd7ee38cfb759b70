"""Puts an arbiter together from what its operator has set."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.settings import ArbiterSettings
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.errors import InputError


def open_arbiter(
    settings: ArbiterSettings,
    site: Site,
    api_key: SecretStr | None = None,
    cache_path: Path | None = None,
    *,
    cache_needed: bool = True,
) -> Arbiter:
    """An arbiter that asks a language model; its thread runs until it is closed.

    Args:
        cache_path: of the file that keeps answers; in memory only if not given.
        cache_needed: whether to do without an arbiter if that file cannot be used; else answers are kept in memory.

    Raises:
        InputError: the OpenAI SDK is not installed, or the file cannot be used.
    """
    try:
        cache = AnswerCache(cache_path)
    except InputError as error:
        if cache_needed:
            raise
        cache = AnswerCache(trouble=str(error))
    return Arbiter(site, ModelAdviser(settings, api_key), cache, deadline=settings.limits.deadline_s)
