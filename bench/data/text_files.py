"""Read the text files of a dataset line by line, with the place of each problem (contract section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.choices import SPLITS, language_problem
from bench.data.dataset import VideoRecord
from bench.data.features import file_problem
from bench.errors import DataError, shorten, suggestions
from bench.output.attributes import free_fields
from bench.store.files import read_lines, read_text
from bench.store.json_files import kind_of, parse_json
from bench.types import QueryId, VideoId

METADATA, VIDEOS, QUERIES, QRELS = "dataset.json", "videos.jsonl", "queries.jsonl", "qrels.tsv"
_LONGEST_WORD = 50  # a longer text is near no known word, and comparing it takes long
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_IDENTIFIER = re.compile(r"\s|[\x00-\x1f\x7f-\x9f]")
"""White space and the control characters of Unicode (category Cc)."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # more digits are no grade, and Python refuses to read thousands

Report = Callable[[str], None]
"""Takes a problem as ``file:line: what is wrong``; raises it or collects it."""


@dataclass
class FolderReader:
    """Reads the four text files of a dataset; every problem that it reports names its file and line."""

    folder: Path
    report: Report
    first_lines: dict[str, dict[str, int]] = field(default_factory=dict)
    """The line on which each id was first seen, by file."""
    attributes: dict[QueryId, dict[str, str]] = field(default_factory=dict)
    """The free fields of the queries that were read."""

    def metadata(self) -> dict[str, Any]:
        """Read the object of dataset.json; {} where it is not one."""
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
        """Read videos.jsonl, of which some are in the split that is evaluated by default."""
        records = list(self.records(VIDEOS))
        if not any(record.split == "test" for record in records):
            self.report(f'{self.folder / VIDEOS}: the test split is empty: no video has "split": "test".')
        return records

    def records(self, name: str, *, needs_split: bool = True) -> Iterator[VideoRecord]:
        """Read a file of videos line by line; without ``needs_split`` that field is not looked at."""
        for place, item in self._objects(name):
            video_id = self._identifier(place, item, name)
            transcript = self._text(place, item, "transcript")
            split = self._split(place, item) if needs_split else ""
            if video_id is not None and transcript is not None and split is not None:
                yield VideoRecord(video_id, transcript, split, _address(item.get("url")))

    def _split(self, place: str, item: Mapping[str, Any]) -> str | None:
        split = self._text(place, item, "split")
        if split is None or split in SPLITS:
            return split
        near = suggestions(split[:_LONGEST_WORD], SPLITS)
        hint = f" Did you mean {near[0]}?" if near else ""
        self.report(f"{place}: unknown split {shorten(split)}; known: {', '.join(SPLITS)}.{hint}")
        return None

    def queries(self) -> dict[QueryId, str]:
        """Read the text of each query, and collect its free fields."""
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
