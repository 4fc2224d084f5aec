"""What is measured on validation videos after each epoch, and how the selected epoch is described."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.exchange import MODALITIES, exchange_inputs
from bench.metrics.cider import cider as cider_scores
from bench.text import tokenize
from bench.types import Video, VideoId
from generators.neural.examples import Example

Floats: TypeAlias = npt.NDArray[np.float64]
Choice: TypeAlias = Literal["loss", "cider", "last"]
"""The values of ``train.choose``."""
CHOSEN_BY: Mapping[Choice, str] = {"loss": "validation loss", "cider": "validation CIDEr", "last": ""}
EXCHANGED = 64
"""Validation videos on which the use of each input is measured after an epoch: enough for a curve."""


class RowValidation:
    """Scores a row by its loss, or by the CIDEr of what it writes, on each of the validation videos.

    ``losses`` gives the nats per token of the references of examples, ``write`` their summaries.
    ``examples`` are the validation videos that have references; ``exchanged`` are, by modality, some of them
    with another video's transcript or frames, by their number among the examples.
    """

    def __init__(
        self,
        choose: Choice,
        examples: Sequence[Example],
        references: Mapping[VideoId, Sequence[str]],
        *,
        losses: Callable[[Sequence[Example]], Floats],
        write: Callable[[Sequence[Example]], Mapping[VideoId, str]],
        exchanged: Mapping[str, Mapping[int, Example]],
    ) -> None:
        self._exchanged = exchanged
        self._choose, self._examples, self._references = choose, examples, references
        self._losses, self._write = losses, write
        self._by_video = np.zeros(0)

    def scores(self) -> Floats:
        """Score each validation video ``[n]``, higher is better: CIDEr, or minus the loss."""
        self._by_video = self._losses(self._examples)
        if self._choose == "cider":
            return cider_by_video(self._write(self._examples), self._references)
        return -self._by_video

    def extra(self) -> dict[str, float]:
        """Measure what is logged beside the score: the loss, and how much of it each input saves.

        All in nats per token. ``reads_text`` is by how much the loss rises with another video's transcript.
        """
        gaps = {
            f"reads_{modality}": self._losses(list(wrong.values())) - self._by_video[list(wrong)]
            for modality, wrong in self._exchanged.items()
            if wrong
        }
        return {"val_loss": float(self._by_video.mean()), **{k: float(g.mean()) for k, g in gaps.items()}}


def exchange_examples(
    videos: Sequence[Video],
    reads: Sequence[str],
    *,
    seed: int,
    prepare: Callable[[Sequence[Video]], Sequence[Example]],
) -> dict[str, dict[int, Example]]:
    """Exchange, in up to `EXCHANGED` videos, the transcript or frames, to see how much a row uses them.

    By modality that the row ``reads``, the examples have their number among the videos.
    """
    sample = dict(enumerate(videos[:EXCHANGED]))
    exchanged: dict[str, dict[int, Example]] = {}
    for modality in (m for m in MODALITIES if m in reads):
        wrong = exchange_inputs(list(sample.values()), modality, seed=seed)
        numbers = [number for number, video in sample.items() if video.video_id in wrong]
        examples = prepare([wrong[sample[n].video_id] for n in numbers])
        exchanged[modality] = dict(zip(numbers, examples, strict=True))
    return exchanged


def describe_choice(choose: Choice, facts: Mapping[str, float]) -> str:
    """Describe the selected epoch in a sentence, from what `train` noted; empty where nothing was measured.

    A difference below two standard errors is called noise: another sample of validation videos may have
    chosen otherwise.
    """
    if "kept_epoch" not in facts:
        return ""
    sign = 1.0 if choose == "cider" else -1.0
    kept, last = facts["kept_epoch"], facts["last_epoch"]
    unit = "" if choose == "cider" else " nats a token"
    what = f"epoch {kept:.0f} of {last:.0f} kept"
    if choose == "last":
        return f"{what}, the last: validation loss {sign * facts['kept_score']:.3f}{unit}"
    text = f"{what} by {CHOSEN_BY[choose]} {sign * facts['kept_score']:.3f}{unit}"
    if kept == last:
        return text
    text += f", last epoch {sign * facts['last_score']:.3f}"
    difference, error = facts["kept_minus_last"], facts.get("kept_minus_last_se", math.nan)
    if difference < 2 * error:
        text += f", a choice within noise (difference {difference:.3f}, standard error {error:.3f})"
    return text


def cider(summaries: Mapping[VideoId, str], references: Mapping[VideoId, Sequence[str]]) -> float:
    """Average `cider_by_video`; 0 when no video has references."""
    scores = cider_by_video(summaries, references)
    return float(scores.mean()) if len(scores) else 0.0


def cider_by_video(summaries: Mapping[VideoId, str], references: Mapping[VideoId, Sequence[str]]) -> Floats:
    """Score by CIDEr (coco-caption) each video that has references, in the order of ``summaries``.

    Tokens are those of contract section 5.
    """
    scored = [video_id for video_id in summaries if references.get(video_id)]
    if not scored:
        return np.zeros(0)
    truth = [[" ".join(tokenize(text)) for text in references[v]] for v in scored]
    return cider_scores([" ".join(tokenize(summaries[v])) for v in scored], truth)
