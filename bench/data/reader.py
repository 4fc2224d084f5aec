"""Read and validate a dataset folder (contract section 2)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from bench.choices import SPLITS, language_problem
from bench.data.dataset import Dataset, VideoRecord
from bench.data.features import feature_names, file_problem, read_features
from bench.data.options import DataOptions
from bench.data.pictures import find_pictures
from bench.errors import DataError, shorten, suggestions, unknown
from bench.output.attributes import free_fields
from bench.store.digests import digest, file_digest
from bench.store.files import raise_data_error, read_lines, read_text
from bench.store.json_files import kind_of, parse_json
from bench.text import normalise
from bench.types import Grades, Picture, QueryId, VideoId

METADATA, VIDEOS, QUERIES, QRELS = "dataset.json", "videos.jsonl", "queries.jsonl", "qrels.tsv"
_LONGEST_WORD = 50  # a longer text is near no known word, and comparing it takes long
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_IDENTIFIER = re.compile(r"\s|[\x00-\x1f\x7f-\x9f]")
"""White space and the control characters of Unicode (category Cc)."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # more digits are no grade, and Python refuses to read thousands

Report = Callable[[str], None]
"""Takes a problem as ``file:line: what is wrong``; raises it or collects it."""


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
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. A dataset is a folder with {METADATA}, {VIDEOS}, …")
    reader = _Reader(folder, _raising_for(folder) if report is raise_data_error else report)
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

    def report(problem: str) -> NoReturn:
        raise DataError(f"{problem} List all problems: bench data validate {folder}")

    return report


@dataclass
class _Reader:
    """Reads the four text files; every problem that it reports names its file and line."""

    folder: Path
    report: Report
    first_lines: dict[str, dict[str, int]] = field(default_factory=dict)
    """The line on which each id was first seen, by file."""
    attributes: dict[QueryId, dict[str, str]] = field(default_factory=dict)
    """The free fields of the queries that were read."""

    def metadata(self) -> dict[str, Any]:
        path = self.folder / METADATA
        if not self._is_file(path):
            return {}
        try:
            info = parse_json(read_text(path), path)
        except DataError as error:
            self.report(str(error))
            return {}
        place = f"{path}:1"
        if not isinstance(info, dict):
            self.report(f"{place}: a JSON object is expected, not {kind_of(info)}.")
            return {}
        for key in ("name", "language", "version"):
            self._text(place, info, key)
        language = info.get("language")
        if isinstance(language, str) and (problem := language_problem(language)):
            self.report(f"{place}: language {shorten(language)} {problem}.")
        return info

    def videos(self) -> list[VideoRecord]:
        records = []
        for place, item in self._objects(VIDEOS):
            video_id = self._identifier(place, item, VIDEOS)
            transcript = self._text(place, item, "transcript")
            split = self._text(place, item, "split")
            if split is not None and split not in SPLITS:
                near = suggestions(split[:_LONGEST_WORD], SPLITS)
                hint = f" Did you mean {near[0]}?" if near else ""
                self.report(f"{place}: unknown split {shorten(split)}; known: {', '.join(SPLITS)}.{hint}")
            elif video_id is not None and transcript is not None and split is not None:
                records.append(VideoRecord(video_id, transcript, split, _address(item.get("url"))))
        if not any(record.split == "test" for record in records):
            self.report(f'{self.folder / VIDEOS}: the test split is empty: no video has "split": "test".')
        return records

    def queries(self) -> dict[QueryId, str]:
        texts = {}
        for place, item in self._objects(QUERIES):
            query_id = self._identifier(place, item, QUERIES)
            text = self._text(place, item, "text")
            if query_id is not None and text is not None:
                texts[query_id] = text
                if fields := free_fields(item):
                    self.attributes[query_id] = fields
        return texts

    def qrels(
        self, texts: Mapping[QueryId, str], records: list[VideoRecord]
    ) -> dict[QueryId, dict[VideoId, int]]:
        """Read the relevance of each query's videos, where it is above 0."""
        # each id is one object in memory, however many lines name it
        queries, videos = {query: query for query in texts}, {one.video_id: one.video_id for one in records}
        grades: dict[QueryId, dict[VideoId, int]] = {}
        for place, line in self._lines(QRELS):
            columns = line.split("\t")
            if len(columns) != 3:
                self.report(
                    f"{place}: {len(columns)} tab-separated columns; 3 are expected: "
                    "query_id, video_id, relevance."
                )
                continue
            query_id, video_id, relevance = columns
            if query_id not in queries:
                self.report(f"{place}: query {shorten(query_id)} is not in {QUERIES}.")
            elif video_id not in videos:
                self.report(f"{place}: video {shorten(video_id)} is not in {VIDEOS}.")
            elif not _INTEGER.fullmatch(relevance):
                self.report(f"{place}: relevance {shorten(relevance)} is not an integer.")
            else:
                judged = grades.setdefault(queries[query_id], {})
                if judged.setdefault(videos[video_id], int(relevance)) != int(relevance):
                    pair = f"{shorten(query_id)}, {shorten(video_id)}"
                    self.report(f"{place}: the pair {pair} has another relevance further up.")
        for judged in grades.values():
            for video_id in [video for video, grade in judged.items() if grade <= 0]:
                del judged[video_id]
        return {query_id: judged for query_id, judged in grades.items() if judged}

    def _is_file(self, path: Path) -> bool:
        problem = file_problem(path)
        if problem:
            self.report(problem)
        return not problem

    def _lines(self, name: str) -> Iterator[tuple[str, str]]:
        path = self.folder / name
        if not self._is_file(path):
            return
        try:
            for number, line in read_lines(path, report=self.report):
                yield f"{path}:{number}", line
        except DataError as error:  # what is wrong with a line, or with the file: damaged gzip, no permission
            self.report(str(error))

    def _objects(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        path = self.folder / name
        for place, line in self._lines(name):
            try:
                item = parse_json(line, path, _line_number(place))
            except DataError as error:
                self.report(str(error))
                continue
            if not isinstance(item, dict):
                self.report(f"{place}: a JSON object is expected, not {kind_of(item)}.")
                continue
            yield place, item

    def _text(self, place: str, item: Mapping[str, Any], key: str) -> str | None:
        if key not in item:
            self.report(f"{place}: the field '{key}' is missing.")
            return None
        value = item[key]
        if not isinstance(value, str):
            self.report(f"{place}: the field '{key}' must be a string, not {kind_of(value)}.")
            return None
        if _SURROGATE.search(value):
            self.report(f"{place}: the field '{key}' holds half of a surrogate pair: not valid Unicode.")
            return None
        return value

    def _identifier(self, place: str, item: Mapping[str, Any], name: str) -> str | None:
        value = self._text(place, item, "id")
        if value is None:
            return None
        if not value or _NO_IDENTIFIER.search(value):
            self.report(
                f"{place}: the id {shorten(value)} is empty or holds white space or control characters."
            )
            return None
        line = _line_number(place)
        first = self.first_lines.setdefault(name, {}).setdefault(value, line)
        if first != line:
            self.report(f"{place}: the id {shorten(value)} is already on line {first}.")
            return None
        return value


def _line_number(place: str) -> int:
    return int(place.rpartition(":")[2])


def _address(value: object) -> str:
    """Keep an address that a page may link to: other schemes could run code when they are followed."""
    is_address = isinstance(value, str) and re.fullmatch(r"https?://[^\s\ud800-\udfff]{1,2000}", value)
    return str(value) if is_address else ""
