"""A metric's values per query → the row of it in scores.csv: mean, interval, bounds under ties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.metrics.intervals import mean_intervals
from bench.metrics.needs import by_need
from bench.metrics.ties import TieBounds


def metric_rows(
    per_query: Mapping[str, npt.NDArray[np.float64]],
    bounds: Mapping[str, TieBounds],
    needs: npt.NDArray[np.int64],
) -> list[dict[str, Any]]:
    """Summarise each metric's values ``[Q]`` in a row, in their order.

    ``needs [Q]`` numbers the queries' information needs: a query drawn for several videos is one piece of
    evidence for the interval.
    """
    by_item = {name: by_need(values, needs) for name, values in per_query.items()}
    limits = mean_intervals(by_item, weights=by_need(np.ones(len(needs)), needs))
    return [
        {
            "metric": name,
            "value": float(values.mean()),
            "ci_low": limits[name].low,
            "ci_high": limits[name].high,
            "tie_worst": float(bounds[name].worst.mean()),
            "tie_expected": float(bounds[name].expected.mean()),
            "tie_best": float(bounds[name].best.mean()),
            "n": len(values),
        }
        for name, values in per_query.items()
    ]
