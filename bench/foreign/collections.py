"""Judgements, queries and documents of a collection that the package ir_datasets knows, by its id."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import DataError, MissingError, UsageError, shorten
from bench.types import Grades, QueryId, VideoId

PREFIX = "ir_datasets:"
"""Prefix of an id of ir_datasets, such as ``ir_datasets:antique/test``."""


def collection_id(path: Path) -> str | None:
    """Extract the id of a collection from the value of ``--qrels``; None where that is a file or a folder."""
    text = path.as_posix()
    return text.removeprefix(PREFIX) if text.startswith(PREFIX) else None


def read_collection(name: str) -> tuple[Grades, dict[QueryId, str]]:
    """Read the judgements and the queries of a collection; the package downloads what it does not have.

    Raises MissingError where the package is not installed or a download fails, UsageError for an unknown id.
    """
    collection = _load(name)
    for what in ("qrels", "queries"):
        if not getattr(collection, f"has_{what}")():
            raise UsageError(f"{PREFIX}{name} has no {what}; name a collection with judged queries.")
    grades: dict[QueryId, dict[str, int]] = {}
    with _reading(name):
        for one in collection.qrels_iter():
            grades.setdefault(str(one.query_id), {})[str(one.doc_id)] = int(one.relevance)
        texts = {str(query.query_id): query.default_text() for query in collection.queries_iter()}
    if not grades:
        raise DataError(f"{PREFIX}{name} judges no document.")
    return grades, texts


def read_documents(name: str) -> tuple[dict[VideoId, str], str | None]:
    """Read the documents of a collection, and the code of their language where the package knows it.

    Raises errors as `read_collection`.
    """
    collection = _load(name)
    if not collection.has_docs():
        raise UsageError(f"{PREFIX}{name} has no documents; name a collection that has them.")
    with _reading(name):
        texts = {str(document.doc_id): document.default_text() for document in collection.docs_iter()}
    return texts, collection.docs_lang()


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # no network, a server that is offline, a full disk
        raise MissingError(
            f"{PREFIX}{name} cannot be read: {shorten(error)}. ir_datasets downloads a collection at first "
            "use and keeps it in ~/.ir_datasets ($IR_DATASETS_HOME): repeat this where there is a network, "
            "or give files."
        ) from error


def _load(name: str) -> Any:
    try:
        import ir_datasets
    except ImportError:
        raise MissingError(
            "ir_datasets is not installed. Install it with: pip install -c constraints.txt ir_datasets"
        ) from None
    try:
        return ir_datasets.load(name)
    except KeyError:
        raise UsageError(
            f"{PREFIX}{name}: not a collection that ir_datasets knows; see ir-datasets.com."
        ) from None
