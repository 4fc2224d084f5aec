"""`bench data prepare`: a folder of videos and a file of queries or clicks become a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError, UsageError, shorten
from bench.prepare.click_log import read_click_log
from bench.prepare.dataset_writer import FILES, LEFT_OUT, options_record, write_dataset
from bench.prepare.extraction import PREPARED, UNREADABLE, Extracted, Extractor
from bench.prepare.files import find_files, identify, names_of
from bench.prepare.judgements import Judgements, read_queries
from bench.prepare.options import PrepareOptions
from bench.prepare.pipeline import extract_all
from bench.store.files import check_new_folder, new_folder
from bench.types import Json

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each file and of the relevance that was read."""

    out: Path
    results: Sequence[Extracted]
    judgements: Judgements
    texts_beside: int
    """Subtitles and other text files in the folder of videos, which are no videos."""

    def to_text(self) -> str:
        """Print the outcome in a few lines: counts, the first unreadable files, where the rest is."""
        prepared = [result for result in self.results if result.status == PREPARED]
        unreadable = [result for result in self.results if result.status == UNREADABLE]
        renamed = sum(1 for r in prepared if r.file.video_id not in (r.file.path.stem, r.file.name))
        lines = [f"{len(prepared)} of {len(self.results)} files prepared, {len(unreadable)} unreadable"]
        lines += [f"  {result.notes[0]}" for result in unreadable[:_SHOWN]]
        counts = {
            "without picture": sum(1 for r in prepared if not r.frames),
            "without transcript": sum(1 for r in prepared if not r.transcript),
            "with notes (damage, missing frames or sound)": sum(1 for r in prepared if r.notes),
            "with an id other than the file's name": renamed,
            "text files beside them, not read as videos": self.texts_beside,
        }
        lines += [f"  {count} {what}" for what, count in counts.items() if count]
        if pictures := sum(len(result.pictures) for result in prepared):
            lines.append(f"  {pictures} pictures kept")
        counted = ", ".join(f"{n:,} {what}" for what, n in self.judgements.counts.items())
        lines.append(f"relevance: {counted or 'none; the videos are for bench summarize alone'}")
        if self.judgements.unknown:
            lines.append(f"  left out, see {LEFT_OUT}: {self.judgements.unknown[0]}")
        return "\n".join([*lines, f"each file's outcome: {self.out / FILES}", f"dataset: {self.out}"]) + "\n"


def prepare(
    videos: Path,
    out: Path,
    options: PrepareOptions,
    *,
    store: Path,
    queries: Path | None = None,
    log: Path | None = None,
    quiet: bool = False,
) -> Report:
    """Make a dataset folder ``out`` of a folder of videos, and ``queries`` or a click ``log``.

    Without either it holds videos for `bench summarize`, and nothing can be evaluated on it.
    Frames and transcripts are kept in ``store``, so that the same call continues after a kill. The same
    inputs give the same features on one machine; another differs in the last bits of float16. Raises
    UsageError, DataError (such as no video, or no relevance, that is left) and MissingError.
    """
    check_new_folder(out, "--out")
    names, texts_beside = find_files(videos)
    files = identify(videos, names, options.names, options.split)
    known = names_of(files)
    # before the hours of work: a wrong column should not cost them
    relevance = queries or log
    judgements = _read_relevance(queries, log, known, options)
    _require_relevance(judgements, relevance)
    extractor = Extractor(options, store)
    results = extract_all(files, extractor, options, store=store, quiet=quiet)
    _drop_unreadable(judgements, results)
    _require_videos(videos, results)
    _require_relevance(judgements, relevance)
    with new_folder(out, "--out") as folder:
        metadata = _metadata(out.name, options, extractor, judgements)
        features = (extractor.features, extractor.dim, extractor.has_text_side)
        write_dataset(folder, results, judgements, metadata, features=features)
    return Report(out, results, judgements, len(texts_beside))


def _read_relevance(
    queries: Path | None, log: Path | None, known: Mapping[str, str], options: PrepareOptions
) -> Judgements:
    if queries is not None and log is not None:
        raise UsageError("name one source of relevance: either --queries FILE or --log FILE.")
    if queries is not None:
        return read_queries(queries, known)
    return read_click_log(log, known, options) if log is not None else Judgements()


def _require_videos(folder: Path, results: Sequence[Extracted]) -> None:
    if not any(result.status == PREPARED for result in results):
        first = results[0].notes[0]
        raise DataError(f"{folder}: none of {len(results)} files can be read as a video, such as {first}")
    if not any(result.status == PREPARED and result.file.split == "test" for result in results):
        raise DataError(f"{folder}: no readable video is in the split test. See --names and --split.")


def _require_relevance(judgements: Judgements, path: Path | None) -> None:
    if path is None or any(grade > 0 for grade in judgements.grades.values()):
        return
    counts = ", ".join(f"{count:,} {what}" for what, count in judgements.counts.items())
    first = f" {judgements.unknown[0]}" if judgements.unknown else ""
    raise DataError(f"{path}: no query with a relevant video of the folder is left: {counts}.{first}")


def _drop_unreadable(judgements: Judgements, results: Sequence[Extracted]) -> None:
    """Leave out the relevance of videos that cannot be read, and count it."""
    names = {r.file.video_id: r.file.name for r in results if r.status == UNREADABLE}
    lost = [pair for pair in judgements.grades if pair[1] in names]
    for pair in lost:
        del judgements.grades[pair]
        query = judgements.texts[pair[0]]
        judgements.unknown.append(f"{names[pair[1]]}: unreadable, and relevant to {shorten(query)}.")
    if lost:
        judgements.counts["pairs of unreadable videos left out"] = len(lost)


def _metadata(
    name: str, options: PrepareOptions, extractor: Extractor, judgements: Judgements
) -> dict[str, Json]:
    """Record what the dataset was made of: its options, encoder and recogniser, and counts of queries."""
    return {
        "name": name,
        "language": options.language,
        "version": "1",
        "source": "prepared from videos by qms-bench",
        "options": options_record(options),
        "made by": dict(extractor.identity),
        "relevance": dict(judgements.counts),
    }
