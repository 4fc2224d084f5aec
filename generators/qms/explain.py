"""Inspection of a trained QMS: the quality of its word selection, and the explanation of one video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from bench.types import Json, Video
from generators.neural.batches import Batch, to_device
from generators.neural.tokens import Tokens
from generators.qms.confidence import Confidence
from generators.qms.entities import entity_spans
from generators.qms.model import QMS, LabelledBatch
from generators.qms.sampling import probabilities


@torch.inference_mode()
def head_quality(module: Any, batches: Sequence[Batch], device: str) -> dict[str, float]:
    """Score the selected words against the labels: precision, recall and F1 over all words (micro)."""
    correct = selected = positive = 0
    for batch in batches:
        moved = to_device(batch, device)
        views = module.views(moved)
        labels = cast(LabelledBatch, moved)["labels"].bool() & views.words
        correct += int((views.selected & labels).sum())
        selected += int(views.selected.sum())
        positive += int(labels.sum())
    precision = correct / selected if selected else 0.0
    recall = correct / positive if positive else 0.0
    both = precision + recall
    return {
        "entity_precision": precision,
        "entity_recall": recall,
        "entity_F1": 2 * precision * recall / both if both else 0.0,
    }


class Explanation:
    """What a trained module makes of one video; ``batch`` holds that video alone."""

    def __init__(self, module: QMS, tokens: Tokens, batch: Batch, video: Video) -> None:
        self.module, self.tokens, self.batch, self.video = module.eval(), tokens, batch, video
        with torch.inference_mode():
            self.views = self.module.views(batch)

    def entities(self, limit: int, language: str) -> dict[str, Json]:
        """Show the transcript with selected words in brackets, these words, and what the queries name.

        ``limit`` is how many tokens of the transcript the row reads, without specials.
        """
        if self.views.selected is None:
            return {}
        text = self.video.transcript
        spans = self.tokens.spans([text], limit)[0]
        selected = self.views.selected[0].tolist()[self.tokens.lead :][: len(spans)]
        words = _join_adjacent(text, [span for span, picked in zip(spans, selected, strict=True) if picked])
        named = entity_spans(text, self.video.references, language)
        return {
            "transcript": mark(text, words),
            "selected": [text[start:end] for start, end in words],
            "asked_for": [text[start:end] for start, end in named],
        }

    def modalities(self) -> dict[str, Json]:
        """Show what each modality alone makes the decoder write, and U (eq. 15) where there are queries."""
        if self.views.visual is None or self.views.textual is None:
            return {}
        written = self.module.unimodal(self.batch)
        texts = [self.tokens.decode(ids) for ids in written]
        shown: dict[str, Json] = {"from_frames": texts[0], "from_transcript": texts[1]}
        if self.video.references:
            scores = Confidence(self.tokens.decode, [self.video.references])(written, [0, 0])
            shown |= {"U_v": scores[0], "U_t": scores[1]}
        return shown


def explain_queries(
    references: Sequence[str], similar: npt.NDArray[np.float64], mu: float
) -> dict[str, Json]:
    """Show how each query is sampled: s_j (eq. 12), p_j (eq. 14), and whether it is rejected (eq. 13)."""
    rows: list[Mapping[str, Json]] = [
        {"query": text, "similarity": float(s), "probability": float(p), "rejected": bool(s < mu)}
        for text, s, p in zip(references, similar, probabilities(similar, mu), strict=True)
    ]
    return {"mu": mu, "queries": rows}


def mark(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Put spans of a text in brackets."""
    out, position = "", 0
    for start, end in spans:
        out += f"{text[position:start]}[{text[start:end]}]"
        position = end
    return out + text[position:]


def _join_adjacent(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Unite spans with nothing but blanks between them: pieces of a word, and words of a name."""
    united: list[tuple[int, int]] = []
    for start, end in spans:
        if united and not text[united[-1][1] : start].strip():
            united[-1] = (united[-1][0], end)
        elif start < end:
            united.append((start, end))
    return united
