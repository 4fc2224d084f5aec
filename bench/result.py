"""A run's results, read from its output folder."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError, UsageError, unknown
from bench.output.checked import checked, reading, refuse_later_run
from bench.output.manifest import Manifest, read_manifest
from bench.output.per_item import RunItems
from bench.output.schema import (
    APPROXIMATION,
    APPROXIMATION_COLUMNS,
    COST_COLUMNS,
    COSTS,
    GIVEN,
    LATER_COSTS,
    MODALITY,
    MODALITY_COLUMNS,
    SCORE_COLUMNS,
    SCORES,
    SIGNIFICANCE,
    SIGNIFICANCE_COLUMNS,
    SUMMARY,
    from_csv,
    headline,
)
from bench.output.trec import read_run
from bench.store.json_files import read_json_lines
from bench.summary.run_summary import RunSummary, read_summary
from bench.tables.build import build_tables, generation_frame, retrieval_frame
from bench.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from bench.report.vega import Drawing


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Gives access to the scores, tables and files of a run, finished or interrupted, for notebooks."""

    out: Path
    scores: pd.DataFrame
    """The columns of scores.csv; fractions."""
    costs: pd.DataFrame
    manifest: Manifest
    significance: pd.DataFrame | None = None
    """The columns of significance.csv; None while the run is unfinished."""
    modality: pd.DataFrame | None = None
    """The columns of modality.csv; None where no generator measures losses."""
    approximation: pd.DataFrame | None = None
    """The columns of approximation.csv; None where every retriever searches exactly."""

    @classmethod
    def read(cls, out: Path) -> Result:
        """Read an output folder; raises DataError when it is not one, or when a file was changed."""
        manifest = read_manifest(out)
        ours = manifest.settings["protocol"] != GIVEN
        more = manifest.settings.get("metrics", []) if ours else None
        scores = _read_frame(checked(out, manifest, SCORES), SCORE_COLUMNS, texts=3, more_metrics=more)
        costs = _read_frame(checked(out, manifest, COSTS), COST_COLUMNS, texts=2, later=LATER_COSTS)
        significance = modality = approximation = None
        if SIGNIFICANCE in manifest.files:
            significance = _read_frame(checked(out, manifest, SIGNIFICANCE), SIGNIFICANCE_COLUMNS, texts=5)
        if MODALITY in manifest.files:
            modality = _read_frame(checked(out, manifest, MODALITY), MODALITY_COLUMNS, texts=2)
        if APPROXIMATION in manifest.files:
            path = checked(out, manifest, APPROXIMATION)
            approximation = _read_frame(path, APPROXIMATION_COLUMNS, texts=3)
        return cls(out, scores, costs, manifest, significance, modality, approximation)

    def __repr__(self) -> str:
        from bench.summary.sentences import facts_line, short_answer

        try:
            summary = self.summary
        except BenchError as error:  # to show an object must not fail
            return f"<Result of {error}>"
        if summary is None:
            return f"<Result {self.out}: unfinished, {len(self.manifest.cells)} cells so far>"
        return f"<Result {self.out}: {facts_line(summary.facts)}. {short_answer(summary)}>"

    def _repr_html_(self) -> str:
        """Show the leaderboard and the answer in a notebook."""
        from bench.summary.markdown import to_html

        try:
            return to_html(self.summary) if self.summary else html.escape(repr(self))
        except BenchError:
            return html.escape(repr(self))

    def refuse_later_run(self) -> None:
        """Raise UsageError when a later run used the folder, whose files are then not of this result."""
        refuse_later_run(self.out, self.manifest)

    @property
    def failed(self) -> Mapping[str, str]:
        """Map each cell that failed to its error message; empty when none did."""
        failed: Mapping[str, str] = self.manifest.failed
        return failed

    @property
    def headline(self) -> pd.DataFrame:
        """Select the rows that tables show: those of the one seed, or the means over several."""
        return headline(self.scores)

    @property
    def retrieval(self) -> pd.DataFrame:
        """Select the scores of runs: a row for each generator, retriever and metric; fractions."""
        rows = self.headline
        return rows[rows["retriever"].notna()].reset_index(drop=True)

    @property
    def generation(self) -> pd.DataFrame:
        """Select the scores of summaries: a row for each generator and metric; fractions."""
        rows = self.headline
        texts = rows[rows["retriever"].isna()].drop(columns="retriever")
        return texts.dropna(axis="columns", how="all").reset_index(drop=True)

    @cached_property
    def summary(self) -> RunSummary | None:
        """Read the rankings with their tests, and the warnings (summary.json); None for an unfinished run."""
        if SUMMARY not in self.manifest.files:
            return None
        self.refuse_later_run()
        return read_summary(checked(self.out, self.manifest, SUMMARY), self.manifest)

    def per_query(self) -> pd.DataFrame:
        """Read the scores of each evaluated query: a row for each generator, retriever and query.

        Of a run with several seeds, those of the first.
        """
        import pandas as pd

        folder, manifest = self._folder()
        rows = self.headline[self.headline["retriever"].notna()]
        frames = []
        for generator, retriever in (
            rows[["generator", "retriever"]].drop_duplicates().itertuples(index=False)
        ):
            path = checked(folder, manifest, f"per_query/{generator}.{retriever}.csv")
            frame = from_csv(path, text="query_id")
            frames.append(frame.assign(generator=generator, retriever=retriever))
        columns = ["generator", "retriever", "query_id"]
        whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
        return whole[[*columns, *(name for name in whole if name not in columns)]]

    @property
    def summaries(self) -> dict[str, dict[str, str]]:
        """Read what each generator wrote: ``{generator: {video: summary}}``; of several seeds the first."""
        return {
            name.removeprefix("summaries/").removesuffix(".jsonl"): {
                line["video_id"]: line["summary"] for line in read_json_lines(path)
            }
            for name, path in self._files("summaries/")
        }

    @property
    def runs(self) -> dict[str, dict[str, dict[str, float]]]:
        """Read the runs: ``{"generator.retriever": {query: {video: score}}}``, for `bench.evaluate`.

        Of several seeds those of the first.
        """
        return {
            name.removeprefix("runs/").removesuffix(".trec"): {
                query: dict(hits) for query, hits in read_run(path).hits.items()
            }
            for name, path in self._files("runs/")
        }

    def _files(self, start: str) -> list[tuple[str, Path]]:
        """Check and locate the files of a folder of the run, by name."""
        folder, manifest = self._folder()
        return [(name, checked(folder, manifest, name)) for name in manifest.files if name.startswith(start)]

    def _folder(self) -> tuple[Path, Manifest]:
        """Locate the files of this run, with their manifest; of several seeds those of the first."""
        self.refuse_later_run()
        return RunItems(self.out, self.manifest).first

    def table(self, name: str, *, intervals: bool = False) -> pd.DataFrame:
        """Lay scores ×100 out as Table V (``retrieval``) or III (``generation``), or show the costs.

        The index holds labels. With ``intervals`` each column is three: ``value``, ``low`` and ``high`` of
        the 95 % interval. Raises UsageError for another name.
        """
        if name == "cost":
            return self.costs
        frames = {"retrieval": retrieval_frame, "generation": generation_frame}
        if name not in frames:
            raise unknown("table", name, [*frames, "cost"])
        lay_out, scores = frames[name], self.headline
        if not intervals:
            return lay_out(scores).rename(index=self.manifest.labels)
        import pandas as pd

        columns = {"value": "value", "low": "ci_low", "high": "ci_high"}
        parts = {part: lay_out(scores.assign(value=scores[column])) for part, column in columns.items()}
        whole = pd.concat(parts, axis=1).swaplevel(axis=1)[parts["value"].columns]
        return whole.rename(index=self.manifest.labels)

    def plot(self, name: str | None = None) -> Drawing:
        """Draw a plot of the page for a notebook, or for `Drawing.save`.

        ``name`` is that of a file of ``bench report --figures``, without its ending; without one it is the
        quality of summaries beside what is found with the first retriever. Raises UsageError for another,
        and for a run without one.
        """
        from bench.report.page import draw_plots

        self.refuse_later_run()
        plots = draw_plots(self.out)
        if not plots:
            raise UsageError(f"{self.out}: there is no plot of this run: it has no scores that one shows.")
        default = next((known for known in plots if known.startswith("quality-systems")), None)
        wanted = name or default or next(iter(plots))
        if wanted not in plots:
            raise unknown("plot", wanted, plots)
        return plots[wanted]

    def tables(self, *, intervals: bool = False, columns: Sequence[str] = ()) -> list[Table]:
        """Build the tables as they are printed, optionally with the 95 % interval in each cell.

        ``columns`` restricts the tables of scores to some headers.
        """
        leaders = self.summary.leaders if self.summary else None
        frames = self.scores, self.costs, self.manifest, self.significance
        return build_tables(
            *frames, modality=self.modality, intervals=intervals, leaders=leaders, columns=columns
        )


def _read_frame(
    path: Path,
    columns: Sequence[str],
    *,
    texts: int,
    later: Sequence[str] = (),
    more_metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a table of numbers after ``texts`` columns of text. Raises DataError for one of other content.

    Columns that came ``later`` are empty where an older folder lacks them.
    Its metrics are ours and ``more_metrics``, or of any name where that is None.
    """
    from pandas.api.types import is_numeric_dtype

    from bench.metrics.definitions import TEXT_METRICS
    from bench.metrics.ranking import RANKING_METRICS

    with reading(path):
        frame = from_csv(path)
        frame = frame.assign(**{name: float("nan") for name in later if name not in frame})
        missing = [name for name in columns if name not in frame]
        if missing:
            raise ValueError(f"no column {missing[0]}")
        for name in columns[texts:]:
            values = frame[name].dropna()  # an empty column has no type
            if name not in ("seed", "seeds") and len(values) and not is_numeric_dtype(values):
                raise ValueError(f"column {name} holds something else than numbers")
        if "value" in frame and frame["n"].isna().any():
            raise ValueError("a row without n")
        known = {*map(str, RANKING_METRICS), *TEXT_METRICS, *(more_metrics or ())}
        if more_metrics is not None and not set(frame["metric"].dropna()) <= known:
            raise ValueError("a metric that bench does not compute")
    return frame
