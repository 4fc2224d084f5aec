"""One way to train: transformers' Trainer, which knows no model.

A module owes it ``forward(batch) -> {"loss": what is minimised, other parts: logged}``. What is not
needed twice is not saved: a checkpoint lives in a scratch folder until training ends.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
import transformers
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from generators.neural.batches import Buckets
from generators.neural.callbacks import Bar, Rhythm
from generators.neural.checkpoint import load_weights, save_weights
from generators.quiet import quiet

SCORE = "eval_score"


class Epochs(Sized, Protocol):
    """Be a data set whose examples may change with the epoch."""

    epoch: int

    def __getitem__(self, index: int) -> Any:
        """Return an example."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """Return the length of each example."""
        ...


@dataclass(frozen=True)
class Plan:
    """Hold everything that decides a training, besides module and data."""

    label: str
    seed: int
    device: str
    epochs: int
    batch_size: int
    lr: float
    warmup: float = 0.0
    clip: float = 1.0
    weight_decay: float = 0.0
    patience: int | None = None
    bf16: bool = False
    checkpoint_steps: int = 500
    quiet: bool = True
    rates: Mapping[str, float] = field(default_factory=dict)
    """Multiples of ``lr`` for parameters whose names start so."""


def train(
    module: nn.Module,
    data: Epochs,
    collate: Callable[[list[Any]], Any],
    plan: Plan,
    *,
    score: Callable[[], float] | None = None,
    watch: Callable[[], Mapping[str, float]] | None = None,
    scratch: Path | None = None,
) -> list[dict[str, float]]:
    """Train a module in place, to the epoch that scored best, and return the log.

    ``score`` is asked after each epoch, higher is better; without it the last epoch stays. What ``watch``
    tells then is logged beside it and decides nothing. With a
    ``scratch`` folder a training that was killed continues where its last checkpoint is, and ends
    with the same weights; the folder is emptied at the end.
    """
    with tempfile.TemporaryDirectory() as spare:
        folder = scratch or Path(spare)
        trainer = _OurTrainer(module, data, collate, _arguments(plan, folder, score is not None), plan, score)
        trainer.watch = watch
        with quiet():
            trainer.train(resume_from_checkpoint=_last_complete(folder))
        log = [_plain(entry) for entry in trainer.state.log_history if "train_runtime" not in entry]
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    module.to(plan.device).eval()
    return log


def write_log(log: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write a training log, one JSON object a line."""
    path.write_text("".join(json.dumps(entry, sort_keys=True) + "\n" for entry in log), encoding="utf-8")


def _arguments(plan: Plan, folder: Path, scored: bool) -> TrainingArguments:
    every_epoch = "epoch" if scored else "no"
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=plan.seed,
        use_cpu=plan.device == "cpu",
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        learning_rate=plan.lr,
        lr_scheduler_type="cosine",
        warmup_steps=plan.warmup,  # below 1 it is a share of all steps
        max_grad_norm=plan.clip,
        weight_decay=plan.weight_decay,
        bf16=plan.bf16,
        eval_strategy=every_epoch,
        save_strategy="epoch",
        logging_strategy="epoch",
        load_best_model_at_end=scored,
        metric_for_best_model=SCORE if scored else None,
        greater_is_better=True if scored else None,
        save_total_limit=1,
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


def _last_complete(folder: Path) -> str | None:
    """Return the newest checkpoint whose last file was written; remove those that were cut off."""
    complete: dict[int, Path] = {}
    for checkpoint in folder.glob("checkpoint-*"):
        try:
            state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
            complete[int(state["global_step"])] = checkpoint
        except (OSError, ValueError, KeyError):
            shutil.rmtree(checkpoint)
    return str(complete[max(complete)]) if complete else None


def _plain(entry: Mapping[str, Any]) -> dict[str, float]:
    """Drop what a clock measured: the log of a repeated training is the same."""
    clock = ("runtime", "per_second", "total_flos")
    return {key: value for key, value in entry.items() if not any(word in key for word in clock)}


class _OurTrainer(Trainer):
    """Ask the module for its loss parts, the caller for the score, and our sampler for the batches."""

    def __init__(
        self,
        module: nn.Module,
        data: Epochs,
        collate: Callable[[list[Any]], Any],
        arguments: TrainingArguments,
        plan: Plan,
        score: Callable[[], float] | None,
    ) -> None:
        callbacks: list[TrainerCallback] = [Rhythm(plan.checkpoint_steps, self.start_epoch)]
        if plan.patience is not None and score is not None:
            callbacks.append(transformers.EarlyStoppingCallback(plan.patience))
        if not plan.quiet:
            callbacks.append(Bar(plan.label))
        with quiet():
            super().__init__(
                module, arguments, collate, train_dataset=data, eval_dataset=[], callbacks=callbacks
            )
        self.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the tables
        self._module, self._plan, self._data, self._score = module, plan, data, score
        self._batches = Buckets(data.lengths, plan.batch_size, plan.seed)
        self._parts: dict[str, list[float]] = defaultdict(list)
        self.watch: Callable[[], Mapping[str, float]] | None = None

    def start_epoch(self, epoch: int) -> None:
        """Let data and batches be those of an epoch, whether it is begun or continued."""
        self._data.epoch = self._batches.epoch = epoch

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of like length."""
        data: Any = self._data
        loader: DataLoader[Any] = DataLoader(data, batch_sampler=self._batches, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Give each group of parameters its decay and its rate."""
        if self.optimizer is None:
            named = [(n, p) for n, p in self._module.named_parameters() if p.requires_grad]
            decays = set(self.get_decay_parameter_names(self._module))
            groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
            for name, parameter in named:
                times = next((t for start, t in self._plan.rates.items() if name.startswith(start)), 1.0)
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
        """Return what is minimised; keep all parts for the log."""
        parts: dict[str, Tensor] = model(inputs)
        for name, part in parts.items():
            if name != "loss":  # the Trainer logs that one
                self._parts[name].append(float(part.detach()))
        return parts["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the means of the loss parts since the last entry."""
        if "loss" in logs:
            logs |= {name: sum(values) / len(values) for name, values in self._parts.items()}
            self._parts.clear()
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Ask the caller for the score."""
        assert self._score is not None, "evaluation is on without a score"
        self._module.eval()
        metrics = {**(self.watch() if self.watch else {}), SCORE: self._score()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Take the later of equal epochs: early ones all score 0."""
        if self.state.best_metric is not None and metrics[SCORE] == self.state.best_metric:
            self.state.best_global_step = self.state.global_step
            return True
        return bool(super()._determine_best_metric(metrics, trial))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the weights alone; tied ones once."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(self._module, folder / "model.safetensors")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Read what `_save` wrote, tied weights included."""
        load_weights(self._module, Path(resume_from_checkpoint) / "model.safetensors")

    def _load_best_model(self) -> None:
        """Go back to the epoch that scored best."""
        assert self.state.best_model_checkpoint is not None, "no epoch was scored"
        self._load_from_checkpoint(self.state.best_model_checkpoint)
