"""Write a run's output folder as its cells finish (contract section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.comparison.paired import significance
from bench.harness import manifest
from bench.harness.plan import Plan
from bench.harness.stages.retrieve import Retrieved, Summaries, summaries_text
from bench.harness.stages.score import CellScores, relevance
from bench.output.folder import OutputFolder
from bench.output.per_item import RunItems
from bench.output.schema import (
    COST_COLUMNS,
    COSTS,
    SCORE_COLUMNS,
    SCORES,
    SIGNIFICANCE,
    headline,
    to_csv,
)
from bench.output.trec import write_qrels, write_run
from bench.protocols import Generator, Retriever, is_reference
from bench.report.page import open_sources, render
from bench.store.artefacts import Store
from bench.store.json_files import format_json_lines
from bench.systems.component import Component
from bench.tables.build import build_tables
from bench.tables.table import RENDERERS, SUFFIXES


class Record:
    """Keep what the cells told and write it: after each cell, everything so far is on disk."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._out = OutputFolder(plan.out())
        self._manifest = manifest.record(plan)
        self._systems: dict[str, dict[str, str]] = {}
        self._rows: list[dict[str, Any]] = []
        self._costs: list[dict[str, Any]] = []
        self._relevance = relevance(plan)

    def begin(self, components: Sequence[Component[Any]]) -> None:
        """Write what is evaluated, before the first cell."""
        self._manifest["labels"] = {component.name: component.label for component in components}
        self._manifest["references"] = [c.name for c in components if is_reference(c.system)]
        self._out.write_with("qrels.trec", lambda path: write_qrels(path, self._relevance))
        queries = self._plan.evaluation.queries.items()
        # one line a query: a tab or line end inside a text would break the format
        self._out.write(
            "queries.tsv", "".join(f"{query}\t{' '.join(text.split())}\n" for query, text in queries)
        )
        pool = self._plan.pool_videos(references=True)
        lines = ({"video_id": video.video_id, "references": video.references} for video in pool)
        self._out.write("references.jsonl", format_json_lines(lines))
        self._flush(finished=False)

    def summaries(self, component: Component[Generator], summaries: Summaries, scores: CellScores) -> None:
        """Write a generator's summaries, scores and costs."""
        name, meta = component.name, summaries.meta
        self._out.write(f"summaries/{name}.jsonl", summaries_text(summaries.texts))
        if meta.get("training"):
            self._out.write(f"training/{name}.jsonl", format_json_lines(meta["training"]))
        self._per_item(f"per_video/{name}.csv", "video_id", scores)
        self._cell(name, meta, manifest.summaries_coverage(summaries))
        self._manifest["distinct"][name] = manifest.distinct_share(summaries)
        self._system(name, meta)
        self._costs.append(
            {
                "generator": name,
                "fit_s": meta["fit_s"],
                "videos_per_s": round(meta["videos"] / max(meta["seconds"], 1e-4), 1),
                "params": meta["params"],
                "peak_mb": max(meta["peak_mb"], meta["fit_peak_mb"] or 0),
            }
        )
        self._rows.extend(scores.rows)
        self._flush(finished=False)

    def retrieval(
        self, component: Component[Retriever], generator: str, retrieved: Retrieved, scores: CellScores
    ) -> None:
        """Write a cell's run, scores and costs."""
        cell, meta = f"{generator}.{component.name}", retrieved.meta
        self._out.write_with(f"runs/{cell}.trec", lambda path: write_run(path, retrieved.run, cell))
        self._per_item(f"per_query/{cell}.csv", "query_id", scores)
        self._cell(cell, meta, manifest.retrieval_coverage(retrieved))
        self._system(component.name, meta)
        size = meta["index_bytes"]
        self._costs.append(
            {
                "generator": generator,
                "retriever": component.name,
                "fit_s": meta["fit_s"],
                "params": meta["params"],
                "index_bytes_per_doc": None if size is None else round(size / max(meta["documents"], 1), 1),
                **{key: meta[key] for key in ("index_s", "search_p50_ms", "search_p95_ms", "queries_per_s")},
                "peak_mb": max(meta["peak_mb"], meta["fit_peak_mb"] or 0),
            }
        )
        self._rows.extend(scores.rows)
        self._flush(finished=False)

    def failed(self, cell: str, message: str) -> None:
        """Keep a cell's failure in the manifest."""
        self._manifest["failed"][cell] = message

    def finish(self) -> None:
        """Write the tables and the page, and mark the run finished."""
        self._flush(finished=True)
        self._out.keep_seeds(())

    def _per_item(self, name: str, id_column: str, scores: CellScores) -> None:
        import pandas as pd

        columns: dict[str, Any] = {id_column: scores.ids, **scores.per_item}
        self._out.write(name, to_csv(pd.DataFrame(columns)))

    def _cell(self, name: str, meta: Any, coverage: dict[str, int]) -> None:
        self._manifest["cells"][name] = {
            "seconds": meta["seconds"],
            "peak_mb": meta["peak_mb"],
            "fit_s": meta["fit_s"],
        }
        self._manifest["coverage"][name] = coverage

    def _system(self, name: str, meta: Any) -> None:
        self._systems[name] = dict(meta["signature"])

    def _flush(self, *, finished: bool) -> None:
        import pandas as pd

        self._manifest["signature"] = manifest.signature(self._plan, self._systems)
        self._manifest["coverage_line"] = manifest.coverage_line(self._manifest["coverage"])
        scores = pd.DataFrame(self._rows, columns=list(SCORE_COLUMNS))
        costs = pd.DataFrame(self._costs, columns=list(COST_COLUMNS))
        numbers = list(COST_COLUMNS[2:])
        costs[numbers] = costs[numbers].apply(pd.to_numeric)
        costs["params"] = costs["params"].astype("Int64")
        self._out.write(SCORES, to_csv(scores))
        self._out.write(COSTS, to_csv(costs))
        if finished:
            write_presentation(self._out, scores, costs, self._manifest, self._plan.store)
        self._out.manifest(self._manifest, finished=finished)


def write_presentation(
    out: OutputFolder, scores: Any, costs: Any, record: dict[str, Any], store: Store
) -> None:
    """Write ``significance.csv``, ``tables/`` and ``report.html``."""
    contests = significance(headline(scores), RunItems(out.path, record), record["references"])
    out.write(SIGNIFICANCE, to_csv(contests))
    tables = build_tables(scores, costs, record, contests)
    for table in tables:
        for form, suffix in SUFFIXES.items():
            out.write(f"tables/{table.name}.{suffix}", RENDERERS[form](table))
    out.manifest(record, finished=False)  # the page is made from the files, as `bench report` makes it
    out.write("report.html", render(open_sources([out.path]), store))
