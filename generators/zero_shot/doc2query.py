"""The queries that a doc2query model predicts for a transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from bench.context import Context
from bench.errors import MissingError
from bench.store.digests import digest
from bench.types import Video, VideoId
from generators.zero_shot.options import Doc2QueryOptions
from generators.zero_shot.pretrained import PretrainedRow

PUBLISHED = {
    "en": "castorini/doc2query-t5-base-msmarco",
    "zh": "doc2query/msmarco-chinese-mt5-base-v1",
}
"""Checkpoints by language: docTTTTTquery of its authors (T5-base, MS MARCO), and mT5-base on the Chinese part
of mMARCO (Apache-2.0)."""


class Doc2Query(PretrainedRow):
    """Predicts a query for the transcript with a pretrained doc2query model (T5, by hub id or folder).

    With ``doc2query.samples`` it writes as many sampled queries, each once. A video without a transcript gets
    an empty summary. Source: Nogueira & Lin 2019, From doc2query to docTTTTTquery.
    """

    label = "doc2query"
    section = "doc2query"
    model_class = "AutoModelForSeq2SeqLM"

    def __init__(self, context: Context) -> None:
        self._options = context.options(Doc2QueryOptions)
        weights = self._options.weights or _published(context.language)
        super().__init__(context, weights, self._options.revision)
        self._seed = context.seed if self._options.samples else 0
        self._cut = 0

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Predict the queries of each transcript; equal transcripts are read once."""
        write = cache(self._write)
        self._cut = 0
        return {video.video_id: write(video.transcript.strip()) for video in videos}

    def signature(self) -> Mapping[str, str]:
        """Name the weights and the number of sampled queries, for the signature line."""
        return {**super().signature(), "samples": str(self._options.samples or "greedy")}

    def coverage(self) -> Mapping[str, int]:
        """Count the transcripts, equal ones once, that were longer than the model may read."""
        return {"transcripts truncated": self._cut}

    def _write(self, transcript: str) -> str:
        if not transcript:
            return ""
        limit, samples = self._options.transcript_tokens, self._options.samples
        ids = self._tokenizer(transcript, truncation=True, max_length=limit + 1)["input_ids"]
        self._cut += len(ids) > limit
        inputs = self._tokenizer(transcript, truncation=True, max_length=limit, return_tensors="pt")
        read = {name: inputs[name] for name in ("input_ids", "attention_mask")}  # [1, t]
        return self._sample(read, transcript) if samples else self._generate(read, **self._settings())[0]

    def _sample(self, inputs: Mapping[str, Any], transcript: str) -> str:
        """Sample queries; the draw depends on the seed and the transcript, not on other videos."""
        import torch

        options = self._options
        with torch.random.fork_rng():
            torch.manual_seed(int(digest([self._seed, transcript])[:15], 16))
            texts = self._generate(
                inputs, **self._settings(do_sample=True),
                top_k=options.top_k, temperature=1.0, num_return_sequences=options.samples,
            )  # fmt: skip
        return " ".join(dict.fromkeys(texts))

    def _settings(self, *, do_sample: bool = False) -> dict[str, Any]:
        return {"do_sample": do_sample, "num_beams": 1, "max_new_tokens": self._options.max_tokens}


def _published(language: str) -> str:
    if language not in PUBLISHED:
        raise MissingError(
            f"doc2query has no default model for the language {language}; it has for {', '.join(PUBLISHED)}. "
            "Name one by hub id or folder: --set doc2query.weights=doc2query/msmarco-14langs-mt5-base-v1 "
            "reads 14 languages."
        )
    return PUBLISHED[language]
