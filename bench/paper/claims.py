"""Whether the claims of the paper's text hold for given scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot

import pandas as pd

from bench.paper import published
from bench.paper.published import Claim
from bench.paper.scores import Key, Score, by_key

HOLDS = "holds"
FAILS = "does not hold"
OPEN = "cannot be told"

Scores = dict[Key, Score]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison that a claim makes: ``left`` should be above ``right``.

    ``margin`` is what their intervals leave open, as if independent: too wide for paired scores, so a
    clear difference is clear. None stands for a score that is missing.
    """

    what: str
    left: float | None
    right: float | None
    margin: float

    @property
    def known(self) -> bool:
        """Whether both scores exist."""
        return self.left is not None and self.right is not None

    @property
    def lead(self) -> float:
        """By how much the left score exceeds the right."""
        assert self.left is not None
        assert self.right is not None
        return self.left - self.right

    @property
    def won(self) -> bool:
        """Whether the difference is as claimed, beyond the margin."""
        return self.known and self.lead > self.margin

    @property
    def lost(self) -> bool:
        """Whether the difference is the other way, beyond the margin."""
        return self.known and -self.lead > self.margin


def verdicts(
    scores: pd.DataFrame, *, same_dataset: bool, claims: Sequence[Claim] | None = None
) -> pd.DataFrame:
    """Return a verdict on each claim: holds, does not hold, cannot be told.

    ``scores`` has the columns of ``scores.csv``. A claim holds only when every comparison it makes is
    as claimed beyond the intervals; it does not hold when one is clearly the other way; figures say
    the rest. Claims of an exact figure are judged on the paper's own dataset only. Columns: id, table,
    section, statement, verdict, figures.
    """
    known = by_key(scores)
    judged = published.claims() if claims is None else claims
    lines = [
        (c.id, c.table, c.section, c.statement, *_CHECKS[c.kind](c, known, same_dataset)) for c in judged
    ]
    return pd.DataFrame(lines, columns=["id", "table", "section", "statement", "verdict", "figures"])


def _against(scores: Scores, left: Key, right: Key) -> Comparison:
    a, b = scores.get(left), scores.get(right)
    different = [x for x, y in zip(left, right, strict=True) if x != y]
    where = " ".join(part for part in (left[2], left[1] if left[1] == right[1] else "") if part)
    what = f"{different[0]} over {'/'.join(y for x, y in zip(left, right, strict=True) if x != y)} in {where}"
    margin = hypot(a.half, b.half) if a and b else 0.0
    return Comparison(what, a.value if a else None, b.value if b else None, margin)


def _rows(claim: Claim, scores: Scores) -> Iterator[Comparison]:
    """Compare generators: each subject with each other, in each metric, under each retriever."""
    retrievers = claim.retrievers.split() or [""]
    for retriever, metric in product(retrievers, claim.metrics.split()):
        for subject, other in product(claim.subjects.split(), claim.others.split()):
            yield _against(scores, (subject, retriever, metric), (other, retriever, metric))


def _retrievers(claim: Claim, scores: Scores) -> Iterator[Comparison]:
    """Compare retrievers for each generator; the claim's column ``retrievers`` lists generators."""
    for generator, metric in product(claim.retrievers.split(), claim.metrics.split()):
        for subject, other in product(claim.subjects.split(), claim.others.split()):
            yield _against(scores, (generator, subject, metric), (generator, other, metric))


def _count(comparisons: Sequence[Comparison]) -> str:
    """Say how many comparisons went which way, and name the one that is worst for the claim."""
    known = [c for c in comparisons if c.known]
    ahead, clear = sum(c.lead > 0 for c in known), sum(c.won for c in comparisons)
    text = f"{ahead} of {len(comparisons)} as claimed, {clear} clearly"
    text += f", {len(comparisons) - len(known)} without a score" if len(known) < len(comparisons) else ""
    worst = min((c for c in known if c.lead <= 0), key=lambda c: c.lead, default=None)
    return text + (f"; not {worst.what}: {worst.left:.4f} and {worst.right:.4f}" if worst else "")


def _every(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    if any(c.lost for c in comparisons):
        return FAILS, _count(comparisons)
    return (HOLDS if comparisons and all(c.won for c in comparisons) else OPEN), _count(comparisons)


def _above(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    return _every(list(_rows(claim, scores)))


def _retriever(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    return _every(list(_retrievers(claim, scores)))


def _mostly_above(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    comparisons = list(_rows(claim, scores))
    won, lost = sum(c.won for c in comparisons), sum(c.lost for c in comparisons)
    verdict = HOLDS if 2 * won > len(comparisons) else FAILS if 2 * lost >= len(comparisons) else OPEN
    return verdict, _count(comparisons)


def _not_below(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    comparisons = list(_rows(claim, scores))
    if any(c.lost for c in comparisons):
        return FAILS, _count(comparisons)
    held = all(c.won or (c.known and c.lead == c.margin == 0) for c in comparisons)
    return (HOLDS if held else OPEN), _count(comparisons)


def _close(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    """Judge "comparable": all differences within ``value`` percent of the right side."""
    comparisons = [c for c in _rows(claim, scores) if c.known and c.right]
    if not comparisons:
        return OPEN, "no score"
    allowed = float(claim.value) / 100
    shares = [(abs(c.lead) / abs(c.right or 1), c.margin / abs(c.right or 1)) for c in comparisons]
    figures = f"at most {100 * max(share for share, _ in shares):.1f} % apart"
    if any(share - margin > allowed for share, margin in shares):
        return FAILS, figures
    return (HOLDS if all(share + margin <= allowed for share, margin in shares) else OPEN), figures


def _gains(claim: Claim, scores: Scores) -> dict[str, tuple[float, float]]:
    """Return each metric's gain over the best other, in percent, with its margin; all scores are needed."""
    gains = {}
    for metric in claim.metrics.split():
        subject = scores.get((claim.subjects, "", metric))
        others = [scores.get((other, "", metric)) for other in claim.others.split()]
        best = max((score for score in others if score), key=lambda score: score.value, default=None)
        if subject and best and best.value > 0 and all(others):
            ratio = subject.value / best.value
            margin = 100 * ratio * hypot(subject.half / max(subject.value, 1e-12), best.half / best.value)
            gains[metric] = (100 * (ratio - 1), margin)
    return gains


def _gain(claim: Claim, scores: Scores, same_dataset: bool) -> tuple[str, str]:
    for gain, margin in _gains(claim, scores).values():
        half = 0.5 * 10.0 ** -len(claim.value.partition(".")[2])
        figures = f"{gain:.2f} % here, {claim.value} % claimed"
        if not same_dataset:
            return OPEN, f"{figures} of another dataset"
        return (HOLDS if abs(gain - float(claim.value)) <= half + margin else FAILS), figures
    return OPEN, "not all scores are there"


def _largest_gain(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    gains = _gains(claim, scores)
    first, *rest = claim.metrics.split()
    comparisons = [_gain_over(gains, first, metric) for metric in rest]
    figures = ", ".join(f"{metric} {gain:.2f} %" for metric, (gain, _) in gains.items())
    return _every(comparisons)[0], figures or "not all scores are there"


def _gain_over(gains: dict[str, tuple[float, float]], first: str, second: str) -> Comparison:
    left, right = gains.get(first), gains.get(second)
    margin = hypot(left[1], right[1]) if left and right else 0.0
    return Comparison(
        f"{first} over {second}", left[0] if left else None, right[0] if right else None, margin
    )


def _equal_metrics(claim: Claim, scores: Scores, _: bool) -> tuple[str, str]:
    first, second = claim.metrics.split()
    pairs = [
        _against(scores, (subject, retriever, first), (subject, retriever, second))
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


def _text(claim: Claim, _: Scores, __: bool) -> tuple[str, str]:
    return OPEN, f"scores do not tell; on the paper's own figures: {claim.in_paper} ({claim.figures})"


_CHECKS: dict[str, Callable[[Claim, Scores, bool], tuple[str, str]]] = {
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
