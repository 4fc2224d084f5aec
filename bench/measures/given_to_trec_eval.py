"""What the code of trec_eval is given, by which ir_measures computes, and what is counted in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.errors import UsageError
from bench.types import VideoId

COUNTS: Mapping[str, Callable[[Mapping[VideoId, int]], float]] = {
    "NumQ": lambda grades: 1.0,
    "NumRel": lambda grades: float(sum(grade > 0 for grade in grades.values())),
}
"""Counts of a topic, whatever was found."""
LARGEST_GRADE = 1000


def grades_for_trec_eval(grades: Mapping[VideoId, int]) -> dict[VideoId, int]:
    """Judge with 0 where all grades of a topic are negative: pytrec_eval's nDCG may never end on them.

    Nor on large ones, or the process ends. Raises UsageError for these.
    """
    if large := [grade for grade in grades.values() if abs(grade) > LARGEST_GRADE]:
        raise UsageError(
            f"trec_eval's code, by which ir_measures computes, cannot count a relevance of {large[0]}; it "
            f"may be up to {LARGEST_GRADE:,}. Use smaller grades, or R, P, Acc, nDCG, MAP and MRR @k."
        )
    return dict(grades) if max(grades.values(), default=0) >= 0 else dict.fromkeys(grades, 0)
