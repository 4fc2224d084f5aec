"""Import a dataset: find the importer, read the owner's files, check the numbers, write the folder."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.choices import language_problem
from bench.errors import DataError, UsageError, counted, shorten, unknown
from bench.foreign.formats import CORPUS, JUDGED, QUERIES, judgements_of_folder, read_corpus
from bench.importers.features import import_features
from bench.importers.files import take, take_id, unique
from bench.importers.imported import Imported, Importer, clean_id
from bench.output.trec import write_run
from bench.store.artefacts import Store
from bench.store.csv_files import read_rows
from bench.store.digests import file_digest
from bench.store.files import new_folder, read_lines
from bench.store.json_files import format_json_lines, numbered_json_lines
from bench.systems.registry import load
from bench.text import cjk_share
from bench.types import Json, Run

__cache_neutral__ = True

VERSION = "1"
"""Version of what is written for the same files of an owner."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What the owner's files lack and a user has."""

    features: Path | None = None
    """A folder of ``<video id>.npy``, or an HDF5 file."""
    transcripts: Path | None = None
    """JSON lines or a table with ``id`` and ``transcript``."""
    validation: int = 0
    """Training videos that become validation videos."""
    language: str | None = None
    """The language of a format that has none."""


def import_dataset(
    name: str, source: Path, out: Path, recipe: str | None = None, additions: Additions | None = None
) -> list[str]:
    """Write an owner's dataset as a folder of contract section 2, and return what a user should know.

    Raises UsageError for an unknown importer or recipe and for a folder ``out`` that is not empty, DataError
    and MissingError for the owner's files. Nothing is left behind by an import that fails.
    """
    if any("\ud800" <= character <= "\udfff" for character in str(out)):  # bytes, as the system gives them
        raise UsageError(f"--out {shorten(out)}: the name is not UTF-8, so that --data could not name it.")
    with new_folder(out, "--out") as folder:
        return _write_dataset(folder, name, source, recipe=recipe, additions=additions or Additions())


def dataset_of_beir(source: Path, cache: Path) -> Path:
    """Rewrite a BEIR folder as a dataset in ``cache``, and return it; one that is there is used again.

    Judged are the queries of qrels/test.tsv, or of dev.tsv where there is no other. Raises BenchError.
    """
    recipe = "test" if (source / JUDGED / "test.tsv").is_file() else "dev"
    if not (source / JUDGED / f"{recipe}.tsv").is_file():
        judgements_of_folder(
            source, "test", "--data reads test.tsv or dev.tsv."
        )  # raises: it names the splits of the folder
    files = [source / CORPUS, source / QUERIES, source / JUDGED / f"{recipe}.tsv"]
    made_by: dict[str, Json] = {
        "version": VERSION,
        "name": source.resolve().name,
        "recipe": recipe,
        "files": {path.name: file_digest(path) for path in files if path.is_file()},
    }

    def write(folder: Path) -> None:
        additions = Additions(language=_language_of(read_corpus(source / CORPUS)))
        for note in _write_dataset(folder, "beir", source, recipe=recipe, additions=additions):
            print(f"bench: {source}: {note}", file=sys.stderr)

    return Store(cache.parent).fetch(cache.name, made_by, write).path


def _write_dataset(
    folder: Path, name: str, source: Path, *, recipe: str | None, additions: Additions
) -> list[str]:
    """Fill an empty folder with the dataset of an importer, and list what a user should know."""
    if additions.language is not None and (problem := language_problem(additions.language)):
        raise UsageError(f"--language {shorten(additions.language)} {problem}.")
    importer: Importer = load("importers", name)()
    recipe = recipe or next(iter(importer.recipes))
    if recipe not in importer.recipes:
        raise unknown(f"recipe of '{name}'", recipe, importer.recipes)
    data = importer.read(source, recipe, additions.language)
    if not data.videos:
        raise DataError(f"{source}: there is no video in it. Are the files complete?")
    notes = _compare_counts(data) + data.remarks
    if changed := [(old, new) for new, old in data.written.items() if old != new]:
        old, new = changed[0]
        count = counted(len(changed), "id")
        notes.append(f"white space in {count} of videos became '_', such as {shorten(old)}: '{new}'.")
    if additions.transcripts:
        _add_transcripts(data, additions.transcripts)
    if additions.validation:
        _hold_out(data, additions.validation)
    _write_texts(folder, data)
    _write_metadata(folder, data, importer, name, recipe)
    if additions.features and (missing := _add_features(folder, data, additions.features)):
        notes.append(f"{missing:,} of {len(data.videos):,} videos have no features.")
    _write_runs(folder, data)
    return notes


def _language_of(corpus: Mapping[str, str]) -> str:
    """Guess the language of documents: Chinese where most tokens are of its characters, else English."""
    texts = list(corpus.values())
    return "zh" if cjk_share("\n".join(texts[:: len(texts) // 1000 + 1])) > 0.5 else "en"


def _add_transcripts(data: Imported, path: Path) -> None:
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    rows: Iterator[tuple[str, dict[str, str]]]
    if first.lstrip().startswith("{"):
        rows = ((f"{path}:{number}", record) for number, record in numbered_json_lines(path))
    else:
        rows = read_rows(path, needed=("id", "transcript"))
    given = (
        (place, clean_id(take_id(row, "id", place)), take(row, "transcript", str, place))
        for place, row in rows
    )
    transcripts = {name: text for name, text in unique(given, "video").items() if name in data.videos}
    for name, text in transcripts.items():
        data.videos[name].transcript = text
    if not transcripts:
        raise DataError(f"{path}: no id in it is a video such as '{next(iter(data.videos), '')}'.")


def _add_features(folder: Path, data: Imported, source: Path) -> int:
    """Write the features under the name of their file or folder, and count the videos that have none."""
    name = source.stem if source.is_file() else source.resolve().name
    return import_features(source, folder / "features" / name, data.videos)


def _hold_out(data: Imported, count: int) -> None:
    """Turn training videos into validation videos: those whose ids have the smallest digests."""
    train = [video for video, record in data.videos.items() if record.split == "train"]
    if not 0 < count < len(train):
        raise UsageError(f"--val {count}: there are {len(train)} training videos, and some must be left.")
    for video in sorted(train, key=lambda video: hashlib.sha256(video.encode()).digest())[:count]:
        data.videos[video].split = "val"


def _compare_counts(data: Imported) -> list[str]:
    counts = data.counts()
    different = [
        f"{name} {counts[name]:,} (published: {number:,})"
        for name, number in data.published.items()
        if counts[name] != number
    ]
    if not different:
        return []
    return [f"the numbers are not those that are published: {', '.join(different)}. Are the files complete?"]


def _write_texts(folder: Path, data: Imported) -> None:
    videos = (
        {"id": video, "transcript": record.transcript, "split": record.split}
        for video, record in data.videos.items()
    )
    _write(folder / "videos.jsonl", [format_json_lines(videos)])
    queries = ({"id": query, "text": text} for query, text in data.queries.items())
    _write(folder / "queries.jsonl", [format_json_lines(queries)])
    lines = (f"{query}\t{video}\t{grade}\n" for (query, video), grade in data.grades.items())
    _write(folder / "qrels.tsv", lines)


def _write_metadata(folder: Path, data: Imported, importer: Importer, name: str, recipe: str) -> None:
    about = {
        "name": data.name,
        "language": data.language,
        "version": VERSION,
        "protocol": data.protocol,
        "importer": name,
        "recipe": recipe,
        "source": importer.source,
        "licence": importer.licence,
        "counts": data.counts(),
        "remarks": data.remarks,
    }
    _write(folder / "dataset.json", [json.dumps(about, ensure_ascii=False, indent=2) + "\n"])


def _write_runs(folder: Path, data: Imported) -> None:
    for name, hits in data.runs.items():
        (folder / "runs").mkdir(exist_ok=True)
        depth = max(map(len, hits.values()))
        run = Run.from_hits({q: list(scores.items()) for q, scores in hits.items()}, list(data.videos), depth)
        write_run(folder / "runs" / f"{name}.trec", run, name)


def _write(path: Path, pieces: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(pieces)
    except UnicodeEncodeError as error:
        near = shorten(error.object[max(0, error.start - 40) : error.start + 40])
        raise DataError(f"not valid Unicode, because it holds half of a surrogate pair: {near}") from error
