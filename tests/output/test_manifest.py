"""The manifest as JSON: read again as it was written, old and damaged ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.output.manifest import (
    Manifest,
    parse_signature,
    read_file_list,
    read_manifest,
    signature_line,
    write_document,
)
from bench.output.schema import MANIFEST
from tests.manifests import small_manifest

SETTINGS = {
    "generators": ["lead"], "retrievers": ["bm25"], "protocol": "all-queries", "query_seed": 0,
    "split": "test", "seed": [0], "options": {"bm25.k1": 0.9},
}  # fmt: skip
WHOLE = small_manifest(settings=SETTINGS, files={"scores.csv": "0" * 64}, failed={"lead": "why"})


def written(folder: Path, manifest: Manifest = WHOLE, **changes: Any) -> Path:
    write_document(folder, {**manifest.to_json(), **changes})
    return folder


def write_as_version_0_1(folder: Path, **changes: Any) -> Path:
    """Write a manifest as version 0.1.0 did: the signature a line, and no digest."""
    document = {**WHOLE.to_json(), "signature": "data: x | n: 5", **changes}
    (folder / MANIFEST).write_text(json.dumps(document))
    return folder


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path)) == WHOLE


def test_a_manifest_of_version_0_1_is_read(tmp_path: Path) -> None:
    assert read_manifest(write_as_version_0_1(tmp_path)).signature == {"data": "x", "n": "5"}


def test_the_line_of_a_signature_holds_all_of_it() -> None:
    signature = {"data": "x:1", "ties": "score desc (BM25 to 4 decimals), video id asc"}
    assert parse_signature(signature_line(signature)) == signature


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"labels": None}, "labels"),
        ({"labels": {"lead": 1}}, "labels.lead"),
        ({"coverage": {"dataset": 3}}, "coverage.dataset"),
        ({"dataset": {"name": "x"}}, "dataset"),
        ({"files": ["scores.csv"]}, "files"),
        ({"settings": {**SETTINGS, "seed": 0}}, "settings.seed"),
        ({"settings": {}}, "settings.generators"),
        ({"seeds": {"0": "../out"}}, "seeds"),
    ],
)
@pytest.mark.parametrize("write", [written, write_as_version_0_1])
def test_a_key_of_another_type_is_named(
    write: Callable[..., Path], changes: dict[str, Any], key: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        read_manifest(write(tmp_path, **changes))
    assert str(tmp_path / MANIFEST) in str(caught.value)
    assert f"'{key}" in str(caught.value)


@pytest.mark.parametrize("key", ["labels", "dataset", "files", "signature", "bench_version"])
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    document = WHOLE.to_json()
    del document[key]
    write_document(tmp_path, document)
    with pytest.raises(DataError, match=key if key != "signature" else "no run"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, '{"x": NaN}', "\ud800"]
)
def test_text_that_is_no_manifest_is_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(DataError, match=re.escape(MANIFEST)):
        read_manifest(tmp_path)


def test_a_manifest_without_its_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(WHOLE.to_json()))
    with pytest.raises(DataError, match="'digest' is missing"):
        read_manifest(tmp_path)


def test_a_folder_of_reports_has_files_and_no_run(tmp_path: Path) -> None:
    write_document(tmp_path, {"bench_version": "0.1.0", "finished": True, "files": {}})
    assert read_file_list(tmp_path).files == {}
    with pytest.raises(DataError, match="no run"):
        read_manifest(tmp_path)
