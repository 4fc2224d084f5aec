"""What rows a run of a plug-in has."""

from __future__ import annotations

import csv
from pathlib import Path


def rows(out: Path, name: str = "scores.csv") -> set[tuple[str, str]]:
    with (out / name).open() as stream:
        return {(row["generator"], row["retriever"]) for row in csv.DictReader(stream)}
