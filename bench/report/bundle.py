"""Vega, Vega-Lite and Vega-Embed as one script, made once a machine."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from bench.store.artefacts import Store

PACKAGE = "vl-convert-python"
_FILE = "vega.js"


def vega_script(store: Store) -> str:
    """Return the script to put into a page (0.9 MB); bundling takes seconds, so that the store keeps it."""
    key = {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE)}
    return (store.fetch("page-script", key, _bundle).path / _FILE).read_text(encoding="utf-8")


def _bundle(folder: Path) -> None:
    import vl_convert

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub misses the default
    (folder / _FILE).write_text(script, encoding="utf-8", newline="")
