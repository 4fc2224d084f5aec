"""Data frames to CSV text and back, the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def to_csv(frame: pd.DataFrame) -> str:
    r"""Return CSV text: no index, shortest exact numbers, ``\n`` line ends, missing values empty."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def from_csv(path: Path, *, text: str | None = None) -> pd.DataFrame:
    """Return the frame of a CSV file; only empty fields are missing, so that a query "NA" stays.

    The column named ``text`` is read as text, so that an id "007" stays.
    """
    import pandas as pd

    # names stay texts, though a file may be called 007
    names = {"generator": str, "retriever": str, **({text: str} if text else {})}
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=names)
