"""Entity labels (eq. 9): which words of a transcript belong to what its queries ask for.

The paper names no tagger, and its 2.2 entities a query and 19.2 a transcript are too many for names of
persons and places: an entity is a content word (paper-audit.md, decision 11).

* Chinese: the nouns, names and Latin words of two characters or more that jieba's tagger finds in a
  query (it calls too many verbs of one character nouns); every occurrence of each in the transcript is
  labelled, longer ones first, none inside another.
* Every other language, without a tagger: the runs of a query's words between stop words. Of a run, the
  longest part whose words follow one another in the transcript is labelled wherever they do;
  then what is left of the run on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from bench.text import import_jieba
from bench.types import Video
from generators.neural.tokens import Tokens
from generators.stop_words import STOP_WORDS

Span = tuple[int, int]
"""Characters ``[start, end)``."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NOUNS = ("n", "vn", "eng")
"""jieba's tags: n* are nouns and names, vn verbal nouns, eng Latin words."""


def entity_spans(transcript: str, queries: Sequence[str], language: str) -> list[Span]:
    """Locate the queries' entities in a transcript, in order, not overlapping."""
    search = _chinese if language == "zh" else _spaced
    return _merge_overlaps(search(transcript, queries))


def label_transcripts(videos: Sequence[Video], tokens: Tokens, limit: int, language: str) -> list[list[int]]:
    """Label the words that the entity block learns to select: y (eq. 9), 0 or 1 for each of ``limit`` tokens.

    The special tokens before a transcript have the label 0.
    """
    spans = tokens.spans([video.transcript for video in videos], limit)
    return [
        [0] * tokens.lead + token_labels(places, entity_spans(video.transcript, video.references, language))
        for video, places in zip(videos, spans, strict=True)
    ]


def token_labels(tokens: Iterable[Span], marked: Sequence[Span]) -> list[int]:
    """Label with 1 each token that shares a character with a marked span."""
    characters = {i for start, end in marked for i in range(start, end)}
    return [int(any(i in characters for i in range(start, end))) for start, end in tokens]


def _merge_overlaps(spans: Iterable[Span]) -> list[Span]:
    united: list[Span] = []
    for start, end in sorted(set(spans)):
        if united and start < united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


# Languages with blanks between words


def _spaced(transcript: str, queries: Sequence[str]) -> Iterator[Span]:
    places = [match.span() for match in _WORD.finditer(transcript)]
    words = [transcript[start:end].casefold() for start, end in places]
    starts: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        starts.setdefault(word, []).append(place)
    for run in {run for query in queries for run in content_runs(query)}:
        for first, length in _longest(list(run), words, starts):
            yield places[first][0], places[first + length - 1][1]


def content_runs(query: str) -> list[tuple[str, ...]]:
    """Split a query into runs of words between stop words, case-folded."""
    runs: list[list[str]] = [[]]
    for match in _WORD.finditer(query.casefold()):
        if match.group() in STOP_WORDS:
            runs.append([])
        else:
            runs[-1].append(match.group())
    return [tuple(run) for run in runs if run]


def _longest(run: list[str], words: Sequence[str], starts: dict[str, list[int]]) -> Iterator[Span]:
    """Yield (first word, number of words) of the longest part of a run, then of the rests."""
    for length in range(len(run), 0, -1):
        for at in range(len(run) - length + 1):
            part = run[at : at + length]
            matches = [i for i in starts.get(part[0], ()) if list(words[i : i + length]) == part]
            if matches:
                yield from ((i, length) for i in matches)
                yield from _longest(run[:at], words, starts)
                yield from _longest(run[at + length :], words, starts)
                return


# Chinese


def _chinese(transcript: str, queries: Sequence[str]) -> Iterator[Span]:
    text = _fold(transcript)
    taken = [False] * len(text)
    for entity in sorted({e for q in queries for e in nouns(_fold(q))}, key=lambda e: (-len(e), e)):
        start = text.find(entity)
        while start >= 0:
            end = start + len(entity)
            if not any(taken[start:end]):
                taken[start:end] = [True] * len(entity)
                yield start, end
            start = text.find(entity, start + 1)


@lru_cache(maxsize=1 << 16)
def nouns(query: str) -> tuple[str, ...]:
    """Take the nouns of a Chinese query as its entities."""
    tagged = ((word.word.strip(), word.flag) for word in import_jieba().posseg.cut(query))
    return tuple(word for word, flag in tagged if flag.startswith(_NOUNS) and len(word) > 1)


def _fold(text: str) -> str:
    """Lower a text without changing the number of its characters, so that positions stay valid."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
