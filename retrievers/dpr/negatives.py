"""Hard negatives: training documents that BM25 ranks high for a query and that are wrong for it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bench.text import normalise
from retrievers.bm25.retriever import BM25
from retrievers.dpr.pairs import Pairs, distinct_texts

MARGIN = 30
"""Hits requested beyond the number of negatives: a query's siblings are among its first hits."""


def mine_negatives(pairs: Pairs, count: int, bm25: BM25, seed: int) -> list[list[str]]:
    """Mine ``count`` hard negatives for each pair, from BM25's ranking of the positives of all pairs.

    A text of one of the query's videos, or equal to the query, is never taken. Where BM25 finds fewer,
    documents drawn with the seed follow; where none is left, the list is shorter. Only the training
    split is read. Source: Karpukhin et al. 2020, section 3.2, with one negative of BM25 for each question.
    """
    documents = sorted(distinct_texts(positive for _, positive in pairs.pairs))
    queries = list({normalise(query): query for query, _ in pairs.pairs}.values())
    ranked = _rank(queries, documents, count + MARGIN, bm25)
    draw = random.Random(seed)
    negatives = {
        normalise(query): _take(pairs, query, hits, documents, count, draw)
        for query, hits in zip(queries, ranked, strict=True)
    }
    return [negatives[normalise(query)] for query, _ in pairs.pairs]


def _rank(queries: Sequence[str], documents: Sequence[str], k: int, bm25: BM25) -> list[list[str]]:
    bm25.index({f"d{i:08d}": text for i, text in enumerate(documents)})
    run = bm25.search({f"q{i:08d}": query for i, query in enumerate(queries)}, k)
    rows = dict(zip(run.query_ids, run.hits, strict=True))
    return [
        [documents[int(run.video_ids[hit][1:])] for hit in rows.get(f"q{i:08d}", ()) if hit >= 0]
        for i in range(len(queries))
    ]


def _take(
    pairs: Pairs, query: str, hits: Sequence[str], documents: Sequence[str], count: int, draw: random.Random
) -> list[str]:
    negatives = [text for text in hits if pairs.is_negative(query, text)][:count]
    for text in draw.sample(documents, min(len(documents), count + MARGIN)):
        if len(negatives) == count:
            break
        if text not in negatives and pairs.is_negative(query, text):
            negatives.append(text)
    return negatives
