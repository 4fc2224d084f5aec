"""Records of results hold finite numbers alone."""

from __future__ import annotations

import math

import pytest

from bench.errors import DataError
from bench.export.results import _metric


def test_a_score_that_is_no_finite_number_is_refused() -> None:
    for score in (math.inf, math.nan):
        with pytest.raises(DataError, match=f"R@10 is {score}"):
            _metric("R@10", score)
    assert _metric("R@10", 0.5)["max_score"] == 1.0
