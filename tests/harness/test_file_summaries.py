"""Summaries written elsewhere (``file:PATH``): counted, refused with their place, read again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.harness.commands import command
from tests.tiny import Tiny, lines


def test_missing_videos_of_a_file_are_counted(finished: Path) -> None:
    manifest = json.loads((finished / "out" / "manifest.json").read_text())
    assert manifest["coverage"]["theirs"]["videos without a summary in the file"] == 2
    assert "theirs: 2 without summary" in manifest["coverage_line"]
    assert manifest["coverage"]["dataset"] == {
        "videos": 6, "without transcript": 1, "without features": 2, "without queries": 1,
        "with frames left out": 1, "evaluated queries that are training queries, too": 3,
    }  # fmt: skip


def test_a_file_without_its_prefix_or_with_a_comma_in_its_name_is_explained(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    for name in ("lead.jsonl", "a,b.jsonl"):
        (tmp_path / name).write_text("")
    bare = cli(*command(tiny, tmp_path / "out", f"{tmp_path / 'lead.jsonl'}"))
    assert (bare.status, f"in that file: file:{tmp_path / 'lead.jsonl'}." in bare.error()) == (2, True)
    cut = cli(*command(tiny, tmp_path / "out", f"file:{tmp_path / 'a,b.jsonl'}"))
    assert (cut.status, "a,b.jsonl' a name without one" in cut.error()) == (2, True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"video_id": "v1", "summary": "x"}', "video 'v1' is not in the pool"),
        ('{"video_id": "v10", "summary": "x"}', "has a summary on an earlier line"),
        ('{"video_id": "v2"}', "'summary' is missing"),
        ('{"video_id": "v2", "summary": null}', "'summary' is missing or not a string"),
        ('{"video_id": "v2", "summary": "\\ud800"}', "surrogate"),
        ("[]", "object"),
        ("{", "invalid JSON"),
        ("[" * 100_000, "invalid JSON"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_bad_data_with_its_place(
    tiny: Tiny, tmp_path: Path, cli: Cli, line: str, message: str
) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text('{"video_id": "v10", "summary": "x"}\n' + line + "\n")
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
    assert outcome.status == 3
    assert f"{path}:2: " in outcome.error()
    assert "report.html" not in outcome.err  # of no cell
    assert message in outcome.error()


def test_no_table_is_printed_when_every_row_failed(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text("[]\n")
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
    assert (outcome.status, outcome.out) == (3, "")
    assert f"{path}:1: " in outcome.error()
    beside = cli(*command(tiny, tmp_path / "out", f"lead,file:{path}"))
    assert "| Lead |" in beside.out


def test_no_such_file_is_missing(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{tmp_path / 'none.jsonl'}"))
    assert outcome.status == 4


def test_a_changed_file_of_summaries_is_read_again(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "007.jsonl"
    for text in ("apple", "pie"):
        lines(path, [{"video_id": "v10", "summary": text}])
        outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
        assert text in (tmp_path / "out" / "summaries" / "007.jsonl").read_text()
        assert "| BM25 | 007 |" in outcome.out


def test_two_generators_of_one_name_are_wrong_use(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    lines(tmp_path / "lead.jsonl", [])
    outcome = cli(*command(tiny, tmp_path / "out", f"lead,file:{tmp_path / 'lead.jsonl'}"))
    assert outcome.status == 2
    assert "both be called 'lead'" in outcome.error()


def test_hostile_names_are_escaped_on_the_page(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "<script>alert(1)<|script>&.jsonl"
    lines(path, [{"video_id": "v10", "summary": "<img src=x onerror=alert(1)>"}])
    tiny.edit("dataset.json", 1, name="<script>alert(2)</script>")
    outcome = cli(*command(tiny, tmp_path / "out", f"file:{path}"))
    assert outcome.status == 0, outcome.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "onerror=alert(1)>" not in page
