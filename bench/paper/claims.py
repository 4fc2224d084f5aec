"""Whether the claims of the paper's text hold for given scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import hypot

import pandas as pd

from bench.output.per_item import RunItems
from bench.paper import published
from bench.paper.comparisons import QUANTILE, Comparison, Measured, significant
from bench.paper.published import Claim
from bench.paper.scores import by_key
from bench.paper.status import NOT_TESTABLE

HOLDS = "holds"
FAILS = "does not hold"
OPEN = NOT_TESTABLE


def judge_claims(
    scores: pd.DataFrame,
    *,
    same_dataset: bool,
    claims: Sequence[Claim] | None = None,
    items: RunItems | None = None,
) -> pd.DataFrame:
    """Judge each claim of the paper's text by given scores: holds, does not hold, not testable.

    ``scores`` has the columns of ``scores.csv``; with ``items`` two rows are compared in pairs, query by
    query or video by video, else by their intervals. A claim holds when every comparison it makes is as
    claimed, each significant by itself: all must be, so none needs correction (Berger 1982). It does not
    hold when one is significantly the other way after Holm's correction over its comparisons: a single one
    decides, and among 48 comparisons one or more seem significant by chance. Claims of an exact
    figure are judged on the paper's dataset only. Columns: id, table, section, statement, verdict,
    figures.
    """
    measured = Measured(by_key(scores), items)
    judged = published.claims() if claims is None else claims
    lines = [
        (c.id, c.table, c.section, c.statement, *_CHECKS[c.kind](c, measured, same_dataset)) for c in judged
    ]
    return pd.DataFrame(lines, columns=["id", "table", "section", "statement", "verdict", "figures"])


def _contradicted(comparisons: Sequence[Comparison]) -> bool:
    return any(c.lead < 0 for c in significant(comparisons))


def _count(comparisons: Sequence[Comparison]) -> str:
    """Count the comparisons for and against the claim, and name the one furthest against it."""
    total, known = len(comparisons), [c for c in comparisons if c.known]
    if not known:
        return f"{total} of {total} comparisons without a score"
    ahead, clear = sum(c.lead > 0 for c in known), sum(c.won for c in known)
    text = f"{ahead} of {total} in the claimed direction, {clear} significant"
    text += f", {total - len(known)} without a score" if len(known) < total else ""
    worst = min((c for c in known if c.lead <= 0), key=lambda c: c.lead, default=None)
    return text + (f"; not {worst.what}: {worst.left:.4f} and {worst.right:.4f}" if worst else "")


def _every(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    if _contradicted(comparisons):
        return FAILS, _count(comparisons)
    return (HOLDS if comparisons and all(c.won for c in comparisons) else OPEN), _count(comparisons)


def _above(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    return _every(list(measured.between_rows(claim)))


def _retriever(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    return _every(list(measured.between_retrievers(claim)))


def _mostly_above(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    comparisons = list(measured.between_rows(claim))
    clear = significant(comparisons)  # any of them may make the majority, so all are corrected
    won = sum(c.lead > 0 for c in clear)
    lost = len(clear) - won
    verdict = HOLDS if 2 * won > len(comparisons) else FAILS if 2 * lost >= len(comparisons) else OPEN
    return verdict, _count(comparisons)


def _not_below(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    comparisons = list(measured.between_rows(claim))
    if _contradicted(comparisons):
        return FAILS, _count(comparisons)
    held = all(c.won or (c.known and c.lead == c.error == 0) for c in comparisons)
    return (HOLDS if held else OPEN), _count(comparisons)


def _close(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    """Judge "comparable": all differences within ``value`` percent of the right side."""
    comparisons = [c for c in measured.between_rows(claim) if c.known and c.right]
    if not comparisons:
        return OPEN, "no score"
    limits = [float(claim.value) / 100 * abs(c.right or 0) for c in comparisons]
    figures = f"at most {100 * max(abs(c.lead) / abs(c.right or 1) for c in comparisons):.1f} % apart"
    if significant(comparisons, limits):
        return FAILS, figures
    held = all(abs(c.lead) + c.margin <= limit for c, limit in zip(comparisons, limits, strict=True))
    return (HOLDS if held else OPEN), figures


def _gains(claim: Claim, measured: Measured) -> dict[str, tuple[float, float]]:
    """Compute each metric's gain over the best other, in percent, with its margin; all scores are needed."""
    gains = {}
    for metric in claim.metrics.split():
        subject = measured.scores.get((claim.subjects, "", metric))
        others = [measured.scores.get((other, "", metric)) for other in claim.others.split()]
        best = max((score for score in others if score), key=lambda score: score.value, default=None)
        if subject and best and best.value > 0 and all(others):
            ratio = subject.value / best.value
            margin = 100 * ratio * hypot(subject.half / max(subject.value, 1e-12), best.half / best.value)
            gains[metric] = (100 * (ratio - 1), margin)
    return gains


def _gain(claim: Claim, measured: Measured, same_dataset: bool) -> tuple[str, str]:
    for gain, margin in _gains(claim, measured).values():
        half = 0.5 * 10.0 ** -len(claim.value.partition(".")[2])
        figures = f"{gain:.2f} % here, {claim.value} % claimed"
        if not same_dataset:
            return OPEN, f"{figures} of another dataset"
        return (HOLDS if abs(gain - float(claim.value)) <= half + margin else FAILS), figures
    return OPEN, "not all scores are known"


def _largest_gain(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    gains = _gains(claim, measured)
    first, *rest = claim.metrics.split()
    comparisons = [_gain_over(gains, first, metric) for metric in rest]
    figures = ", ".join(f"{metric} {gain:.2f} %" for metric, (gain, _) in gains.items())
    return _every(comparisons)[0], figures or "not all scores are known"


def _gain_over(gains: dict[str, tuple[float, float]], first: str, second: str) -> Comparison:
    left, right = gains.get(first), gains.get(second)
    what = f"{first} over {second}"
    if not left or not right:
        return Comparison(what, left[0] if left else None, right[0] if right else None)
    return Comparison(what, left[0], right[0], hypot(left[1], right[1]) / QUANTILE)


def _equal_metrics(claim: Claim, measured: Measured, _: bool) -> tuple[str, str]:
    first, second = claim.metrics.split()
    pairs = [
        measured.compare((subject, retriever, first), (subject, retriever, second))
        for subject, retriever in product(claim.subjects.split(), claim.retrievers.split())
    ]
    known = [c for c in pairs if c.known]
    same = sum(abs(c.lead) <= 1e-9 for c in known)
    figures = f"{same} of {len(pairs)} equal" + (
        f", {len(pairs) - len(known)} without a score" * (len(known) < len(pairs))
    )
    if same < len(known):
        return FAILS, figures
    return (HOLDS if known else OPEN), figures


def _text(claim: Claim, _: Measured, __: bool) -> tuple[str, str]:
    return OPEN, f"not about scores; on the paper's figures: {claim.in_paper} ({claim.figures})"


_CHECKS: dict[str, Callable[[Claim, Measured, bool], tuple[str, str]]] = {
    "above": _above,
    "mostly-above": _mostly_above,
    "not-below": _not_below,
    "close": _close,
    "gain": _gain,
    "largest-gain": _largest_gain,
    "retriever": _retriever,
    "equal-metrics": _equal_metrics,
    "text": _text,
}
