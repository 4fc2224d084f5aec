"""The summary of a run in words, as plain text: each sentence follows from a test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.metrics.definitions import RANKING_KINDS
from bench.metrics.significance import ALPHA
from bench.summary.run_summary import Board, Difference, Facts, Row, RunSummary

__cache_neutral__ = True

_REFERENCES = {
    "transcript": "Searching the raw transcript",
    "oracle": "A human query as the summary",
}
"""What the reference systems stand for, by name; others go by their label."""

_SUBJECTS = {
    "duplicates": "duplicate summaries",
    "ties": "scores that ties decide",
    "modality": "systems that hardly read an input",
    "retrievers": "retrievers with the same scores",
    "seed": "a single seed",
}
"""What a caution is about, in a few words; those that are not here are always shown in full."""


def to_text(summary: RunSummary) -> str:
    """Write the answer of a run as plain text: a line for each retriever and caution, then the facts."""
    return "\n".join([*answers(summary), *cautions(summary), facts_line(summary.facts)]) + "\n"


def answers(summary: RunSummary) -> list[str]:
    """Write a paragraph for each retriever: the best system, whether its lead is significant, references."""
    return [" ".join(board_sentences(board)) for board in summary.main_boards]


def short_answer(summary: RunSummary) -> str:
    """Join the first sentence of each retriever, such as which system is best and its score."""
    return " ".join(board_sentences(board)[0] for board in summary.main_boards)


def board_sentences(board: Board) -> list[str]:
    """Describe one board in sentences: its best system, the test against the others, each reference."""
    first = board.first
    if first is None:
        shown = ", ".join(f"{row.label} {score_text(row)}" for row in board.references)
        return [f"With {board.label}, no ranked system was run: {board.metric} of {shown}."]
    references = [text for row in board.references if (text := reference_sentence(row, first))]
    return [_first_sentence(board, first), *_lead_sentences(board, first), *references]


def _first_sentence(board: Board, first: Row) -> str:
    ranked, where = board.ranked, f"With {board.label}, "
    score = f"{board.metric}: {score_text(first)}"
    if len(ranked) == 1:
        return f"{where}{first.label} is the only ranked system. {score}."
    equal = [row.label for row in ranked if row.value == first.value]
    if len(equal) > 1:
        return f"{where}{_join(equal)} share the highest {score}."
    if board.rivals:
        return f"{where}{first.label} has the highest {score}."
    if board.metric.partition("@")[0] in RANKING_KINDS:
        return f"{where}{first.label} finds most. {score}."
    return f"{where}{first.label} is best. {score}."


def _lead_sentences(board: Board, first: Row) -> Iterator[str]:
    """Yield by how much the first leads the next, and over which others its lead is not significant."""
    if len(board.ranked) < 2:
        return
    following, lead = board.ranked[1], board.ranked[1].against_first
    is_shared = following.value == first.value
    others = [row for row in board.rivals if row.value < first.value and row is not following]
    subject, verb = f"{'Their' if is_shared else 'Its'} lead over", "is not significant"
    if lead and not is_shared:
        name = f"the next, {following.label} ({score_text(following, interval=False)})"
        by = f"{format_difference(_reverse(lead)).removeprefix('+')}"
        if lead.is_significant:
            yield f"It leads {name}, significantly: by {by}."
        else:
            yield f"{subject} {name}, {verb}: {by}."
            subject, verb = "Nor is that over", ""
    if others:
        tests = [row.against_first.p for row in others if row.against_first]
        p = (
            format_p(tests[0])
            if min(tests) == max(tests)
            else f"p ≥ {math.floor(min(tests) * 1000) / 1000:.3f}"
        )
        is_all = len(others) == len(board.ranked) - 2 > 1
        names = "any other ranked system" if is_all else _join([row.label for row in others])
        yield f"{subject} {names} {verb}".rstrip() + f" ({p})."


def reference_sentence(row: Row, first: Row) -> str:
    """Compare a reference with the first ranked system in a sentence; empty where it was not tested."""
    difference = row.against_first
    if difference is None:
        return ""
    name = _REFERENCES.get(row.generator, row.label)
    score, tested = score_text(row, interval=False), f"({format_difference(difference)})"
    if not difference.is_significant:
        return f"{name}: {score}, not significantly different from {first.label} {tested}."
    return f"{name} finds {'more' if difference.value > 0 else 'less'} than {first.label}: {score} {tested}."


def _reverse(difference: Difference) -> Difference:
    """Turn the difference of a row to the first into that of the first to the row."""
    low, high = (None if bound is None else -bound for bound in (difference.high, difference.low))
    return Difference(-difference.value, low, high, difference.p)


def caution_line(summary: RunSummary) -> str:
    """Join the cautions in one line: failures and synthetic data in full, the others by their subject."""
    full = [caution.text for caution in summary.cautions if caution.about in ("failed", "synthetic")]
    names = [_SUBJECTS[c.about] for c in summary.cautions if c.about in _SUBJECTS]
    others = [f"Read with care: {_join(list(dict.fromkeys(names)))}."] if names else []
    return " ".join([*full, *others])


def cautions(summary: RunSummary) -> list[str]:
    """List the warnings on how to read the scores (ties, duplicates, failures …), a line for each."""
    return [caution.text for caution in summary.cautions]


def facts_line(facts: Facts) -> str:
    """Format what was evaluated, with which seeds and preset, on which machine, and in what time."""
    seeds = ", ".join(map(str, facts.seeds))
    parts = [
        facts.data + (" (synthetic)" if facts.synthetic else ""),
        f"{facts.queries:,} queries",
        f"{facts.videos:,} videos",
        f"seed{'s' if len(facts.seeds) > 1 else ''} {seeds}",
        f"preset {facts.preset}" if facts.preset else "",
        facts.machine,
        f"{format_duration(facts.seconds)} of computing" if facts.seconds else "",
    ]
    return " · ".join(filter(None, parts))


def format_difference(difference: Difference) -> str:
    """Format a difference in points with its interval and p, such as ``+14.1 [9.3, 19.1], p = 0.003``.

    The interval is of this one difference, p is corrected for all pairs: where they seem to contradict
    each other, the text says so.
    """
    interval = _interval(difference.low, difference.high)
    bounds = (difference.low or 0.0, difference.high or 0.0)
    contradicts = bounds[0] * bounds[1] > 0 and not difference.is_significant
    corrected = " after correction for all pairs" if contradicts else ""
    return f"{_points(difference.value):+.1f}{interval}, {format_p(difference.p)}{corrected}"


def format_p(p: float) -> str:
    """Format a p-value for a sentence; rounding never moves it across 0.05."""
    if p < 0.001:
        return "p < 0.001"
    text = f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
    return f"p < {ALPHA}" if p < ALPHA and float(text) >= ALPHA else f"p = {text}"


def format_duration(seconds: float) -> str:
    """Format a duration with a readable unit: s below 90 s, min below 90 min, else h."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def score_text(row: Row, *, interval: bool = True) -> str:
    """Format a row's score ×100 with its interval, such as ``41.9 [36.4, 47.4]``."""
    return f"{_points(row.value):.1f}{_interval(row.low, row.high) if interval else ''}"


def _points(value: float) -> float:
    return round(value * 100, 1) + 0.0  # no -0.0


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{_points(low):.1f}, {_points(high):.1f}]"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
