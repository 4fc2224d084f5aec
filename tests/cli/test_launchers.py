"""A launcher of several processes: they train together, and one of them runs everything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Cli
from tests.tiny import Tiny


def one_row(tiny: Tiny, out: Path) -> tuple[object, ...]:
    return ("run", "--data", tiny.folder, "--generators", "seq2seq", "--retrievers", "bm25", "--out", out)


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
