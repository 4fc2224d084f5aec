"""Read and validate a dataset folder (contract section 2)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from bench.data.dataset import Dataset, VideoRecord
from bench.data.features import feature_names, file_problem, read_features
from bench.data.options import DataOptions
from bench.data.pictures import find_pictures
from bench.data.text_files import METADATA, QRELS, QUERIES, VIDEOS, FolderReader, Report
from bench.errors import DataError, unknown
from bench.store.digests import digest, file_digest
from bench.store.files import raise_data_error
from bench.text import normalise
from bench.types import Grades, Picture, QueryId, VideoId


def read_dataset(
    folder: Path,
    *,
    options: DataOptions | None = None,
    features: str | None = None,
    report: Report = raise_data_error,
) -> Dataset:
    """Read a dataset folder and check it against every rule of contract section 2.

    The first problem is raised as DataError with file:line, unless ``report`` collects problems; a
    dataset read in spite of problems is for statistics only. Raises UsageError for unknown features.
    """
    options = options or DataOptions()
    reader = _open(folder, report)
    info, records, texts = reader.metadata(), reader.videos(), reader.queries()
    names = feature_names(folder, reader.report)
    name = _select(features, names)
    pictures = find_pictures(folder, records, options.max_frames, reader.report)
    spellings = _unite(texts) if options.unite_queries else {query_id: [query_id] for query_id in texts}
    spelt = {query_id: spellings[query_id] for query_id in texts if query_id in spellings}
    grades = _unite_grades(reader.qrels(texts, records), spelt, records)
    return Dataset(
        name=str(info.get("name", folder.name)),
        language=str(info.get("language")),
        version=str(info.get("version")),
        synthetic=info.get("synthetic") is True,
        info=info,
        records=records,
        queries={query_id: texts[query_id] for query_id in spelt},
        relevant={query_id: list(videos) for query_id, videos in grades.items()},
        spellings=spellings,
        features=read_features(folder, name, reader.report) if name else None,
        feature_names=names,
        digest=_files_digest(folder, name, options, pictures),
        max_frames=options.max_frames,
        attributes=reader.attributes,
        gains=_above_one(grades),
        pictures=pictures,
    )


def _open(folder: Path, report: Report) -> FolderReader:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. A dataset is a folder with {METADATA}, {VIDEOS}, …")
    return FolderReader(folder, _raising_for(folder) if report is raise_data_error else report)


def _select(features: str | None, names: Sequence[str]) -> str | None:
    """Select the features to read: those named, else the first. Raises UsageError for unknown ones."""
    if features is not None and features not in names:
        raise unknown("features", features, names)
    return features or next(iter(names), None)


def _unite(texts: Mapping[QueryId, str]) -> dict[QueryId, list[QueryId]]:
    """Group the queries of each normalised text, under the smallest of their ids."""
    same: dict[str, list[QueryId]] = {}
    for query_id, text in texts.items():
        same.setdefault(normalise(text), []).append(query_id)
    return {min(group): group for group in same.values()}


def _unite_grades(
    grades: dict[QueryId, dict[VideoId, int]],
    spellings: Mapping[QueryId, list[QueryId]],
    records: list[VideoRecord],
) -> dict[QueryId, dict[VideoId, int]]:
    """Collect for each query what is relevant to any of its spellings, in the order of the videos' file.

    A video that is relevant to several of them has the highest of its grades. ``grades`` is emptied, as both
    would be much of what a large dataset takes in memory.
    """
    order = {record.video_id: i for i, record in enumerate(records)}
    united: dict[QueryId, dict[VideoId, int]] = {}
    for query_id, same in spellings.items():
        judged = [grades.pop(spelling, {}) for spelling in same]
        videos = sorted(set().union(*judged), key=order.__getitem__)
        united[query_id] = {video: max(of.get(video, 0) for of in judged) for video in videos}
    return united


def _above_one(grades: Grades) -> Grades:
    """Select the relevance above 1: few datasets grade it, and 1 needs no place in memory."""
    above = {query_id: {v: g for v, g in of.items() if g > 1} for query_id, of in grades.items()}
    return {query_id: of for query_id, of in above.items() if of}


def _files_digest(
    folder: Path, features: str | None, options: DataOptions, pictures: Mapping[VideoId, Sequence[Picture]]
) -> str:
    names = [METADATA, VIDEOS, QUERIES, QRELS]
    if features:
        names += [f"features/{features}/{name}" for name in ("frames.npy", "offsets.npy", "ids.txt")]
    files = {name: file_digest(folder / name) for name in names if file_problem(folder / name) is None}
    for picture in itertools.chain.from_iterable(pictures.values()):
        files[picture.path.relative_to(folder).as_posix()] = picture.digest
    return digest({"files": files, "unite": options.unite_queries, "frames": options.max_frames})


def _raising_for(folder: Path) -> Report:
    """Make a report that raises the first problem and names the command that lists all."""
    hint = f" List all problems: bench data validate {folder}"

    def report(problem: str) -> NoReturn:
        raise DataError(problem.removesuffix(hint) + hint)  # one of a line comes here twice

    return report
