"""A training of which each process of a run does a share: the same batches, and the gradient of the whole.

Each process computes its part of a batch. A loss is a mean over tokens or samples, so that the means of the
parts, each weighted by its number of them, add up to the mean of the batch; so do the gradients.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
import transformers
from torch import Tensor, nn

from bench.neural.launcher import announce, joined
from bench.neural.ranks import Ranks
from bench.neural.training_checkpoint import load_random_state, save_random_state
from bench.store.digests import digest
from bench.weights import quiet_loading
from generators.neural.losses import split_targets
from generators.neural.training.plan import Epochs, TrainingPlan, Validation
from generators.neural.training.trainer import DivergedError, ModuleTrainer

_BUCKET = 1 << 23  # gradients that are added up at once: 32 MB
Files = Mapping[str, bytes]
"""The files of a folder, by name."""


@runtime_checkable
class CountsItems(Protocol):
    """A module whose loss is a mean over something else than target tokens."""

    def loss_items(self, batch: Any) -> int:
        """Count the items of a batch over which ``loss`` is the mean."""
        ...


def count_items(module: nn.Module, batch: Any) -> int:
    """Count the items of a batch over which a module's loss is the mean: by default the target tokens."""
    return module.loss_items(batch) if isinstance(module, CountsItems) else int(split_targets(batch)[2].sum())


class ShardedTrainer(ModuleTrainer):
    """A trainer in each process of a run: rank 0 validates, writes checkpoints and has the result.

    A process has random numbers of its own, so that dropout is another one in each.
    """

    def __init__(
        self,
        ranks: Ranks,
        module: nn.Module,
        data: Epochs,
        collate: Callable[[list[Any]], Any],
        plan: TrainingPlan,
        *,
        folder: Path,
        validation: Validation | None,
    ) -> None:
        super().__init__(module, data, collate, plan, folder=folder, validation=validation)
        self._ranks = ranks
        self._batches.part = ranks.rank, ranks.size
        self._random_states: list[Files] = []
        if ranks.rank:
            transformers.set_seed(int(digest([plan.seed, ranks.rank])[:8], 16))

    def loss_parts(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Compute the means over the whole batch; the gradient of ``loss`` is this process's part of it."""
        parts = super().loss_parts(model, batch)
        items = count_items(self._module, batch)
        totals = (
            torch.tensor([1.0, *(float(p.detach()) for p in parts.values())], dtype=torch.float64) * items
        )
        self._ranks.add_up(totals)
        means = dict(zip(parts, (totals[1:] / totals[0]).to(parts["loss"]), strict=True))
        share = parts["loss"] * (items / float(totals[0]))
        return {**means, "loss": share - share.detach() + means["loss"]}  # the gradient is the part's

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Compute the gradient of the whole batch, the same in each process."""
        loss = super().training_step(*args, **kwargs)
        add_up_gradients(self._ranks, self._module.parameters())
        return loss

    def measure(self) -> dict[str, float]:
        """Measure in rank 0; the others wait, and decide with it when to stop."""
        metrics: dict[str, float] = self._ranks.broadcast(
            super().measure() if self._ranks.rank == 0 else None
        )
        return metrics

    # Checkpoints: rank 0 writes them, with the random numbers of all

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_random_state(Path(folder))
            self._random_states = self._ranks.gather(read_files(Path(folder)))
        if self._ranks.rank == 0:
            super()._save_checkpoint(model, trial)
        else:
            self.before_checkpoint()

    def _fill_checkpoint(self, folder: Path) -> None:
        super()._fill_checkpoint(folder)
        for rank, files in enumerate(self._random_states[1:], start=1):
            write_files({_of_rank(rank, name): content for name, content in files.items()}, folder)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None or self._ranks.rank == 0:
            super()._load_rng_state(checkpoint)
            return
        start = _of_rank(self._ranks.rank, "")
        mine = {
            name.removeprefix(start): c
            for name, c in read_files(Path(checkpoint)).items()
            if name.startswith(start)
        }
        with tempfile.TemporaryDirectory() as folder:
            write_files(mine, Path(folder))
            load_random_state(Path(folder))


def add_up_gradients(ranks: Ranks, parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all processes; a parameter without one in any of them has none afterwards."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = torch.tensor([float(parameter.grad is not None) for parameter in trained])
    ranks.add_up(used)
    for bucket in _buckets(p for p, count in zip(trained, used.tolist(), strict=True) if count):
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in bucket]
        total = torch.cat([gradient.flatten() for gradient in gradients])
        ranks.add_up(total)
        for parameter, part in zip(bucket, torch.split(total, [p.numel() for p in bucket]), strict=True):
            parameter.grad = part.view_as(parameter)


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        if bucket and sum(p.numel() for p in bucket) + parameter.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


# Rank 0 begins, the others help


def share_training(
    ranks: Ranks,
    module: nn.Module,
    data: Epochs,
    collate: Callable[[list[Any]], Any],
    plan: TrainingPlan,
    *,
    keep: Literal["best", "last"] | None,
    checkpoint: Path | None,
) -> None:
    """Send a training to the other processes, with the checkpoint it continues from.

    ``keep`` is that of its validation, None without one.
    """
    module.to("cpu")  # a tensor on a GPU would come out on the same GPU
    files = {checkpoint.name: read_files(checkpoint)} if checkpoint is not None else {}
    announce(ranks, help_to_train, module, data, collate, plan, keep, files)


def help_to_train(
    module: nn.Module,
    data: Epochs,
    collate: Callable[[list[Any]], Any],
    plan: TrainingPlan,
    keep: Literal["best", "last"] | None,
    checkpoint: Mapping[str, Files],
) -> None:
    """Do this process's share of a training that rank 0 began."""
    ranks = joined()
    assert ranks is not None, "a share of a training without other processes"
    validation = Validation(lambda: (), keep=keep) if keep is not None else None
    with tempfile.TemporaryDirectory() as spare, ranks.training(DivergedError):
        folder = Path(spare)
        for name, files in checkpoint.items():
            (folder / name).mkdir()
            write_files(files, folder / name)
        trainer = ShardedTrainer(ranks, module, data, collate, plan, folder=folder, validation=validation)
        try:
            with quiet_loading():
                trainer.train(resume_from_checkpoint=next((str(folder / name) for name in checkpoint), None))
        except DivergedError:  # rank 0 reports it
            return


def read_files(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write_files(files: Files, folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _of_rank(rank: int, name: str) -> str:
    return f"rank-{rank}-{name}"
