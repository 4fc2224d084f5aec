"""Fine-tuning of a dense encoder on sibling queries, with sentence-transformers' trainer."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from transformers import PrinterCallback
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from bench.text import normalise
from bench.types import Video
from retrievers.encoders import quiet_loading
from retrievers.options import DPRFinetuneOptions

BEST = "eval_siblings_cosine_mrr@10"
"""What is highest in the checkpoint that is kept."""


def sibling_pairs(videos: Sequence[Video], seed: int, most: int | None) -> list[tuple[str, str, int]]:
    """Return ordered pairs of different queries of one video, with the video's number.

    At most ``most`` pairs, drawn with the seed; a video with fewer than two queries gives none.
    """
    pairs = [
        (one, other, number)
        for number, video in enumerate(videos)
        for one, other in itertools.permutations(_different(video.references), 2)
    ]
    random.Random(seed).shuffle(pairs)
    return pairs[:most]


def _different(texts: Iterable[str]) -> list[str]:
    return list({normalise(text): text for text in texts if text.strip()}.values())


class MaskedRankingLoss(torch.nn.Module):
    """Rank a query's sibling above the other siblings of the batch (DPR, equation 2).

    Not taken as negatives are siblings of the same video, the same string as the positive or as the
    query itself, and those that another pair gives the same query for. The library's loss has no such
    mask, and its sampler without duplicates sees strings only.
    ``labels`` is ``[b, 3]``: video, query string, sibling string, as numbers.
    """

    def __init__(self, model: SentenceTransformer, scale: float) -> None:
        super().__init__()
        self.model = model
        self.scale = scale

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy of the batch."""
        queries, siblings = (self.model(features)["sentence_embedding"] for features in sentence_features)
        cosines = torch.nn.functional.normalize(queries) @ torch.nn.functional.normalize(siblings).T  # [b, b]
        scores = (cosines * self.scale).masked_fill(false_negatives(labels), -torch.inf)
        targets = torch.arange(len(scores), device=scores.device)
        loss: torch.Tensor = torch.nn.functional.cross_entropy(scores, targets)
        return loss


def false_negatives(labels: torch.Tensor) -> torch.Tensor:
    """Return where row i must not take sibling j as a negative, ``[b, b]`` bool; never i itself."""
    video, query, sibling = labels.T  # [b] each
    same: torch.Tensor = (
        (video[:, None] == video)
        | (query[:, None] == query)
        | (sibling[:, None] == sibling)
        | (query[:, None] == sibling)
    )
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same.logical_and(~itself)


def train(
    start: tuple[Path, Path],
    data: tuple[Sequence[Video], Sequence[Video]],
    options: DPRFinetuneOptions,
    *,
    seed: int,
    device: str,
    scratch: Path,
    max_tokens: int | None,
    prefixes: tuple[str, str],
) -> SentenceTransformer:
    """Fine-tune from the weights of query and document side and return the best on validation.

    ``data`` is training and validation videos; checkpoints of each epoch go to ``scratch``, and
    training goes on from the last one that is there.
    """
    torch.manual_seed(seed)
    model = _towers(start, options.untied, device, max_tokens)
    # examples for a model card that nobody writes: a slow pass over the rows, and a bar
    setattr(model.model_card_data, "set_widget_examples", lambda dataset: None)  # noqa: B010
    rows = _dataset(sibling_pairs(data[0], seed, options.max_pairs), prefixes)
    evaluator = _evaluator(sibling_pairs(data[1], seed, options.max_pairs), prefixes)
    bars = not are_progress_bars_disabled()
    disable_progress_bars()  # of the datasets library; it maps over the training rows
    try:
        with quiet_loading():
            trainer = SentenceTransformerTrainer(
                model=model,
                args=_arguments(options, seed, device, scratch, validated=evaluator is not None),
                train_dataset=rows,
                loss=MaskedRankingLoss(model, options.scale),
                evaluator=evaluator,
            )
            trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the tables
            trainer.train(resume_from_checkpoint=_last_whole(scratch))
    finally:
        if bars:
            enable_progress_bars()
    return model.eval()


def _last_whole(scratch: Path) -> str | None:
    """Return the last checkpoint; one that a kill cut short is removed."""
    for folder in scratch.glob("checkpoint-*"):
        if not _whole(folder):
            shutil.rmtree(folder)
    find: Any = get_last_checkpoint
    found: str | None = find(str(scratch)) if scratch.is_dir() else None
    return found


def _whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8"))  # it is written last
    except (OSError, ValueError):
        return False
    return True


def tower(model: SentenceTransformer, side: str) -> SentenceTransformer:
    """Return the tower of a side, ``query`` or ``document``, as a model of its own."""
    first = model[0]
    if not isinstance(first, Router):
        return model
    return SentenceTransformer(modules=list(first.sub_modules[side].children()), device=str(model.device))


def _towers(
    start: tuple[Path, Path], untied: bool, device: str, max_tokens: int | None
) -> SentenceTransformer:
    with quiet_loading():
        query, document = (SentenceTransformer(str(folder), device=device) for folder in start)
    for model in (query, document):
        if max_tokens is not None:
            model.max_seq_length = min(max_tokens, model.max_seq_length or max_tokens)
    if not untied:
        return document
    parts: list[list[Any]] = [list(query.children()), list(document.children())]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    return SentenceTransformer(modules=[router], device=device)


def _dataset(pairs: Sequence[tuple[str, str, int]], prefixes: tuple[str, str]) -> Dataset:
    numbers: dict[str, int] = {}

    def number(text: str) -> int:
        return numbers.setdefault(normalise(text), len(numbers))

    return Dataset.from_dict(
        {
            "query": [prefixes[0] + one for one, _, _ in pairs],
            "document": [prefixes[1] + other for _, other, _ in pairs],
            "label": [[video, number(one), number(other)] for one, other, video in pairs],
        }
    )


def _evaluator(pairs: Sequence[tuple[str, str, int]], prefixes: tuple[str, str]) -> Any:
    if not pairs:
        return None
    asked = {normalise(one): (one, video) for one, _, video in pairs}
    written = {normalise(other): (other, video) for _, other, video in pairs}
    return InformationRetrievalEvaluator(
        queries={key: prefixes[0] + text for key, (text, _) in asked.items()},
        corpus={key: prefixes[1] + text for key, (text, _) in written.items()},
        relevant_docs={
            key: {other for other, (_, theirs) in written.items() if theirs == video and other != key}
            or {key}
            for key, (_, video) in asked.items()
        },
        name="siblings",
        show_progress_bar=False,
    )


def _arguments(
    options: DPRFinetuneOptions, seed: int, device: str, scratch: Path, *, validated: bool
) -> SentenceTransformerTrainingArguments:
    each = "epoch"
    return SentenceTransformerTrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.lr,
        warmup_steps=options.warmup_ratio,
        router_mapping={"query": "query", "document": "document"} if options.untied else {},
        seed=seed,
        data_seed=seed,
        use_cpu=device == "cpu",
        eval_strategy=each if validated else "no",
        save_strategy=each,
        save_total_limit=2,
        load_best_model_at_end=validated,
        metric_for_best_model=BEST if validated else None,
        greater_is_better=True if validated else None,
        dataloader_num_workers=0,  # a Java machine may be running: never fork
        dataloader_pin_memory=False,
        disable_tqdm=True,
        logging_strategy="no",
        report_to="none",
    )
