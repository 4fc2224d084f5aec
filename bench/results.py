"""A run's results, read from its output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import unknown
from bench.frames import from_csv
from bench.output import checked, read_manifest
from bench.tables import Table, build_tables, generation_frame, retrieval_frame

if TYPE_CHECKING:
    import pandas as pd

SCORES, COSTS = "scores.csv", "costs.csv"
MEAN = "mean"
"""The seed column of rows that are means over several seeds; ``sd`` rows stand beside them."""


@dataclass(frozen=True, eq=False)
class Result:
    """Hold a run that is finished, or as far as it came."""

    out: Path
    scores: pd.DataFrame
    """The columns of scores.csv; fractions."""
    costs: pd.DataFrame
    manifest: Mapping[str, Any]

    @classmethod
    def read(cls, out: Path) -> Result:
        """Read an output folder; raises DataError when it is not one, or when a file was changed."""
        manifest = read_manifest(out)
        scores = from_csv(checked(out, manifest, SCORES))
        return cls(out, scores, from_csv(checked(out, manifest, COSTS)), manifest)

    @property
    def failed(self) -> Mapping[str, str]:
        """Return what went wrong, by cell; empty when all went well."""
        failed: Mapping[str, str] = self.manifest["failed"]
        return failed

    @property
    def headline(self) -> pd.DataFrame:
        """Return the rows that tables show: those of the one seed, or the means over several."""
        means = self.scores["seed"].astype(str) == MEAN
        return self.scores[means] if means.any() else self.scores

    def table(self, name: str) -> pd.DataFrame:
        """Return scores ×100 laid out as Table V (``retrieval``) or III (``generation``), or the costs.

        The index holds labels. Raises UsageError for another name.
        """
        if name == "cost":
            return self.costs
        frames = {"retrieval": retrieval_frame, "generation": generation_frame}
        if name not in frames:
            raise unknown("table", name, [*frames, "cost"])
        return frames[name](self.headline).rename(index=self.manifest["labels"])

    def tables(self) -> list[Table]:
        """Return the tables as they are printed."""
        return build_tables(self.headline, self.costs, self.manifest)
