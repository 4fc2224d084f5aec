"""Read runs, relevance judgements and queries in the formats of TREC, BEIR, ranx and pytrec_eval.

The format is recognised by the content of a file, never by its name, and what is recognised is returned for
the user to see; a file that fits none is refused.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from bench.errors import DataError, MissingError, counted, shorten
from bench.output.attributes import free_fields
from bench.output.trec import TrecRun, read_qrels, read_queries, read_run
from bench.store.files import STANDARD_INPUT, open_bytes, read_lines
from bench.store.json_files import numbered_json_lines, read_json
from bench.types import Grades, QueryId, VideoId

Number = TypeVar("Number", int, float)
Form: TypeAlias = Literal["TREC run", "TREC qrels", "JSON", "TSV", "ir_datasets", "in memory", "fused"]

Pair: TypeAlias = tuple[str, QueryId, VideoId, object]
"""Where a number is given, the query, the document and the number as it is written."""

CORPUS, QUERIES, JUDGED = "corpus.jsonl", "queries.jsonl", "qrels"
"""The files of a BEIR folder: documents, queries, and a folder with a file of judgements for each split."""
_HEADER = ("query-id", "corpus-id", "score")
_COLUMNS: Mapping[int, Form] = {6: "TREC run", 4: "TREC qrels", 3: "TSV"}
_KNOWN = (
    "a TREC run (6 columns: qid Q0 docno rank score tag), TREC qrels (4 columns: qid 0 docno relevance), a "
    "TSV file as BEIR has it (3 columns: query-id corpus-id score), or JSON ({query: {document: number}}), "
    "as ranx and pytrec_eval have it"
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
        copy = Path(folder) / shown_name(path)
        with open_bytes(path) as stream, copy.open("wb") as target:
            shutil.copyfileobj(stream, target)
        try:
            yield copy
        except DataError as error:  # the user does not know the name of the copy
            raise DataError(str(error).replace(str(copy), str(path))) from error


def shown_name(path: Path) -> str:
    """Name a file for a user to read, also where it is standard input."""
    return "standard-input" if path == STANDARD_INPUT else path.name


def recognise(path: Path) -> Form:
    """Recognise the format of a file by its first line that is neither blank nor a comment.

    Raises DataError for any other, and for a file without such a line.
    """
    number, line = _first_line(path)
    if not line:
        raise DataError(f"{path}: the file is empty.")
    if line.lstrip().startswith("{"):
        return "JSON"
    form = _COLUMNS.get(len(line.split()))
    if form is None or (form == "TSV" and "\t" not in line):
        columns = counted(len(line.split()), "column")
        raise DataError(
            f"{path}:{number}: not a format that is known: {shorten(line)} has {columns}. Known are {_KNOWN}."
        )
    return form


def _first_line(path: Path) -> tuple[int, str]:
    """Find the first line that is neither blank nor a comment, and its number; an empty one if none is."""
    lines = ((n, text) for n, text in read_lines(path) if text.strip() and not _is_comment(text))
    return next(lines, (1, ""))


def _is_comment(line: str) -> bool:
    """Check for a comment of a TREC file, as `bench.output.trec.read_run` leaves it out."""
    fields = line.split()
    return line.startswith("#") and (fields[0] == "#" or len(fields) not in _COLUMNS)


def read_any_run(path: Path) -> tuple[TrecRun, Form]:
    """Read a run in any known format, and name the format. Raises DataError with file:line.

    A file without a line is the run of a system that found nothing, as `bench run` writes it.
    """
    if not _first_line(path)[1]:
        return TrecRun({}, {}), "TREC run"
    form = recognise(path)
    if form == "TREC qrels":
        raise DataError(
            f"{path}: these are TREC qrels (4 columns); a run has 6: qid Q0 docno rank score tag."
        )
    if form == "TREC run":
        return read_run(path), form
    return TrecRun(_gathered(_pairs(path, form), _score)), form


def read_any_judgements(path: Path) -> tuple[Grades, Form]:
    """Read judgements in any known format, and name the format. Raises DataError with file:line."""
    form = recognise(path)
    if form == "TREC run":
        raise DataError(f"{path}: this is a TREC run (6 columns); qrels have 4: qid 0 docno relevance.")
    if form == "TREC qrels":
        return read_qrels(path), form
    return _judged(path, _gathered(_pairs(path, form), _grade)), form


def run_of_mapping(what: str, hits: Mapping[QueryId, Mapping[VideoId, float]]) -> TrecRun:
    """Check a run in memory by the rules of files; ``what`` names it in a message. Raises DataError."""
    return TrecRun(_gathered(_mapping_pairs(what, hits), _score))


def grades_of_mapping(what: str, grades: Grades) -> Grades:
    """Check judgements in memory by the rules of files; ``what`` names them in messages. Raises DataError."""
    return _judged(what, _gathered(_mapping_pairs(what, grades), _grade))


def _judged(what: Path | str, grades: Grades) -> Grades:
    if not grades:
        raise DataError(f"{what}: it holds no query with a document.")
    return grades


def read_any_queries(path: Path) -> dict[QueryId, str]:
    """Read queries: JSON lines with ``_id`` or ``id`` and ``text``, or lines ``id<TAB>text``."""
    first = next((text for _, text in read_lines(path) if text.strip()), "")
    if not first.lstrip().startswith("{"):
        return read_queries(path)
    texts: dict[QueryId, str] = {}
    for number, item in numbered_json_lines(path):
        name, text = item.get("_id", item.get("id")), item.get("text")
        if not isinstance(name, (str, int)) or not isinstance(text, str):
            raise DataError(f'{path}:{number}: a query needs "_id" (or "id") and "text".')
        if str(name) in texts:
            raise DataError(f"{path}:{number}: query '{name}' appears twice.")
        texts[str(name)] = text
    return texts


def read_query_fields(path: Path) -> dict[QueryId, dict[str, str]]:
    """Read the attributes of queries from their JSON lines and ``metadata``; other formats have none."""
    first = next((text for _, text in read_lines(path) if text.strip()), "")
    if not first.lstrip().startswith("{"):
        return {}
    fields = {str(q.get("_id", q.get("id"))): free_fields(q) for _, q in numbered_json_lines(path)}
    return {query: known for query, known in fields.items() if known}


def read_corpus(path: Path) -> dict[VideoId, str]:
    """Read the documents of BEIR's corpus.jsonl: title and text. Raises DataError with file:line."""
    texts: dict[VideoId, str] = {}
    for number, item in numbered_json_lines(path):
        name, title, text = item.get("_id", item.get("id")), item.get("title") or "", item.get("text")
        if not isinstance(name, (str, int)) or not isinstance(title, str) or not isinstance(text, str):
            raise DataError(f'{path}:{number}: a document needs "_id" and "text".')
        if str(name) in texts:
            raise DataError(f"{path}:{number}: document '{name}' appears twice.")
        texts[str(name)] = f"{title} {text}".strip()
    return texts


def judgements_of_folder(folder: Path, split: str, advice: str = "Name another with --split.") -> Path:
    """Locate the judgements of a split in a BEIR folder. Raises MissingError naming those that it has."""
    path = folder / JUDGED / f"{split}.tsv"
    if not path.is_file():
        splits = sorted(file.stem for file in (folder / JUDGED).glob("*.tsv"))
        has = f"its splits are {', '.join(splits)}" if splits else f"there is no {JUDGED}/*.tsv in it"
        raise MissingError(f"{path}: there is no such file; {has}. {advice}")
    return path


def _pairs(path: Path, form: Form) -> Iterator[Pair]:
    return _mapping_pairs(path, read_json(path)) if form == "JSON" else _tsv_pairs(path)


def _mapping_pairs(what: Path | str, content: object) -> Iterator[Pair]:
    if not isinstance(content, Mapping):
        raise DataError(f"{what}: a JSON object {{query: {{document: number}}}} is expected.")
    for query, documents in content.items():
        if not isinstance(documents, Mapping):
            raise DataError(f"{what}: query '{query}': an object {{document: number}} is expected.")
        for document, number in documents.items():
            yield f"{what}: query '{query}', document '{document}'", str(query), str(document), number


def _tsv_pairs(path: Path) -> Iterator[Pair]:
    first = True
    for number, line in read_lines(path):
        if not line.strip():
            continue
        fields = line.split("\t")
        header, first = first and tuple(fields) == _HEADER, False
        if header:
            continue
        if len(fields) != len(_HEADER):
            raise DataError(
                f"{path}:{number}: {counted(len(fields), 'column')} where 3 are needed, separated by tabs: "
                f"{' '.join(_HEADER)}."
            )
        yield f"{path}:{number}", fields[0].strip(), fields[1].strip(), fields[2].strip()


def _gathered(
    pairs: Iterator[Pair], number_of: Callable[[object], Number]
) -> dict[QueryId, dict[VideoId, Number]]:
    gathered: dict[QueryId, dict[VideoId, Number]] = {}
    for place, query, document, value in pairs:
        documents = gathered.setdefault(query, {})
        if document in documents:
            raise DataError(f"{place}: document '{document}' appears twice for query '{query}'.")
        try:
            _check_ids(query, document)
            if query.startswith("\ufeff"):
                raise ValueError(
                    f"the id {shorten(query)} begins with a byte order mark (U+FEFF), which readers of files "
                    "take away; remove it"
                )
            documents[document] = number_of(value)
        except ValueError as error:
            raise DataError(f"{place}: {error}.") from error
    return gathered


def _check_ids(*ids: str) -> None:
    for name in ids:
        raw = name.encode("utf-8", "backslashreplace")
        if raw.split() != [raw] or raw.decode("utf-8") != name:
            raise ValueError(
                f"the id {shorten(name)} is empty, has white space or is not valid Unicode: the results are "
                "TREC files, which cannot hold it"
            )


def _score(value: object) -> float:
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError(f"the score {shorten(value)} is not a finite number")
    return number


def _grade(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"the relevance {shorten(value)} is not an integer")
    return int(number)


def _number(value: object) -> float:
    """Convert a number of JSON or numpy, or a text in plain ASCII digits, to a float."""
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        raise ValueError(f"{shorten(value)} is not a number")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, numbers.Real)):
        raise ValueError(f"{shorten(value)} is not a number")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{shorten(value)} is not a number") from error
