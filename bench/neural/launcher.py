"""The processes of one run that `torchrun` started: rank 0 runs it, the others help it to train.

Rank 0 does all that a run does. Another process waits in `help_rank_zero` for a training, does its share of
it, and ends with rank 0.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from bench.errors import UsageError
from bench.neural.ranks import Ranks

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
"""What the launcher sets; removed once it is read, so that no library joins the processes, too."""
_GPUS = "CUDA_VISIBLE_DEVICES"

_ranks: Ranks | None = None


def joined() -> Ranks | None:
    """Look up the processes of this run; None where there is one alone."""
    return _ranks


def process_count() -> int:
    """Count the processes that train together: 1 without a launcher."""
    if _ranks is not None:
        return _ranks.size
    count = os.environ.get("WORLD_SIZE", "")
    return max(int(count), 1) if count.isdecimal() else 1


def join() -> Ranks | None:
    """Connect the processes that a launcher such as torchrun started; None where there is one alone.

    Raises UsageError where the launcher has not said how they find each other.
    """
    global _ranks
    if _ranks is None:
        size, launcher = process_count(), {name: os.environ.get(name, "") for name in _VARIABLES}
        if size > 1:
            _ranks = _connect(size, launcher)
            if _ranks.rank == 0:
                atexit.register(_ranks.dismiss)
        for name in _VARIABLES:
            os.environ.pop(name, None)
    return _ranks


def _connect(size: int, launcher: Mapping[str, str]) -> Ranks:
    from torch.distributed.rendezvous import rendezvous

    try:
        store, rank, _ = next(rendezvous("env://", timeout=timedelta(minutes=5)))
    except ValueError as error:
        raise UsageError(
            f"WORLD_SIZE={size} says that {size} processes train together, but they do not know each other "
            f"({error}). Start them with 'torchrun --nproc-per-node {size} -m bench run', or unset it."
        ) from error
    local, neighbours = (int(launcher[name] or 0) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    return Ranks(rank, size, store, shared_gpu=_take_gpu(local) < neighbours)


def _take_gpu(number: int) -> int:
    """Let this process see one GPU of the machine alone; return how many there are."""
    import torch

    count = torch.cuda.device_count()
    if count:
        visible = os.environ.get(_GPUS) or ",".join(map(str, range(count)))
        os.environ[_GPUS] = visible.split(",")[number % count]
    return count


def announce(ranks: Ranks, function: Callable[..., None], *arguments: Any) -> None:
    """Have the other processes call a function of a module, with as many threads as this one has."""
    import torch

    ranks.broadcast((function, arguments, torch.get_num_threads()))


def help_rank_zero(ranks: Ranks) -> NoReturn:
    """Do a share of each training that rank 0 announces; end this process when rank 0 ends."""
    import torch

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):  # a handler in Python would wait for rank 0
            signal.signal(number, signal.SIG_DFL)
    while (job := ranks.broadcast()) is not None:
        function, arguments, threads = job
        torch.set_num_threads(threads)
        function(*arguments)
    raise SystemExit(0)
