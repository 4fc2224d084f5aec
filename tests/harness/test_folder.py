"""The output folder: what stays, what goes, whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.harness.commands import command, tree
from tests.tiny import Tiny


def test_other_generators_in_the_same_folder_leave_nothing_stale(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    cli(*command(tiny, out, "lead,oracle"))
    cli(*command(tiny, out, "transcript"))
    assert {path.stem for path in (out / "summaries").iterdir()} == {"transcript"}
    assert not [name for name in tree(out) if "lead" in name or "oracle" in name]
    cli(*command(tiny, out, "lead", "--seed", "0,1"))
    assert not (out / "summaries").exists()
    assert {path.name for path in out.glob("seed-*")} == {"seed-0", "seed-1"}
    cli(*command(tiny, out, "lead"))
    assert not list(out.glob("seed-*"))
    assert {path.stem for path in (out / "summaries").iterdir()} == {"lead"}


def test_a_changed_file_is_told_and_restored(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    cli(*command(tiny, out, "lead"))
    whole = (out / "scores.csv").read_text()
    (out / "scores.csv").write_text(whole.replace("lead,bm25,R@1,0.3", "lead,bm25,R@1,0.9"))
    outcome = cli("table", out)
    assert outcome.status == 3
    assert "scores.csv" in outcome.error()
    summary = (out / "summaries" / "lead.jsonl").read_text()
    (out / "summaries" / "lead.jsonl").write_text(summary[: len(summary) // 2])
    again = cli(*command(tiny, out, "lead"))
    assert again.status == 0
    for name in ("scores.csv", "lead.jsonl"):
        assert again.err.count(f"{name} was modified after the run") == 1
    assert again.err.count("was modified") == 2
    assert (out / "scores.csv").read_text() == whole
    assert (out / "summaries" / "lead.jsonl").read_text() == summary
    assert "was modified" not in cli(*command(tiny, out, "lead")).err
    (out / "manifest.json").write_text("{")
    assert cli("table", out).status == 3
    assert cli(*command(tiny, out, "lead")).status == 0
    assert cli("table", out).status == 0


def test_the_default_folder_is_named_by_dataset_and_signature(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = command(tiny, tmp_path, "lead")
    del arguments[arguments.index("--out") : arguments.index("--out") + 2]
    assert cli(*arguments).status == 0
    assert cli(*arguments, "--protocol", "all-queries").status == 0
    names = [path.name for path in (tmp_path / "results" / "runs").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("tiny-") for name in names)


@pytest.mark.parametrize("seeds", ["0", "0,1"])
@pytest.mark.parametrize("name", ["thesis.tex", "manifest.json"])
def test_a_foreign_folder_is_refused_and_left_alone(
    tiny: Tiny, tmp_path: Path, cli: Cli, seeds: str, name: str
) -> None:
    out = tmp_path / "theirs"
    out.mkdir()
    (out / name).write_text('{"files": {"thesis.pdf": ""}}')
    (out / "thesis.pdf").write_text("years of work")
    before = tree(out)
    outcome = cli(*command(tiny, out, "lead", "--seed", seeds))
    assert outcome.status == 2
    assert "name an empty or new folder" in outcome.error()
    assert tree(out) == before


def test_a_file_where_the_folder_should_be_is_wrong_use(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        outcome = cli(*command(tiny, out, "lead"))
        assert outcome.status == 2
        assert "--out" in outcome.error()


def test_temporary_files_of_somebody_else_stay(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    assert cli(*command(tiny, out, "lead")).status == 0
    (out / "figures").mkdir()
    theirs = [out / "figures" / ".x.tmp", out / "tables" / ".notes.md.tmp"]
    for path in theirs:
        path.write_text("theirs")
    (out / "runs" / ".folder.trec.abcd1234.tmp").mkdir()
    leftover = out / "runs" / ".lead.bm25.trec.abcd1234.tmp"
    leftover.write_text("half")
    assert cli(*command(tiny, out, "lead")).status == 0
    assert all(path.read_text() == "theirs" for path in theirs)
    assert (out / "runs" / ".folder.trec.abcd1234.tmp").is_dir()
    assert not leftover.exists()


def test_a_seed_folder_that_is_a_link_is_refused_and_not_followed(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out, target = tmp_path / "out", tmp_path / "target"
    assert cli(*command(tiny, target, "lead")).status == 0
    assert cli(*command(tiny, out, "lead")).status == 0
    before = tree(target)
    (out / "seed-3").symlink_to(target)
    assert cli(*command(tiny, out, "lead")).status == 0  # no seed of this run: left alone
    assert tree(target) == before
    refused = cli(*command(tiny, out, "lead", "--seed", "2,3"))
    assert refused.status == 3
    assert "seed-3: a link" in refused.error()
    assert tree(target) == before


def test_files_that_somebody_added_or_changed_are_not_removed(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    assert cli(*command(tiny, out, "lead,oracle", "--seed", "0,1")).status == 0
    (out / "seed-1" / "notes.txt").write_text("mine")
    assert cli(*command(tiny, out, "lead")).status == 0
    assert [path.name for path in (out / "seed-1").iterdir()] == ["notes.txt"]
    assert not (out / "seed-0").exists()
    assert cli(*command(tiny, out, "lead,oracle")).status == 0
    (out / "summaries" / "oracle.jsonl").write_text("changed by hand")
    again = cli(*command(tiny, out, "lead"))
    assert again.status == 0
    assert "oracle.jsonl was modified" in again.err
    assert (out / "summaries" / "oracle.jsonl").read_text() == "changed by hand"
