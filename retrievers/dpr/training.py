"""Fine-tuning of a dense encoder on pairs of a query and a positive, with sentence-transformers' trainer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
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
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from transformers import PrinterCallback, TrainerCallback
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from bench.store.digests import file_digest
from bench.store.files import write_text
from bench.text import normalise
from bench.training_steps import post_step
from bench.weights import quiet_loading
from retrievers.dpr.pairs import Pair, Ranking
from retrievers.options import DPRFinetuneOptions

DIGESTS = "digests.json"
BEST = "eval_val_cosine_mrr@10"
"""The metric of validation by which the best checkpoint is selected."""


class MaskedRankingLoss(torch.nn.Module):
    """Train a query to rank its positive above the other positives of the batch.

    Source: Karpukhin et al. 2020, equation 2. Masked out, so never negatives, are positives of the same
    video, of the same string as the positive or as the query itself, and those that another pair has for
    the same query. The library's loss has no such mask, and its sampler without duplicates compares
    strings only.
    ``labels`` is ``[b, 3]``: video, query string, positive string, as numbers.
    """

    def __init__(self, model: SentenceTransformer, scale: float) -> None:
        super().__init__()
        self.model = model
        self.scale = scale

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy of the batch."""
        queries, positives = (self.model(features)["sentence_embedding"] for features in sentence_features)
        cosines = (
            torch.nn.functional.normalize(queries) @ torch.nn.functional.normalize(positives).T
        )  # [b, d] @ [d, b] -> [b, b]
        scores = (cosines * self.scale).masked_fill(false_negatives(labels), -torch.inf)
        targets = torch.arange(len(scores), device=scores.device)
        loss: torch.Tensor = torch.nn.functional.cross_entropy(scores, targets)
        return loss


def false_negatives(labels: torch.Tensor) -> torch.Tensor:
    """Return where row i must not take positive j as a negative, ``[b, b]`` bool; never i itself."""
    video, query, positive = labels.T  # [b] each
    same: torch.Tensor = (
        (video[:, None] == video)
        | (query[:, None] == query)
        | (positive[:, None] == positive)
        | (query[:, None] == positive)
    )
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same.logical_and(~itself)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how an encoder is fine-tuned, besides what it is trained on."""

    start: tuple[Path, Path]
    """Folders of the weights that training starts from: query side, document side."""
    prefixes: tuple[str, str]
    """What precedes the texts of each side."""
    options: DPRFinetuneOptions
    max_tokens: int | None
    seed: int
    device: str
    scratch: Path
    """Where checkpoints go; training resumes from the last whole one in it."""


def train(recipe: Recipe, pairs: Sequence[Pair], ranking: Ranking) -> SentenceTransformer:
    """Return an encoder fine-tuned on ``pairs``: the best checkpoint on ``ranking``, else the last.

    A checkpoint is written after each epoch. Without queries in ``ranking`` nothing is validated.
    """
    torch.manual_seed(recipe.seed)
    model = _build_model(recipe)
    rows = _dataset(pairs, recipe.prefixes)
    evaluator = _evaluator(ranking, recipe.prefixes)
    bars = not are_progress_bars_disabled()
    disable_progress_bars()  # of the datasets library; it maps over the training rows
    try:
        with quiet_loading():
            trainer = _Trainer(
                model=model,
                args=_arguments(recipe, validated=evaluator is not None),
                train_dataset=rows,
                loss=MaskedRankingLoss(model, recipe.options.scale),
                evaluator=evaluator,
            )
            trainer.add_callback(_DigestCallback())
            trainer.add_callback(_StepCallback())
            trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the tables
            trainer.train(resume_from_checkpoint=_last_checkpoint(recipe.scratch))
    finally:
        if bars:
            enable_progress_bars()
    return model.eval()


class _Trainer(SentenceTransformerTrainer):
    """The library's trainer without model cards: to write one, it contacts the model hub."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add nothing."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = output_dir or str(self.args.output_dir)
        self.model.save_pretrained(folder, create_model_card=False)


class _DigestCallback(TrainerCallback):
    """Write the digest of each file of a checkpoint, last: a checkpoint is complete or not used."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write DIGESTS into the checkpoint that was just saved."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        write_text(folder / DIGESTS, json.dumps(_digests(folder)))


class _StepCallback(TrainerCallback):
    """Post each step to whoever shows the progress of the run."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Post how far the training is."""
        post_step(state.global_step, state.max_steps, state.epoch or 0.0)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS)
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def _last_checkpoint(scratch: Path) -> str | None:
    """Return the last complete checkpoint, None if there is none; incomplete ones are removed."""
    for folder in sorted(scratch.glob("checkpoint-*"), key=lambda path: (len(path.name), path.name)):
        if not _is_complete(folder):
            shutil.rmtree(folder)
    find: Any = get_last_checkpoint
    last: str | None = find(str(scratch)) if scratch.is_dir() else None
    return last


def _is_complete(checkpoint: Path) -> bool:
    try:
        if json.loads((checkpoint / DIGESTS).read_text(encoding="utf-8")) != _digests(checkpoint):
            return False
        state = json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    best = state.get("best_model_checkpoint")  # is loaded when training ends; an older one, checked before
    return best is None or Path(best).is_dir()


def extract_tower(model: SentenceTransformer, side: str) -> SentenceTransformer:
    """Return the tower of a side, ``query`` or ``document``, as a model of its own."""
    first = model[0]
    if not isinstance(first, Router):
        return model
    return SentenceTransformer(modules=list(first.sub_modules[side].children()), device=str(model.device))


def _build_model(recipe: Recipe) -> SentenceTransformer:
    limit, device = recipe.max_tokens, recipe.device
    with quiet_loading():
        query, document = (SentenceTransformer(str(folder), device=device) for folder in recipe.start)
    for model in (query, document):
        if limit is not None:
            model.max_seq_length = min(limit, model.max_seq_length or limit)
    if not recipe.options.untied:
        return document
    parts: list[list[Any]] = [list(query.children()), list(document.children())]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    return SentenceTransformer(modules=[router], device=device)


def _dataset(pairs: Sequence[Pair], prefixes: tuple[str, str]) -> Dataset:
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


def _evaluator(ranking: Ranking, prefixes: tuple[str, str]) -> Any:
    if not ranking.queries:
        return None
    return InformationRetrievalEvaluator(
        queries={key: prefixes[0] + text for key, text in ranking.queries.items()},
        corpus={key: prefixes[1] + text for key, text in ranking.documents.items()},
        relevant_docs=dict(ranking.relevant),
        name="val",
        show_progress_bar=False,
    )


def _arguments(recipe: Recipe, *, validated: bool) -> SentenceTransformerTrainingArguments:
    options, each = recipe.options, "epoch"
    return SentenceTransformerTrainingArguments(
        output_dir=str(recipe.scratch),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.lr,
        warmup_steps=options.warmup_ratio,
        router_mapping={"query": "query", "document": "document"} if options.untied else {},
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=recipe.device == "cpu",
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
