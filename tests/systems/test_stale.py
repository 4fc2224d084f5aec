"""No result is reused whose making may have changed: plug-ins that read files, new versions, ``--fresh``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.harness.stages import search
from bench.output.trec import read_qrels, read_run
from tests.conftest import Cli, child_environment
from tests.harness.commands import command
from tests.tiny import Tiny

RETRIEVER = """
from pathlib import Path
import numpy as np
from bench.types import Run

class Weighted:
    label = "Weighted"

    def __init__(self):
        self.weight = float(Path(r"{data}").read_text())

    def index(self, summaries):
        self.ids = tuple(summaries)

    def search(self, queries, k):
        scores = self.weight * np.arange(len(self.ids), dtype=np.float32)
        return Run.from_arrays(
            tuple(queries), self.ids, np.tile(np.arange(len(self.ids)), (len(queries), 1)),
            np.tile(scores, (len(queries), 1)), k,
        )
"""
IDENTITY = """
    def identity(self):
        return {{"weight": self.weight}}
"""


def install(site: Path, data: Path, *, identity: bool = False, version: str = "1.0") -> None:
    """Install a plug-in that reads a data file."""
    site.mkdir(exist_ok=True)
    (site / "weighted.py").write_text((RETRIEVER + (IDENTITY if identity else "")).format(data=data))
    about = site / "weighted.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: weighted\nVersion: {version}\n")
    (about / "entry_points.txt").write_text("[bench.retrievers]\nweighted = weighted:Weighted\n")


def run(tiny: Tiny, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [
        "run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "weighted",
        "--out", folder / "out", "--store", folder / "store", *more,
    ]  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, words)],
        env=child_environment(PYTHONPATH=str(folder / "site")), capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_a_plug_in_that_reads_a_file_gives_no_old_table(tiny: Tiny, tmp_path: Path) -> None:
    data = tmp_path / "weight.txt"
    install(tmp_path / "site", data)
    data.write_text("1")
    first = run(tiny, tmp_path)
    data.write_text("-1")
    second = run(tiny, tmp_path)
    assert "Weighted has no identity()" in first.stderr
    assert "weighted: done" in second.stderr
    assert first.stdout != second.stdout


def test_a_plug_in_with_an_identity_is_reused_until_it_changes(tiny: Tiny, tmp_path: Path) -> None:
    data = tmp_path / "weight.txt"
    install(tmp_path / "site", data, identity=True)
    data.write_text("1")
    first, again = run(tiny, tmp_path), run(tiny, tmp_path)
    assert "identity" not in first.stderr
    assert "weighted: reused" in again.stderr
    data.write_text("-1")
    assert "weighted: done" in run(tiny, tmp_path).stderr


def test_an_audit_finds_what_an_identity_left_out(tiny: Tiny, tmp_path: Path) -> None:
    data = tmp_path / "weight.txt"
    install(tmp_path / "site", data, identity=True)
    plug_in = tmp_path / "site" / "weighted.py"
    plug_in.write_text(plug_in.read_text().replace('"weight": self.weight', ""))
    data.write_text("1")
    run(tiny, tmp_path)
    run(tiny, tmp_path, "--audit-cache")
    data.write_text("-1")
    with pytest.raises(subprocess.CalledProcessError) as audited:
        run(tiny, tmp_path, "--audit-cache")
    assert "searching again gives another run than the one in the store" in audited.value.stderr


def test_a_new_version_of_a_plug_in_is_another_system(tiny: Tiny, tmp_path: Path) -> None:
    data = tmp_path / "weight.txt"
    data.write_text("1")
    install(tmp_path / "site", data, identity=True)
    run(tiny, tmp_path)
    install(tmp_path / "site", data, identity=True, version="1.1")
    assert "weighted: done" in run(tiny, tmp_path).stderr


@pytest.mark.parametrize(("fresh", "again"), [("lead", "summaries"), ("bm25", "bm25"), ("all", "bm25")])
def test_what_is_asked_to_be_fresh_is_made_again(
    fresh: str, again: str, tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    cli(*command(tiny, tmp_path / "out", "lead"))
    done = cli(*command(tiny, tmp_path / "out", "lead"), "--fresh", fresh)
    assert f"lead {again}: done" in done.err
    assert ("reused" in done.err) is (fresh != "all")


def test_the_file_of_a_ranking_has_the_ids_of_this_data(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny.folder, data)
    words = [
        "run", "--data", data, "--generators", "transcript", "--retrievers", "bm25",
        "--protocol", "all-queries", "--store", tmp_path / "store", "--out", tmp_path / "out",
    ]  # fmt: skip
    cli(*words)
    # the same texts in the same order, and so the same arrays, with q2 and q3 exchanged
    for name in ("queries.jsonl", "qrels.tsv"):
        text = (data / name).read_text(encoding="utf-8")
        swapped = re.sub(r"\bq([23])\b", lambda match: f"q{5 - int(match[1])}", text)
        (data / name).write_text(swapped, encoding="utf-8")
    done = cli(*words)
    assert done.status == 0, done.err
    run, truth = read_run(tmp_path / "out/runs/transcript.bm25.trec"), read_qrels(tmp_path / "out/qrels.trec")
    assert set(run.hits["q3"]) >= set(truth["q3"]) == {"v100", "v3"}


def test_a_run_is_searched_again_by_other_code(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(*command(tiny, tmp_path / "out", "lead"))
    monkeypatch.setattr(search, "code_digest", lambda name: f"another {name}")
    assert "lead bm25: done" in cli(*command(tiny, tmp_path / "out", "lead")).err


def test_a_fresh_system_must_be_one_of_the_run(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    done = cli(*command(tiny, tmp_path / "out", "lead"), "--fresh", "laed")
    assert done.status == 2
    assert "Did you mean lead?" in done.error()
