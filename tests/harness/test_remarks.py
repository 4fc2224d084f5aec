"""What readers must know of a retriever is in the coverage line, once for all its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import bench
from retrievers.bm25.retriever import BM25
from tests.tiny import Tiny


class Untuned:
    """BM25 that says something of itself."""

    label = "Untuned"

    def __init__(self, context: bench.Context) -> None:
        self._bm25 = BM25(context)

    def index(self, summaries: Mapping[str, str]) -> None:
        self._bm25.index(summaries)

    def search(self, queries: Mapping[str, str], k: int) -> bench.Run:
        return self._bm25.search(queries, k)

    def remarks(self) -> Sequence[str]:
        return ["not tuned: no epoch was better"]


def test_a_remark_of_a_retriever_is_in_the_coverage_line_once(tiny: Tiny, tmp_path: Path) -> None:
    result = bench.run(
        data=tiny.folder, generators="lead,transcript", retrievers=["bm25", Untuned], out=tmp_path / "out"
    )
    assert result.manifest.coverage_line.count("not tuned") == 1
    assert "Untuned: not tuned: no epoch was better" in result.manifest.coverage_line
    assert result.summary is not None
    cautions = [caution.text for caution in result.summary.cautions if caution.about == "retrievers"]
    assert cautions == [
        "Untuned has the same scores as BM25 in every cell: both seem to return the same results."
    ]
