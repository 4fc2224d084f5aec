"""Checkpoints from which a killed training continues: a folder that is complete or absent, without pickle.

A checkpoint is written under another name, with the digest of each of its files, and renamed when all of it
is on the disk. What a kill, a full disk or a changed byte has left is recognised by the digests.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer_callback import ExportableState

from bench.store.digests import file_digest

DIGESTS = "digests.json"
"""The sha256 of every other file of a checkpoint, by name; written last."""
STATE = "trainer_state.json"
WEIGHTS = "model.safetensors"
_OPTIMIZER, _SCHEDULE, _RANDOM = "optimizer", "scheduler.json", "random"
_REMOVED, _UNFINISHED = ".removed-", ".unfinished-"


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Name the folder, below that of a training, which holds the checkpoint of a step."""
    return folder / f"checkpoint-{step}"


def write_checkpoint(folder: Path, step: int, fill: Callable[[Path], None]) -> None:
    """Write the checkpoint of a step; ``fill`` writes its files into the empty folder it is given."""
    final, unfinished = checkpoint_folder(folder, step), folder / f"{_UNFINISHED}{step}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    fill(unfinished)
    digests = {path.name: file_digest(path) for path in sorted(unfinished.iterdir())}
    _write_json(digests, unfinished / DIGESTS)
    for path in unfinished.iterdir():
        _flush(path)
    remove_checkpoint(final)
    unfinished.rename(final)


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove a checkpoint; it is renamed first, so that a kill leaves no half of it under its name."""
    if checkpoint.exists():
        removed = checkpoint.with_name(f"{_REMOVED}{checkpoint.name}")
        shutil.rmtree(removed, ignore_errors=True)
        checkpoint.rename(removed)
        shutil.rmtree(removed)


def remove_all(folder: Path) -> None:
    """Empty the folder of a training that has ended.

    The newest checkpoint goes first: what a kill leaves can be continued from.
    """
    checkpoints = sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)
    for checkpoint in checkpoints:
        remove_checkpoint(checkpoint)
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def latest_checkpoint(folder: Path) -> Path | None:
    """Locate the newest checkpoint that a training can continue from, None if there is none.

    A damaged one is named on stderr and removed. One that refers to a best epoch whose checkpoint is lost is
    removed, too: continuing from it could end with other weights.
    """
    for prefix in (_REMOVED, _UNFINISHED):
        for left in folder.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
    states: dict[int, dict[str, Any]] = {}
    for checkpoint in folder.glob("checkpoint-*"):
        try:
            states[_step(checkpoint)] = _read_state(checkpoint)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
            _drop(checkpoint, str(problem))
    for step in sorted(states, reverse=True):
        best = states[step].get("best_global_step")
        if best is None or best in states:
            return checkpoint_folder(folder, step)
        _drop(checkpoint_folder(folder, step), f"the checkpoint of its best epoch, at step {best}, is lost")
    return None


def _read_state(checkpoint: Path) -> dict[str, Any]:
    """Read the Trainer's state. Raises ValueError, or what reading raises, for a damaged checkpoint."""
    digests = json.loads((checkpoint / DIGESTS).read_text(encoding="utf-8"))
    for name, expected in digests.items():
        if file_digest(checkpoint / name) != expected:
            raise ValueError(f"{name} has changed")
    if extra := {path.name for path in checkpoint.iterdir()} - {DIGESTS, *digests}:
        raise ValueError(f"unknown files: {', '.join(sorted(extra))}")
    state: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    return state


def _drop(checkpoint: Path, problem: str) -> None:
    print(
        f"bench: checkpoint {checkpoint} is damaged ({problem}); it is removed, and the training continues "
        "from the one before it or from the beginning.",
        file=sys.stderr,
    )
    if checkpoint.is_dir() and not checkpoint.is_symlink():
        remove_checkpoint(checkpoint)
    else:
        checkpoint.unlink()


class CheckpointTrainer(Trainer):
    """A Trainer of transformers whose checkpoints are those of this module: no pickle is written or read."""

    def before_checkpoint(self) -> None:
        """Check what is about to be written."""

    def write_weights(self, path: Path) -> None:
        """Write the weights of the model, tied ones once."""
        save_model(self._plain_model(), str(path))

    def read_weights(self, path: Path) -> None:
        """Read what `write_weights` wrote into the model."""
        load_model(self._plain_model(), str(path), device=str(self.args.device))

    def _plain_model(self) -> nn.Module:
        model: Any = self.model
        assert isinstance(model, nn.Module), "a Trainer without a model"
        return model

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write a checkpoint, and remove those before it but the one of the best epoch."""
        self.before_checkpoint()
        folder, state, step = Path(str(self.args.output_dir)), self.state, self.state.global_step
        if state.best_global_step:
            state.best_model_checkpoint = str(checkpoint_folder(folder, state.best_global_step))
        callbacks: Any = state.stateful_callbacks  # by class name; the library's annotation is another
        for callback in [*self.callback_handler.callbacks, self.control]:
            if isinstance(callback, ExportableState):
                callbacks[type(callback).__name__] = callback.state()
        write_checkpoint(folder, step, self._fill_checkpoint)
        needed = {checkpoint_folder(folder, i) for i in (step, state.best_global_step) if i}
        for checkpoint in folder.glob("checkpoint-*"):
            if checkpoint not in needed:
                remove_checkpoint(checkpoint)

    def _fill_checkpoint(self, folder: Path) -> None:
        self.write_weights(folder / WEIGHTS)
        save_optimizer(self.optimizer, self.lr_scheduler, folder)
        save_random_state(folder)
        self.state.save_to_json(str(folder / STATE))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Read the optimizer from a checkpoint."""
        if checkpoint is not None:
            load_optimizer(self.optimizer, self.lr_scheduler, Path(checkpoint))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Set the random number generators to those of a checkpoint."""
        if checkpoint is not None:
            load_random_state(Path(checkpoint))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Read the weights of a checkpoint."""
        self.read_weights(Path(resume_from_checkpoint) / WEIGHTS)

    def _load_best_model(self) -> None:
        """Go back to the epoch that scored best."""
        assert self.state.best_model_checkpoint is not None, "no epoch was scored"
        self._load_from_checkpoint(self.state.best_model_checkpoint)


# Optimizer and learning rate


def save_optimizer(optimizer: Any, scheduler: Any, folder: Path) -> None:
    """Write the state of an optimizer and of its learning-rate scheduler."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    for parameter, values in state["state"].items():
        for name, value in values.items():
            tensors[f"{parameter}.{name}"] = value.detach().cpu().contiguous()
    save_file(tensors, str(folder / f"{_OPTIMIZER}.safetensors"))
    _write_json(state["param_groups"], folder / f"{_OPTIMIZER}.json")
    _write_json(scheduler.state_dict(), folder / _SCHEDULE)


def load_optimizer(optimizer: Any, scheduler: Any, folder: Path) -> None:
    """Restore the states of optimizer and scheduler that `save_optimizer` wrote, to continue a training."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in load_file(str(folder / f"{_OPTIMIZER}.safetensors")).items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = tensor
    groups = _read_json(folder / f"{_OPTIMIZER}.json")
    optimizer.load_state_dict({"state": state, "param_groups": [_with_tuples(group) for group in groups]})
    scheduler.load_state_dict(_read_json(folder / _SCHEDULE))


def _with_tuples(group: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name == "betas" else value for name, value in group.items()}


# Random numbers


def save_random_state(folder: Path) -> None:
    """Write the state of the random number generators of Python, numpy and torch."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    numpy_state = [name, np.asarray(keys).tolist(), position, has_gauss, cached]
    _write_json({"python": random.getstate(), "numpy": numpy_state}, folder / f"{_RANDOM}.json")
    tensors = {"cpu": torch.random.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.random.get_rng_state()
    save_file(tensors, str(folder / f"{_RANDOM}.safetensors"))


def load_random_state(folder: Path) -> None:
    """Set the random number generators to what `save_random_state` wrote."""
    state = _read_json(folder / f"{_RANDOM}.json")
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.asarray(keys, dtype=np.uint32), *rest))
    tensors = load_file(str(folder / f"{_RANDOM}.safetensors"))
    torch.random.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.random.set_rng_state(tensors["cuda"])


def _write_json(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _flush(path: Path) -> None:
    """Have the system write a file to the disk before the folder gets its name."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
