"""Write a run's output folder as its cells finish: after each cell, everything so far is on disk."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from bench.harness import manifest
from bench.harness.plan import Plan
from bench.harness.stages.results import Note, write_results
from bench.harness.stages.retrieve import Retrieved
from bench.harness.stages.score import CellScores
from bench.harness.stages.summarize import Summaries, summaries_text
from bench.output.attributes import attributes_text
from bench.output.folder import OutputFolder
from bench.output.manifest import CellCost
from bench.output.schema import (
    APPROXIMATION,
    APPROXIMATION_COLUMNS,
    ATTRIBUTES,
    COST_COLUMNS,
    COSTS,
    MODALITY,
    MODALITY_COLUMNS,
    QRELS,
    QUERIES,
    REFERENCES,
    SCORE_COLUMNS,
    SCORES,
    SEARCH_COSTS,
    format_csv,
)
from bench.output.trec import write_qrels, write_run
from bench.protocols import Generator, Retriever, is_fitted_per_generator, is_reference
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.json_files import format_json_lines
from bench.systems.component import Component

TREC = "bench.output.trec"
"""The module that decides the bytes of a run's file."""
_FLUSH_INTERVAL = 0.5
"""Seconds between two writes of the scores so far while cells come from the store."""


class RunWriter:
    """The output folder of a run with one seed; each method writes the files of one step.

    ``manifest`` is what the folder's manifest says; `finish` marks it finished. Use as a context
    manager: no other process writes into the folder meanwhile. Raises BenchError as `OutputFolder`.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.folder = OutputFolder(plan.out())
        self.manifest = manifest.start_manifest(plan)
        self._signatures: dict[str, dict[str, str]] = {}
        self._rows: list[dict[str, Any]] = []
        self._costs: list[dict[str, Any]] = []
        self._modality: list[dict[str, Any]] = []
        self._approximation: list[dict[str, Any]] = []
        self._flushed = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.close()

    def write_queries(self, components: Sequence[Component[Any]]) -> None:
        """Write what is evaluated, and with which systems, before the first cell."""
        truth = self._plan.relevance()
        self.folder.write_with(QRELS, lambda path: write_qrels(path, truth, self._plan.evaluation.grades))
        queries = self._plan.evaluation.queries.items()
        # one line a query: a tab or line end inside a text would break the format
        self.folder.write(QUERIES, "".join(f"{query}\t{' '.join(text.split())}\n" for query, text in queries))
        if attributes := manifest.query_attributes(self._plan):
            self.folder.write(ATTRIBUTES, attributes_text(attributes, list(self._plan.evaluation.queries)))
        addresses = {one.video_id: {"url": one.address} for one in self._plan.dataset.records if one.address}
        pool = self._plan.pool_videos(references=True)
        lines = (
            {"video_id": video.video_id, "references": video.references, **addresses.get(video.video_id, {})}
            for video in pool
        )
        self.folder.write(REFERENCES, format_json_lines(lines))
        self._flush(
            labels={component.name: self._label(component) for component in components},
            references=[c.name for c in components if is_reference(c.system)],
        )

    def write_summaries(
        self,
        component: Component[Generator],
        summaries: Summaries,
        scores: CellScores,
        uses: Sequence[Mapping[str, Any]],
    ) -> None:
        """Write a generator's summaries, training log, scores, costs and use of its inputs."""
        name, meta = component.name, summaries.meta
        self.folder.write(f"summaries/{name}.jsonl", summaries_text(summaries.texts))
        if meta.get("training"):
            self.folder.write(f"training/{name}.jsonl", format_json_lines(meta["training"]))
        self._write_per_item(f"per_video/{name}.csv", "video_id", scores)
        self._signatures[name] = dict(meta["signature"])
        cost = {
            "videos_per_s": round(meta["videos"] / max(meta["seconds"], 1e-4), 1),
            **_common_costs(meta),
        }
        self._costs.append({"generator": name, **cost})
        self._rows.extend(_named(scores, name, None, self._plan.seed))
        share = {name: manifest.distinct_share(summaries)}
        self._modality.extend({"generator": name, **use} for use in uses)
        known = [*meta.get("remarks", ()), *manifest.modality_remarks(uses)]
        self._flush(
            at_once=not summaries.reused,
            distinct={**self.manifest.distinct, **share},
            remarks=self._remarks(name, known),
            **self._cell(component, name, meta, manifest.summaries_coverage(summaries)),
        )

    def write_run(
        self, component: Component[Retriever], generator: str, retrieved: Retrieved, scores: CellScores
    ) -> None:
        """Write a cell's run, scores and costs."""
        cell, meta = f"{generator}.{component.name}", retrieved.meta
        self._write_trec(cell, retrieved)
        self._write_per_item(f"per_query/{cell}.csv", "query_id", scores)
        self._signatures[component.name] = dict(meta["signature"])
        size = meta["index_bytes"]
        cost = {
            "index_bytes_per_doc": None if size is None else round(size / max(meta["documents"], 1), 1),
            **{name: meta.get(name) for name in SEARCH_COSTS},
            **_common_costs(meta),
        }
        self._costs.append({"generator": generator, "retriever": component.name, **cost})
        self._rows.extend(_named(scores, generator, component.name, self._plan.seed))
        # what is known of a retriever that all generators share is written once
        about = cell if is_fitted_per_generator(component.system) else component.name
        recall = meta.get("recall", ())
        self._approximation.extend({"generator": generator, "retriever": component.name, **r} for r in recall)
        known = self._remarks(about, meta.get("remarks", ()))
        missed = manifest.recall_remarks(recall, len(retrieved.run.query_ids))
        self._flush(
            at_once=not retrieved.reused,
            remarks={**known, **({cell: [*known.get(cell, ()), *missed]} if missed else {})},
            **self._cell(component, cell, meta, manifest.retrieval_coverage(retrieved)),
        )

    def _label(self, component: Component[Any]) -> str:
        """Name a row; the whole text of a collection of documents is no transcript."""
        is_text = component.name == "transcript" and self._plan.dataset.info.get("importer") == "beir"
        return "Document" if is_text else component.label

    def add_failure(self, cell: str, message: str) -> None:
        """Note a cell's failure in the manifest."""
        self.manifest = dataclasses.replace(self.manifest, failed={**self.manifest.failed, cell: message})

    def write_results(self, note: Note) -> None:
        """Write what follows from all cells: tests, summary, tables and page."""
        self._flush()
        write_results(self.folder, self.manifest, self._plan.store, note)

    def finish(self) -> None:
        """Mark the run finished, and remove what an earlier one left."""
        self.folder.write_manifest(self.manifest, finished=True)
        self.folder.keep_seeds(())

    def _write_trec(self, cell: str, retrieved: Retrieved) -> None:
        """Write a cell's run, unless the folder has it: formatting costs more than a fast engine's search.

        The store knows the digest of the file that a run made.
        """
        name, run = f"runs/{cell}.trec", retrieved.run  # its digest is of positions and scores, without ids
        ids = digest([run.query_ids, run.video_ids])
        key = {"run": retrieved.digest, "ids": ids, "tag": cell, "code": code_digest(TREC)}
        known = self._plan.store.find("trec-digest", key)
        if known is not None and self.folder.keep(name, known.meta["digest"]):
            return
        self.folder.write_with(name, lambda path: write_run(path, run, cell))
        if known is None:
            self._plan.store.fetch("trec-digest", key, lambda _: {"digest": self.folder.files[name]})

    def _write_per_item(self, name: str, id_column: str, scores: CellScores) -> None:
        columns = {column: values.tolist() for column, values in scores.per_item.items()}
        self.folder.write(name, format_csv({id_column: scores.ids, **columns}))

    def _remarks(self, name: str, clauses: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {**self.manifest.remarks, **({name: clauses} if clauses else {})}

    def _cell(
        self, component: Component[Any], name: str, meta: Mapping[str, Any], coverage: Mapping[str, int]
    ) -> dict[str, Any]:
        cost = CellCost(meta["seconds"], meta["peak_mb"], meta["fit_s"])
        chosen = manifest.selection_coverage(self._plan, component)
        counts = {**self.manifest.coverage, name: {**coverage, **chosen}}
        return {"cells": {**self.manifest.cells, name: cost}, "coverage": counts}

    def _flush(self, *, at_once: bool = True, **changes: Any) -> None:
        """Write the scores, costs and manifest so far, the manifest with these changes.

        Not ``at_once``, they may be those of a cell that was made half a second ago: it is in the store.
        """
        changed = dataclasses.replace(
            self.manifest, signature=manifest.signature(self._plan, self._signatures), **changes
        )
        line = manifest.coverage_line(changed.coverage, changed.evaluation.queries, changed.remarks)
        self.manifest = dataclasses.replace(changed, coverage_line=line)
        if not at_once and time.monotonic() - self._flushed < _FLUSH_INTERVAL:
            return
        self._flushed = time.monotonic()
        self.folder.write(SCORES, _rows_to_csv(SCORE_COLUMNS, self._rows))
        self.folder.write(COSTS, _rows_to_csv(COST_COLUMNS, self._costs))
        if self._modality:
            self.folder.write(MODALITY, _rows_to_csv(MODALITY_COLUMNS, self._modality))
        if self._approximation:
            self.folder.write(APPROXIMATION, _rows_to_csv(APPROXIMATION_COLUMNS, self._approximation))
        self.folder.write_manifest(self.manifest, finished=False)


def _rows_to_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    return format_csv({column: [row.get(column) for row in rows] for column in columns})


def _named(scores: CellScores, generator: str, retriever: str | None, seed: int) -> list[dict[str, Any]]:
    names = {"generator": generator, "retriever": retriever, "seed": seed}
    return [{**row, **names} for row in scores.rows]


def _common_costs(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fit_s": meta["fit_s"],
        "params": meta["params"],
        "peak_mb": max(meta["peak_mb"], meta["fit_peak_mb"] or 0),
        "added_mb": max(
            (mb for name in ("added_mb", "fit_added_mb") if (mb := meta.get(name)) is not None), default=None
        ),
    }
