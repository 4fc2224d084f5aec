"""Summaries from a file: the generator named ``file:PATH`` (contract section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from bench.errors import DataError, MissingError, shorten
from bench.options import NonNegative
from bench.store.digests import file_digest
from bench.store.files import read_text
from bench.store.json_files import numbered_json_lines, parse_json
from bench.types import Json, Video, VideoId

RECORD_SUFFIX = ".record.json"


@dataclass(frozen=True, kw_only=True)
class RecordedUse:
    """How much a system uses an input: a row of modality.csv, less the generator."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}
    modality: Literal["text", "frames"]
    gap: float
    ci_low: float
    ci_high: float
    n: Annotated[int, Ge(0)]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was measured where a file of summaries was written: the optional ``NAME.record.json`` beside it.

    ``seconds`` is what writing them took, ``fit_s`` the training before it; ``peak_mb`` is of both. What
    is not given is measured here, or left out. The fields are described in the contract, section 3.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"allow_inf_nan": False}
    label: str = ""
    seconds: NonNegative | None = None
    peak_mb: NonNegative | None = None
    fit_s: NonNegative | None = None
    params: Annotated[int, Ge(0)] | None = None
    training: Sequence[Mapping[str, float]] = ()
    signature: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, int] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    modality: Sequence[RecordedUse] = ()


class FileSummaries:
    """A generator that reads its summaries from a JSON-lines file; its label is the file's stem.

    Missing videos have an empty summary and are counted in the coverage line. A `Record` beside the file
    gives another label, and what the summaries took. Raises DataError
    with file:line for a line that is not ``{"video_id": str, "summary": str}``, an unknown or a
    duplicate id, or a damaged record; MissingError when there is no such file.
    """

    holds_one_split = True

    def __init__(self, path: Path) -> None:
        check_file(path)
        self.record = read_record(path)
        self.label = self.record.label or path.stem
        self._path = path
        self._missing = 0

    def identity(self) -> Mapping[str, Json]:
        """Identify the summaries by the digests of the file and of its record."""
        record = record_path(self._path)
        files = {"file": self._path, **({"record": record} if record.is_file() else {})}
        return {name: file_digest(path) for name, path in files.items()}

    def coverage(self) -> Mapping[str, int]:
        """Count the videos that the file does not have, beside what its writer counted."""
        return {"videos without a summary in the file": self._missing, **self.record.coverage}

    def signature(self) -> Mapping[str, str]:
        """Describe the system that wrote the file by its settings, as far as they are recorded."""
        return self.record.signature

    def remarks(self) -> Sequence[str]:
        """List what the record states that readers of the scores must know."""
        return self.record.remarks

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Read each video's summary from the file; empty for a video without one. Raises DataError."""
        known = {video.video_id for video in videos}
        summaries: dict[VideoId, str] = {}
        for number, item in numbered_json_lines(self._path):
            place = f"{self._path}:{number}"
            video_id, summary = (_string(place, item, key) for key in ("video_id", "summary"))
            if video_id not in known:
                raise DataError(f"{place}: video {shorten(video_id)} is not in the pool.")
            if video_id in summaries:
                raise DataError(f"{place}: video '{video_id}' has a summary on an earlier line.")
            summaries[video_id] = summary
        self._missing = len(known) - len(summaries)
        return {video.video_id: summaries.get(video.video_id, "") for video in videos}


def check_file(path: Path) -> None:
    """Raise MissingError where there is no file of summaries."""
    if not path.is_file():
        raise MissingError(
            f"{path}: there is no such file; file:PATH names JSON lines of video_id and summary."
        )


def record_path(path: Path) -> Path:
    """Name the file beside a file of summaries that records how they were written; it may not exist."""
    return path.with_name(path.stem + RECORD_SUFFIX)


def read_record(path: Path) -> Record:
    """Read the record beside a file of summaries; an empty one if there is none. Raises DataError."""
    from pydantic import TypeAdapter, ValidationError

    place = record_path(path)
    if not place.is_file():
        return Record()
    text = read_text(place)
    values = parse_json(text, place)
    known = {one.name for one in dataclasses.fields(Record)}
    if not isinstance(values, dict) or not set(values) <= known:
        raise DataError(f"{place}: an object with some of the keys {', '.join(sorted(known))} is expected.")
    try:
        return TypeAdapter(Record).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))  # none where the text is not valid Unicode
        raise DataError(f"{place}: {f'key {key!r}: ' if key else ''}{first['msg'].lower()}.") from error


def recorded_costs(system: object) -> dict[str, Any]:
    """Look up what a system's summaries took where they were written; empty for one that writes them here."""
    if not isinstance(system, FileSummaries):
        return {}
    record = system.record
    costs = {"seconds": record.seconds, "peak_mb": record.peak_mb, "fit_s": record.fit_s}
    given: dict[str, Any] = {name: value for name, value in costs.items() if value is not None}
    return {**given, "params": record.params, "training": list(record.training), "is_recorded": True}


def recorded_modality(system: object) -> list[dict[str, Any]]:
    """Copy a record's rows of modality.csv, which lack the generator; [] for a system without a record."""
    if not isinstance(system, FileSummaries):
        return []
    return [dataclasses.asdict(row) for row in system.record.modality]


def _string(place: str, item: Mapping[str, Json], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise DataError(f"{place}: the field '{key}' is missing or not a string.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise DataError(f"{place}: the field '{key}' holds half of a surrogate pair: not valid Unicode.")
    return value
