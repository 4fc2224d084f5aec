"""``bench explain``: one query or one video of a run, with summaries, ranks and why each matched.

All comes from the output folder; generators that explain themselves (QMS) are loaded from the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.config.run_config import config_from_settings
from bench.context import Context
from bench.errors import BenchError, UsageError, suggestions
from bench.explain.systems import GeneratorExplanations, explained
from bench.output.schema import GIVEN
from bench.output.trec_lookup import Hit
from bench.protocols import Explaining, Trainable
from bench.report.source import Source
from bench.store.artefacts import Store, default_root
from bench.systems.arithmetic import require_current_folder
from bench.systems.component import make_retriever
from bench.systems.registry import cell_name
from bench.text import printable, tokenize
from bench.types import QueryId, VideoId

VIDEOS = 5
"""How many relevant videos of a query are shown, and how many queries of a video."""
FIRST = 3
"""How many hits of each run are shown."""
LETTERS = 80
"""Characters shown of a summary."""
_COMMON = frozenset(
    ["a", "an", "and", "are", "as", "at", "by", "for", "from", "how", "i", "in", "is", "it", "my", "of", "on",
     "or", "the", "this", "to", "what", "with", "you", "your"]
)  # fmt: skip
"""Words that are not marked in texts."""


class Explainer:
    """Explains the queries and videos of one finished run."""

    def __init__(self, out: Path, store: Path | None = None) -> None:
        require_current_folder()
        self._source = Source.read(out)
        self._store = Store(store or default_root())
        self._explanations = GeneratorExplanations(self._source.manifest, self._store.root)

    def query(self, query: QueryId) -> str:
        """Explain a query: ranks of its relevant videos, first hits, then all texts. Raises UsageError."""
        source = self._source
        _check_known("query", query, list(source.queries))
        relevant = source.relevant[query]
        lines = [f"Query {query}: {source.queries[query]}", f"Relevant: {_list_ids(relevant)}"]
        for video in relevant[:VIDEOS]:
            lines += ["", f"Ranks of video {video}", *self._describe_ranks(query, video)]
        for cell in source.cells:
            lines += ["", *self._describe_hits(query, cell)]
        for video in relevant[:VIDEOS]:
            lines += ["", *self._describe_video(video)]
        return _join_printable(lines)

    def words(self, *, query: QueryId | None = None, video: VideoId | None = None) -> list[str]:
        """List the words of a query, or of the queries for a video, that are worth marking in texts."""
        queries = [query] if query is not None else list(self._source.asking.get(video or "", ()))
        words = (word for one in queries for word in tokenize(self._source.queries[one]))
        return [word for word in dict.fromkeys(words) if word not in _COMMON]

    def video(self, video: VideoId) -> str:
        """Explain a video: its summaries and its rank for each of its queries. Raises UsageError."""
        source = self._source
        known = dict.fromkeys(one for written in self._summaries.values() for one in written)
        _check_known("video", video, list(known))
        queries = source.asking.get(video, ())
        lines = [f"Video {video}" + ("" if queries else ": no evaluated query asks for it")]
        for query in queries[:VIDEOS]:
            lines += ["", f"Query {query}: {source.queries[query]}", *self._describe_ranks(query, video)]
        if len(queries) > VIDEOS:
            lines += ["", f"and {len(queries) - VIDEOS} more queries: {_list_ids(queries[VIDEOS:])}"]
        return _join_printable([*lines, "", *self._describe_video(video)])

    @cached_property
    def _summaries(self) -> Mapping[str, Mapping[VideoId, str]]:
        return {generator: self._source.summaries(generator) for generator in self._source.generators}

    def _describe_video(self, video: VideoId) -> list[str]:
        lines = [f"Texts of video {video}"]
        lines += [f"  reference: {text}" for text in self._source.references.get(video, ())[:VIDEOS]]
        if self._source.manifest.settings["protocol"] == GIVEN:  # runs of others wrote nothing
            texts = (written[video] for written in self._summaries.values() if video in written)
            return [*lines, f"  document: {next(texts, '') or '(its text is not known)'}"]
        for generator, written in self._summaries.items():
            lines.append(f"  {self._label(generator)} wrote: {written[video] or '(nothing)'}")
            lines += [f"    {line}" for line in self._explanations.lines(generator, video)]
        return lines

    def _describe_ranks(self, query: QueryId, video: VideoId) -> Iterator[str]:
        """Yield for each generator and retriever the rank and score of a video, and why it matched."""
        for generator, retriever in self._source.cells:
            with self._source.run((generator, retriever)) as run:
                hit = next((hit for hit in run.hits(query) if hit.video_id == video), None)
            place = f"rank {hit.rank}, score {hit.score:.4f}" if hit else f"not in the first {self._depth}"
            facts = self._facts(retriever, query, self._summaries[generator][video], hit)
            yield f"  {self._label(generator)}, {self._label(retriever)}: {'; '.join([place, *facts])}"

    def _describe_hits(self, query: QueryId, cell: tuple[str, str]) -> Iterator[str]:
        generator, retriever = cell
        with self._source.run(cell) as run:
            hits = run.hits(query)
        yield f"First with {self._label(generator)}, {self._label(retriever)}{'' if hits else ': nothing'}"
        for hit in hits[:FIRST]:
            mark = "*" if hit.video_id in self._source.relevant[query] else " "
            text = self._summaries[generator][hit.video_id]
            facts = "".join(f"  [{fact}]" for fact in self._facts(retriever, query, text, hit))
            yield f" {mark}{hit.rank}. {hit.video_id}  {hit.score:.4f}  {_shorten_text(text)}{facts}"

    def _facts(self, retriever: str, query: QueryId, text: str, hit: Hit | None) -> Sequence[str]:
        """Ask the retriever why a text matched; what only repeats the score is left out."""
        system = self._explaining.get(retriever)
        if system is None:
            return []
        facts = explained(retriever, lambda: list(system.explain(self._source.queries[query], text)))
        return [fact for fact in facts if hit is None or not fact.endswith(f" {hit.score:.4f}")]

    @cached_property
    def _explaining(self) -> Mapping[str, Explaining]:
        """Build the retrievers that can explain a match, with the run's options, without trainable ones."""
        explaining = {}
        words = {cell_name(word): word for word in self._source.manifest.settings["retrievers"]}
        for name in self._source.retrievers:
            try:
                system = make_retriever(words.get(name, name), self._context()).system
            except BenchError:  # a plug-in or a package that is not installed on this machine
                continue
            if isinstance(system, Explaining) and not isinstance(system, Trainable):
                explaining[name] = system
        return explaining

    def _context(self) -> Context:
        manifest = self._source.manifest
        config = config_from_settings(manifest.settings)
        return Context(
            language=manifest.dataset.language,
            seed=config.seed[0],
            threads=config.threads,
            sections=config.sections,
            store=self._store,
        )

    @property
    def _depth(self) -> int:
        depth: int = self._source.manifest.evaluation.depth
        return depth

    def _label(self, name: str) -> str:
        return self._source.labels.get(name, name)


def _check_known(kind: str, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    near = suggestions(name, known)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else f"It has {len(known):,}, such as {_list_ids(known)}."
    )
    raise UsageError(f"this run has no {kind} '{name}'. {hint}")


def _list_ids(names: Sequence[str]) -> str:
    more = f" and {len(names) - VIDEOS:,} more" if len(names) > VIDEOS else ""
    return ", ".join(names[:VIDEOS]) + more


def _join_printable(lines: Sequence[str]) -> str:
    return "".join(" ".join(printable(line).splitlines()) + "\n" for line in lines)


def _shorten_text(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LETTERS else line[: LETTERS - 1] + "…"
