"""What runs of any origin are scored on, and their scores per topic with intervals and bounds under ties."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.choices import EvaluatedSplit, Protocol, Ties
from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder
from bench.errors import DataError, UsageError, shorten
from bench.foreign.collections import PREFIX, collection_id, read_collection
from bench.foreign.formats import (
    CORPUS,
    QUERIES,
    Form,
    Grades,
    judgements_of_folder,
    read_any_judgements,
    read_any_queries,
    read_any_run,
    read_corpus,
    read_query_fields,
)
from bench.foreign.measures import Scored, bounds, compute
from bench.metrics.intervals import mean_intervals
from bench.metrics.needs import by_need, number_needs
from bench.metrics.ranking import Relevance
from bench.output.attributes import Attributes, read_attributes
from bench.output.trec import TrecRun
from bench.store.artefacts import default_root
from bench.store.digests import digest as digest_of
from bench.store.digests import file_digest
from bench.store.files import STANDARD_INPUT, open_bytes
from bench.types import NO_HIT, QueryId, Run, VideoId

ORDERS: Mapping[Ties, str] = {
    "trec_eval": "score desc, document id desc (as trec_eval)",
    "ours": "score desc, document id asc",
    "rank": "rank as written in the run",
}
"""How documents of equal score are put in order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgements:
    """The evaluated topics with their judged documents, and how the tables name them."""

    name: str
    digest: str
    grades: Grades
    texts: Mapping[QueryId, str]
    """The evaluated topics in order; the text is the id where none is known."""
    form: str
    documents: Mapping[VideoId, str] = field(default_factory=dict)
    """Texts of documents, for those who read what was retrieved; empty where no corpus is at hand."""
    attributes: Attributes = field(default_factory=dict)
    """What is known of the topics; see `bench.output.attributes`."""
    notes: Sequence[str] = ()
    dataset: Dataset | None = None
    evaluated: EvaluationSet | None = None

    @property
    def topics(self) -> tuple[QueryId, ...]:
        """Return the evaluated topics, in order."""
        return tuple(self.texts)

    def truth(self) -> Relevance:
        """Return what is relevant, over the pool of the dataset or of all that is relevant to a topic."""
        relevant = {q: [d for d, grade in self.grades[q].items() if grade > 0] for q in self.topics}
        if self.evaluated is not None:
            return Relevance.from_mapping(relevant, self.topics, tuple(self.evaluated.pool))
        pool = list(dict.fromkeys(document for documents in relevant.values() for document in documents))
        return Relevance.from_mapping(relevant, self.topics, pool)


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignRun:
    """A run as it was read, and under which name it is shown."""

    name: str
    file: Path
    digest: str
    form: Form
    run: TrecRun


@dataclass(frozen=True, eq=False)
class RunScores:
    """A run in order, its rows of scores.csv without names of systems, and its values per topic."""

    source: ForeignRun
    ties: Ties
    run: Run
    rows: Sequence[Mapping[str, Any]]
    per_topic: Mapping[str, Any]
    n_relevant: Sequence[int]
    empty: int
    """Topics without results."""


def read_judgements(
    qrels: Path, queries: Path | None, split: str, attributes: Path | None = None
) -> Judgements:
    """Return judgements from a file, or from a BEIR folder for a split, as ``trec_eval -c`` uses them.

    ``qrels`` may also be the id of a collection, ``ir_datasets:antique/test``. Evaluated are the topics of
    ``queries`` that are judged, else all that are judged; one without a relevant document counts 0.
    ``attributes`` is a CSV file with the ids of topics in the first column; free fields of JSON lines of
    queries are attributes too. Raises BenchError.
    """
    documents: Mapping[VideoId, str] = {}
    texts: Mapping[QueryId, str] | None = None
    collection = collection_id(qrels)
    if qrels.is_dir():
        documents = read_corpus(qrels / CORPUS) if (qrels / CORPUS).is_file() else {}
        queries = queries or (qrels / QUERIES if (qrels / QUERIES).is_file() else None)
        qrels = judgements_of_folder(qrels, split)
    if collection is not None:
        grades, texts = read_collection(collection)
        form, digest = "ir_datasets", digest_of(grades)
    else:
        with regular_file(qrels) as path:
            grades, form = read_any_judgements(path)
            digest = file_digest(path)
    if queries or texts is None:
        texts = read_any_queries(queries) if queries else {topic: topic for topic in grades}
    known: Attributes = read_query_fields(queries) if queries else {}
    if attributes is not None:
        known = _joined(known, _read_attributes(attributes, texts))
    judged = {topic: text for topic, text in texts.items() if topic in grades}
    if not any(grade > 0 for topic in judged for grade in grades[topic].values()):
        raise DataError(f"{qrels}: no query has a relevant document, so there is nothing to evaluate.")
    idle = [topic for topic in judged if not any(grade > 0 for grade in grades[topic].values())]
    left_out = len(texts) - len(judged)
    notes = [
        *([f"{count_topics(left_out)} of the queries not judged and left out"] if left_out else []),
        *([f"{count_topics(len(idle))} without a relevant document, counted 0"] if idle else []),
    ]
    name = qrels.parent.parent.name if qrels.parent.name == "qrels" else _shown_name(qrels)
    name = f"{PREFIX}{collection}" if collection else name
    return Judgements(
        name=name, digest=digest, grades=grades, texts=judged, form=form, notes=notes, documents=documents,
        attributes={topic: known[topic] for topic in judged if topic in known},
    )  # fmt: skip


def _read_attributes(path: Path, texts: Mapping[QueryId, str]) -> Attributes:
    with regular_file(path) as file:
        attributes = read_attributes(file)
    if not attributes.keys() & texts.keys():
        first = next(iter(attributes), "")
        raise DataError(
            f"{path}: none of its {len(attributes)} queries is evaluated; the first is {shorten(first)}. The "
            "first column holds the ids of queries."
        )
    return attributes


def _joined(first: Attributes, second: Attributes) -> Attributes:
    queries = dict.fromkeys([*first, *second])
    return {query: {**first.get(query, {}), **second.get(query, {})} for query in queries}


def judgements_of_dataset(
    data: str, *, protocol: Protocol, query_seed: int, split: EvaluatedSplit, store: Path | None
) -> Judgements:
    """Return what a dataset evaluates, every relevant video with relevance 1."""
    dataset = read_dataset(dataset_folder(data, (store or default_root()) / "datasets"))
    evaluated = make_evaluation_set(dataset, split=split, protocol=protocol, query_seed=query_seed)
    return Judgements(
        name=f"{dataset.name}:{dataset.digest[:8]} | split: {split} | protocol: {protocol}",
        digest=dataset.digest,
        grades={query: dict.fromkeys(videos, 1) for query, videos in evaluated.relevant.items()},
        texts=evaluated.queries,
        form="dataset",
        attributes={
            item: dataset.attributes[query]
            for item, query in evaluated.drawn.items()
            if query in dataset.attributes
        },
        dataset=dataset,
        evaluated=evaluated,
    )


def read_runs(named: Sequence[str], judgements: Judgements) -> list[ForeignRun]:
    """Return the runs of ``[NAME=]FILE`` words. Raises UsageError for two of one name."""
    runs: dict[str, ForeignRun] = {}
    for word in named:
        run = _read_run(word, judgements)
        if run.name in runs:
            raise UsageError(
                f"two runs are called '{run.name}': {runs[run.name].file} and {run.file}. Name them: "
                f"--run first={runs[run.name].file} --run second={run.file}."
            )
        runs[run.name] = run
    return list(runs.values())


def _read_run(word: str, judgements: Judgements) -> ForeignRun:
    name, sign, rest = word.partition("=")
    given = Path(rest).expanduser() if sign and not Path(word).exists() else Path(word).expanduser()
    with regular_file(given) as path:
        run, form = read_any_run(path)
        digest = file_digest(path)
    if judgements.dataset is not None and judgements.evaluated is not None:
        run = _answers(given, run, judgements.evaluated, judgements.dataset)
    elif run.hits and not any(topic in judgements.grades for topic in run.hits):
        raise DataError(
            f"{given}: none of its {len(run.hits)} topics is judged in {judgements.name}; the first is "
            f"'{next(iter(run.hits))}'. Name the qrels that belong to this run."
        )
    shown = name if sign and str(given) == str(Path(rest).expanduser()) else _stem(given)
    return ForeignRun(name=shown, file=given, digest=digest, form=form, run=run)


def _answers(file: Path, run: TrecRun, evaluated: EvaluationSet, dataset: Dataset) -> TrecRun:
    """Return the results of each evaluated query, under its id.

    Who ran the dataset's queries knows neither the ids of repeats (``q7~2``) nor which of the spellings of a
    query stands for all: a query has the results of the first of its ids that has any.
    """
    written = [query for same in dataset.spellings.values() for query in same]
    _refuse(file, "query", run.unknown_queries([*evaluated.queries, *written]))
    _refuse(file, "video", run.unknown_videos([record.video_id for record in dataset.records]))
    answers: dict[str, Mapping[str, float]] = {}
    for item, query in evaluated.drawn.items():
        names = (item, query, *sorted(dataset.spellings[query]))
        answers[item] = next((run.hits[name] for name in names if run.hits.get(name)), {})
    return TrecRun(answers, run.ranks)


def score_run(source: ForeignRun, judgements: Judgements, names: Sequence[str], ties: Ties) -> RunScores:
    """Return the scores of a run over the evaluated topics; one without results counts 0."""
    truth = judgements.truth()
    run = ordered(source, truth, ties)
    scored = Scored(run, truth, judgements.grades)
    values, limits = compute(scored, names), bounds(scored, names)
    needs = number_needs(judgements.texts.values())
    by_item = {name: by_need(column, needs) for name, column in values.items()}
    intervals = mean_intervals(by_item, weights=by_need(np.ones(len(needs)), needs))
    rows = []
    for name in names:
        sides = (limits[name].worst, limits[name].expected, limits[name].best)
        worst, expected, best = (float(side.mean()) for side in sides)
        rows.append(
            {
                "metric": name,
                "value": float(values[name].mean()),
                "ci_low": intervals[name].low,
                "ci_high": intervals[name].high,
                "tie_worst": worst,
                "tie_expected": expected,
                "tie_best": best,
                "n": len(truth.query_ids),
            }
        )
    empty = int((run.hits[:, 0] == NO_HIT).sum()) if run.depth else len(truth.query_ids)
    return RunScores(source, ties, run, rows, values, truth.counts.tolist(), empty)


def ordered(source: ForeignRun, truth: Relevance, ties: Ties) -> Run:
    """Return the run in the order of a rule, as deep as its longest list.

    Scores are replaced by their place among the query's distinct scores: `Run` holds single precision, in
    which close scores would become ties. Documents that nobody judged keep their ranks.
    """
    asked = {query: source.run.hits.get(query, {}) for query in truth.query_ids}
    pool = [*truth.video_ids, *TrecRun(asked).unknown_videos(truth.video_ids)]
    position = {document: place for place, document in enumerate(pool)}
    depth = max((len(hits) for hits in asked.values()), default=0)
    hits = np.full((len(asked), depth), NO_HIT, dtype=np.int32)
    scores = np.full((len(asked), depth), -np.inf, dtype=np.float32)
    for row, (query, found) in enumerate(asked.items()):
        documents, places = _in_order(source, query, found, ties)
        hits[row, : len(documents)] = [position[document] for document in documents]
        scores[row, : len(documents)] = places
    return Run(truth.query_ids, tuple(pool), hits, scores)


def _in_order(
    source: ForeignRun, query: QueryId, found: Mapping[VideoId, float], ties: Ties
) -> tuple[list[VideoId], list[float]]:
    """Return a query's documents, best first, with scores that keep their ties alone."""
    if ties == "rank":
        ranks = source.run.ranks.get(query, {}) if source.run.ranks is not None else None
        if ranks is None:
            raise UsageError(f"{source.file}: a {source.form} has no ranks, so --ties rank cannot be used.")
        documents = sorted(found, key=lambda document: (ranks[document], document))
        return documents, [-float(ranks[document]) for document in documents]
    documents = sorted(found, reverse=ties == "trec_eval")
    documents.sort(key=found.__getitem__, reverse=True)  # stable: ties stay in the order of their ids
    place = {score: -float(i) for i, score in enumerate(sorted(set(found.values()), reverse=True))}
    return documents, [place[found[document]] for document in documents]


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


def unjudged(runs: Iterable[ForeignRun], judgements: Judgements) -> int:
    """Count the topics of the runs that nobody judged."""
    topics = {topic for run in runs for topic in run.run.hits}
    return len(topics - judgements.grades.keys())


def is_beir(folder: Path) -> bool:
    """Return whether a folder has the files of a BEIR dataset."""
    return (folder / CORPUS).is_file() and (folder / QUERIES).is_file()


def _shown_name(path: Path) -> str:
    return "standard-input" if path == STANDARD_INPUT else path.name


def _stem(path: Path) -> str:
    return Path(_shown_name(path).removesuffix(".gz")).stem


def count_topics(count: int) -> str:
    """Return the count with its noun, for a line that a user reads."""
    return f"{count} {'topic' if count == 1 else 'topics'}"


def _refuse(path: Path, what: str, unknown: Iterable[str]) -> None:
    names = list(unknown)
    if names:
        raise DataError(
            f"{path}: {len(names)} {what} ids are not known to what the run is scored on; "
            f"the first is '{names[0]}'."
        )
