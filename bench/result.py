"""A run's results, read from its output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import unknown
from bench.output.folder import checked
from bench.output.manifest import Manifest, read_manifest
from bench.output.schema import COSTS, SCORES, SIGNIFICANCE, from_csv, headline
from bench.tables.build import build_tables, generation_frame, retrieval_frame
from bench.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Result:
    """Hold a run that is finished, or as far as it came."""

    out: Path
    scores: pd.DataFrame
    """The columns of scores.csv; fractions."""
    costs: pd.DataFrame
    manifest: Manifest
    significance: pd.DataFrame | None = None
    """The columns of significance.csv; None while the run is unfinished."""

    @classmethod
    def read(cls, out: Path) -> Result:
        """Read an output folder; raises DataError when it is not one, or when a file was changed."""
        manifest = read_manifest(out)
        scores = from_csv(checked(out, manifest, SCORES))
        costs = from_csv(checked(out, manifest, COSTS))
        if SIGNIFICANCE not in manifest.files:
            return cls(out, scores, costs, manifest)
        return cls(out, scores, costs, manifest, from_csv(checked(out, manifest, SIGNIFICANCE)))

    @property
    def failed(self) -> Mapping[str, str]:
        """Return what went wrong, by cell; empty when all went well."""
        failed: Mapping[str, str] = self.manifest.failed
        return failed

    @property
    def headline(self) -> pd.DataFrame:
        """Return the rows that tables show: those of the one seed, or the means over several."""
        return headline(self.scores)

    def table(self, name: str) -> pd.DataFrame:
        """Return scores ×100 laid out as Table V (``retrieval``) or III (``generation``), or the costs.

        The index holds labels. Raises UsageError for another name.
        """
        if name == "cost":
            return self.costs
        frames = {"retrieval": retrieval_frame, "generation": generation_frame}
        if name not in frames:
            raise unknown("table", name, [*frames, "cost"])
        return frames[name](self.headline).rename(index=self.manifest.labels)

    def tables(self, *, intervals: bool = False) -> list[Table]:
        """Return the tables as they are printed, with the 95 % interval in each cell if asked."""
        return build_tables(self.scores, self.costs, self.manifest, self.significance, intervals=intervals)
