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


def test_other_work_is_a_share_of_the_processors_or_not_measured() -> None:
    with measure_other_work() as short:
        pass
    assert short.share is None or 0 <= short.share <= 1
