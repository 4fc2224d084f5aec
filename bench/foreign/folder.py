"""Write an output folder of foreign runs, with the files that ``bench run`` writes."""

from __future__ import annotations

import functools
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.choices import Ties
from bench.errors import UsageError
from bench.foreign.judgements import Judgements, count_topics
from bench.foreign.runs import ForeignRun, unjudged
from bench.foreign.scoring import ORDERS, RunScores, score_run
from bench.harness.stages.results import write_results
from bench.output.attributes import attributes_text
from bench.output.folder import OutputFolder
from bench.output.manifest import DatasetInfo, EvaluationInfo, Manifest
from bench.output.schema import (
    ATTRIBUTES,
    COST_COLUMNS,
    COSTS,
    GIVEN,
    QRELS,
    QUERIES,
    REFERENCES,
    SCORE_COLUMNS,
    SCORES,
    refuse_long_name,
    to_csv,
)
from bench.output.trec import write_run
from bench.result import Result
from bench.store.artefacts import Store
from bench.store.environment import code_state, installed_versions, machine
from bench.store.json_files import format_json_lines
from bench.types import NO_HIT

if TYPE_CHECKING:
    import pandas as pd

RETRIEVER = "run"
"""The name of the one block of the tables: foreign runs are rows, without a retriever."""


def write_evaluation(
    out: Path,
    judgements: Judgements,
    runs: Sequence[ForeignRun],
    *,
    measures: Sequence[str],
    ties: Ties,
    store: Store | None = None,
) -> Result:
    """Score runs and write their output folder, which report, explain, compare and check read like any other.

    The page is made only where there is a ``store``. Raises UsageError for two runs of one name and for too
    long a name, BenchError for a run that cannot be scored.
    """
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"two rows would be called '{twice}'. Name each run, and fuse in each way, once.")
    for name in names:
        refuse_long_name(name, f"{name}.{RETRIEVER}", "Name its runs more briefly: --run NAME=FILE.")
    scored = [score_run(run, judgements, measures, ties) for run in runs]
    with OutputFolder(out) as folder:
        manifest = _manifest(judgements, scored, ties)
        _write_judgements(folder, judgements)
        _write_documents(folder, judgements, scored)
        scores = _write_runs(folder, scored)
        costs = _no_costs(runs)
        folder.write(SCORES, to_csv(scores))
        folder.write(COSTS, to_csv(costs))
        folder.write_manifest(manifest, finished=False)
        write_results(folder, manifest, store)
        folder.write_manifest(manifest, finished=True)
    return Result.read(out)


def _write_judgements(folder: OutputFolder, judgements: Judgements) -> None:
    lines = (
        f"{topic} 0 {document} {grade}\n"
        for topic in judgements.topics
        for document, grade in judgements.grades[topic].items()
    )
    folder.write(QRELS, "".join(lines))
    folder.write(QUERIES, "".join(f"{q}\t{' '.join(text.split())}\n" for q, text in judgements.texts.items()))
    if judgements.attributes:
        folder.write(ATTRIBUTES, attributes_text(judgements.attributes, judgements.topics))
    references: dict[str, list[str]] = {}
    for topic, text in judgements.texts.items():
        for document, grade in judgements.grades[topic].items():
            if grade > 0:
                references.setdefault(document, []).append(text)
    records = ({"video_id": document, "references": texts} for document, texts in references.items())
    folder.write(REFERENCES, format_json_lines(records))


def _write_documents(folder: OutputFolder, judgements: Judgements, scored: Sequence[RunScores]) -> None:
    """Write the text of each judged or retrieved document, where a corpus has it, for each run."""
    for scores in scored:
        documents = dict.fromkeys([*judgements.truth().video_ids, *scores.run.video_ids])
        records = ({"video_id": d, "summary": judgements.documents.get(d, "")} for d in documents)
        folder.write(f"summaries/{scores.source.name}.jsonl", format_json_lines(records))


def _write_runs(folder: OutputFolder, scored: Sequence[RunScores]) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for scores in scored:
        cell, run = f"{scores.source.name}.{RETRIEVER}", scores.run
        folder.write_with(f"runs/{cell}.trec", functools.partial(_write_run, scores=scores, tag=cell))
        columns = {"query_id": run.query_ids, "n_relevant": scores.n_relevant, **scores.per_topic}
        folder.write(f"per_query/{cell}.csv", to_csv(pd.DataFrame(columns)))
        names = {"generator": scores.source.name, "retriever": RETRIEVER, "seed": 0}
        rows.extend({**row, **names} for row in scores.rows)
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _write_run(path: Path, scores: RunScores, tag: str) -> None:
    """Write a run with its original scores for the tie rule of trec_eval, else with scores by rank."""
    if scores.ties != "trec_eval":
        write_run(path, scores.run, tag)
        return
    run, ids = scores.run, scores.run.video_ids
    tag = "_".join(tag.split())  # one of six columns
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for query, hits in zip(run.query_ids, run.hits.tolist(), strict=True):
            values = scores.source.run.hits.get(query, {})
            documents = (ids[hit] for hit in hits if hit != NO_HIT)
            stream.writelines(
                f"{query} Q0 {document} {rank} {values[document]!r} {tag}\n"
                for rank, document in enumerate(documents, 1)
            )


def _no_costs(runs: Sequence[ForeignRun]) -> pd.DataFrame:
    """Make rows of costs.csv without values: the costs of a foreign run are unknown."""
    import pandas as pd

    rows = [{"generator": run.name, "retriever": RETRIEVER} for run in runs]
    return pd.DataFrame(rows, columns=list(COST_COLUMNS)).astype(dict.fromkeys(COST_COLUMNS[2:], float))


def _manifest(judgements: Judgements, scored: Sequence[RunScores], ties: Ties) -> Manifest:
    truth = judgements.truth()
    pool = len(truth.video_ids)
    runs = [scores.source for scores in scored]
    depth = max(scores.run.depth for scores in scored)
    mean_relevant = round(float(truth.counts.mean()), 4)
    signature = {
        "data": judgements.name if judgements.dataset else f"{judgements.name}:{judgements.digest[:8]}",
        "judgements": judgements.form,
        "n": str(len(truth.query_ids)),
        "rel/query": f"{truth.counts.mean():.3f}",
        "ties": ORDERS[ties],
        **{run.name: f"{run.form} {run.digest[:8]}" for run in runs},
        "version": __version__,
    }
    coverage = {"dataset": {"videos": pool}} | {
        f"{scores.source.name}.{RETRIEVER}": {"queries without results": scores.empty} for scores in scored
    }
    return Manifest(
        bench_version=__version__,
        finished=False,
        files={},
        signature=signature,
        run=judgements.digest[:10],
        settings={
            "generators": [run.name for run in runs], "retrievers": [RETRIEVER], "protocol": GIVEN,
            "query_seed": 0, "split": GIVEN, "seed": [0], "options": {},
        },
        dataset=_dataset(judgements),
        evaluation=EvaluationInfo(len(truth.query_ids), pool, mean_relevant, depth),
        code=code_state(),
        packages={"python": platform.python_version(), **installed_versions(["qms-bench", "numpy"])},
        machine=machine(),
        labels={**{run.name: run.name for run in runs}, RETRIEVER: "Run"},
        references=[],
        coverage=coverage,
        coverage_line=_coverage_line(judgements, scored),
    )  # fmt: skip


def _dataset(judgements: Judgements) -> DatasetInfo:
    synthetic = judgements.dataset is not None and judgements.dataset.synthetic
    return DatasetInfo(judgements.name.partition(" | ")[0], synthetic, "en", "", judgements.digest)


def _coverage_line(judgements: Judgements, scored: Sequence[RunScores]) -> str:
    left_out = unjudged((scores.source for scores in scored), judgements)
    parts = [
        *(f"{s.source.name}: {s.empty} queries without results" for s in scored if s.empty),
        *judgements.notes,
        *([f"{count_topics(left_out)} of the runs not judged and left out"] if left_out else []),
    ]
    return "; ".join(parts) or "complete"
