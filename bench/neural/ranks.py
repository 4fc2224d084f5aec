"""Processes that train together: what they exchange, and what happens when one of them ends.

They do so through process groups that are not torch's default one: neither transformers nor accelerate sees
more than one process.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench.errors import LostProcessError
from bench.neural.messages import to_bytes

if TYPE_CHECKING:
    from torch import Tensor

_FOR_EVER = timedelta(days=365)  # others wait while rank 0 does what is no training
_CHUNK = 1 << 28  # bytes sent at once


class Ranks:
    """The processes of a run, as one of them sees them.

    Every method is called by all of them, in the same order. It raises LostProcessError where one has ended.
    """

    def __init__(self, rank: int, size: int, store: Any, *, shared_gpu: bool = False) -> None:
        from torch.distributed import ProcessGroupGloo

        self.rank, self.size = rank, size
        self._store, self._shared_gpu = store, shared_gpu
        with self._exchange():
            self._gloo: Any = ProcessGroupGloo(store, rank, size, _FOR_EVER)
        self._nccl: Any = None
        self._is_open = True

    def broadcast(self, value: Any = None, *, source: int = 0) -> Any:
        """Give all processes the value that one of them, rank 0 by default, has."""
        import torch

        data = (
            torch.frombuffer(bytearray(to_bytes(value)), dtype=torch.uint8) if self.rank == source else None
        )
        length = torch.tensor([0 if data is None else len(data)])
        with self._exchange():
            self._gloo.broadcast(length, source).wait()
            received = torch.empty(int(length), dtype=torch.uint8) if data is None else data
            for start in range(0, len(received), _CHUNK):
                self._gloo.broadcast(received[start : start + _CHUNK], source).wait()
        return value if data is not None else pickle.loads(received.numpy().data)

    def gather(self, value: Any) -> list[Any]:
        """Give all processes the values of all, in the order of ranks."""
        return [self.broadcast(value, source=source) for source in range(self.size)]

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by the sum of those of all processes, to the same bits in each."""
        with self._exchange():
            group = self._nccl_group() if tensor.is_cuda else self._gloo
            group.allreduce([tensor]).wait()

    def _nccl_group(self) -> Any:
        """Make the group for tensors on GPUs when it is first needed; NCCL knows no GPU of two processes."""
        if self._nccl is None:
            if any(self.gather(self._shared_gpu)):
                self._nccl = self._gloo
            else:
                from torch._C._distributed_c10d import PrefixStore
                from torch.distributed import ProcessGroupNCCL

                options = ProcessGroupNCCL.Options()
                options._timeout = _FOR_EVER
                store = PrefixStore("nccl", self._store)
                self._nccl = ProcessGroupNCCL(store, self.rank, self.size, options)
        return self._nccl

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # what gloo raises when a connection ends; NCCL's error is one
            self.leave()
            raise LostProcessError(_lost(self.size)) from error

    @contextlib.contextmanager
    def training(self, *shared: type[Exception]) -> Iterator[None]:
        """Run a training in all processes; those errors are ``shared`` that all of them raise at once.

        Another error of one process leaves the others behind, and is raised as a LostProcessError.
        """
        if not self._is_open:
            raise LostProcessError(_lost(self.size))
        try:
            yield
        except BaseException as error:
            if isinstance(error, (LostProcessError, *shared)):
                raise
            self.leave()
            if not isinstance(error, Exception):
                raise
            raise LostProcessError(
                f"a training in {self.size} processes ended in process {self.rank}: {error} "
                "The same command continues from the last checkpoint."
            ) from error

    def leave(self) -> None:
        """Exchange nothing any more: the others notice when this process ends."""
        self._is_open = False

    def dismiss(self) -> None:
        """Let the other processes end."""
        if self._is_open:
            with contextlib.suppress(LostProcessError):
                self.broadcast(None)
            self.leave()


def _lost(size: int) -> str:
    return (
        f"one of the {size} processes that the launcher started has ended, and a training cannot go on "
        "without it. Its message is above, if it left one. The same command continues: what is finished is "
        "in the store, and a training goes on from its last checkpoint."
    )
