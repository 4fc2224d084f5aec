"""Collections of documents: Multi-CPR, C-MTEB's VideoRetrieval, BEIR and whatever ir_datasets knows.

A document is what is searched: it becomes the transcript of a video of the test split, and evaluated are the
queries that are judged. Training queries are left out, because they share the pool with those of the test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import DataError, MissingError
from bench.foreign.collections import read_collection, read_documents
from bench.foreign.formats import (
    CORPUS,
    QUERIES,
    judgements_of_folder,
    read_any_judgements,
    read_any_queries,
    read_corpus,
)
from bench.importers.files import find, read_columns, take, take_id, unique
from bench.importers.imported import Imported
from bench.store.json_files import numbered_json_lines

__cache_neutral__ = True

Judgements = Iterable[tuple[str, str, int]]
"""Query, document, grade."""


class MultiCPR:
    """Multi-CPR, video domain (Chinese): titles of videos and queries of a video search.

    Format: ``corpus.tsv``, ``dev.query.txt`` (``id<TAB>text``) and ``qrels.dev.tsv`` (``qid 0 pid 1``) of
    ``data/video``. Source: github.com/Alibaba-NLP/Multi-CPR.
    """

    recipes: ClassVar[Mapping[str, str]] = {"dev": "the 1,000 queries of dev over the whole corpus"}
    licence = "not stated with the data"
    source = "Long et al. 2022, Multi-CPR: A Multi Domain Chinese Dataset for Passage Retrieval"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the corpus, the queries and the judgements of dev."""
        data = Imported("multi-cpr-video", "zh", self.recipes[recipe], published={"queries": 1_000})
        corpus, queries = (
            unique(((place, row[0], row[1]) for place, row in read_columns(find(source, name), 2)), what)
            for name, what in (("corpus.tsv", "document"), ("dev.query.txt", "query"))
        )
        qrels, _ = read_any_judgements(find(source, "qrels.dev.tsv"))
        return _fill(data, corpus, queries, _pairs(qrels))


class CMTEBVideo:
    """VideoRetrieval of C-MTEB (Chinese): the video domain of Multi-CPR with 100,930 documents.

    Format: ``corpus`` and ``queries`` (``id``, ``text``) and ``qrels`` (``qid``, ``pid``, ``score``), as
    Parquet files of the hub or as JSON lines. Source: huggingface.co/datasets/C-MTEB/VideoRetrieval and
    VideoRetrieval-qrels, as `mteb` reads them.
    """

    recipes: ClassVar[Mapping[str, str]] = {"dev": "the 1,000 queries of dev over 100,930 documents"}
    licence = "not stated with the data; as Multi-CPR"
    source = "Xiao et al. 2023, C-Pack: Packed Resources For General Chinese Embeddings"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read corpus, queries and qrels, wherever they lie in the folder."""
        published = {"videos": 100_930, "queries": 1_000}
        data = Imported("c-mteb-videoretrieval", "zh", self.recipes[recipe], published=published)
        corpus, queries = (
            unique(
                (
                    (place, take_id(row, "id", place), take(row, "text", str, place))
                    for place, row in _rows(source, table)
                ),
                what,
            )
            for table, what in (("corpus", "document"), ("queries", "query"))
        )
        judged = (
            (take_id(row, "qid", place), take_id(row, "pid", place), take(row, "score", int, place))
            for place, row in _rows(source, "qrels", "dev")
        )
        return _fill(data, corpus, queries, judged)


class BEIR:
    """A folder as BEIR has it: corpus.jsonl, queries.jsonl and qrels/*.tsv."""

    recipes: ClassVar[Mapping[str, str]] = {
        "test": "the judgements of qrels/test.tsv",
        "dev": "the judgements of qrels/dev.tsv",
    }
    licence = "as the owner of the collection says"
    source = "Thakur et al. 2021, BEIR: A Heterogenous Benchmark; the folder that was given"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read the folder of a collection into videos, queries and judgements."""
        qrels, _ = read_any_judgements(
            judgements_of_folder(source, recipe, "--from is a folder as BEIR has it, --recipe test or dev.")
        )
        name = f"{source.resolve().name}-{recipe}"
        data = Imported(name, language or "en", f"{self.recipes[recipe]}, over the whole corpus")
        corpus, queries = read_corpus(source / CORPUS), read_any_queries(source / QUERIES)
        return _fill(data, corpus, queries, _pairs(qrels))


class IRDatasets:
    """Any collection of the package ir_datasets, by its id: --from beir/scifact/test."""

    recipes: ClassVar[Mapping[str, str]] = {"judged": "all judged queries over the whole corpus"}
    licence = "as the owner of the collection says: ir-datasets.com"
    source = "MacAvaney et al. 2021, Simplified Data Wrangling with ir_datasets"

    def read(self, source: Path, recipe: str, language: str | None) -> Imported:
        """Read documents, queries and judgements by the package, which may download them."""
        name = source.as_posix()
        qrels, queries = read_collection(name)
        corpus, code = read_documents(name)
        data = Imported(name.replace("/", "-"), language or code or "en", self.recipes[recipe])
        return _fill(data, corpus, queries, _pairs(qrels))


def _fill(
    data: Imported, corpus: Mapping[str, str], queries: Mapping[str, str], judged: Judgements
) -> Imported:
    """Add all documents, and the queries that have a judged document among them."""
    for document, text in corpus.items():
        data.add_video(document, "test", text)
    unknown = 0
    for query, document, grade in judged:
        if query in queries and document in corpus:
            data.add_query(query, queries[query], document, max(grade, 0))
        else:
            unknown += 1
    if unknown:
        data.remarks.append(f"{unknown} judgements name a query or document that is not in the files.")
    if unjudged := len(queries) - len(data.queries):
        data.remarks.append(f"{unjudged} queries were left out: they are not judged.")
    return data


def _pairs(qrels: Mapping[str, Mapping[str, int]]) -> Judgements:
    return ((query, document, grade) for query, judged in qrels.items() for document, grade in judged.items())


def _rows(source: Path, *names: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the rows of the first table with one of the names, Parquet or JSON lines, of all its parts."""
    first = find(source, *(f"{name}*.{form}" for name in names for form in ("parquet", "jsonl")))
    read: Callable[[Path], Iterable[tuple[int, dict[str, Any]]]] = numbered_json_lines
    if first.suffix == ".parquet":
        read = _read_parquet
    part = re.match(r"(.*-)\d{5}(-of-\d{5})", first.name)  # how the hub names the parts of a table
    paths = sorted(first.parent.glob(f"{part[1]}*{part[2]}*{first.suffix}")) if part else [first]
    return ((f"{path}: row {number}", row) for path in paths for number, row in read(path))


def _read_parquet(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingError(
            f"{path}: reading Parquet needs pyarrow. Install it with: pip install -c constraints.txt pyarrow"
        ) from None
    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no valid Parquet ({error}).") from error
    return enumerate(rows, start=1)
