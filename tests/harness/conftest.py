"""The finished run that the tests of the harness share."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from tests.harness.commands import RETRIEVER
from tests.tiny import TEST_POOL, lines, write_tiny


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data and the outputs of one run that nobody may change."""
    folder = tmp_path_factory.mktemp("finished")
    data = write_tiny(folder / "tiny")
    lines(
        folder / "theirs.jsonl",
        [{"video_id": v, "summary": f"{v} apple pie | <b>"} for v in TEST_POOL if v not in ("v9", "v3")],
    )
    bench.run(
        data=data.folder, generators=["lead", "transcript", "oracle", f"file:{folder / 'theirs.jsonl'}"],
        retrievers=[RETRIEVER], out=folder / "out", store=folder / "store",
    )  # fmt: skip
    return folder
