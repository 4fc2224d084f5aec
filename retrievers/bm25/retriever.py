"""BM25, the lexical retriever of every table: by Lucene, or the same ranking without Java."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Protocol

import numpy as np

from bench.context import Context
from bench.errors import DataError, MissingError, UsageError
from bench.store.digests import file_digest
from bench.text import CJK_LANGUAGES, cjk_share, tokenize
from bench.types import NO_HIT, Json, QueryId, Run, VideoId
from retrievers.bm25 import java_machine, lucene
from retrievers.bm25.languages import SHARED, WITHOUT_WORDS, describe_analyzer, fitting_analyzers
from retrievers.bm25.word_break import WORD_BREAK
from retrievers.options import BM25Options
from retrievers.ranking import PaddedHits, search_texts

SAMPLE = 1000
"""Texts read to guess the language of a corpus."""
ENOUGH = 20
"""Tokens needed for the guess."""


class Engine(Protocol):
    """An index of texts that are numbered from 0 in the order given."""

    def search(self, texts: Sequence[str], k: int) -> PaddedHits:
        """Search for each text all hits that may be among the rounded best ``k``: numbers and scores."""
        ...

    def size(self) -> int:
        """Count the bytes of the index, for the table of costs."""
        ...

    def close(self) -> None:
        """Release the index."""
        ...


class BM25:
    """Ranks summaries by how many of the query's words they have, rare words counting more.

    Scores are rounded to 4 decimals and ties go by video id, as Anserini does.

    Raises UsageError when the analyzer is not of the dataset's language, MissingError when it is Lucene's and
    Lucene is not used, and on `index` DataError when the texts plainly are of another language.
    """

    label = "BM25"

    def __init__(self, context: Context) -> None:
        self._options = context.options(BM25Options)
        self._engine_name = _resolve_engine(self._options.engine)
        self._analyzer = _resolve_analyzer(self._options.analyzer, context.language, self._engine_name)
        self._language = context.language
        self._video_ids: tuple[VideoId, ...] = ()
        self._empty = 0
        self._engine: Engine | None = None

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the summaries, replacing what was indexed before; an empty one is never a hit."""
        _refuse_other_language(list(summaries.values()), self._language)
        # numbered in the order of their ids, so that a tie by number is a tie by id
        self._video_ids = tuple(sorted(summaries))
        texts = [summaries[video_id] for video_id in self._video_ids]
        self._empty = sum(1 for text in texts if not text.strip())
        if self._engine is not None:
            self._engine.close()
        self._engine = self._build(texts)

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Search the best ``k`` documents of each query; none for a query without index terms."""
        return search_texts(queries, self._video_ids, lambda texts: self._search(texts, k), k)

    def identity(self) -> Mapping[str, Json]:
        """List the versions of what decides a ranking. Raises MissingError for an engine not installed."""
        engine: dict[str, Json] = {"engine": self._version()}
        if self._engine_name == "bm25s":  # Lucene brings its own words and stems
            engine |= {"lunr": version("lunr"), "word_break": file_digest(WORD_BREAK)}
        return engine

    def signature(self) -> Mapping[str, str]:
        """Name engine, analyzer, k1 and b for the signature line."""
        return {
            "engine": self._version(),
            "analyzer": describe_analyzer(self._analyzer),
            "k1": f"{self._options.k1:g}",
            "b": f"{self._options.b:g}",
        }

    def coverage(self) -> Mapping[str, int]:
        """Count the empty summaries in the corpus indexed last."""
        return {"empty documents": self._empty}

    def index_bytes(self) -> int:
        """Measure the index in bytes; 0 before `index`."""
        return self._engine.size() if self._engine else 0

    def explain(self, query: str, text: str) -> Sequence[str]:
        """Explain a score: the query's index terms that a summary has, and how often."""
        counts = Counter(self._terms(text))
        terms = [term for term in dict.fromkeys(self._terms(query)) if counts[term]]
        shown = ", ".join(term if counts[term] == 1 else f"{term} ×{counts[term]}" for term in terms)
        return [f"matched: {shown}" if terms else "no term matched"]

    def _terms(self, text: str) -> list[str]:
        if self._analyzer not in SHARED:
            return lucene.analyze(text, self._analyzer)
        from retrievers.bm25.analyzers import analyze  # only explaining needs the analyzers without Java

        return analyze(text, self._analyzer)

    def _build(self, texts: Sequence[str]) -> Engine:
        k1, b = self._options.k1, self._options.b
        if self._engine_name == "bm25s":
            from retrievers.bm25.bm25s import BM25sIndex  # it needs a package of its own

            return BM25sIndex(texts, self._analyzer, k1=k1, b=b)
        return lucene.LuceneIndex(texts, self._analyzer, k1=k1, b=b)

    def _version(self) -> str:
        if self._engine_name == "bm25s":
            from retrievers.bm25.bm25s import bm25s_version

            return bm25s_version()
        return java_machine.anserini_version()

    def _search(self, texts: list[str], k: int) -> PaddedHits:
        if self._engine is None:
            raise AssertionError("search before index")
        numbers, scores = self._engine.search(texts, k)
        rounded = lucene.round_scores(scores).astype(np.float32)
        return np.where(rounded > 0, numbers, NO_HIT), rounded


def _resolve_engine(engine: str) -> str:
    if engine != "auto":
        return engine
    return "lucene" if java_machine.is_installed() else "bm25s"


def _resolve_analyzer(analyzer: str, language: str, engine: str) -> str:
    fitting = fitting_analyzers(language)
    if analyzer not in ("auto", *fitting):
        raise UsageError(
            f"bm25.analyzer={analyzer} does not fit a dataset whose language is '{language}': it would find "
            f'little or nothing, silently. Use bm25.analyzer=auto, or correct "language" in dataset.json.'
        )
    if analyzer == "auto" and language in WITHOUT_WORDS:
        raise MissingError(
            f"the language '{language}' is written without spaces, and nothing here cuts it into words. "
            "Use a dense retriever (dpr-pt), or bm25.analyzer=standard for texts that have spaces."
        )
    name = fitting[0] if analyzer == "auto" else analyzer
    if name not in SHARED and engine != "lucene":
        raise MissingError(
            f"the analyzer of the language '{language}' is Lucene's, and BM25 runs without it here. Install "
            "it with: pip install -c constraints.txt -e '.[lucene]', or use --set bm25.analyzer=standard "
            "(words as they are: nothing stemmed, no stop words)."
        )
    return name


def _refuse_other_language(texts: Sequence[str], language: str) -> None:
    texts = [text for text in texts if text.strip()]
    sample = "\n".join(texts[:: len(texts) // SAMPLE + 1])
    share = cjk_share(sample)
    wrong = share < 0.02 if language in CJK_LANGUAGES else share > 0.5
    if wrong and len(tokenize(sample)) >= ENOUGH:
        raise DataError(
            f"the dataset's language is '{language}', but {share:.0%} of the tokens to be indexed are "
            f"Chinese or Japanese characters; the analyzer '{language}' is wrong for them. "
            'Correct "language" in dataset.json, or the summaries.'
        )
