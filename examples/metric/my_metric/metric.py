"""The measure of a ranking: bench evaluate --metrics my-metric@10."""

from collections.abc import Sequence


def my_metric(gains: Sequence[int], ideal: Sequence[int], k: int | None) -> float:
    """Return the share of the attainable relevance that is in the first k documents.

    `gains` is the relevance of each returned document, best first; `ideal` that of all relevant documents,
    sorted; `k` is the number after @, None without one.
    """
    attainable = sum(ideal[:k])
    return sum(gains[:k]) / attainable if attainable else 0.0
