"""The comparisons of scores that a claim makes, each with its standard error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from scipy.stats import t

from bench.metrics.over_seeds import error_of_difference
from bench.metrics.significance import ALPHA, holm
from bench.output.per_item import RunItems
from bench.paper.published import Claim
from bench.paper.scores import Key, Score

QUANTILE = 1.96
"""Half the width of a stated interval, in standard errors."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison that a claim makes: ``left`` should be above ``right``.

    ``error`` is the standard error of the difference with its degrees of ``freedom``, NaN where it is not
    known; a score that is missing is None.
    """

    what: str
    left: float | None
    right: float | None
    error: float = math.nan
    freedom: float = math.inf

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

    def p_value(self, beyond: float = 0.0) -> float:
        """Test whether the scores differ by more than ``beyond``: two-sided p, NaN where untestable."""
        if not self.known or math.isnan(self.error):
            return math.nan
        excess = abs(self.lead) - beyond
        if excess <= 0:
            return 1.0
        return float(2 * t.sf(excess / self.error, self.freedom)) if self.error else 0.0

    @property
    def margin(self) -> float:
        """The half width of the difference's 95 % interval, in the unit of the scores."""
        if math.isnan(self.error) or not self.error:
            return self.error
        return self.error * float(t.ppf(1 - ALPHA / 2, self.freedom))

    @property
    def won(self) -> bool:
        """Whether the difference is as claimed and significant, without correction."""
        return self.known and self.lead > 0 and self.p_value() < ALPHA


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The scores that claims are judged by; with ``items`` they are compared in pairs, item by item."""

    scores: Mapping[Key, Score]
    items: RunItems | None = None

    def between_rows(self, claim: Claim) -> Iterator[Comparison]:
        """Compare each subject with each other row, in each metric, under each retriever."""
        for retriever, metric in product(claim.retrievers.split() or [""], claim.metrics.split()):
            for subject, other in product(claim.subjects.split(), claim.others.split()):
                yield self.compare((subject, retriever, metric), (other, retriever, metric))

    def between_retrievers(self, claim: Claim) -> Iterator[Comparison]:
        """Compare retriever with retriever; the claim's column ``retrievers`` lists generators."""
        for generator, metric in product(claim.retrievers.split(), claim.metrics.split()):
            for subject, other in product(claim.subjects.split(), claim.others.split()):
                yield self.compare((generator, subject, metric), (generator, other, metric))

    def compare(self, left: Key, right: Key) -> Comparison:
        """Compare two scores: in pairs where both cells have scores per item, else by their intervals."""
        a, b = self.scores.get(left), self.scores.get(right)
        ours, theirs = ("/".join(x for x, y in zip(*pair, strict=True) if x != y)
                        for pair in ((left, right), (right, left)))  # fmt: skip
        where = " ".join(part for part in (left[2], left[1] if left[1] == right[1] else "") if part)
        what = f"{ours} over {theirs} in {where}"
        if not a or not b:
            return Comparison(what, a.value if a else None, b.value if b else None)
        error, freedom = independent_error(a, b), math.inf
        if self.items and left[2] == right[2]:
            sides = [self.items.cell(*key[:2]) for key in (left, right)]
            error, freedom = error_of_difference(*(side.values[left[2]] for side in sides))
        return Comparison(what, a.value, b.value, error, freedom)


def independent_error(a: Score, b: Score) -> float:
    """Combine two intervals into the standard error of a difference of independent scores."""
    return math.hypot(a.half, b.half) / QUANTILE


def significant(comparisons: Sequence[Comparison], beyond: Sequence[float] | None = None) -> list[Comparison]:
    """Select the comparisons whose scores differ significantly, Holm-corrected over all that can be tested.

    ``beyond`` is the largest difference of each that counts as none, 0 where it is left out.
    """
    limits = beyond or [0.0] * len(comparisons)
    tested = [(c, p) for c, limit in zip(comparisons, limits, strict=True)
              if not math.isnan(p := c.p_value(limit))]  # fmt: skip
    corrected = holm([p for _, p in tested])
    return [c for (c, _), p in zip(tested, corrected, strict=True) if p < ALPHA]
