"""A cost is that of the piece of work, whatever the process held before it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bench.systems.cost import measure_cost, measure_other_work

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's mark of the peak is Linux's")
MB = 1 << 20


@on_linux
def test_memory_of_before_is_no_cost_of_the_cell() -> None:
    before = np.ones(64 * MB, dtype=np.uint8)
    with measure_cost() as small:
        pass
    with measure_cost() as large:
        np.ones(48 * MB, dtype=np.uint8)
    assert small.added_mb is not None
    assert large.added_mb is not None
    assert small.added_mb < 8
    assert 40 <= large.added_mb < 64, "what was freed within the block is its peak, too"
    assert large.peak_mb > large.added_mb + before.nbytes / MB


@on_linux
def test_freed_memory_that_is_used_again_is_a_cost_of_the_cell() -> None:
    np.ones(31 * MB, dtype=np.uint8)  # freed: from here on, blocks of up to 31 MB are taken from the heap
    blocks = [np.ones(30 * MB, dtype=np.uint8) for _ in range(5)]
    above = [b"x" * 1000 for _ in range(3000)]  # the freed blocks below these stay with the process
    del blocks
    with measure_cost() as cost:
        np.ones(48 * MB, dtype=np.uint8)
    assert cost.added_mb is not None
    assert cost.added_mb >= 40
    assert above


def test_other_work_is_a_share_of_the_processors_or_not_measured() -> None:
    with measure_other_work() as short:
        pass
    assert short.share is None or 0 <= short.share <= 1
