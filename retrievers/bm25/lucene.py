"""BM25 by Lucene, in the Java machine of this process (`java_machine`).

The variant is that of Lucene's BM25Similarity, with Anserini's k1 and b: a document scores the sum over the
query's terms of ``idf * f / (f + k1 (1 - b + b L / mean L))``, where f counts the term in the document, L is
the document's length in terms (kept in one byte: see `bm25s.quantise_length`), and ``idf = ln(1 + (N - n +
0.5) / (n + 0.5))`` for n of N documents that have the term. The factor k1 + 1 of the textbook formula is
absent: it changes no order. Source: Robertson and Zaragoza 2009; org.apache.lucene.search.similarities.

Scores are rounded to 4 decimals, as Anserini writes them, before documents are ordered: what differs further
down counts as tied and goes by video id. The analyzer, which turns a text into terms, goes by the dataset's
language (see `languages`).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from bench.types import NO_HIT
from retrievers.bm25.batch import BatchSearch
from retrievers.bm25.java_machine import LUCENE, java
from retrievers.bm25.languages import LUCENE_CLASSES
from retrievers.ranking import PaddedHits, pad_hits

FIELD = "contents"
PREFIX, OWNER = "qms-bench-lucene-", "owner.lock"
"""Of an index's folder: how its name begins, and the file that its process holds locked."""
LOCKED_AFTER = 60
"""Seconds after which a folder that is not locked has no process that will lock it."""
MARGIN = 10
"""Hits requested beyond depth k, so that most queries need one search."""
FEW = 2
"""Hits requested behind all those of one score."""

OfText = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]
"""Document numbers ``[h]`` and scores ``[h]`` of one query's hits."""


def _sweep_leftovers() -> None:
    """Remove the folders of indexes whose process was killed, even before it locked its folder."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # of a lock in use, too: Timeout is one
            if (folder / OWNER).exists() or time.time() - folder.stat().st_mtime > LOCKED_AFTER:
                with FileLock(folder / OWNER, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


class LuceneIndex:
    """An index of texts in a temporary folder, searched with Lucene's BM25.

    Documents are numbered in the order given, and Lucene breaks ties of its scores by that number: one
    thread adds them, and only neighbouring segments are merged.
    """

    def __init__(self, texts: Sequence[str], analyzer: str, *, k1: float, b: float) -> None:
        self._class = java()
        self._analyzer = _make_analyzer(analyzer)
        self._similarity = self._class(LUCENE + "search.similarities.BM25Similarity")(k1, b)
        _sweep_leftovers()
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._owner = FileLock(self._folder / OWNER)  # free as soon as this process is gone
        self._owner.acquire()
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._class("java.nio.file.Paths").get(str(self._folder))
        self._directory = self._class(LUCENE + "store.FSDirectory").open(path)
        self._last = len(texts) - 1
        self._write(texts)
        self._open()

    def search(self, texts: Sequence[str], k: int) -> PaddedHits:
        """Search for each text every hit that may be among the best ``k`` once scores have 4 decimals.

        These are the best ``k`` by Lucene's unrounded scores, and those that tie with the last of them after
        rounding, as far as a lower number can bring them in. The text is a bag of words: ``AND``, ``"`` and
        other query syntax have no effect.
        """
        written = [_java_text(text) for text in texts]
        numbers, scores = self._batch.search(written, k + MARGIN)
        rows = np.flatnonzero(_may_go_on(numbers, scores, k))
        if not len(rows):
            return numbers, scores
        more = pad_hits([self._complete(written[row], numbers[row], scores[row], k) for row in rows])
        short = ((0, 0), (0, more[0].shape[1] - k - MARGIN))
        numbers = np.pad(numbers, short, constant_values=NO_HIT)
        scores = np.pad(scores, short, constant_values=-np.inf)
        numbers[rows], scores[rows] = more
        return numbers, scores

    def _complete(
        self, text: str, docs: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], k: int
    ) -> OfText:
        """Search on behind a text's first hits while others can be among the best ``k``."""
        exhausted = False
        while not exhausted and (after := _continue_after(docs, scores, k, last=self._last)):
            query = self._generator.buildQuery(FIELD, self._analyzer, text)
            # behind a tie of one score, the next hit mostly shows that the rounded score ends, too
            count = FEW if after[0] == self._last else k
            more, more_scores = self._next(query, count, after)
            exhausted = len(more) < count
            docs, scores = np.concatenate([docs, more]), np.concatenate([scores, more_scores])
        return docs, scores

    def size(self) -> int:
        """Count the bytes of the index's files."""
        return sum(file.stat().st_size for file in self._folder.iterdir())

    def close(self) -> None:
        """Release the index and delete its files."""
        self._reader.close()
        self._directory.close()
        self._owner.release()
        self._remove()

    def _write(self, texts: Sequence[str]) -> None:
        from jnius import cast

        config = self._class(LUCENE + "index.IndexWriterConfig")(self._analyzer)
        config.setSimilarity(self._similarity)
        config.setMergePolicy(self._class(LUCENE + "index.LogDocMergePolicy")())
        # one thread and neighbouring segments: document numbers stay in the order given
        config.setMergeScheduler(self._class(LUCENE + "index.SerialMergeScheduler")())
        config.setRAMBufferSizeMB(128.0)
        kind = self._class(LUCENE + "document.FieldType")()
        kind.setIndexOptions(self._class(LUCENE + "index.IndexOptions").DOCS_AND_FREQS)
        empty = cast("java.lang.CharSequence", self._class("java.lang.String")(""))
        field = self._class(LUCENE + "document.Field")(FIELD, empty, kind)
        document = self._class(LUCENE + "document.Document")()
        document.add(field)  # one object for all documents: each new Java object costs a crossing
        writer = self._class(LUCENE + "index.IndexWriter")(self._directory, config)
        for text in texts:
            field.setStringValue(_java_text(text))
            writer.addDocument(document)
        writer.close()

    def _open(self) -> None:
        from jnius import cast

        self._reader = self._class(LUCENE + "index.DirectoryReader").open(self._directory)
        reader = cast(LUCENE + "index.IndexReader", self._reader)
        self._searcher = self._class(LUCENE + "search.IndexSearcher")(reader)
        self._searcher.setSimilarity(self._similarity)
        self._generator = self._class("io.anserini.search.query.BagOfWordsQueryGenerator")()
        self._arrays = self._class("io.anserini.search.ScoredDocs")
        self._score_doc = self._class(LUCENE + "search.ScoreDoc")
        self._batch = BatchSearch(
            self._class, FIELD, generator=self._generator, analyzer=self._analyzer, searcher=self._searcher
        )

    def _next(self, query: Any, k: int, after: tuple[int, float]) -> OfText:
        top = self._searcher.searchAfter(self._score_doc(*after), query, k)
        # Anserini's ScoredDocs holds plain arrays: each crosses into Python in one call, not one call a hit
        hits = self._arrays.fromTopDocs(top, self._searcher)
        return np.array(hits.lucene_docids, dtype=np.int32), np.array(hits.scores, dtype=np.float32)


def analyze(text: str, analyzer: str) -> list[str]:
    """Split a text into index terms by one of Lucene's analyzers. Starts Java."""
    terms = java()("io.anserini.analysis.AnalyzerUtils").analyze(_make_analyzer(analyzer), _java_text(text))
    return [str(terms.get(i)) for i in range(terms.size())]


def _make_analyzer(name: str) -> Any:
    if name == "en":
        return java()("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()
    others = {"zh": "cjk.CJKAnalyzer", "standard": "standard.StandardAnalyzer"}
    return java()(f"{LUCENE}analysis.{others.get(name) or LUCENE_CLASSES[name]}")()


def round_scores(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Round BM25 scores as they are compared and written: to 4 decimals, as Anserini does."""
    exact: npt.NDArray[np.float64] = scores.astype(np.float64)
    return np.round(exact, 4)


def _may_go_on(
    numbers: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.bool_]:
    """Find the rows of ``[q, h]`` hits, best first, behind which a hit can tie with the one at rank ``k``."""
    last, at_k = round_scores(scores[:, -1]), round_scores(scores[:, k - 1])
    open_rows: npt.NDArray[np.bool_] = (numbers[:, -1] != NO_HIT) & (last >= at_k)
    return open_rows


def _continue_after(
    docs: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], k: int, *, last: int
) -> tuple[int, float] | None:
    """Decide where to search on: a document and score, or None if no further hit can be among the best ``k``.

    Hits come by unrounded score, then by number. Those that follow matter only while they tie with hit ``k``
    after rounding. Of documents with one unrounded score, the lowest numbers suffice, as many as there are
    ranks to fill: then the rest of that score, up to number ``last``, is skipped.
    """
    by_rank = round_scores(scores)  # [h], descending
    if by_rank[-1] < by_rank[k - 1]:
        return None
    places = k - int(np.sum(by_rank > by_rank[k - 1]))  # ranks that the tie fills
    same = int(np.sum(scores == scores[-1]))
    return (last if same >= places else int(docs[-1])), float(scores[-1])


def _java_text(text: str) -> str:
    # half of a surrogate pair is not text: pyjnius would hand broken UTF-16 to Java
    return text.encode("utf-8", "replace").decode("utf-8")
