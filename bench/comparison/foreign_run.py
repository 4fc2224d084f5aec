"""Score a TREC run of any origin with the metrics of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench import __version__
from bench.choices import EvaluatedSplit, Protocol
from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder
from bench.errors import DataError, MissingError
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.output.schema import RETRIEVAL
from bench.output.trec import TrecRun, read_qrels, read_run
from bench.store.artefacts import default_root
from bench.store.digests import file_digest
from bench.tables.table import Cell, Table

_DEPTH = 1000


def evaluate_on_dataset(
    run_file: Path,
    data: str,
    *,
    protocol: Protocol,
    query_seed: int,
    split: EvaluatedSplit,
    store: Path | None = None,
) -> Table:
    """Score a run on a dataset's evaluated queries. Raises DataError for ids the dataset does not have."""
    dataset = read_dataset(dataset_folder(data, (store or default_root()) / "datasets"))
    asked = make_evaluation_set(dataset, split=split, protocol=protocol, query_seed=query_seed)
    found = read_run(_present(run_file))
    known = [record.video_id for record in dataset.records]
    written = [query for same in dataset.spellings.values() for query in same]
    _refuse(run_file, "query", found.unknown_queries([*asked.queries, *written]))
    _refuse(run_file, "video", found.unknown_videos(known))
    truth = Relevance.from_mapping(asked.relevant, tuple(asked.queries), tuple(asked.pool))
    what = f"{dataset.name}:{dataset.digest[:8]} | split: {split} | protocol: {protocol}"
    return _table(run_file, _answers(found, asked, dataset), truth, what)


def _answers(found: TrecRun, asked: EvaluationSet, dataset: Dataset) -> TrecRun:
    """Return the results of each evaluated query, under its id.

    Who ran the dataset's queries knows neither the ids of repeats (``q7~2``) nor which of the
    spellings of a query stands for all: a query has the results of the first of its ids that has any.
    """
    answers: dict[str, Mapping[str, float]] = {}
    for item, query in asked.drawn.items():
        names = (item, query, *sorted(dataset.spellings[query]))
        answers[item] = next((found.hits[name] for name in names if found.hits.get(name)), {})
    return TrecRun(answers)


def evaluate_files(run_file: Path, qrels_file: Path, queries_file: Path | None) -> Table:
    """Score a run on TREC qrels; the evaluated queries are those of ``queries_file``, else of the qrels.

    A query without results counts 0. Raises DataError for a query that nothing tells about.
    """
    found = read_run(_present(run_file))
    judged = read_qrels(_present(qrels_file))
    relevant = {query: [v for v, grade in videos.items() if grade > 0] for query, videos in judged.items()}
    queries = (
        _query_ids(_present(queries_file))
        if queries_file
        else [q for q, videos in relevant.items() if videos]
    )
    _refuse(run_file, "query", found.unknown_queries([*queries, *judged]))
    missing = [query for query in queries if not relevant.get(query)]
    if missing:
        raise DataError(f"{queries_file}: query '{missing[0]}' has no relevant document in {qrels_file}.")
    if not queries:
        raise DataError(f"{qrels_file}: no query has a relevant document, so there is nothing to evaluate.")
    pool = list(dict.fromkeys(video for videos in judged.values() for video in videos))
    truth = Relevance.from_mapping(relevant, queries, pool)
    return _table(run_file, found, truth, f"{qrels_file.name}:{file_digest(qrels_file)[:8]}")


def _table(run_file: Path, found: TrecRun, truth: Relevance, what: str) -> Table:
    run = found.to_run(truth.query_ids, truth.video_ids, _DEPTH)
    values = score(run, truth, RANKING_METRICS)
    empty = int((run.hits[:, 0] < 0).sum())
    notes = [
        f"Signature: data: {what} | n: {len(truth.query_ids)} | rel/query: {truth.counts.mean():.3f} | "
        f"ties: score desc, video id asc | run: {file_digest(run_file)[:8]} | version: {__version__}",
        f"Coverage: {empty} queries without results",
    ]
    cells = [Cell(f"{values[column].mean() * 100:.2f}") for column in RETRIEVAL]
    return Table("retrieval", f"{run_file.name}, ×100", ["Run"], RETRIEVAL, [([run_file.stem], cells)], notes)


def _query_ids(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 (byte {error.start + 1} of the file).") from error
    lines: Mapping[str, None] = dict.fromkeys(
        line.partition("\t")[0].strip() for line in text.split("\n") if line.strip()
    )
    return list(lines)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise MissingError(f"{path}: there is no such file.")
    return path


def _refuse(path: Path, what: str, strangers: Sequence[str] | Iterable[str]) -> None:
    names = list(strangers)
    if names:
        raise DataError(
            f"{path}: {len(names)} {what} ids are not known to what the run is scored on; "
            f"the first is '{names[0]}'."
        )
