"""Score a TREC run of any origin with the metrics of the tables."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench import __version__
from bench.choices import EvaluatedSplit, Protocol
from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder
from bench.errors import DataError
from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.output.schema import RETRIEVAL
from bench.output.trec import TrecRun, read_queries, read_relevant, read_run
from bench.store.artefacts import default_root
from bench.store.digests import file_digest
from bench.store.files import STANDARD_INPUT, open_bytes
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
    evaluated = make_evaluation_set(dataset, split=split, protocol=protocol, query_seed=query_seed)
    with regular_file(run_file) as path:
        run = read_run(path)
        known = [record.video_id for record in dataset.records]
        written = [query for same in dataset.spellings.values() for query in same]
        _refuse(run_file, "query", run.unknown_queries([*evaluated.queries, *written]))
        _refuse(run_file, "video", run.unknown_videos(known))
        truth = Relevance.from_mapping(evaluated.relevant, tuple(evaluated.queries), tuple(evaluated.pool))
        what = f"{dataset.name}:{dataset.digest[:8]} | split: {split} | protocol: {protocol}"
        return _table(run_file, file_digest(path), _answers(run, evaluated, dataset), truth, what, [])


def _answers(run_read: TrecRun, evaluated: EvaluationSet, dataset: Dataset) -> TrecRun:
    """Return the results of each evaluated query, under its id.

    Who ran the dataset's queries knows neither the ids of repeats (``q7~2``) nor which of the
    spellings of a query represents all: a query has the results of the first of its ids that has any.
    """
    answers: dict[str, Mapping[str, float]] = {}
    for item, query in evaluated.drawn.items():
        names = (item, query, *sorted(dataset.spellings[query]))
        answers[item] = next((run_read.hits[name] for name in names if run_read.hits.get(name)), {})
    return TrecRun(answers)


def evaluate_files(run_file: Path, qrels_file: Path, queries_file: Path | None) -> Table:
    """Score a run on TREC qrels, as ``trec_eval -c`` does.

    Evaluated are the topics of ``queries_file`` that the qrels judge, else all that they judge: one without
    results, or without a relevant document, counts 0. Topics that were not judged are left out; the table
    says how many of each. Each file may be compressed by gzip, a pipe, or ``-``. Raises DataError when
    nothing can be evaluated.
    """
    with regular_file(run_file) as run_path, regular_file(qrels_file) as qrels_path:
        run, relevant = read_run(run_path), read_relevant(qrels_path)
        topics = list(read_queries(queries_file)) if queries_file else list(relevant)
        judged = [topic for topic in topics if topic in relevant]
        _refuse_nothing(run_file, qrels_file, run, relevant, judged)
        counts = {
            "not judged and left out": dict.fromkeys([*topics, *run.hits]).keys() - relevant.keys(),
            "without a relevant document, counted 0": [topic for topic in judged if not relevant[topic]],
        }
        notes = [
            f"{len(topics)} {'topic' if len(topics) == 1 else 'topics'} {what}"
            for what, topics in counts.items()
            if topics
        ]
        pool = list(dict.fromkeys(video for videos in relevant.values() for video in videos))
        truth = Relevance.from_mapping(relevant, judged, pool)
        what = f"{_shown_name(qrels_file)}:{file_digest(qrels_path)[:8]}"
        return _table(run_file, file_digest(run_path), run, truth, what, notes)


def _refuse_nothing(
    run_file: Path,
    qrels_file: Path,
    run: TrecRun,
    relevant: Mapping[str, Sequence[str]],
    judged: Sequence[str],
) -> None:
    """Raise DataError when no topic is left to evaluate, or none of the run's topics was judged."""
    if not any(relevant[topic] for topic in judged):
        raise DataError(f"{qrels_file}: no query has a relevant document, so there is nothing to evaluate.")
    if run.hits and not any(topic in relevant for topic in run.hits):
        first = next(iter(run.hits))
        raise DataError(
            f"{run_file}: none of its {len(run.hits)} topics is judged in {qrels_file}; "
            f"the first is '{first}'. Name the qrels that belong to this run."
        )


@contextlib.contextmanager
def regular_file(path: Path) -> Iterator[Path]:
    """Yield a path that can be read twice (for its lines and its digest): of a pipe or ``-``, a copy.

    Raises MissingError when there is no such file.
    """
    if path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / _shown_name(path)
        with open_bytes(path) as stream, copy.open("wb") as target:
            shutil.copyfileobj(stream, target)
        try:
            yield copy
        except DataError as error:  # the copy's name says nothing to the user
            raise DataError(str(error).replace(str(copy), str(path))) from error


def _shown_name(path: Path) -> str:
    return "standard-input" if path == STANDARD_INPUT else path.name


def in_double_precision(run: TrecRun) -> TrecRun:
    """Replace scores by their place among the query's distinct scores, to keep ties as trec_eval sees them.

    `Run` holds single precision, in which close scores would become ties; places keep the order and the
    ties of the scores as read.
    """
    ranked: dict[str, Mapping[str, float]] = {}
    for query, scores in run.hits.items():
        place = {score: -float(i) for i, score in enumerate(sorted(set(scores.values()), reverse=True))}
        ranked[query] = {video: place[score] for video, score in scores.items()}
    return TrecRun(ranked)


def _table(
    run_file: Path, digest: str, run_read: TrecRun, truth: Relevance, what: str, left_out: Sequence[str]
) -> Table:
    run = in_double_precision(run_read).to_run(truth.query_ids, truth.video_ids, _DEPTH)
    values = score(run, truth, RANKING_METRICS)
    empty = int((run.hits[:, 0] < 0).sum())
    notes = [
        f"Signature: data: {what} | n: {len(truth.query_ids)} | rel/query: {truth.counts.mean():.3f} | "
        f"ties: score desc, video id asc | run: {digest[:8]} | version: {__version__}",
        f"Coverage: {'; '.join([f'{empty} queries without results', *left_out])}",
    ]
    cells = [Cell(f"{values[column].mean() * 100:.2f}") for column in RETRIEVAL]
    name = _shown_name(run_file)
    return Table("retrieval", f"{name}, ×100", ["Run"], RETRIEVAL, [([Path(name).stem], cells)], notes)


def _refuse(path: Path, what: str, unknown: Iterable[str]) -> None:
    names = list(unknown)
    if names:
        raise DataError(
            f"{path}: {len(names)} {what} ids are not known to what the run is scored on; "
            f"the first is '{names[0]}'."
        )
