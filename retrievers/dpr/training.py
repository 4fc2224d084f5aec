"""Fine-tuning of a dense encoder on pairs of a query and a positive, with sentence-transformers' trainer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from transformers import PrinterCallback, TrainerCallback

from bench.neural.training_checkpoint import CheckpointTrainer, latest_checkpoint
from bench.text import normalise
from bench.training_steps import post_step
from bench.weights import quiet_loading
from retrievers.dpr.loss import FILLER, MaskedRankingLoss, Relevance
from retrievers.dpr.pairs import Pairs, Ranking, Videos
from retrievers.dpr.validation import METRIC, RankingEvaluator
from retrievers.dpr.weights import Similarity
from retrievers.options import DPRFinetuneOptions

SCALES: dict[Similarity, float] = {"cosine": 20.0, "dot": 1.0}
"""Factors of similarities where no option names one: sentence-transformers' and DPR's."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how an encoder is fine-tuned, besides what it is trained on."""

    start: tuple[Path, Path]
    """Folders of the weights that training starts from: query side, document side."""
    prefixes: tuple[str, str]
    """What precedes the texts of each side."""
    similarity: Similarity
    """How the retriever compares vectors, ``cosine`` or ``dot``."""
    options: DPRFinetuneOptions
    max_tokens: int | None
    seed: int
    device: str
    scratch: Path
    """Where checkpoints go; training resumes from the last complete one in it."""


@dataclass(frozen=True)
class Trained:
    """A fine-tuned encoder, and which of its states it is."""

    model: SentenceTransformer
    epoch: int
    """The epoch that was selected; 0 is the start, the last one where nothing was validated."""


def train(recipe: Recipe, pairs: Pairs, negatives: Sequence[Sequence[str]], ranking: Ranking) -> Trained:
    """Fine-tune an encoder on ``pairs``, and keep the epoch, or the start, that is best on ``ranking``.

    ``negatives`` are hard negatives of each pair, empty lists for none. The start is kept where no epoch is
    better than it. A checkpoint is written after each epoch. Without queries in ``ranking`` nothing is
    validated, and the last epoch is kept.
    """
    torch.manual_seed(recipe.seed)
    model = _build_model(recipe)
    evaluator = RankingEvaluator(ranking, recipe.prefixes, recipe.similarity)
    validated = len(evaluator) > 0
    with _quiet():
        start = evaluator(model)[METRIC] if validated else 0.0
        trainer = _make_trainer(recipe, model, pairs, negatives, evaluator if validated else None)
        last = latest_checkpoint(recipe.scratch) if recipe.scratch.is_dir() else None
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    state = trainer.state
    if not validated:
        for encode in (model.encode_query, model.encode_document):
            encode([""])  # a saved tokenizer says how it was used, and one of a resumed training was not yet
        return Trained(model.eval(), recipe.options.epochs)
    if state.best_metric is None or state.best_metric <= start:
        return Trained(_build_model(recipe).eval(), 0)
    steps = state.max_steps / recipe.options.epochs
    return Trained(model.eval(), round((state.best_global_step or 0) / steps))


def _make_trainer(
    recipe: Recipe,
    model: SentenceTransformer,
    pairs: Pairs,
    negatives: Sequence[Sequence[str]],
    evaluator: RankingEvaluator | None,
) -> _Trainer:
    numbers, rows = _dataset(pairs, negatives, recipe)
    scale = recipe.options.scale
    trainer = _Trainer(
        model=model,
        args=_arguments(recipe, list(rows.column_names), validated=evaluator is not None),
        train_dataset=rows,
        loss=MaskedRankingLoss(
            model,
            Relevance(_by_number(pairs.query_videos, numbers), _by_number(pairs.document_videos, numbers)),
            similarity=recipe.similarity,
            scale=SCALES[recipe.similarity] if scale is None else scale,
        ),
        evaluator=evaluator,
    )
    trainer.add_callback(_StepCallback())
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the tables
    return trainer


class _Trainer(CheckpointTrainer, SentenceTransformerTrainer):
    """The library's trainer without model cards: to write one, it contacts the model hub."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add nothing."""


class _StepCallback(TrainerCallback):
    """Post each step to whoever shows the progress of the run."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Post how far the training is."""
        post_step(state.global_step, state.max_steps, state.epoch or 0.0)


@contextmanager
def _quiet() -> Iterator[None]:
    bars = not are_progress_bars_disabled()
    disable_progress_bars()  # of the datasets library; it maps over the training rows
    try:
        with quiet_loading():
            yield
    finally:
        if bars:
            enable_progress_bars()


def extract_tower(model: SentenceTransformer, side: str) -> SentenceTransformer:
    """Extract the tower of a side, ``query`` or ``document``, as a model of its own."""
    first = model[0]
    if not isinstance(first, Router):
        return model
    return SentenceTransformer(
        modules=list(first.sub_modules[side].children()),
        device=str(model.device),
        similarity_fn_name=model.similarity_fn_name,
    )


def _build_model(recipe: Recipe) -> SentenceTransformer:
    limit, device, similarity = recipe.max_tokens, recipe.device, recipe.similarity
    with quiet_loading():
        query, document = (SentenceTransformer(str(folder), device=device) for folder in recipe.start)
    for model in (query, document):
        model.similarity_fn_name = similarity
        if limit is not None:
            model.max_seq_length = min(limit, model.max_seq_length or limit)
    if not recipe.options.untied:
        return document
    parts: list[list[Any]] = [list(query.children()), list(document.children())]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    return SentenceTransformer(modules=[router], device=device, similarity_fn_name=similarity)


def _dataset(
    pairs: Pairs, negatives: Sequence[Sequence[str]], recipe: Recipe
) -> tuple[dict[str, int], Dataset]:
    """Assign a number to each text, by its normal form, and build the rows to train on."""
    numbers: dict[str, int] = {}
    query_prefix, document_prefix = recipe.prefixes
    columns: dict[str, Any] = {
        "query": [query_prefix + one for one, _ in pairs.pairs],
        "document": [document_prefix + other for _, other in pairs.pairs],
    }
    labels = [[numbers.setdefault(normalise(text), len(numbers)) for text in pair] for pair in pairs.pairs]
    for i in range(recipe.options.hard_negatives):
        texts = [row[i] if i < len(row) else None for row in negatives]
        columns[f"negative_{i + 1}"] = [document_prefix + (text or "") for text in texts]
        for label, text in zip(labels, texts, strict=True):
            label.append(FILLER if text is None else numbers[normalise(text)])
    return numbers, Dataset.from_dict({**columns, "label": labels})


def _by_number(videos: Videos, numbers: Mapping[str, int]) -> dict[int, frozenset[int]]:
    return {numbers[text]: of_text for text, of_text in videos.items() if text in numbers}


def _arguments(
    recipe: Recipe, columns: Sequence[str], *, validated: bool
) -> SentenceTransformerTrainingArguments:
    options, each = recipe.options, "epoch"
    return SentenceTransformerTrainingArguments(
        output_dir=str(recipe.scratch),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.lr,
        warmup_steps=options.warmup_ratio,
        router_mapping=_routes(columns) if options.untied else {},
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=recipe.device == "cpu",
        eval_strategy=each if validated else "no",
        save_strategy=each,
        load_best_model_at_end=validated,
        metric_for_best_model=f"eval_{METRIC}" if validated else None,
        greater_is_better=True if validated else None,
        dataloader_num_workers=0,  # a Java machine may be running: never fork
        dataloader_pin_memory=False,
        disable_tqdm=True,
        logging_strategy="no",
        report_to="none",
    )


def _routes(columns: Sequence[str]) -> dict[str, str]:
    """Map each column of texts to the tower that reads it."""
    return {name: "query" if name == "query" else "document" for name in columns if name != "label"}
