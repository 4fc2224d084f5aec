"""Output folders and stores of earlier versions are read, or refused by name with what to do.

``formats/`` has a run of lead and transcript with BM25 on the tiny dataset for each form that the manifest
had: ``2026-11-23`` without ``finished`` files, ``2026-11-24`` with the signature as a line,
``2026-11-26-digest`` typed and under a digest, ``2026-11-26-summary`` with ``summary.json``; their tables
and pages, which are made again, are left out. ``store-2026-11-24`` holds two artefacts.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.output.manifest import write_document
from tests.conftest import Cli
from tests.tiny import Tiny

FORMATS = Path(__file__).parent / "formats"
RUNS = sorted(path.name for path in FORMATS.iterdir() if (path / "manifest.json").exists())


@pytest.fixture(params=RUNS)
def old_run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a run that an earlier version wrote."""
    return shutil.copytree(FORMATS / request.param, tmp_path / "old")


def run_words(tiny: Tiny, out: Path) -> list[object]:
    return [
        "run", "--data", tiny.folder, "--generators", "lead,transcript", "--retrievers", "bm25",
        "--set", "bm25.engine=bm25s", "--out", out, "--quiet", "--device", "cpu",
    ]  # fmt: skip


def test_there_is_a_run_of_each_form() -> None:
    assert len(RUNS) == 4


@pytest.mark.parametrize("verb", [["table"], ["explain", "--query", "q1"]])
def test_an_earlier_run_is_read(old_run: Path, cli: Cli, verb: list[str]) -> None:
    outcome = cli(verb[0], old_run, *verb[1:])
    assert outcome.status == 0, outcome.err
    assert "Transcript" in outcome.out


@pytest.mark.parametrize("name", RUNS)
def test_a_summary_is_made_of_an_earlier_run_or_refused_by_name(name: str, cli: Cli) -> None:
    outcome = cli("table", FORMATS / name, "--summary")
    if name == "2026-11-23":  # its text scores lack columns
        assert outcome.status == 3
        assert "per_video/lead.csv" in outcome.error()
        assert "Run the same command again" in outcome.error()
    else:
        assert outcome.status == 0, outcome.err
        assert "Transcript" in outcome.out


def test_the_page_of_an_earlier_run_is_made_again(old_run: Path, cli: Cli) -> None:
    outcome = cli("report", old_run)
    assert outcome.status == 0, outcome.err
    assert (old_run / "report.html").stat().st_size > 100_000


def test_what_a_killed_report_left_is_removed_by_the_next_one(tmp_path: Path, cli: Cli) -> None:
    run = shutil.copytree(FORMATS / "2026-11-24", tmp_path / "run")
    (run / "figures").mkdir()
    (run / "figures" / ".curve-r.svg.77c6286a.tmp").write_text("half")
    (run / "figures" / ".mine.tmp").write_text("mine")
    assert cli("report", run).status == 0
    assert [path.name for path in (run / "figures").iterdir()] == [".mine.tmp"]


def test_the_same_command_makes_an_earlier_run_anew(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    old, new = shutil.copytree(FORMATS / "2026-11-23", tmp_path / "old"), tmp_path / "new"
    assert cli("check", old, "--against", FORMATS / "2026-11-23").status == 0
    for out in (old, new):
        assert cli(*run_words(tiny, out)).status == 0
    names = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in (old, new)]
    assert names[0] == names[1]
    refused = cli("check", new, "--against", FORMATS / "2026-11-24")  # whose qrels have no grades
    assert refused.status == 3
    assert "different queries or judgements" in refused.error()


def test_a_key_that_a_version_lacks_is_named_with_what_to_do(old_run: Path, cli: Cli) -> None:
    document = json.loads((old_run / "manifest.json").read_text(encoding="utf-8"))
    del document["evaluation"]
    write_document(old_run, document)
    outcome = cli("table", old_run)
    assert outcome.status == 3
    assert "key 'evaluation'" in outcome.error()
    assert "Run the same command again" in outcome.error()


def test_an_earlier_store_is_undamaged_and_a_run_works_in_it(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    store = shutil.copytree(FORMATS / "store-2026-11-24", tmp_path / "store")
    outcome = cli("store", "verify", "--store", store)
    assert (outcome.status, outcome.out) == (0, f"2 artefacts in {store} are undamaged.\n")
    assert cli(*run_words(tiny, tmp_path / "new"), "--store", store).status == 0
    assert cli("store", "verify", "--store", store).status == 0
