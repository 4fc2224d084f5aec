"""Fixtures of all tests: a small dataset, a separate store, the command line in this process."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

import bench
from bench.cli.main import main
from bench.systems.arithmetic import configure_torch
from tests.competing_run import CompetingRun
from tests.no_network import refused_network
from tests.tiny import Tiny, write_tiny

configure_torch()  # before a file of tests imports torch in this process
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each command that is started compiles the project anew
ROOT = Path(bench.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    def error(self) -> str:
        """Return the error, after checking its style: one paragraph for a person, no traceback."""
        assert "Traceback" not in self.err
        assert "\n\n" not in self.err
        errors = [line for line in self.err.splitlines() if line.startswith("bench: error: ")]
        assert len(errors) == 1, self.err
        return errors[0].removeprefix("bench: error: ")


class Cli(Protocol):
    def __call__(self, *arguments: object) -> Outcome: ...


@pytest.fixture(autouse=True)
def _separate_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the user's cache and from the other tests' artefacts."""
    monkeypatch.setenv("BENCH_STORE", str(tmp_path_factory.mktemp("store")))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that contacts a network from this process; the loopback is none."""
    with refused_network(monkeypatch) as contacted:
        yield
    assert not contacted, f"this test contacts a network: {contacted}"


@pytest.fixture
def cli() -> Cli:
    """Return a function that runs a command line in this process."""

    def run(*arguments: object) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
        return Outcome(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs Python in a process of its own, with this project importable."""

    def run(
        *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=child_environment(**(env or {})),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment, with this project first on the path of the child."""
    path = os.pathsep.join([str(ROOT), *filter(None, [more.pop("PYTHONPATH", os.environ.get("PYTHONPATH"))])])
    return {**os.environ, "PYTHONPATH": path, **more}


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """Return a fresh copy of the small dataset."""
    return write_tiny(tmp_path / "tiny")


@pytest.fixture(scope="session")
def competing_run(tmp_path_factory: pytest.TempPathFactory) -> CompetingRun:
    """Return a finished run in which rows compete, that nobody may change."""
    return CompetingRun.create_in(tmp_path_factory.mktemp("competing"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of the real datasets; they are not part of the project."""
    folder = Path(os.environ.get("QMS_BENCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real datasets are not at {folder}; name their folder in QMS_BENCH_DATA")
    return folder
