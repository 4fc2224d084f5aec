"""The retriever: indexes the summaries, and ranks them for each query."""

from collections.abc import Mapping

from bench.types import Run


class MyRetriever:
    """Rank summaries by the number of words that they share with the query."""

    label = "My retriever"

    def index(self, summaries: Mapping[str, str]) -> None:
        """Take the texts that are searched, by video."""
        self._words = {video: set(text.lower().split()) for video, text in summaries.items()}

    def search(self, queries: Mapping[str, str], k: int) -> Run:
        """Return up to k videos for each query with their scores; equal scores go by id."""
        hits = {query: self._hits(set(text.lower().split())) for query, text in queries.items()}
        return Run.from_hits(hits, list(self._words), k)

    def identity(self) -> Mapping[str, str]:
        """Name what else than this code decides the ranking, such as a model's digest: nothing."""
        return {}

    def _hits(self, query: set[str]) -> list[tuple[str, float]]:
        shared = {video: len(words & query) for video, words in self._words.items()}
        return [(video, float(count)) for video, count in shared.items() if count]
