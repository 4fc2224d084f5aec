"""Fixed choices of an evaluation: protocols, splits, languages; light, as the command line reads them."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

Protocol: TypeAlias = Literal["one-query-per-video", "all-queries"]
"""Which queries are evaluated (`bench.data.evaluation_set`)."""
ONE_QUERY_PER_VIDEO: Final = "one-query-per-video"
ALL_QUERIES: Final = "all-queries"

Split: TypeAlias = Literal["train", "val", "test"]
"""The parts of a dataset."""
SPLITS: tuple[Split, ...] = get_args(Split)

EvaluatedSplit: TypeAlias = Literal["test", "val"]
"""The parts whose queries may be evaluated: nothing is trained on them."""

Ties: TypeAlias = Literal["trec_eval", "ours", "rank"]
"""How documents of equal score are put in order in a run of any origin (`bench.foreign.scoring`)."""
TIES: tuple[Ties, ...] = get_args(Ties)

_LANGUAGE_CODE = re.compile("[a-z]{2,3}")
_LONG_CODES = {
    "ara": "ar", "ben": "bn", "chi": "zh", "cmn": "zh", "deu": "de", "dut": "nl", "eng": "en", "fas": "fa",
    "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "hin": "hi", "ind": "id", "ita": "it", "jpn": "ja",
    "kor": "ko", "nld": "nl", "per": "fa", "pol": "pl", "por": "pt", "rus": "ru", "spa": "es", "swe": "sv",
    "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh",
}  # fmt: skip
"""Codes of ISO 639-2 and 639-3 that are easily given for the two letters by which analyzers are selected."""


def language_problem(code: str) -> str | None:
    """Describe what is wrong with the code of a language; None where nothing is."""
    if not _LANGUAGE_CODE.fullmatch(code):
        return "is not a code of ISO 639, such as en, zh, de or pt"
    if code in _LONG_CODES:
        return f"has a code of two letters, by which analyzers and encoders are selected: {_LONG_CODES[code]}"
    return None
