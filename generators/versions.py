"""Versions of the packages that generators compute with, for the keys of artefacts that rows share."""

from __future__ import annotations

from bench.store.environment import installed_versions
from bench.types import Json
from generators.groups import PACKAGES


def numerics() -> dict[str, Json]:
    """Return the installed versions."""
    return {**installed_versions(["numpy", *PACKAGES])}
