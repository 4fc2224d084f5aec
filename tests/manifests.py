"""Manifests for tests: a small one, and edits that leave the manifest whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.output.manifest import DatasetInfo, EvaluationInfo, Manifest, read_document, write_document


def small_manifest(**changes: Any) -> Manifest:
    """Return the manifest of a run that never was."""
    values: dict[str, Any] = {
        "bench_version": "0.1.0", "finished": True, "files": {}, "signature": {"data": "x"}, "run": "0",
        "settings": {}, "dataset": DatasetInfo("x", synthetic=False, language="en", version="1", digest="0"),
        "evaluation": EvaluationInfo(5, 5, 1.0, 100), "code": {}, "packages": {}, "machine": {},
        "labels": {}, "references": [], "coverage": {}, "coverage_line": "dataset: 5 videos",
    }  # fmt: skip
    return Manifest(**{**values, **changes})


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the JSON object of a manifest and write it with its new digest."""
    document = read_document(folder)
    edit(document)
    write_document(folder, document)
