"""Output folders from somebody else: what their manifests name is neither trusted, read nor removed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.output.manifest import write_document
from bench.store.digests import file_digest
from tests.conftest import Cli, child_environment
from tests.tiny import Tiny, write_tiny

RUN = ("--generators", "lead", "--retrievers", "bm25", "--set", "bm25.engine=bm25s", "--quiet")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tiny, Path]:
    """Return a dataset and a finished run over it that nobody may change."""
    from bench.cli.main import main

    folder = tmp_path_factory.mktemp("finished")
    tiny = write_tiny(folder / "data")
    assert main(["run", "--data", str(tiny.folder), *RUN, "--out", str(folder / "out")]) == 0
    return tiny, folder / "out"


@pytest.fixture
def run(finished: tuple[Tiny, Path], tmp_path: Path) -> tuple[Tiny, Path]:
    """Return the dataset and a copy of the run that a test may change."""
    shutil.copytree(finished[1], tmp_path / "out")
    return finished[0], tmp_path / "out"


def commands(data: Path, out: Path) -> dict[str, tuple[object, ...]]:
    """Return a command of each verb that takes an output folder."""
    return {
        "run": ("run", "--data", data, *RUN, "--out", out),
        "table": ("table", out),
        "report": ("report", out),
        "figures": ("report", out, "--figures", "svg"),
        "explain": ("explain", out, "--video", "v10"),
        "compare": ("compare", out),
        "check": ("check", out, "--against", out.parent / "base.csv", "--update"),
        "reproduce": ("reproduce", "table5", "--from", out),
    }


VERBS = tuple(commands(Path(), Path()))


def edit_manifest(out: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change a manifest and its digest, as an attacker would."""
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    change(document)
    write_document(out, document)


LEAVING = ("{absolute}", "tables/../../precious.txt", "../precious.txt", "runs/./x/../../../precious.txt")
"""Names that leave the folder. Every verb gets the first two, one verb all of them: they share the check."""


@pytest.mark.parametrize("field", ["files", "stale"])
@pytest.mark.parametrize(
    ("verb", "form"), [(verb, form) for verb in VERBS for form in LEAVING[: None if verb == "table" else 2]]
)
def test_a_name_that_leaves_the_folder_is_refused_and_nothing_is_removed(
    verb: str, form: str, field: str, run: tuple[Tiny, Path], cli: Cli
) -> None:
    tiny, out = run
    precious = out.parent / "precious.txt"
    precious.write_text("precious", encoding="utf-8")
    name = form.format(absolute=precious)

    def add(document: dict[str, object]) -> None:
        if field == "files":
            files = document["files"]
            assert isinstance(files, dict)
            files[name] = "0" * 64
        else:
            document["stale"] = [name]

    edit_manifest(out, add)
    before = sorted(path.relative_to(out) for path in out.rglob("*"))
    outcome = cli(*commands(tiny.folder, out)[verb])
    assert outcome.status == 3
    assert "manifest.json" in outcome.error()
    assert precious.read_text(encoding="utf-8") == "precious"
    assert sorted(path.relative_to(out) for path in out.rglob("*")) == before


@pytest.mark.parametrize("verb", ["run", "report", "figures"])
@pytest.mark.parametrize("link", ["tables", "report.html", "figures"])
def test_a_link_in_the_folder_is_never_written_or_removed_through(
    verb: str, link: str, run: tuple[Tiny, Path], cli: Cli
) -> None:
    tiny, out = run
    target = out.parent / "elsewhere"
    if link == "report.html":
        target.write_text("precious", encoding="utf-8")
        (out / link).unlink()
    else:
        shutil.rmtree(out / link, ignore_errors=True)
        target.mkdir()
        (target / "retrieval.md").write_text("precious", encoding="utf-8")
        (target / "stray.svg").write_text("precious", encoding="utf-8")
    (out / link).symlink_to(target)
    outcome = cli(*commands(tiny.folder, out)[verb])
    assert outcome.status == 3
    assert f"{out / link}: a link where a" in outcome.err
    left = [target] if target.is_file() else sorted(target.iterdir())
    assert [path.read_text(encoding="utf-8") for path in left] == ["precious"] * len(left)
    assert len(left) == (1 if link == "report.html" else 2)


@pytest.mark.parametrize("key", ["distinct", "labels", "coverage_line", "signature"])
def test_a_manifest_that_was_edited_is_named(key: str, run: tuple[Tiny, Path], cli: Cli) -> None:
    _, out = run
    path = out / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document[key] = {"lead": 0.5} if key != "coverage_line" else "all is well"
    path.write_text(json.dumps(document), encoding="utf-8")
    outcome = cli("table", out)
    assert outcome.status == 3
    assert "manifest.json" in outcome.error()


OTHER_CONTENT: dict[str, tuple[str, str, bytes, bytes]] = {
    "a run with a short line": ("explain", "runs/lead.bm25.trec", b" 1 ", b" "),
    "a run with a rank that is none": ("explain", "runs/lead.bm25.trec", b" 1 ", b" x "),
    "references without ids": ("explain", "references.jsonl", b"video_id", b"video"),
    "a reference that is no text": ("explain", "references.jsonl", b'["', b'[3,"'),
    "qrels that are not UTF-8": ("check", "qrels.trec", b"q1 0", b"q1\xed 0"),
    "scores without a metric": ("compare", "per_query/lead.bm25.csv", b"R@10", b"R@11"),
}
"""A verb, the file it reads, and what is replaced in it by what no bench command writes."""


@pytest.mark.parametrize("case", OTHER_CONTENT)
def test_content_that_no_command_writes_is_named_under_a_valid_digest(
    case: str, run: tuple[Tiny, Path], cli: Cli
) -> None:
    tiny, out = run
    verb, name, old, new = OTHER_CONTENT[case]
    data = (out / name).read_bytes()
    assert old in data
    (out / name).write_bytes(data.replace(old, new))
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    write_document(out, {**document, "files": {**document["files"], name: file_digest(out / name)}})
    more = (out,) if verb == "compare" else ()
    outcome = cli(*commands(tiny.folder, out)[verb], *more)
    assert outcome.status == 3
    assert name in outcome.error()


def test_a_device_or_a_pipe_is_not_replaced(run: tuple[Tiny, Path], cli: Cli) -> None:
    _, out = run
    pipe = out.parent / "pipe"
    os.mkfifo(pipe)
    outcome = cli("report", out, "--to", pipe)
    assert outcome.status in (2, 3)
    assert pipe.is_fifo()


def test_two_runs_with_one_folder_wait_for_one_another(finished: tuple[Tiny, Path], tmp_path: Path) -> None:
    tiny, _ = finished
    out = tmp_path / "shared"
    arguments = [sys.executable, "-m", "bench", "run", "--data", str(tiny.folder), *RUN, "--out", str(out)]
    environment = child_environment(BENCH_STORE=str(tmp_path / "store"))
    both = []
    for rows in ("lead", "transcript"):
        command = [rows if argument == "lead" else argument for argument in arguments]
        both.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
        time.sleep(0.2)
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert not any("modified" in error or "changed" in error for error in errors), errors
    table = subprocess.run(
        [sys.executable, "-m", "bench", "table", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert table.returncode == 0, table.stderr
