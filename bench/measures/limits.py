"""Which measures a run of limited depth gives, and how deep its ties must be resolved for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.errors import UsageError
from bench.measures.by_topic import parse
from bench.metrics.definitions import CUTOFFS, DEPTH

_CUT = re.compile(r".+@([1-9][0-9]*)")


def check_measures(names: Sequence[str]) -> None:
    """Raise UsageError for a measure that is unknown, or that a run of `DEPTH` videos does not give."""
    for name in parse(names):
        cut = _CUT.fullmatch(name)
        if name.startswith("Judged"):
            raise UsageError(
                f"option metrics={name} is not allowed: a dataset says of no video that it is not relevant. "
                "bench evaluate computes it for judgements that do."
            )
        if cut is None or int(cut[1]) > DEPTH:
            raise UsageError(
                f"option metrics={name} is not allowed: a run holds the first {DEPTH} videos of a query. "
                f"Name a cut-off, from 1 to {DEPTH}, such as {name.partition('@')[0]}@10."
            )


def deepest_cut(names: Sequence[str]) -> int:
    """Find the deepest rank that a score depends on: to there, ties are resolved."""
    cuts = (match for match in map(_CUT.fullmatch, names) if match is not None)
    return max(*CUTOFFS, *(int(match[1]) for match in cuts))
