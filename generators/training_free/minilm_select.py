"""Phrases selected by meaning: near the transcript as MiniLM sees it, and unlike one another (MMR)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.types import Json, Video, VideoId
from bench.weights import MINILM, digest_weights, minilm_folder, quiet_loading
from generators.options import TrainingFreeOptions
from generators.training_free.words import (
    cut_words,
    is_content,
    require_english,
    summary_length,
    take_phrases,
)

Vectors = npt.NDArray[np.float32]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PHRASE_WORDS = 3
_PASSAGE_WORDS = 100
"""Words of a passage: MiniLM reads 256 tokens. The vector of a transcript is the mean of its passages'."""
_BATCH = 256
_OPTION = "generator minilm-select"


class MiniLMSelect:
    """Writes the phrases or sentences of the transcript that say best what all of it is about.

    Candidates are runs of one to three content words, or (``training-free.candidates=sentences``) sentences,
    cut after as many words as a summary may have. They are taken one by one by maximal marginal relevance:
    the similarity to the transcript, less that to what was taken already. A video without a transcript gets
    an empty summary. English only. Source: Carbonell & Goldstein 1998; phrases as in KeyBERT (Grootendorst
    2020).
    """

    label = "MiniLM select"
    languages = ("en",)

    def __init__(self, context: Context) -> None:
        require_english(context, "minilm-select", "MiniLM was trained on English")
        self._options = context.options(TrainingFreeOptions)
        self._limit = summary_length(context)
        self._device = context.device
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ModuleNotFoundError(name="sentence_transformers")
        self._folder = minilm_folder(option=_OPTION)
        self._model: Any = None

    def identity(self) -> Mapping[str, Json]:
        """Identify MiniLM by the digests of its files."""
        return {"minilm": {**digest_weights(self._folder)}}

    def signature(self) -> Mapping[str, str]:
        """Name the encoder that compares the phrases, for the signature line."""
        return {"encoder": MINILM}

    def parameters(self) -> int:
        """Count the parameters of MiniLM, which encodes the phrases."""
        return sum(parameter.numel() for parameter in self._encoder().parameters())

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write the selected phrases of each transcript; a text that recurs is encoded once."""
        candidates = [self._candidates(video.transcript) for video in videos]
        read = [list(passages(video.transcript)) for video in videos]
        vectors = self._encode({text for texts in (*candidates, *read) for text in texts})
        return {
            video.video_id: self._select(texts, parts, vectors)
            for video, texts, parts in zip(videos, candidates, read, strict=True)
        }

    def _select(self, candidates: Sequence[str], parts: Sequence[str], vectors: Mapping[str, Vectors]) -> str:
        if not candidates:
            return ""
        center = np.mean([vectors[part] for part in parts], axis=0)  # [d]
        center /= np.linalg.norm(center)
        order = marginal_relevance(
            np.stack([vectors[text] for text in candidates]), center, self._options.relevance
        )
        taken = take_phrases((candidates[i].split(" ") for i in order), self._limit, "en")
        return " ".join(word for phrase in taken for word in phrase)

    def _candidates(self, transcript: str) -> list[str]:
        pieces = self._sentences if self._options.candidates == "sentences" else content_phrases
        first: dict[str, str] = {}
        for piece in pieces(transcript):
            first.setdefault(" ".join(piece).casefold(), " ".join(piece))
        return list(first.values())

    def _sentences(self, transcript: str) -> Iterator[Sequence[str]]:
        for sentence in _SENTENCE.split(transcript):
            words = cut_words(sentence, "en")
            yield from (words[start : start + self._limit] for start in range(0, len(words), self._limit))

    def _encode(self, texts: set[str]) -> Mapping[str, Vectors]:
        ordered = sorted(texts)
        if not ordered:
            return {}
        vectors = self._encoder().encode(
            ordered, batch_size=_BATCH, show_progress_bar=False, normalize_embeddings=True
        )  # [n, d]
        return dict(zip(ordered, np.asarray(vectors, dtype=np.float32), strict=True))

    def _encoder(self) -> Any:
        if self._model is None:
            from sentence_transformers import SentenceTransformer

            with quiet_loading():
                self._model = SentenceTransformer(str(self._folder), device=self._device)
        return self._model


def passages(transcript: str) -> Iterator[str]:
    """Cut a transcript into passages that MiniLM reads whole."""
    words = cut_words(transcript, "en")
    for start in range(0, len(words), _PASSAGE_WORDS):
        yield " ".join(words[start : start + _PASSAGE_WORDS])


def content_phrases(transcript: str) -> Iterator[Sequence[str]]:
    """List the runs of one to three words without a function word among them."""
    run: list[str] = []
    for word in cut_words(transcript, "en"):
        run = [*run[-_PHRASE_WORDS + 1 :], word] if is_content(word, "en") else []
        yield from (run[start:] for start in range(len(run)))


def marginal_relevance(candidates: Vectors, center: Vectors, relevance: float) -> Iterator[int]:
    """Order candidates by maximal marginal relevance; all vectors have length 1.

    ``relevance`` is lambda of Carbonell & Goldstein 1998: 1 considers the similarity to ``center`` alone. A
    tie goes to the candidate that comes first.
    """
    wanted = candidates @ center  # [n]
    nearest = np.zeros(len(candidates), dtype=np.float32)
    left = np.ones(len(candidates), dtype=bool)
    while left.any():
        scores = relevance * wanted - (1 - relevance) * nearest
        best = int(np.argmax(np.where(left, np.round(scores, 5), -np.inf)))
        yield best
        left[best] = False
        nearest = np.maximum(nearest, candidates @ candidates[best])
