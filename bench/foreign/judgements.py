"""What runs of any origin are scored on: the evaluated topics and their judged documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.choices import EvaluatedSplit, Protocol
from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder
from bench.errors import DataError, shorten
from bench.foreign.collections import PREFIX, collection_id, read_collection
from bench.foreign.formats import (
    CORPUS,
    JUDGED,
    QUERIES,
    judgements_of_folder,
    read_any_judgements,
    read_any_queries,
    read_corpus,
    read_query_fields,
    regular_file,
    shown_name,
)
from bench.metrics.ranking import Relevance
from bench.output.attributes import Attributes, read_attributes
from bench.store.artefacts import default_root
from bench.store.digests import digest as digest_of
from bench.store.digests import file_digest
from bench.types import Grades, QueryId, VideoId


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
    """Texts of documents, to show what was retrieved; empty without a corpus."""
    attributes: Attributes = field(default_factory=dict)
    """What is known of the topics; see `bench.output.attributes`."""
    notes: Sequence[str] = ()
    dataset: Dataset | None = None
    evaluated: EvaluationSet | None = None

    @property
    def topics(self) -> tuple[QueryId, ...]:
        """The evaluated topics, in order."""
        return tuple(self.texts)

    def truth(self) -> Relevance:
        """List what is relevant, over the pool of the dataset or of all that is relevant to a topic."""
        relevant = {q: [d for d, grade in self.grades[q].items() if grade > 0] for q in self.topics}
        if self.evaluated is not None:
            return Relevance.from_mapping(relevant, self.topics, tuple(self.evaluated.pool))
        pool = list(dict.fromkeys(document for documents in relevant.values() for document in documents))
        return Relevance.from_mapping(relevant, self.topics, pool)


def read_judgements(
    qrels: Path, queries: Path | None, split: str, attributes: Path | None = None
) -> Judgements:
    """Read judgements from a file, or from a BEIR folder for a split, as ``trec_eval -c`` uses them.

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
        name, form, digest = f"{PREFIX}{collection}", "ir_datasets", digest_of(grades)
    else:
        with regular_file(qrels) as path:
            grades, form = read_any_judgements(path)
            name, digest = _name_of(qrels), file_digest(path)
    known: Attributes = {}
    if queries:
        with regular_file(queries) as path:
            texts, known = read_any_queries(path), read_query_fields(path)
    if texts is None:
        texts = {topic: topic for topic in grades}
    if attributes is not None:
        known = _joined(known, _read_attributes(attributes, texts))
    return restrict_to_judged(
        Judgements(
            name=name, digest=digest, grades=grades, texts=texts, form=form, documents=documents,
            attributes=known,
        )
    )  # fmt: skip


def _name_of(qrels: Path) -> str:
    """Name judgements by their file; those of a BEIR folder, which are several files, by the folder."""
    is_in_folder = qrels.is_file() and qrels.resolve().parent.name == JUDGED
    return qrels.resolve().parent.parent.name if is_in_folder else shown_name(qrels)


def restrict_to_judged(judgements: Judgements) -> Judgements:
    """Leave out topics without judgements, and note it. Raises DataError if no relevant document is left."""
    grades, texts = judgements.grades, judgements.texts
    judged = {topic: text for topic, text in texts.items() if topic in grades}
    idle = [topic for topic in judged if not any(grade > 0 for grade in grades[topic].values())]
    if len(idle) == len(judged):
        raise DataError(
            f"{judgements.name}: no query has a relevant document, so there is nothing to evaluate."
        )
    left_out = len(texts) - len(judged)
    notes = [
        *([f"{count_topics(left_out)} of the queries not judged and left out"] if left_out else []),
        *([f"{count_topics(len(idle))} without a relevant document, counted 0"] if idle else []),
    ]
    known = {topic: judgements.attributes[topic] for topic in judged if topic in judgements.attributes}
    return replace(judgements, texts=judged, notes=notes, attributes=known)


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
    """Judge runs by what a dataset evaluates, with the relevance that it gives each video."""
    dataset = read_dataset(dataset_folder(data, (store or default_root()) / "datasets"))
    evaluated = make_evaluation_set(dataset, split=split, protocol=protocol, query_seed=query_seed)
    return Judgements(
        name=f"{dataset.name}:{dataset.digest[:8]} | split: {split} | protocol: {protocol}",
        digest=dataset.digest,
        grades=evaluated.grades,
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


def count_topics(count: int) -> str:
    """Write a number of topics with its noun, for a line that a user reads."""
    return f"{count} {'topic' if count == 1 else 'topics'}"
