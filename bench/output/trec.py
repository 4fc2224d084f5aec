"""Write and read TREC files: runs and qrels that an unmodified trec_eval understands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, counted
from bench.metrics.ranking import Relevance
from bench.store.files import read_lines, read_raw_lines
from bench.types import NO_HIT, Grades, QueryId, Run, VideoId

TIE_STEP = 1e-6
"""How much lower a document is written than one it is tied with, at least (as Anserini does)."""


@dataclass(frozen=True, slots=True, eq=False)
class TrecRun:
    """A run file as it was read: ``{query: {video: score}}``, ids not checked against anything."""

    hits: Mapping[QueryId, Mapping[VideoId, float]]
    ranks: Mapping[QueryId, Mapping[VideoId, int]] | None = None
    """The ranks as written; None where the file has none."""

    def unknown_queries(self, known: Iterable[QueryId]) -> list[QueryId]:
        """List the queries of the file that are not known, in file order."""
        known = set(known)
        return [query_id for query_id in self.hits if query_id not in known]

    def unknown_videos(self, known: Iterable[VideoId]) -> list[VideoId]:
        """List the videos of the file that are not known, each once, in file order."""
        known = set(known)
        return list(dict.fromkeys(v for hits in self.hits.values() for v in hits if v not in known))

    def to_run(self, query_ids: Sequence[QueryId], video_ids: Sequence[VideoId], k: int) -> Run:
        """Rank the file's results for these queries over this pool, to depth ``k``, by the ranks as written.

        For files of an output folder: their ranks are those that were scored, whatever the rule for ties.
        Queries of the file that are not in ``query_ids`` are left out, and those it lacks have no results.
        Videos outside the pool follow it in ``video_ids``: they retain their ranks, because dropping them
        would raise scores.
        """
        assert self.ranks is not None
        wanted = {query_id: self.hits.get(query_id, {}) for query_id in query_ids}
        pool = [*video_ids, *TrecRun(wanted).unknown_videos(video_ids)]
        places = {q: [(v, -float(self.ranks[q][v])) for v in hits] for q, hits in wanted.items()}
        return Run.from_hits(places, pool, k)


def write_run(target: Path | TextIO, run: Run, tag: str) -> None:
    """Write ``qid Q0 video_id rank score tag``, ranks from 1, best first.

    Scores strictly decrease within a query (`strictly_decreasing`), because trec_eval ignores ranks
    and sorts by score. White space in the tag becomes ``_``. Raises ValueError for a non-finite score.
    """
    name = "_".join(tag.split()) or "run"
    # nine significant digits name a float32 exactly
    lines = [f"%s Q0 %s {rank} %.9g {name.replace('%', '%%')}\n" for rank in range(1, run.depth + 1)]
    ids = np.array(run.video_ids, dtype=object)
    scores = strictly_decreasing(run)
    counts = (run.hits != NO_HIT).sum(axis=1).tolist()
    with _open(target) as stream:
        for query_id, hits, row, n in zip(run.query_ids, run.hits, scores, counts, strict=True):
            values: list[str | float] = [query_id] * (3 * n)
            values[1::3], values[2::3] = ids[hits[:n]].tolist(), row[:n].tolist()
            # one call for a query takes half the time of one for each line
            stream.write("".join(lines[:n]) % tuple(values))


def strictly_decreasing(run: Run) -> npt.NDArray[np.float32]:
    """Lower tied scores ``[Q, k]`` step by step until they decrease strictly, still distinct as C floats.

    Each document that does not score less than the one written before it gets `TIE_STEP` less
    than it, or one float32 ulp less where that is larger; other scores are unchanged. Raises ValueError for a
    score that is not finite and for a row out of order.
    """
    real = run.hits != NO_HIT
    if not np.isfinite(run.scores[real]).all():
        raise ValueError("a run holds a score that is not finite")
    if (run.scores[:, 1:] > run.scores[:, :-1]).any() or (real[:, 1:] & ~real[:, :-1]).any():
        raise ValueError("a run is not ordered best first")
    lowered = run.scores.astype(np.float32, copy=True)
    for column in range(1, run.depth):
        before = lowered[:, column - 1]
        tied = real[:, column] & (lowered[:, column] >= before)
        lowered[tied, column] = _step_below(before[tied])
    return lowered


def _step_below(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    wanted = scores.astype(np.float64) - TIE_STEP
    narrow = wanted.astype(np.float32)
    floor = np.where(narrow > wanted, np.nextafter(narrow, np.float32(-np.inf)), narrow)
    return np.minimum(floor, np.nextafter(scores, np.float32(-np.inf)))


def write_qrels(target: Path | TextIO, relevant: Relevance, grades: Grades | None = None) -> None:
    """Write ``qid 0 video_id relevance`` for each relevant pair, in the order of the queries.

    Relevance is 1 where ``grades`` does not say otherwise.
    """
    bounds = relevant.indptr.tolist()
    positions = relevant.positions.tolist()
    with _open(target) as stream:
        for query_id, start, end in zip(relevant.query_ids, bounds[:-1], bounds[1:], strict=True):
            of = (grades or {}).get(query_id, {})
            videos = (relevant.video_ids[i] for i in positions[start:end])
            stream.writelines(f"{query_id} 0 {video} {of.get(video, 1)}\n" for video in videos)


def read_run(path: Path) -> TrecRun:
    """Read a run file, of any origin. Raises DataError with file:line for what is malformed.

    That is: not six columns, a rank that is no integer, a score that is no finite number, a video
    twice for one query, bytes that are not UTF-8. Lines that begin with ``#`` are comments, as in
    trec_eval 10, unless a query's id begins so and the line is complete.
    """
    hits: dict[QueryId, dict[VideoId, float]] = {}
    ranks: dict[QueryId, dict[VideoId, int]] = {}
    text = _Texts()
    for number, (query_id, _, video_id, rank, score, _) in _rows(path, 6, "qid Q0 docno rank score tag"):
        try:
            scores = hits.setdefault(text[query_id], {})
            ranks.setdefault(text[query_id], {})[text[video_id]] = _integer(rank, "rank")
            if text[video_id] in scores:
                raise ValueError(f"document '{text[video_id]}' appears twice for query '{text[query_id]}'")
            scores[text[video_id]] = _finite(score)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}.") from error
    return TrecRun(hits, ranks)


def read_qrels(path: Path) -> dict[QueryId, dict[VideoId, int]]:
    """Read a qrels file into ``{query: {video: relevance}}``; > 0 is relevant; comments as in `read_run`.

    Raises DataError with file:line for other than four columns, a relevance that is no integer, a
    video judged twice for one query, bytes that are not UTF-8.
    """
    judged: dict[QueryId, dict[VideoId, int]] = {}
    text = _Texts()
    for number, (query_id, _, video_id, relevance) in _rows(path, 4, "qid 0 docno relevance"):
        try:
            videos = judged.setdefault(text[query_id], {})
            if text[video_id] in videos:
                raise ValueError(f"document '{text[video_id]}' is judged twice for query '{text[query_id]}'")
            videos[text[video_id]] = _integer(relevance, "relevance")
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}.") from error
    return judged


def read_relevant(path: Path) -> dict[QueryId, list[VideoId]]:
    """Read the relevant videos of each judged query from a qrels file; errors as `read_qrels`."""
    return {
        query: [video for video, grade in judged.items() if grade > 0]
        for query, judged in read_qrels(path).items()
    }


def read_queries(path: Path) -> dict[QueryId, str]:
    """Read ``query_id<TAB>text`` lines into ``{query: text}``, in order; blank lines are left out.

    Raises DataError with file:line for bytes that are not UTF-8, and for a query with two texts.
    """
    texts: dict[QueryId, str] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        query, _, text = line.partition("\t")
        if texts.setdefault(query.strip(), text) != text:
            raise DataError(f"{path}:{number}: query '{query.strip()}' appears twice, with another text.")
    return texts


def _open(target: Path | TextIO) -> AbstractContextManager[TextIO]:
    if isinstance(target, Path):
        return target.open("w", encoding="utf-8", newline="\n")
    return nullcontext(target)


class _Texts(dict[bytes, str]):
    """Decode an id once, however many lines repeat it: time and memory at millions of lines."""

    def __missing__(self, raw: bytes) -> str:
        try:
            return self.setdefault(raw, raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"the id {raw!r} is not valid UTF-8") from error


def _rows(path: Path, columns: int, layout: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (line number, fields), less blanks and comments; ASCII white space separates, as in trec_eval."""
    for number, line in read_raw_lines(path):
        fields = line.split()
        if len(fields) == columns and fields[0] != b"#":
            yield number, fields
        elif fields and not line.startswith(b"#"):
            raise DataError(
                f"{path}:{number}: {counted(len(fields), 'column')} where {columns} are needed: {layout}."
            )


def _integer(raw: bytes, what: str) -> int:
    try:
        if b"_" in raw:  # Python would take 1_000
            raise ValueError
        return int(raw)
    except ValueError:
        raise ValueError(f"the {what} '{raw.decode(errors='replace')}' is not an integer") from None


def _finite(raw: bytes) -> float:
    shown = raw.decode(errors="replace")
    try:
        # Python would take 1_000 and digits of any script
        value = float(shown) if raw.isascii() and b"_" not in raw else math.nan
    except ValueError:
        raise ValueError(f"the score '{shown}' is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"the score '{shown}' is not a finite number in ASCII digits")
    return value
