"""What is measured of a row on validation videos after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pycocoevalcap.cider.cider import Cider

from bench.text import tokenize
from bench.types import VideoId


def cider(summaries: Mapping[VideoId, str], references: Mapping[VideoId, Sequence[str]]) -> float:
    """Return CIDEr (coco-caption) over the videos that have references, 0 when none has.

    Tokens are those of contract section 5.
    """
    scored = [video_id for video_id in summaries if references.get(video_id)]
    if not scored:
        return 0.0
    truth = {v: [" ".join(tokenize(text)) for text in references[v]] for v in scored}
    score, _ = Cider().compute_score(truth, {v: [" ".join(tokenize(summaries[v]))] for v in scored})
    return float(score)
