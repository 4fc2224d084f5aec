"""``bench demo``: summaries that a real run wrote on the demo, to be searched without training."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from bench.store.json_files import read_json
from bench.systems.registry import FILE_PREFIX

__cache_neutral__ = True

RECORDS = "demo_summaries"
"""The folder in `bench.data` that ``benchmarks/record_demo.py`` writes: summaries, and their records."""


def demo_folder() -> Path:
    """Locate the recorded summaries."""
    return Path(str(resources.files("bench.data"))) / RECORDS


def recorded_run() -> Mapping[str, Any]:
    """Read what the recorded run was: its commit, dataset, settings, and its generators in table order."""
    run: Mapping[str, Any] = read_json(demo_folder() / "run.json")
    return run


def demo_options() -> dict[str, Any]:
    """Read the options of `bench.run` that repeat the recorded run without its trainings.

    A generator whose summaries are not recorded needs no model: it writes them now.
    """
    run, folder = recorded_run(), demo_folder()
    recorded = {path.stem: path for path in folder.glob("*.jsonl")}
    names = [f"{FILE_PREFIX}{recorded[name]}" if name in recorded else name for name in run["generators"]]
    return {**run["settings"], "generators": names, "retrievers": ["bm25"]}
