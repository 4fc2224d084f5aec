"""The manifest of a run: what was run on what, the digest of every file, and whether the run is finished."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from bench.errors import DataError
from bench.output.schema import MANIFEST, SEED_FOLDER, is_run_file
from bench.store.digests import digest
from bench.store.files import write_text
from bench.store.json_files import read_json

T = TypeVar("T")

AGAIN = "Run the same command again to make it anew, or remove the folder."
_SETTINGS = {
    "generators": list, "retrievers": list, "protocol": str, "query_seed": int, "split": str, "seed": list,
    "options": dict,
}  # fmt: skip
"""Settings that something is made of, with their types."""
_OPTIONAL = ("distinct", "remarks", "seeds", "stale")
"""Left out of the file when they are empty."""


class ChangedManifestError(DataError):
    """Raised for a manifest that is not as a run left it; the same command makes it anew."""


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """The dataset of a run, as its tables name it."""

    name: str
    synthetic: bool
    language: str
    version: str
    digest: str

    @property
    def title(self) -> str:
        """Name the dataset in a caption, followed by "(synthetic)" if it is."""
        return f"{self.name}{' (synthetic)' if self.synthetic else ''}"


@dataclass(frozen=True, slots=True)
class EvaluationInfo:
    """How much was evaluated; ``depth`` is the number of documents in a run per query."""

    queries: int
    pool: int
    mean_relevant: float
    depth: int


@dataclass(frozen=True, slots=True)
class CellCost:
    """What a cell took; ``fit_s`` is None for a system that is not trained."""

    seconds: float
    peak_mb: float
    fit_s: float | None


@dataclass(frozen=True, kw_only=True)
class FileList:
    """The files of an output folder with their digests, whether it holds a run or a report alone."""

    bench_version: str
    finished: bool
    files: Mapping[str, str]
    """File name to sha256; every file of the folder but the manifest."""
    stale: Sequence[str] = ()
    """Files of an earlier run that an unfinished one has not yet written again or removed."""


@dataclass(frozen=True, kw_only=True)
class Manifest(FileList):
    """What it takes to understand and repeat a run; ``manifest.json`` is this as JSON."""

    signature: Mapping[str, str]
    """Name to value of all that a number depends on; `signature_line` prints it."""
    run: str
    settings: Mapping[str, Any]
    dataset: DatasetInfo
    evaluation: EvaluationInfo
    code: Mapping[str, Any]
    packages: Mapping[str, str]
    machine: Mapping[str, Any]
    labels: Mapping[str, str]
    references: Sequence[str]
    coverage: Mapping[str, Mapping[str, int]]
    distinct: Mapping[str, float] = field(default_factory=dict)
    """Share of distinct summaries by generator; empty in runs that did not count them."""
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Remarks for readers by cell, beside counts: the selected epoch, an input that is hardly used."""
    cells: Mapping[str, CellCost] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, str] = field(default_factory=dict)
    """Of a run with several seeds: seed to subfolder."""
    coverage_line: str = ""

    def duplicate_share(self, generator: str) -> float:
        """Compute the share of videos whose summary the generator also wrote for another; 0 if unknown."""
        videos = self.coverage.get("dataset", {}).get("videos", 0)
        return self.coverage.get(generator, {}).get("duplicate summaries", 0) / max(videos, 1)

    def to_json(self) -> dict[str, Any]:
        """Convert the manifest to a JSON object, without its own digest."""
        values = dataclasses.asdict(self)
        order = [*_own_fields(type(self)), *_own_fields(FileList)]
        names = ["bench_version", *(name for name in order if name != "bench_version")]
        return {name: values[name] for name in names if values[name] or name not in _OPTIONAL}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], path: Path) -> Self:
        """Build the manifest from a JSON object that was read from ``path``.

        Runs of version 0.1.0 and before have the signature as one line. Raises DataError naming the key
        that is missing or of another type.
        """
        given = dict(values)
        if isinstance(given.get("signature"), str):
            given["signature"] = parse_signature(given["signature"])
        return _parse(cls, given, path)


def _own_fields(kind: type) -> list[str]:
    return [name for name in kind.__annotations__ if not name.startswith("_")]


def signature_line(signature: Mapping[str, str]) -> str:
    """Write the signature as the line that is printed under tables."""
    return " | ".join(f"{name}: {value}" for name, value in signature.items())


def parse_signature(line: str) -> dict[str, str]:
    """Parse a line that `signature_line` made; old files hold only the line."""
    return {name: value for name, _, value in (part.partition(": ") for part in line.split(" | "))}


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a run. Raises DataError when there is none, or it is damaged or changed."""
    document = read_document(folder)
    if "signature" not in document and "bench_version" in document:
        raise DataError(
            f"{folder / MANIFEST}: the folder holds reports of 'bench reproduce' and no run; name the folder "
            "of a run."
        )
    manifest = Manifest.from_json(document, folder / MANIFEST)
    _check_settings(manifest.settings, folder / MANIFEST)
    for name in manifest.seeds.values():
        if not SEED_FOLDER.fullmatch(name):
            raise DataError(f"{folder / MANIFEST}: 'seeds' names the folder {name!r}; only seed-N is one.")
    return manifest


def read_file_list(folder: Path) -> FileList:
    """List the files of an output folder, of a run or of reports alone. Raises DataError."""
    return _parse(FileList, read_document(folder), folder / MANIFEST)


def _check_settings(settings: Mapping[str, Any], path: Path) -> None:
    for name, kind in _SETTINGS.items():
        if not isinstance(settings.get(name), kind):
            raise ChangedManifestError(f"{path}: key 'settings.{name}': a {kind.__name__} is needed. {AGAIN}")


def read_document(folder: Path) -> dict[str, Any]:
    """Read the JSON object of a manifest; check its names of files and its digest. Raises DataError."""
    path = folder / MANIFEST
    document = parse_document(path)
    listed = _parse(FileList, document, path)
    for name in (*listed.files, *listed.stale):
        if not is_run_file(name):
            raise DataError(
                f"{path}: it names the file {name!r}, which no bench command writes. Nothing was changed; "
                "use another folder, or remove this manifest if you know where it is from."
            )
    expected = document.pop("digest", None)
    if expected is None and isinstance(document.get("signature"), dict):
        raise ChangedManifestError(f"{path}: key 'digest' is missing. {AGAIN}")
    if expected is not None and _digest(document) != expected:
        raise ChangedManifestError(f"{path}: the file was changed after the run. {AGAIN}")
    return document


def _digest(document: Mapping[str, Any]) -> str | None:
    try:
        return digest(document)
    except (ValueError, RecursionError):  # NaN, or nested too deeply: not written by bench
        return None


def parse_document(path: Path) -> dict[str, Any]:
    """Parse a file called ``manifest.json``, of any origin, as a JSON object. Raises DataError."""
    if not path.parent.exists():
        raise DataError(
            f"{path.parent}: there is no such folder. Name the output folder of a bench run (--out)."
        )
    if not path.is_file():
        raise DataError(f"{path.parent}: no {MANIFEST}; this is not the output folder of a bench run.")
    try:
        document = read_json(path)
    except DataError as error:
        raise ChangedManifestError(f"{error} {AGAIN}") from error
    if not isinstance(document, dict):
        raise ChangedManifestError(f"{path}: a JSON object is expected. {AGAIN}")
    return document


def write_document(folder: Path, document: Mapping[str, Any]) -> None:
    """Write the JSON object of a manifest with its own digest."""
    plain = json.loads(json.dumps(document))  # as it will be read
    plain.pop("digest", None)
    sealed = {**plain, "digest": digest(plain)}
    write_text(folder / MANIFEST, json.dumps(sealed, indent=1, ensure_ascii=False) + "\n")


def _parse(kind: type[T], values: Mapping[str, Any], path: Path) -> T:
    from pydantic import ValidationError

    try:
        parsed: T = _adapter(cast("Hashable", kind)).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ChangedManifestError(f"{path}: key '{key}': {first['msg'].lower()}. {AGAIN}") from error
    except RecursionError as error:
        raise ChangedManifestError(f"{path}: nested too deeply. {AGAIN}") from error
    return parsed


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
