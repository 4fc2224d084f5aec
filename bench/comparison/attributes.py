"""The attributes by which queries are divided into slices: given ones, and those derived from the text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import numpy as np

from bench.errors import UsageError, unknown
from bench.metrics.needs import number_needs
from bench.output.attributes import Attributes, read_attributes
from bench.output.checked import checked
from bench.output.per_item import RunItems
from bench.output.schema import ATTRIBUTES
from bench.text import cjk_share, tokenize
from bench.types import QueryId

ALL = "all"
"""The slice of all evaluated queries."""
LARGEST = 8
"""Largest number of slices of one attribute; rarer values share one slice."""
NUMERIC = 6
"""A numeric attribute of more distinct values than this is divided into terciles."""
NONE, OTHER = "(none)", "(other)"
_ENGLISH = ("what", "who", "whom", "whose", "which", "when", "where", "why", "how")
_YES_NO = "is are was were do does did can could will would should has have"
_CHINESE = {
    "why": "为什么|为何|为啥", "how": "怎么|怎样|如何|咋", "when": "什么时候|何时", "where": "哪里|哪儿|何处",
    "what": "什么|啥", "who": "谁", "which": "哪", "how many": "多少|几", "yes/no": "吗",
}  # fmt: skip


def length(text: str) -> str:
    """Count the tokens of a query (`bench.text.tokenize`)."""
    return str(len(tokenize(text)))


def script(text: str) -> str:
    """Name the language of a query by its script: ``cjk``, ``mixed`` or ``other``."""
    share = cjk_share(text)
    return "cjk" if share > 0.5 else "mixed" if share > 0 else "other"


def question_word(text: str) -> str:
    """Classify a query by its question word: the first word in English, any in Chinese; else ``(none)``."""
    first = next(iter(tokenize(text)), "")
    if first in _ENGLISH:
        return first
    if first in _YES_NO.split():
        return "yes/no"
    return next((word for word, pattern in _CHINESE.items() if re.search(pattern, text)), NONE)


DERIVED: Mapping[str, Callable[[str], str]] = {
    "length": length,
    "language": script,
    "question-word": question_word,
}
"""Attributes that every query has, computed from its text where its file has none of that name."""


class QueryAttributes:
    """The evaluated queries of a run with their attributes: what ``--by`` may name.

    ``names`` are the attributes that were given, then the derived ones. Attributes are those of the first
    spelling where queries of the same text are one information need.
    """

    def __init__(self, items: RunItems) -> None:
        folder, manifest = items.first
        self._texts = items.texts()
        # runs and judgements of others may come without texts: each text is then the query's id
        self._has_texts = any(text != query for query, text in self._texts.items())
        first_of: dict[int, QueryId] = {}
        for query, need in zip(self._texts, number_needs(self._texts.values()).tolist(), strict=True):
            first_of.setdefault(need, query)
        self._distinct = list(first_of.values())
        self._given: Attributes = {}
        if ATTRIBUTES in manifest.files:
            self._given = read_attributes(checked(folder, manifest, ATTRIBUTES))

    @property
    def given(self) -> list[str]:
        """List the attributes that came with the queries."""
        return list(dict.fromkeys(name for fields in self._given.values() for name in fields))

    @property
    def names(self) -> list[str]:
        """List all attributes."""
        return list(dict.fromkeys([*self.given, *(DERIVED if self._has_texts else ())]))

    def slices(self, name: str) -> dict[str, list[QueryId]]:
        """Divide the queries by an attribute: the distinct queries of each slice, by its name.

        Numbers of more than `NUMERIC` distinct values, and lengths, are divided into terciles of the
        evaluated queries, which a slice's name shows as its least and largest value. Raises UsageError for
        an unknown attribute.
        """
        if name in DERIVED and name not in self.names:
            raise UsageError(
                f"the attribute '{name}' is computed from the texts of the queries, which are unknown here. "
                "Name their file with --queries where runs are scored."
            )
        if name not in self.names:
            raise unknown("attribute", name, self.names)
        if name in self.given:
            values = {query: self._given.get(query, {}).get(name, NONE) for query in self._texts}
        else:
            values = {query: DERIVED[name](text) for query, text in self._texts.items()}
        divide = _terciles if _is_numeric(values.values(), name) else _frequent
        label = divide(values.values())
        slices: dict[str, list[QueryId]] = {one: [] for one in dict.fromkeys(label.values())}
        for query in self._distinct:
            slices[label[values[query]]].append(query)
        return {one: queries for one, queries in slices.items() if queries}


def _is_numeric(values: Collection[str], name: str) -> bool:
    distinct = set(values) - {NONE}
    return bool(distinct) and all(map(_is_number, distinct)) and (name in DERIVED or len(distinct) > NUMERIC)


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _terciles(values: Collection[str]) -> dict[str, str]:
    """Name the slice of each value, ascending: a third of the queries each, as far as equal values allow."""
    numbers = np.array([float(value) for value in values if value != NONE])
    cuts = np.quantile(numbers, [1 / 3, 2 / 3], method="inverted_cdf")
    part = {value: int(np.searchsorted(cuts, float(value))) for value in set(values) - {NONE}}
    labels = {}
    for which in sorted(set(part.values())):
        members = sorted((value for value in part if part[value] == which), key=float)
        low, high = members[0], members[-1]  # as they are written: rounded, two slices could have one name
        labels.update(dict.fromkeys(members, low if float(low) == float(high) else f"{low}–{high}"))
    return {**labels, **({NONE: NONE} if NONE in values else {})}


def _frequent(values: Collection[str]) -> dict[str, str]:
    """Name the slice of each value: the value itself, most frequent first, or one for all rare values."""
    counts = Counter(values)
    ranked = sorted(counts, key=lambda value: (value == NONE, -counts[value], value))
    kept = ranked if len(ranked) <= LARGEST else ranked[: LARGEST - 1]
    names = {value: value if value in kept else OTHER for value in ranked}
    return names | ({ALL: f"{ALL} (value)"} if ALL in kept else {})
