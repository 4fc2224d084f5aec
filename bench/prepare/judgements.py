"""Which video is relevant to which query: read from a file of queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.errors import DataError, shorten
from bench.store.csv_files import read_rows
from bench.store.files import read_lines
from bench.store.json_files import numbered_json_lines
from bench.text import normalise

__cache_neutral__ = True

_GRADE = re.compile(r"[+-]?[0-9]{1,9}")
_ID = re.compile(r"[^\s\x00-\x1f\x7f]+")


@dataclass(slots=True)
class Judgements:
    """Queries and the videos that are relevant to them, and what was left out."""

    texts: dict[str, str] = field(default_factory=dict)
    """Text of each query, by its id, in the order of the file."""
    grades: dict[tuple[str, str], int] = field(default_factory=dict)
    """Relevance of (query id, video id)."""
    unknown: list[str] = field(default_factory=list)
    """Lines that name no video of the folder: ``file:line: what``."""
    counts: dict[str, int] = field(default_factory=dict)
    """What was read and kept, by step."""


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    query: str
    videos: Sequence[str]
    grade: str
    query_id: str | None


def read_queries(path: Path, videos: Mapping[str, str]) -> Judgements:
    """Read a file of queries: CSV or TSV with the columns ``query`` and ``video``, or JSON lines.

    Optional are ``query_id`` and ``relevance`` (a whole number, 1 without it); in JSON ``video`` may be a
    list. ``videos`` maps names of videos to ids (`bench.prepare.files.names_of`). Equal texts are one query.
    Lines that name no video are collected. Raises DataError, with file:line, for everything else.
    """
    judgements = Judgements()
    ids: dict[str, str] = {}
    lines = list(_read(path))
    given = {line.query_id for line in lines}
    new_ids = (name for number in count(1) if (name := f"q{number}") not in given)
    for line in lines:
        query_id = _query_id(line, ids, judgements.texts, new_ids)
        for name in line.videos:
            if name not in videos:
                judgements.unknown.append(f"{line.place}: {shorten(name)} names no video, or several.")
                continue
            pair, grade = (query_id, videos[name]), int(line.grade)
            if judgements.grades.setdefault(pair, grade) != grade:
                raise DataError(f"{line.place}: the pair has another relevance further up.")
    judgements.counts = {"lines": len(lines), "pairs": len(judgements.grades)}
    if judgements.unknown:
        judgements.counts["names that name no video"] = len(judgements.unknown)
    return judgements


def _query_id(line: _Line, ids: dict[str, str], texts: dict[str, str], new_ids: Iterator[str]) -> str:
    """Determine the id of a line's query: the id that the line gives, that of the same text, or a new one.

    ``ids`` has the first id of each normalised text, ``texts`` the text of each id; both get this query's.
    """
    if line.query_id is not None and not _ID.fullmatch(line.query_id):
        raise DataError(f"{line.place}: the query id {shorten(line.query_id)} is empty or holds white space.")
    text = normalise(line.query)
    if not text:
        raise DataError(f"{line.place}: the query is empty.")
    query_id = line.query_id or ids.get(text) or next(new_ids)
    if normalise(texts.setdefault(query_id, line.query.strip())) != text:
        raise DataError(f"{line.place}: the query id {shorten(query_id)} has another text further up.")
    ids.setdefault(text, query_id)
    return query_id


def _read(path: Path) -> Iterator[_Line]:
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    for line in _json_lines(path) if first.lstrip().startswith("{") else _csv_lines(path):
        if not _GRADE.fullmatch(line.grade):
            raise DataError(f"{line.place}: relevance {shorten(line.grade)} is not a whole number.")
        yield line


def _csv_lines(path: Path) -> Iterator[_Line]:
    for place, row in read_rows(path, needed=("query", "video")):
        grade, query_id = row.get("relevance") or "1", row.get("query_id") or None
        yield _Line(place, row["query"], [row["video"]], grade, query_id)


def _json_lines(path: Path) -> Iterator[_Line]:
    for number, item in numbered_json_lines(path):
        place = f"{path}:{number}"
        query, videos, query_id = item.get("query"), item.get("video"), item.get("query_id")
        videos = [videos] if isinstance(videos, str) else videos
        if not isinstance(query, str):
            raise DataError(f"{place}: the field 'query' must be a string.")
        if not isinstance(videos, list) or not all(isinstance(video, str) for video in videos):
            raise DataError(f"{place}: the field 'video' must be a string or a list of strings.")
        if query_id is not None and not isinstance(query_id, str):
            raise DataError(f"{place}: the field 'query_id' must be a string.")
        yield _Line(place, query, videos, str(item.get("relevance", 1)), query_id)
