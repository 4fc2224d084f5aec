"""Looking into a trained QMS: the quality of its entity head, and one video explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from bench.types import Json, Video
from generators.neural.batches import Batch, prepare, to_device
from generators.qms.confidence import Confidence
from generators.qms.entities import entity_spans
from generators.qms.model import Labelled, LabelledBatch
from generators.qms.sampling import probabilities

if TYPE_CHECKING:
    from generators.qms.rows import QMSRow


@torch.inference_mode()
def head_quality(module: Any, batches: Sequence[Batch], device: str) -> dict[str, float]:
    """Return precision, recall and F1 of the selected words against the labels, over all words (micro)."""
    hits = chosen = wanted = 0
    for batch in batches:
        there = to_device(batch, device)
        views = module.look(there)
        labels = cast(LabelledBatch, there)["labels"].bool() & views.words
        hits += int((views.selected & labels).sum())
        chosen += int(views.selected.sum())
        wanted += int(labels.sum())
    precision, recall = hits / chosen if chosen else 0.0, hits / wanted if wanted else 0.0
    both = precision + recall
    return {
        "entity_precision": precision,
        "entity_recall": recall,
        "entity_F1": 2 * precision * recall / both if both else 0.0,
    }


class Explanation:
    """Explain what a row makes of one video."""

    def __init__(self, row: QMSRow, video: Video) -> None:
        self.row, self.video = row, video
        tokens = row._tokens
        assert tokens is not None
        self.tokens = tokens
        (example,), _ = prepare([video], tokens, row.text)
        labelled = Labelled(
            example.video_id, example.tokens, example.frames, example.targets, labels=[], row=0
        )
        self.batch = to_device(row._collate([(labelled, [])]), row.device)
        with torch.inference_mode():
            self.views = row._module.eval().look(self.batch)

    def all(self) -> dict[str, Json]:
        """Return everything there is to show; a part the row does not have is left out."""
        summary = self.row.summarize([self.video])[self.video.video_id]
        return {
            "video_id": self.video.video_id,
            "summary": summary,
            "frames": len(self.video.frames),
            **self.entities(),
            **self.modalities(),
            **self.queries(),
        }

    def entities(self) -> dict[str, Json]:
        """Return the transcript with selected words in brackets, the words, and what the queries ask for."""
        if self.views.selected is None:
            return {}
        text = self.video.transcript
        spans = self.tokens.spans([text], self.row.text.transcript_tokens - 2)[0]
        chosen = self.views.selected[0].tolist()[self.tokens.lead :][: len(spans)]
        found = _adjacent(text, [span for span, picked in zip(spans, chosen, strict=True) if picked])
        asked = entity_spans(text, self.video.references, self.row.language)
        return {
            "transcript": mark(text, found),
            "selected": [text[start:end] for start, end in found],
            "asked_for": [text[start:end] for start, end in asked],
        }

    def modalities(self) -> dict[str, Json]:
        """Return what each modality alone makes the decoder write, and U of it where there are queries."""
        if self.views.visual is None or self.views.textual is None:
            return {}
        written = self.row._module.unimodal(self.views)
        told: dict[str, Json] = {
            name: self.tokens.decode(ids)
            for name, ids in zip(("from_frames", "from_transcript"), written, strict=True)
        }
        if self.video.references:
            scores = Confidence(self.tokens.decode, [self.video.references])(written, [0, 0])
            told |= {"U_v": scores[0], "U_t": scores[1]}
        return told

    def queries(self) -> dict[str, Json]:
        """Return each query with s_j, p_j and whether it is rejected."""
        parts = self.row.parts
        unknown = self.row.encoder == "self" and not parts.textual  # the frozen encoder is not saved
        if not self.video.references or not parts.sampling or unknown:
            return {}
        name, similar = self.row.similar(self.video)
        chances = probabilities(similar, self.row.mu)
        rows: list[Mapping[str, Json]] = [
            {
                "query": text,
                "similarity": float(s),
                "probability": float(p),
                "rejected": bool(s < self.row.mu),
            }
            for text, s, p in zip(self.video.references, similar, chances, strict=True)
        ]
        return {"compared_by": name, "mu": self.row.mu, "queries": rows}


def mark(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a text with spans in brackets."""
    out, at = "", 0
    for start, end in spans:
        out += f"{text[at:start]}[{text[start:end]}]"
        at = end
    return out + text[at:]


def _adjacent(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Unite spans with nothing but blanks between them: pieces of a word, and words of a name."""
    united: list[tuple[int, int]] = []
    for start, end in spans:
        if united and not text[united[-1][1] : start].strip():
            united[-1] = (united[-1][0], end)
        elif start < end:
            united.append((start, end))
    return united
