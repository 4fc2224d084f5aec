"""Files in several processes: one that ends its process costs no other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench.prepare import pipeline
from bench.prepare.extraction import PREPARED, UNREADABLE, Extracted
from bench.prepare.files import VideoFile
from bench.prepare.options import PrepareOptions


def begin(options: PrepareOptions, store: Path) -> None:
    """Load no models."""


def work(file: VideoFile) -> Extracted:
    """End the process, as a defect of a library does, for two files."""
    if file.video_id in ("v3", "v4"):
        os._exit(1)
    return Extracted(file, PREPARED)


def test_a_file_that_ends_its_process_is_unreadable_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_begin", begin)
    monkeypatch.setattr(pipeline, "_work", work)
    files = [VideoFile(tmp_path / f"v{i}", f"v{i}", f"v{i}", "test") for i in range(6)]
    options = PrepareOptions(jobs=2)
    unused: Any = None
    results = pipeline.extract_all(files, unused, options, store=tmp_path, quiet=True)
    assert [result.file.name for result in results] == [file.name for file in files]
    assert [result.status for result in results] == [
        UNREADABLE if file.name in ("v3", "v4") else PREPARED for file in files
    ]
    assert "reading it ended the process" in results[3].notes[0]
