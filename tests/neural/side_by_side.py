"""Several ranks in the threads of one process, for tests of what processes do together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TypeVar

from torch.distributed import HashStore

from bench.neural.ranks import Ranks

T = TypeVar("T")


def side_by_side(size: int, work: Callable[[Ranks], T]) -> list[T]:
    """Do a work in ``size`` threads, each with a rank; return the results by rank."""
    store, futures = HashStore(), [Future[T]() for _ in range(size)]

    def run(rank: int) -> None:
        try:
            futures[rank].set_result(work(Ranks(rank, size, store)))
        except BaseException as error:
            futures[rank].set_exception(error)

    for rank in range(size):  # threads that end with the tests: one error leaves the others waiting
        threading.Thread(target=run, args=(rank,), daemon=True).start()
    done, waiting = wait(futures, timeout=60, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
    assert not waiting, f"{len(waiting)} of {size} ranks wait for one another"
    return [future.result() for future in futures]
