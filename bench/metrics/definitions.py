"""The metrics' names and what each one measures; light, because the command line reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

RankingKind: TypeAlias = Literal["R", "P", "Acc"]
RANKING_KINDS: tuple[RankingKind, ...] = get_args(RankingKind)
CUTOFFS = (1, 5, 10, 30)
DEPTH = 100
"""Videos in a run per query."""

ORDERS: Final = 4
"""BLEU is computed for n-grams up to this length."""
BLEU = tuple(f"BLEU-{n}" for n in range(1, ORDERS + 1))
HIGHEST_CIDER: Final = 10.0
"""What CIDEr is of a summary that equals all references."""
TEXT_METRICS = (*BLEU, "ROUGE-L", "CIDEr")
"""The printed names: argument, key and header at once."""

DESCRIPTIONS: Mapping[str, str] = {
    "R@k": "relevant videos in the top k / relevant videos in the pool; k = " + ", ".join(map(str, CUTOFFS)),
    "P@k": "relevant videos in the top k / k, even when fewer were returned",
    "Acc@k": "1 when any of the top k is relevant (TREC: Success@k; elsewhere Hit@k)",
    f"BLEU-1..{ORDERS}": "corpus BLEU as coco-caption computes it, on our tokens (bench.text)",
    "ROUGE-L": "mean over videos, as coco-caption",
    "CIDEr": "mean over videos, as coco-caption's 'cider' (CIDEr-D without stemming); raw in scores.csv",
}
"""What each metric measures, in the order of the tables."""
BY_NAME: Mapping[str, str] = {
    "nDCG@k": "with --metrics: discounted gain by graded relevance / that of the ideal ranking, as trec_eval",
    "MRR@k": "with --metrics: 1 / rank of the first relevant video, 0 where it is not in the top k",
    "MAP@k": "with --metrics: sum of the precision at the relevant videos in the top k / relevant videos",
    "Judged@k": "with --metrics: judged videos in the top k / videos that were returned in it",
}
"""Measures that a run has on request; with the extra ``measures`` also those of ir_measures."""


def describe(metric: str) -> str:
    """Describe a printed metric, such as R@10, in a few words; of an unknown one its name."""
    if metric in BLEU:
        return DESCRIPTIONS[f"BLEU-1..{ORDERS}"]
    kind, _, k = metric.partition("@")
    if f"{kind}@k" in BY_NAME:
        place = f"top {k}" if k else "run"  # MRR and MAP without a cut-off look at all that was returned
        return BY_NAME[f"{kind}@k"].removeprefix("with --metrics: ").replace("top k", place)
    if kind not in RANKING_KINDS or not k:
        return DESCRIPTIONS.get(metric, metric)
    text = DESCRIPTIONS[f"{kind}@k"].partition("; k =")[0]
    return text.replace("top k", f"top {k}").replace("/ k", f"/ {k}")
