"""The Trainer of transformers, for a plain module: loss parts, learning rates, checkpoints, best epoch."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback, TrainingArguments

from bench.errors import DataError
from bench.neural.training_checkpoint import CheckpointTrainer
from bench.weights import quiet_loading
from generators.neural.batches import Buckets
from generators.neural.checkpoint import load_weights, save_weights
from generators.neural.training.callbacks import EpochAndCheckpointCallback, StepCallback, StopAtScore
from generators.neural.training.plan import SCORE, SCORE_ERROR, Epochs, TrainingPlan, Validation

CHECKED_TOGETHER = 25
"""Losses of so many steps are read at once on a GPU, which each time waits until all is computed."""
_SCORES = "validation.json"
"""Of a checkpoint: the score of each validation item, after the best and the last epoch, by step."""


class DivergedError(DataError):
    """The loss, a gradient or a weight is not a finite number: the training has no result."""


def standard_error(values: npt.NDArray[np.float64]) -> float | None:
    """Compute the standard error of a mean; None for fewer than two values."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _arguments(
    plan: TrainingPlan, folder: Path, validation: Validation | None, *, steps: int
) -> TrainingArguments:
    scored = validation is not None and validation.keep == "best"
    every_epoch = "epoch" if validation is not None else "no"
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=plan.seed,
        use_cpu=plan.device == "cpu",
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        learning_rate=plan.lr,
        lr_scheduler_type="cosine",
        warmup_steps=plan.warmup if plan.warmup < 1 else min(plan.warmup, steps // 2),  # below 1 a share
        max_grad_norm=plan.clip,
        weight_decay=plan.weight_decay,
        bf16=plan.bf16,
        eval_strategy=every_epoch,
        save_strategy="epoch",
        logging_strategy="epoch",
        load_best_model_at_end=scored,
        metric_for_best_model=SCORE if scored else None,
        greater_is_better=True if scored else None,
        logging_nan_inf_filter=False,  # it would wait for the device at each step; losses are checked here
        restore_callback_states_from_checkpoint=True,  # patience: epochs counted before a kill still count
        remove_unused_columns=False,
        dataloader_num_workers=0,  # never fork: a JVM may be running
        dataloader_pin_memory=False,
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # one process drives one device
    return arguments


class ModuleTrainer(CheckpointTrainer):
    """A Trainer for a plain module: losses in parts, batches of like length, a score from the caller."""

    def __init__(
        self,
        module: nn.Module,
        data: Epochs,
        collate: Callable[[list[Any]], Any],
        plan: TrainingPlan,
        *,
        folder: Path,
        validation: Validation | None,
    ) -> None:
        self._batches = Buckets(data.lengths, plan.batch_size, plan.seed)
        steps = len(self._batches) * plan.epochs
        arguments = _arguments(plan, folder, validation, steps=steps)
        callbacks: list[TrainerCallback] = [
            EpochAndCheckpointCallback(plan.checkpoint_steps, len(self._batches), self.start_epoch),
            StepCallback(),
        ]
        if plan.patience is not None and validation is not None and validation.keep == "best":
            callbacks.append(transformers.EarlyStoppingCallback(plan.patience, plan.least_gain))
        if plan.target_score is not None and validation is not None:
            callbacks.append(StopAtScore(SCORE, plan.target_score))
        with quiet_loading():
            super().__init__(
                module, arguments, collate, train_dataset=data, eval_dataset=[], callbacks=callbacks
            )
        self.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the tables
        self._module, self._plan, self._data, self._validation = module, plan, data, validation
        self._parts: dict[str, list[Tensor]] = defaultdict(list)
        self._unchecked: list[tuple[int, Tensor]] = []  # losses, by the steps done before
        self._scores: dict[int, list[float]] = {}  # of each validation item, after the best and the last step

    def start_epoch(self, epoch: int) -> None:
        """Set the epoch of data and batches, whether it begins or is resumed."""
        self._data.epoch = self._batches.epoch = epoch

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Make batches of examples of like length, which pads little."""
        data: Any = self._data
        loader: DataLoader[Any] = DataLoader(data, batch_sampler=self._batches, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make AdamW with the weight decay and the learning rate of each parameter."""
        if self.optimizer is None:
            named = [(n, p) for n, p in self._module.named_parameters() if p.requires_grad]
            decays = set(self.get_decay_parameter_names(self._module))
            groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
            for name, parameter in named:
                times = next(
                    (t for start, t in self._plan.lr_multipliers.items() if name.startswith(start)), 1.0
                )
                groups[times * self._plan.lr, self._plan.weight_decay if name in decays else 0.0].append(
                    parameter
                )
            self.optimizer = torch.optim.AdamW(
                [{"params": p, "lr": lr, "weight_decay": decay} for (lr, decay), p in groups.items()],
                fused=True,  # one pass over all weights: the loop took a tenth of a small row's time
            )
        return self.optimizer

    def compute_loss(
        self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Compute what is minimised, and collect all parts of it for the log."""
        parts = self.loss_parts(model, inputs)
        for name, part in parts.items():
            if name != "loss":  # the Trainer logs that one
                self._parts[name].append(part.detach())
        self._unchecked.append((self.state.global_step, parts["loss"].detach()))
        if self._plan.device == "cpu" or len(self._unchecked) == CHECKED_TOGETHER:
            self._check_losses()
        return parts["loss"]

    def loss_parts(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch, and what else is logged of it."""
        parts: dict[str, Tensor] = model(batch)
        return parts

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the means of the loss parts since the last entry."""
        if "loss" in logs:
            self._check_losses()
            for name, values in self._parts.items():
                numbers = torch.stack(values).tolist()
                logs[name] = sum(numbers) / len(numbers)
            self._parts.clear()
        for name, value in logs.items():
            if not math.isfinite(value):
                self._refuse(name, value, self.state.global_step)
        super().log(logs, start_time)

    def _check_losses(self) -> None:
        """Refuse a loss that is not a finite number, of the steps since the last check."""
        if self._unchecked:
            steps, losses = zip(*self._unchecked, strict=True)
            self._unchecked.clear()
            for step, loss in zip(steps, torch.stack(losses).tolist(), strict=True):
                if not math.isfinite(loss):
                    self._refuse("the loss", loss, step)

    def _refuse(self, name: str, value: float, steps: int) -> None:
        plan, epoch = self._plan, self._data.epoch + 1
        raise DivergedError(
            f"the training of {plan.label} diverged in epoch {epoch}, after step {steps}: {name} is {value}. "
            f"Lower the learning rate (it was {plan.lr:g}) with --set {plan.lr_option}=RATE, or search "
            "the features for extreme values."
        )

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure what the caller measures after each epoch."""
        metrics = self.measure()
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def measure(self) -> dict[str, float]:
        """Score the module as it is now."""
        assert self._validation is not None, "evaluation is on without a score"
        self._module.eval()
        scores = np.asarray(self._validation.scores(), dtype=np.float64)
        metrics = {SCORE: float(scores.mean())}
        if (error := standard_error(scores)) is not None:
            metrics[SCORE_ERROR] = error
        if self._validation.extra is not None:
            metrics |= self._validation.extra()
        self._scores[self.state.global_step] = scores.tolist()
        return metrics

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Take the later of equal epochs: early ones all score 0."""
        if self.args.metric_for_best_model is None:
            return False
        if self.state.best_metric is not None and metrics[SCORE] == self.state.best_metric:
            self.state.best_global_step = self.state.global_step
            return True
        return bool(super()._determine_best_metric(metrics, trial))

    def before_checkpoint(self) -> None:
        """Refuse weights that are not finite numbers."""
        for name, weight in self._module.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                self._refuse(f"the weight {name}", math.nan, self.state.global_step)

    def write_weights(self, path: Path) -> None:
        """Write the module's weights, tied ones once."""
        save_weights(self._module, path)

    def read_weights(self, path: Path) -> None:
        """Read the weights of a checkpoint, tied ones included."""
        load_weights(self._module, path)

    def _fill_checkpoint(self, folder: Path) -> None:
        super()._fill_checkpoint(folder)
        needed = {self.state.best_global_step, max(self._scores, default=0)}
        self._scores = {step: scores for step, scores in self._scores.items() if step in needed}
        (folder / _SCORES).write_text(json.dumps(self._scores, allow_nan=False), encoding="utf-8")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Read the optimizer, and what validation measured, from a checkpoint."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            scores = json.loads((Path(checkpoint) / _SCORES).read_text(encoding="utf-8"))
            self._scores = {int(step): values for step, values in scores.items()}

    def describe_choice(self) -> dict[str, float]:
        """Compare the selected with the last epoch: their scores, and the difference with its standard error.

        The error is that of a mean over validation items of paired differences. {} without validation.
        """
        if not self._scores:
            return {}
        last = max(self._scores)
        kept = self.state.best_global_step or last
        scores = {step: np.asarray(self._scores[step]) for step in (kept, last)}
        facts = {
            "kept_epoch": float(kept // len(self._batches)),
            "kept_score": float(scores[kept].mean()),
            "last_epoch": float(last // len(self._batches)),
            "last_score": float(scores[last].mean()),
            "kept_minus_last": float((scores[kept] - scores[last]).mean()),
        }
        if (error := standard_error(scores[kept] - scores[last])) is not None:
            facts["kept_minus_last_se"] = error
        return facts
