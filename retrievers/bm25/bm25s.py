"""BM25 by the package bm25s: the same ranking as Lucene's, for machines without Java.

The formula is that of the module `lucene`. To give the same 4 decimals, the terms come from analyzers that
imitate Lucene's, document lengths are rounded as Lucene stores them, and each term's share of a score is
computed in float32 by the operations of Lucene's BM25Similarity. bm25s stores the shares and adds them up;
with the package numba, many queries are searched in one compiled loop (`kernel`), to the same bits.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError
from bench.types import NO_HIT
from retrievers.bm25.analyzers import analyze
from retrievers.ranking import PaddedHits, pad_hits

Floats = npt.NDArray[np.float32]
WORTH_COMPILING = 10_000_000
"""Documents times queries from which compiled code repays the seconds of its compilation."""
_SLACK, _RELATIVE_SLACK = 2e-4, 1e-6
"""How far below hit ``k`` a score may be and still tie with it, once it is float32 and has 4 decimals."""
_SAMPLE = 4096
"""Scores whose best ``k`` bound the best ``k`` of all."""


def bm25s_version() -> str:
    """Name the package and its version. Raises MissingError when it is not installed."""
    return f"bm25s {version('bm25s')}" if _package() else ""


def _package() -> Any:
    try:
        with _without_jax():
            import bm25s
    except ImportError:
        raise MissingError(
            "bm25.engine=bm25s needs the package bm25s, which is not installed. Install it with: "
            "pip install -c constraints.txt bm25s (or use --set bm25.engine=lucene)."
        ) from None
    return bm25s


@contextmanager
def _without_jax() -> Iterator[None]:
    """Keep bm25s from importing JAX, which it does for a selection that is not used here.

    JAX reserves three quarters of each GPU's memory when it starts, so that training beside it fails; and
    where it does not start, the import of bm25s fails.
    """
    before = {"jax": sys.modules["jax"]} if "jax" in sys.modules else {}
    sys.modules["jax"] = None  # type: ignore[assignment]  # what makes `import jax` an ImportError
    try:
        yield
    finally:
        del sys.modules["jax"]
        sys.modules.update(before)


class BM25sIndex:
    """An index of texts in memory, searched with BM25 as Lucene computes it."""

    def __init__(self, texts: Sequence[str], analyzer: str, *, k1: float, b: float) -> None:
        self._model = _package().BM25(dtype="float64")
        self._analyzer = analyzer
        self._compiled = False  # what was worth it once serves all later searches
        self._numbers: dict[str, int] = {}
        counts = (Counter(self._number(term) for term in analyze(text, analyzer)) for text in texts)
        postings = _collect_postings(counts)
        ranks = _rarity(postings.terms, len(self._numbers))
        self._numbers = dict(zip(self._numbers, ranks.tolist(), strict=True))
        postings = replace(postings, terms=ranks[postings.terms])
        self._model.nonoccurrence_array = None  # of other variants of BM25 than Lucene's
        self._model.scores = matrix = _score_matrix(postings, len(self._numbers), k1, b)
        largest = np.maximum.reduceat(matrix["data"], matrix["indptr"][:-1])  # [terms], shares of scores
        self._largest = largest.astype(np.float64)

    def search(self, texts: Sequence[str], k: int) -> PaddedHits:
        """Search each text's best ``k`` documents after rounding, ties by number; hits are in no order."""
        queries = [self._terms(text) for text in texts]
        work = len(queries) * self._model.scores["num_docs"]
        self._compiled |= work >= WORTH_COMPILING and find_spec("numba") is not None
        if self._compiled:
            return self._search_compiled(queries, k)
        return pad_hits([self._search_one(terms, k) for terms in queries])

    def _terms(self, text: str) -> list[int]:
        """Look up the numbers of a query's terms, the rarest first."""
        numbers = self._numbers
        return sorted([numbers[term] for term in analyze(text, self._analyzer) if term in numbers])

    def _search_one(self, terms: list[int], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        if not terms:
            return np.empty(0, dtype=np.int64), np.empty(0)
        every = self._model.get_scores_from_ids(terms)  # [n] float64, one score a document
        numbers = _candidates(every, k)
        scores = every[numbers].astype(np.float32).astype(np.float64)  # Lucene's scores are float32
        if len(numbers) > k:
            rounded = np.round(scores, 4)
            cut = np.partition(rounded, -k)[-k]
            above, tied = np.flatnonzero(rounded > cut), np.flatnonzero(rounded == cut)
            best = np.concatenate([above, tied[: k - len(above)]])
            numbers, scores = numbers[best], scores[best]
        return numbers, scores

    def _search_compiled(self, queries: Sequence[list[int]], k: int) -> PaddedHits:
        from retrievers.bm25.kernel import search_columns  # numba is optional

        matrix = self._model.scores
        numbers = np.full((len(queries), k), NO_HIT, dtype=np.int32)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        starts = np.cumsum([0, *map(len, queries)])
        terms = np.fromiter(chain.from_iterable(queries), dtype=np.int64, count=starts[-1])
        columns = matrix["indptr"], matrix["indices"], matrix["data"], self._largest
        search_columns((starts, terms), columns, matrix["num_docs"], numbers, scores)
        return numbers, scores

    def size(self) -> int:
        """Count the bytes of the shares of scores and of the terms."""
        arrays = (self._model.scores[name] for name in ("data", "indices", "indptr"))
        return int(sum(array.nbytes for array in arrays)) + sum(len(term.encode()) for term in self._numbers)

    def close(self) -> None:
        """Do nothing: the memory goes with the object."""

    def _number(self, term: str) -> int:
        return self._numbers.setdefault(term, len(self._numbers))


def _candidates(scores: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """Collect the numbers of documents, ascending, that may be among the best ``k`` after rounding."""
    sample = scores[:: max(1, len(scores) // _SAMPLE)]
    lowest = float(np.partition(sample, -k)[-k]) if len(sample) >= k else 0.0
    if lowest == 0:
        return np.flatnonzero(scores)
    return np.flatnonzero(scores >= lowest - (_SLACK + _RELATIVE_SLACK * lowest))


@dataclass(frozen=True, eq=False)
class _Postings:
    """The different terms of one document after the other, and how often each is in its document."""

    terms: npt.NDArray[np.int32]  # [p]
    frequencies: npt.NDArray[np.int32]  # [p]
    different: npt.NDArray[np.int32]  # [n], of how many different terms a document is
    lengths: npt.NDArray[np.int32]  # [n], of how many terms


def _collect_postings(counts: Iterable[Counter[int]]) -> _Postings:
    """Collect the frequencies of terms in each document; 8 bytes for each, as no counter is kept."""
    terms, frequencies, different, lengths = (array("i") for _ in range(4))
    for count in counts:
        terms.extend(count)
        frequencies.extend(count.values())
        different.append(len(count))
        lengths.append(count.total())
    return _Postings(*map(np.asarray, (terms, frequencies, different, lengths)))


def _rarity(terms: npt.NDArray[np.int32], n_terms: int) -> npt.NDArray[np.int32]:
    """Rank each term by the number of documents that have it, the rarest first: ``[n_terms]``."""
    ranks = np.empty(n_terms, dtype=np.int32)
    ranks[np.argsort(np.bincount(terms, minlength=n_terms), kind="stable")] = np.arange(n_terms)
    return ranks


def _score_matrix(postings: _Postings, n_terms: int, k1: float, b: float) -> dict[str, Any]:
    """Compute each term's share of each document's score, as bm25s stores it: a sparse matrix by columns.

    A column is a term, a row a document.
    """
    terms, lengths = postings.terms, postings.lengths
    frequencies = postings.frequencies.astype(np.float32)
    documents = np.repeat(np.arange(len(lengths), dtype=np.int32), postings.different)
    order = np.argsort(terms, kind="stable")  # by term, then by document
    terms, documents, frequencies = terms[order], documents[order], frequencies[order]
    holding = np.bincount(terms, minlength=n_terms)  # [n_terms], documents that have the term
    weight = _idf(holding, int(np.count_nonzero(lengths)))[terms]
    inverse = _inverse_norms(lengths, k1, b)[documents]
    one = np.float32(1)
    # idf - idf / (1 + f / norm) is idf * f / (f + norm) as Lucene computes it, the same to the last bit
    return {
        "data": weight - weight / (one + frequencies * inverse),
        "indices": documents.astype(np.uint32),  # unsigned: compiled code need not ask for negative ones
        "indptr": np.concatenate([[0], np.cumsum(holding)]).astype(np.int64),
        "num_docs": len(lengths),
    }


def _idf(holding: npt.NDArray[np.int64], documents: int) -> Floats:
    """Compute ln(1 + (N - n + 0.5) / (n + 0.5)); N counts documents with a term, as Lucene does."""
    idf: Floats = np.log(1 + (documents - holding + 0.5) / (holding + 0.5)).astype(np.float32)
    return idf


def _inverse_norms(lengths: npt.NDArray[np.int32], k1: float, b: float) -> Floats:
    """Compute 1 / (k1 (1 - b + b L / mean L)) in float32, L as Lucene stores it, infinite for k1 = 0."""
    mean = np.float32(lengths.sum() / max(1, np.count_nonzero(lengths)))
    different, place = np.unique(lengths, return_inverse=True)
    stored = np.array([quantise_length(int(length)) for length in different], dtype=np.float32)[place]
    one, k1_, b_ = np.float32(1), np.float32(k1), np.float32(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse: Floats = one / (k1_ * ((one - b_) + b_ * stored / mean))
    return inverse


def quantise_length(length: int) -> int:
    """Round a document's length as Lucene stores it in one byte: exact below 40, then 4 significant bits.

    Source: org.apache.lucene.util.SmallFloat, intToByte4 and byte4ToInt: 24 values are stored as they
    are, and what exceeds them keeps its four leading bits.
    """
    free = 24
    rest = length - free
    if rest < 16:
        return length
    shift = rest.bit_length() - 4
    return free + ((rest >> shift) << shift)
