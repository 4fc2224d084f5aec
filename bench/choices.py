"""Fixed choices of an evaluation: protocols, splits, languages; light, as the command line reads them."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

Protocol: TypeAlias = Literal["one-query-per-video", "all-queries"]
"""Which queries are evaluated (`bench.data.evaluation_set`)."""
ONE_QUERY_PER_VIDEO: Final = "one-query-per-video"
ALL_QUERIES: Final = "all-queries"
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

Split: TypeAlias = Literal["train", "val", "test"]
"""The parts of a dataset."""
SPLITS: tuple[Split, ...] = get_args(Split)

EvaluatedSplit: TypeAlias = Literal["test", "val"]
"""The parts whose queries may be evaluated: nothing is trained on them."""

Ties: TypeAlias = Literal["trec_eval", "ours", "rank"]
"""How documents of equal score are put in order in a run of any origin (`bench.foreign.scoring`)."""
TIES: tuple[Ties, ...] = get_args(Ties)

LANGUAGE_CODE = re.compile("[a-z]{2,3}")
"""What a code of ISO 639 looks like."""
