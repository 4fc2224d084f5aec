"""A launcher of several processes is refused at once: their runs would wait for each other for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Cli
from tests.tiny import Tiny

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node")


def one_row(tiny: Tiny, out: Path) -> tuple[object, ...]:
    return ("run", "--data", tiny.folder, "--generators", "seq2seq", "--retrievers", "bm25", "--out", out)


def test_torchrun_with_two_processes_is_refused_and_does_not_hang(
    tiny: Tiny, tmp_path: Path, process: Callable[..., CompletedProcess[str]]
) -> None:
    outcome = process(*LAUNCH, "2", "-m", "bench", *one_row(tiny, tmp_path / "out"))
    assert outcome.returncode != 0
    assert (
        "bench: error: a run is one process, but a launcher such as torchrun started 2 of it"
        in outcome.stderr
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("count", ["2", "16"])
def test_several_processes_are_wrong_use_with_what_to_do(
    count: str, tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", count)
    outcome = cli(*one_row(tiny, tmp_path / "out"))
    assert outcome.status == 2
    assert f"WORLD_SIZE={count}" in outcome.error()
    assert "--device cuda:N" in outcome.error()


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
