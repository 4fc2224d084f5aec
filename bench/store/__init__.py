"""The store that runs share: models, summaries, runs and scores, each under its key."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    # plug-ins written for 0.1 import Store and Artefact from here; this goes with the next release
    if name in ("Artefact", "Store", "default_root"):
        from bench.store import artefacts

        return getattr(artefacts, name)
    raise AttributeError(f"module 'bench.store' has no attribute '{name}'")
