"""A launcher of several processes: they train together, and one of them runs everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Cli
from tests.tiny import Tiny

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node")
Process = Callable[..., CompletedProcess[str]]


def one_row(tiny: Tiny, out: Path) -> tuple[object, ...]:
    options = ("train.epochs=2", "train.batch_size=3", "seq2seq.dropout=0", "bm25.engine=bm25s")
    names = ("--data", tiny.folder, "--generators", "seq2seq", "--retrievers", "bm25", "--out", out)
    return ("run", *names, "--store", f"{out}-store", *(word for one in options for word in ("--set", one)))


def trained(out: Path) -> tuple[list[dict[str, float]], dict[str, bytes]]:
    """Read the log and all files of the one model that a run trained."""
    (folder,) = Path(f"{out}-store", "models").iterdir()
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "artefact.json"}
    return [json.loads(line) for line in files["training.jsonl"].splitlines()], files


def test_torchrun_trains_with_two_processes_as_one_does_and_with_one_to_the_same_bytes(
    tiny: Tiny, tmp_path: Path, process: Process
) -> None:
    outcomes = {
        name: process(*launch, "-m", "bench", *one_row(tiny, tmp_path / name))
        for name, launch in {"alone": (), "one": (*LAUNCH, "1"), "two": (*LAUNCH, "2")}.items()
    }
    assert [outcome.returncode for outcome in outcomes.values()] == [0, 0, 0], outcomes
    alone, two = trained(tmp_path / "alone"), trained(tmp_path / "two")
    assert trained(tmp_path / "one") == alone
    for entry, other in zip(alone[0], two[0], strict=True):
        assert other == pytest.approx(entry, abs=1e-4)
    assert b"processes" in two[1]["README.md"]
    assert outcomes["two"].stdout.count("Generation on tiny") == 1, "one process prints the tables"
    assert "| processes: 2 |" in outcomes["two"].stdout
    assert "processes" not in outcomes["one"].stdout


def test_processes_that_do_not_know_each_other_are_a_usage_error(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "16")
    outcome = cli(*one_row(tiny, tmp_path / "out"))
    assert outcome.status == 2
    assert "WORLD_SIZE=16" in outcome.error()
    assert "torchrun --nproc-per-node 16 -m bench run" in outcome.error()


def test_ray_cannot_use_several_processes(
    tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    outcome = cli(*one_row(tiny, tmp_path / "out"), "--engine", "ray")
    assert outcome.status == 2
    assert "--engine ray cannot use" in outcome.error()


@pytest.mark.parametrize("count", ["1", "", "many"])
def test_one_process_is_not_refused(
    count: str, tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", count)
    given = ("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25", "--out")
    assert cli(*given, tmp_path / "out").status == 0


@pytest.mark.parametrize("name", ["generators", "retrievers"])
def test_a_folder_of_the_user_hides_no_package(
    name: str, tmp_path: Path, process: Callable[..., CompletedProcess[str]]
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    outcome = process("-m", "bench", "list", "generators", cwd=tmp_path)
    assert outcome.returncode == 0
    assert f"the folder '{name}' here has the name of a package of bench" in outcome.stderr
    assert "does not load" not in outcome.stdout
