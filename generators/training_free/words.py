"""Words of a transcript, and summaries of a limited length made of them; shared by the training-free rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench.context import Context
from bench.errors import UsageError
from bench.text import import_jieba
from generators.options import LeadOptions, TrainingFreeOptions
from generators.stop_words import STOP_WORDS

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_IGNORED = STOP_WORDS | frozenset(("you're", "we're", "that's", "i'll", "we'll"))


def cut_words(text: str, language: str) -> list[str]:
    """Cut a text into its words, in order and as they are written; Chinese by jieba."""
    if language != "zh":
        return _WORD.findall(text)
    return [word for word in import_jieba().cut(text) if _WORD.fullmatch(word)]


def is_content(word: str, language: str) -> bool:
    """Check whether a word can be a keyword: no function word, and at least two characters."""
    return len(word) > 1 and (language == "zh" or word.casefold() not in _IGNORED)


def count_units(words: Iterable[str], language: str) -> int:
    """Measure a length as Lead does: words of English, characters of Chinese."""
    return sum(len(word) for word in words) if language == "zh" else sum(1 for _ in words)


def summary_length(context: Context) -> int:
    """Read how long a summary may be: ``training-free.units``, or as long as Lead's.

    Raises UsageError where Lead's length is not a number but measured on the training queries.
    """
    units = context.options(TrainingFreeOptions).units or context.options(LeadOptions).units
    if not units:
        raise UsageError(
            "lead.units=0 measures Lead's length on the training queries, and the training-free rows take a "
            "number. Add --set training-free.units=N."
        )
    return units


def take_phrases(phrases: Iterable[Sequence[str]], limit: int, language: str) -> list[Sequence[str]]:
    """Take the first phrases that fit into ``limit`` units, leaving out those without a new word."""
    taken: list[Sequence[str]] = []
    known: set[str] = set()
    free = limit
    for phrase in phrases:
        length = count_units(phrase, language)
        if length <= free and not {word.casefold() for word in phrase} <= known:
            taken.append(phrase)
            known.update(word.casefold() for word in phrase)
            free -= length
        if not free:
            break
    return taken


def require_english(context: Context, name: str, reason: str) -> None:
    """Raise UsageError for a dataset in another language than English."""
    if context.language != "en":
        raise UsageError(
            f"generator '{name}' reads English, and the dataset's language is '{context.language}': "
            f"{reason}. Use tfidf or textrank."
        )
